"""The synthetic wardrobe: rendered people in procedural clothes, with exact labels, body maps and ground truth."""

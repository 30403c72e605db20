"""How generators are trained from single images, and the synthetic wardrobe they are trained on."""

"""From a photograph to who is in it, their labels and their body map."""

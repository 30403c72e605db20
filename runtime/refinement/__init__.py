"""Appearance refinement: online optimisation of the appearance generator on one request (O-VITON, section 3.4)."""

"""What people wear, one module a place on the body. A garment is a function of a seed, a fabric and a figure."""

"""Body point to body point: what a garment's photograph tells of each pixel of the person."""

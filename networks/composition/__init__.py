"""What becomes of the networks' drawings: merged labels, and a picture that keeps what the outfit leaves alone."""

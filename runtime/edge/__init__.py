"""Packing a bundle with its runtime for a device that has neither Triton nor PyTorch."""

"""Checkpoint to bundle: `.pt2` programs, ONNX graphs, one set of weights, a manifest, and gates that they agree."""

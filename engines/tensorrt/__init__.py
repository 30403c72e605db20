"""TensorRT and TensorRT-RTX: one builder, one engine; `flavour` holds what differs between the two."""

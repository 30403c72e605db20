"""Models that users bring as ONNX files: how each family is fed and read. `table` lists them."""

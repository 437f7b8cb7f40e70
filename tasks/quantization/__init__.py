"""Tasks of the quantization group."""

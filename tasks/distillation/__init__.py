"""Tasks of the distillation group."""

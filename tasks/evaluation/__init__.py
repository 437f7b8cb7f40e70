"""Tasks of the evaluation group."""

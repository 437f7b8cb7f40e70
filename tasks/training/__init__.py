"""Tasks of the training group."""

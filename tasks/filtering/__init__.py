"""Tasks of the filtering group."""

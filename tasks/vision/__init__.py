"""Tasks of the vision group."""

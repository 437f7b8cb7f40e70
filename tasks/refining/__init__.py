"""Tasks of the refining group."""

"""Tasks of the captioning group."""

"""Tasks of the release group."""

"""Tasks of the pose group."""

"""One scorer a file: what it measures on the frames of a stored clip."""

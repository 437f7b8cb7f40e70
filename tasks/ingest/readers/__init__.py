"""One reader a source format: what a folder lists, and the cameras and depth beside each input."""

"""Groups of torchrun ranks that stay warm from stage to stage of a run."""

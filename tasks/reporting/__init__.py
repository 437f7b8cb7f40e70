"""The run report: one self-contained page over the artifacts of a run (not a stage)."""

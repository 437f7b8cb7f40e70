"""Layers of the backbone that do not mix time by attention."""

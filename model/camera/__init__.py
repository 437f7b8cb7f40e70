"""Cameras as the backbone sees them: rays, ray frames, packed raymaps, and actions turned into paths."""

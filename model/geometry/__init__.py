"""Cameras as numbers: rigid motions, pinhole intrinsics, alignment of paths and the pose metrics, in numpy float64.

Frames of reference: OpenCV axes (x right, y down, z forward), metres; ``a_from_b`` maps coordinates of b into a.
"""

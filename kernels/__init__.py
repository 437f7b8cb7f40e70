"""Tensors in, tensors out: the project's kernels, each with a reference that is its specification."""

"""The KServe shell over the model."""

"""Tasks of the latents group."""

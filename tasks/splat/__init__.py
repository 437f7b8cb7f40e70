"""Tasks of the splat group."""

"""The second-stage refiner (App. A of the paper): truncated-sigma flow matching on an LTX-2 video transformer."""

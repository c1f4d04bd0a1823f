"""Questions that take more than one evaluation of the images."""

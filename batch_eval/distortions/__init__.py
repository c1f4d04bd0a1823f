"""What a camera and a hand do to a photo, each distortion at levels with a unit; and MNIST-C."""

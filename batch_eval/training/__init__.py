"""Train the default model and the classic MNIST networks, and draw digits for it."""

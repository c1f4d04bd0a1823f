"""Train the default model and the classic MNIST networks."""

"""Training the ink network: scenes with known ink, the network, the training itself."""

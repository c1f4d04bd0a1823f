"""Training the ink network: drawn scenes whose ink is known, the network, and its course of training."""

"""A saved model file becomes a Classifier."""

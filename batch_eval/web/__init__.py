"""The local page: draw, upload or photograph a digit, see how a model reads it, and collect a labelled set."""

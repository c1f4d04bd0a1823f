"""Parts: a set evaluated in pieces, on any number of machines, and merged exactly."""

"""One module a format, all with the same protocol."""

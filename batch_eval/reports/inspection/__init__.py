"""A model from inside as text, JSON, HTML and pictures."""

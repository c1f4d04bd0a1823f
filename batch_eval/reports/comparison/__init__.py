"""A comparison of evaluations as text, JSON, Markdown and HTML."""

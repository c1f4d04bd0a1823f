"""A stress test as text, CSV, JSON, Markdown and HTML."""

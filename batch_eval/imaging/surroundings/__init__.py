"""What surrounds a digit: one module a question, each with the row of pictures that it carries."""

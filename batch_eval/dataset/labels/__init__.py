"""From a set's files and names to labels: every candidate is read, and one is chosen by evidence."""

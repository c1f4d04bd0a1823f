"""A ranking of models as text, CSV, JSON, Markdown and HTML: the leaderboard."""

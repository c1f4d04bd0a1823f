"""Training the score network: how much what was found looks like one digit."""

"""The commands of ``batch-eval``, one module each; no logic lives here."""

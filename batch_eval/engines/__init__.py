"""Run imaging and a model over many samples."""

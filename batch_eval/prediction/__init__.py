"""Single images, tried by hand: what the model saw of each, and how it reads it."""

from batch_eval.prediction.reading import STDIN, Guess, Prediction, Reader, Reading

__all__ = ["STDIN", "Guess", "Prediction", "Reader", "Reading"]

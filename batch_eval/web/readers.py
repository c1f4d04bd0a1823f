"""The opened models that the page offers, each with every recipe."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from batch_eval.api import recipe_for
from batch_eval.engines.reader import Reader
from batch_eval.errors import ConfigError
from batch_eval.models import DEFAULT_MODEL, Classifier, ModelOptions, open_model


class Readers:
    """Models by their number on the page. ``names`` are file names, or paths where file names are equal."""

    def __init__(self, models: Sequence[tuple[Path, Classifier]]) -> None:
        self._classifiers = [classifier for _, classifier in models]
        files = [path.name for path, _ in models]
        self.names = tuple(path.name if files.count(path.name) == 1 else str(path) for path, _ in models)

    @property
    def labels(self) -> tuple[str, ...]:
        """The class names of all models, each once."""
        return tuple(dict.fromkeys(name for classifier in self._classifiers for name in classifier.class_names))

    def get(self, model: int, preprocess: str) -> Reader:
        """Return the reader for a model's number and a recipe's name. Raises ConfigError if one is unknown."""
        if not 0 <= model < len(self._classifiers):
            raise ConfigError(f"unknown model number {model}. Must be 0 to {len(self._classifiers) - 1}.")
        classifier = self._classifiers[model]
        return Reader(classifier, recipe_for(classifier, preprocess))


def open_readers(models: Sequence[ModelOptions]) -> Readers:
    """Open the models, then the default model."""
    # One thread per model: requests already run in as many threads as there are cores.
    opened = [(model.path or DEFAULT_MODEL, open_model(model, threads=1)) for model in models]
    return Readers([*opened, (DEFAULT_MODEL, open_model(threads=1))])

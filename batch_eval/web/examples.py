"""Random images of a labelled folder, to try a model on."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from batch_eval.dataset import load_dataset
from batch_eval.errors import ConfigError
from batch_eval.imaging.files import encode


class Examples:
    """The images of a labelled folder. Clients name them by number, never by path."""

    def __init__(self, folder: Path) -> None:
        self._dataset = load_dataset(folder).labelled()

    def choose(self) -> dict[str, Any]:
        """Return number, name and label of a random image."""
        number = secrets.randbelow(len(self._dataset.samples))
        sample = self._dataset.samples[number]
        return {"number": number, "name": sample.id, "truth": sample.truth}

    def read(self, number: int) -> bytes:
        """Return the bytes of an image. Raises ConfigError for an unknown number."""
        if number >= len(self._dataset.samples):
            raise ConfigError(f"unknown image number {number}. Must be below {len(self._dataset.samples)}.")
        content = self._dataset.read(self._dataset.samples[number])
        return content if isinstance(content, bytes) else encode(content)

"""A model file in memory.

It is read once: every check and every runtime sees the same bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from batch_eval.errors import ModelError
from batch_eval.models.budget import DEFAULT_LIMITS, Limits, too_large


@dataclass(frozen=True)
class ModelFile:
    """The bytes of a file."""

    path: Path
    """Where it was, for messages."""
    data: bytes
    limits: Limits

    @classmethod
    def read(cls, path: Path, limits: Limits = DEFAULT_LIMITS) -> ModelFile:
        """Read a file.

        Raises:
            ModelError: It cannot be read, is not a file, is empty, or larger than the limit of memory.

        """
        try:
            if not path.is_file():  # a pipe or a device could be endless
                raise ModelError(f"{path} is not a file. Expected a saved model.")
            with path.open("rb") as stream:
                data = stream.read(limits.memory + 1)
        except OSError as error:
            raise ModelError(f"{path} cannot be read: {error.strerror or error}.") from error
        if not data:
            raise ModelError(f"{path} is empty. Copy or save the model again.")
        if len(data) > limits.memory:
            raise ModelError(f"{path}: {too_large(path.stat().st_size, limits)}")
        return cls(path, data, limits)

    @cached_property
    def sha256(self) -> str:
        """Hash of the file."""
        return hashlib.sha256(self.data).hexdigest()

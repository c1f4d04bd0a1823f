"""Keras, imported when a test first uses it: it takes seconds, and some machines have no TensorFlow."""

from typing import Any

import pytest


class _Late:
    """A module that is imported when a name in it is first used. A test skips where the module is missing."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # pytest looks for marks of its own when it collects
            raise AttributeError(name)
        return getattr(pytest.importorskip(self._module), name)


keras, kl = _Late("keras"), _Late("keras.layers")

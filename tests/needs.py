"""What some tests need and some machines lack."""

from importlib.util import find_spec

import pytest

TENSORFLOW = pytest.mark.skipif(find_spec("tensorflow") is None, reason="needs TensorFlow")

"""What tests share: where the real data is."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("BATCH_EVAL_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real digits, MNIST and reference models; tests that need it skip where it is absent."""
    if not (DATA / "README.md").is_file():
        pytest.skip(f"needs the measuring data: {DATA} is absent (set BATCH_EVAL_DATA)")
    return DATA

"""What tests share: where the real data is, and the golden files that outputs are compared with."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings
from needs import skip_without_tensorflow

# a busy machine is no failure: no test asserts a duration; and CI tries the same examples for the same code
settings.register_profile("batch_eval", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("batch_eval")

# a runner in the background ignores Ctrl-C, and the programs that tests start and interrupt would inherit that
signal.signal(signal.SIGINT, signal.default_int_handler)

DATA = Path(os.environ.get("BATCH_EVAL_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
GOLD = Path(__file__).with_name("gold")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-gold", action="store_true", help="write today's outputs to tests/gold")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    skip_without_tensorflow(items)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real digits, MNIST and reference models; tests that need it skip where it is absent."""
    if not (DATA / "README.md").is_file():
        pytest.skip(f"needs the measuring data: {DATA} is absent (set BATCH_EVAL_DATA)")
    return DATA


@pytest.fixture(scope="module")
def browser():
    """A browser that the tests of a file share."""
    from browser_tabs import launched

    with launched() as chromium:
        yield chromium


@pytest.fixture
def gold(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str, bytes], None]:
    """Compare an output with ``tests/gold/NAME``; on a difference the actual output stays in the test's folder."""

    def compare(name: str, actual: bytes) -> None:
        file = GOLD / name
        if request.config.getoption("--update-gold"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(actual)
        kept = tmp_path / file.name
        kept.write_bytes(actual)
        expected = file.read_bytes() if file.exists() else b""

        assert expected == actual, f"{kept} differs from {file}; if it is right, run pytest --update-gold"

    return compare

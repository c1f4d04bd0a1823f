"""The targets that are fuzzed take damaged inputs, and raise only what they document."""

import sys
from pathlib import Path
from random import Random

import pytest
from mutants import mutated

sys.path.append(str(Path(__file__).parent / "fuzz"))

from targets import TARGETS

MUTANTS = 150
"""For each target; the scheduled workflow tries many more, and follows the branches that they reach."""


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_and_mutants_raise_only_what_is_documented(name: str) -> None:
    target, random = TARGETS[name], Random(0)
    seeds = list(target.seeds())

    for seed in seeds:
        target(seed)
    for _ in range(MUTANTS):
        target(mutated(random.choice(seeds), random))


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_at_all_is_an_input_too(name: str) -> None:
    for data in (b"", b"\0", bytes(64)):
        TARGETS[name](data)


@pytest.mark.parametrize(
    "header", [b"{\0", b"{'descr': (", b"{'descr': '<f8', 'fortran_order': False, 'shape': (10**15,)}"]
)
def test_a_header_of_numpy_that_is_damaged_is_a_label_files_error(header: bytes) -> None:
    """Fuzzing found SyntaxError and TokenError."""
    from targets import label_error

    data = b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header

    assert "cannot be read" in label_error("labels.npy", data)

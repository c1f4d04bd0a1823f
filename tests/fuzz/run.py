"""Fuzz one target with Atheris, which follows the branches that an input takes.

Run as `python tests/fuzz/run.py TARGET FOLDER [OPTIONS]`. FOLDER keeps the inputs that were found to reach new code.
OPTIONS are libFuzzer's, such as `-max_total_time=60`. A finding is written to a file `crash-…` in FOLDER; run the
target on it with `python tests/fuzz/run.py TARGET FILE`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

LIMITS = ("-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1", "-max_len=65536")
"""An input may take ten seconds, and the process two gigabytes."""


def main() -> None:
    """Fuzz the target that the first argument names."""
    here = Path(__file__).parent
    sys.path[:0] = [str(here), str(here.parents[1]), str(here.parents[1] / "benchmarks")]
    with atheris.instrument_imports(include=["batch_eval"]):
        from targets import TARGETS
    name, place, *options = sys.argv[1:]
    target, folder = TARGETS[name], Path(place)
    if folder.is_file():
        target(folder.read_bytes())
        return
    folder.mkdir(parents=True, exist_ok=True)
    for i, seed in enumerate(target.seeds()):
        (folder / f"seed-{i}").write_bytes(seed)
    words = folder.with_suffix(".dict")
    words.write_text("# words of the format\n" + "".join(map(_entry, target.tokens)))
    arguments = [
        *([f"-dict={words}"] if target.tokens else []),
        f"-artifact_prefix={folder}/",
        *LIMITS,
        *options,
        str(folder),
    ]
    atheris.Setup([sys.argv[0], *arguments], target)
    atheris.Fuzz()


def _entry(token: bytes) -> str:
    """Return a line of a dictionary of libFuzzer."""
    spelt = "".join(f"\\x{byte:02x}" for byte in token)
    return f'"{spelt}"\n'


if __name__ == "__main__":
    main()

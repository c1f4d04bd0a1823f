"""What the program says of each hostile file of a folder, as a table."""

from __future__ import annotations

import csv
import gzip
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from commands import Done, command
from rows import CHARACTERS, CONTROL, MEGABYTES, SAMPLES, SECONDS, Row, Settings

KINDS = ("images", "labels", "saved", "models")
"""Folders of the files, by what the program takes them for."""
FORMATS = ("text", "csv", "json", "html", "markdown", "junit", "github", "sarif")
"""Reports that a saved evaluation is asked for."""


@dataclass(frozen=True)
class _Answer:
    """What came of a file: the command, and its message or the reason of the image."""

    done: Done
    message: str

    def failures(self, name: str) -> Iterator[str]:
        """Yield the ways in which the command failed."""
        done = self.done
        if done.code < 0:
            yield "signal"
        elif done.code not in (0, 2):
            yield "uncaught"
        if done.seconds > SECONDS:
            yield "hang"
        if done.megabytes > MEGABYTES:
            yield "memory"
        if done.code == 2 and name not in re.sub(r"\s+", "", done.said):
            yield "unnamed"
        if CONTROL.search(done.said) or len(done.said) > CHARACTERS:
            yield "message"


def messages(settings: Settings) -> Row:
    """Print a table of the message that each file of a folder gets.

    The folder holds ``images/``, ``labels/``, ``saved/`` and ``models/``, any of which may be missing.
    """
    if settings.files is None:
        return Row("files of a folder", 0, Counter(), "", value="give --files FOLDER")
    failures: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    print("| file | exit code | CPU s | MB | message |\n|---|---:|---:|---:|---|")
    for kind in KINDS:
        for file in sorted((settings.files / kind).glob("*")):
            with tempfile.TemporaryDirectory() as folder:
                answer = _answer(kind, file, Path(folder))
            done = answer.done
            failures.update(answer.failures(file.name))
            outcomes[f"exit code {done.code}"] += 1
            text = answer.message.replace("|", "\\|")
            print(
                f"| {kind}/{file.name} | {done.code} | {done.seconds:.1f} | {done.megabytes:.0f} | {text} |", flush=True
            )
    print()
    row = "benchmarks/hostile.py messages --files FOLDER"
    return Row("files of a folder", outcomes.total(), failures, row, outcomes)


def _answer(kind: str, source: Path, folder: Path) -> _Answer:
    """Hand a file to the command that reads its kind, in a folder where only it lies."""
    here = folder / "here"
    here.mkdir()
    data = source.read_bytes()
    file = here / source.name.removesuffix(".gz")
    file.write_bytes(gzip.decompress(data) if source.suffix == ".gz" else data)
    options = ["--quiet", "--jobs", "1", "--format", "csv", "--out", "../out"]
    if kind == "images":
        digits = here / "set" / "7"
        digits.mkdir(parents=True)
        file.rename(digits / file.name)
        shutil.copy(next(SAMPLES.glob("*.png")), digits / "good.png")
        done = command(["run", "set", *options], here)
        return _Answer(done, _reason(folder / "out" / "predictions.csv", f"7/{file.name}") or _said(done))
    if kind == "labels":
        done = command(["run", str(SAMPLES), "--labels", file.name, *options], here)
    elif kind == "saved":
        formats = [word for name in FORMATS for word in ("--format", name)]
        done = command(["report", file.name, "--quiet", "--out", "../out", *formats], here)
    else:
        done = command(["run", str(SAMPLES), "--model", file.name, *options], here)
    return _Answer(done, _said(done))


def _reason(table: Path, name: str) -> str:
    """Return the outcome of an image and why it is unreadable; empty without a table."""
    if not table.exists():
        return ""
    with table.open(encoding="utf-8-sig", newline="") as lines:
        row = next(row for row in csv.DictReader(lines) if row["id"].endswith(name.rpartition("/")[2]))
    return f"{row['outcome']}: {row['reason']}" if row["reason"] else row["outcome"]


def _said(done: Done) -> str:
    return " ".join(done.said.split()) or "–"

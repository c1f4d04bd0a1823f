"""Images that are damaged at random: none may end a run, and each is a row of its own."""

from __future__ import annotations

import csv
import io
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

from commands import Done, command
from mutants import mutated
from rows import CHARACTERS, CONTROL, MEGABYTES, SAMPLES, SECONDS, Row, Settings

IMAGES = 10_000
"""How many mutants, if nothing else is said."""
A_RUN = 250
"""Images of one run."""
FORMS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("png", "PNG", {}),
    ("palette.png", "PNG", {"bits": 4}),
    ("jpg", "JPEG", {}),
    ("progressive.jpg", "JPEG", {"progressive": True}),
    ("webp", "WEBP", {}),
    ("lossless.webp", "WEBP", {"lossless": True}),
    ("avif", "AVIF", {}),
    ("heic", "HEIF", {}),
    ("gif", "GIF", {}),
    ("bmp", "BMP", {}),
    ("tif", "TIFF", {}),
    ("lzw.tif", "TIFF", {"compression": "tiff_lzw"}),
    ("jpeg.tif", "TIFF", {"compression": "jpeg"}),
    ("ppm", "PPM", {}),
)
"""Suffix, Pillow's name and options of each format that is damaged."""


def mutated_images(settings: Settings) -> Row:
    """Run mutants of images, some hundred in a folder."""
    seeds = list(_seeds())
    count = settings.count or IMAGES
    last = settings.first + count
    firsts = range(settings.first, last, A_RUN)
    failures: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    with ThreadPoolExecutor(settings.jobs) as pool:
        for first, (done, rows) in zip(firsts, pool.map(lambda n: _run(seeds, n, last), firsts), strict=True):
            found = _failures(done, rows, min(A_RUN, last - first))
            failures.update(found)
            outcomes.update(row["outcome"] for row in rows)
            outcomes.update(["defect"] * sum("defect" in row["reason"] for row in rows))
            if found:
                print(f"run of mutants from {first}: {', '.join(found)} {done.said[-300:]!r}", flush=True)
    return Row("mutated images", count, failures, "benchmarks/hostile.py mutated-images", outcomes)


def _run(seeds: list[tuple[str, bytes]], first: int, last: int) -> tuple[Done, list[dict[str, str]]]:
    """Run the mutants from a number on; return what came of the run, and its rows."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "set" / "7"
        folder.mkdir(parents=True)
        for number in range(first, min(first + A_RUN, last)):
            random = Random(number)
            name, data = random.choice(seeds)
            (folder / f"{number}.{name}").write_bytes(mutated(data, random))
        out = Path(place) / "out"
        arguments = ["run", str(folder.parent), "--format", "csv", "--jobs", "1", "--out", str(out)]
        done = command(arguments, Path(place), patience=SECONDS + A_RUN)
        table = out / "predictions.csv"
        text = table.read_text("utf-8-sig") if table.exists() else ""
        return done, list(csv.DictReader(io.StringIO(text, newline="")))


def _failures(done: Done, rows: list[dict[str, str]], count: int) -> list[str]:
    reasons = "".join(row["reason"] for row in rows)
    found = ["signal"] * (done.code < 0) + ["hang"] * (done.seconds > SECONDS + count) + ["lost"] * (len(rows) != count)
    found += ["memory"] * (done.megabytes > MEGABYTES) + ["uncaught"] * (done.code not in (0, 2))
    found += ["message"] * bool(CONTROL.search(done.said + reasons))
    return found + ["message"] * any(len(row["reason"]) > CHARACTERS for row in rows)


def _seeds() -> Iterator[tuple[str, bytes]]:
    """Yield a digit in every format, as suffix and bytes."""
    from PIL import Image

    _register()
    with Image.open(next(iter(sorted(SAMPLES.glob("7*.png"))))) as picture:
        digit = picture.convert("RGB").resize((100, 100))
    for suffix, form, options in FORMS:
        stream = io.BytesIO()
        (digit.quantize(16) if "bits" in options else digit).save(stream, form, **options)
        yield suffix, stream.getvalue()


def _register() -> None:
    from pillow_heif import register_heif_opener

    register_heif_opener()

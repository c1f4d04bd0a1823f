"""Measure what each preprocessing step is worth and what it costs.

Run as `python benchmarks/preprocessing.py DATA`. DATA holds `digits/`, `digits2/`, `fullres/`, `mnist.npz` and
`models/plain_cnn.keras`. Prints Markdown tables:

- accuracy by kind of image, and on the test images of MNIST, for each recipe and for `photo` without each step;
- the same for the sources that the steps were tuned on (odd numbers) and for those left out (even numbers);
- accuracy by domain of the images in `digits2/`, without those that people read differently;
- accuracy on the same images spoilt as `spoilt.py` does, or laid on a table;
- how many squares of blank paper are blank;
- milliseconds a step.

`--only "random window" "screenshot with a clock"` prints rows of spoilt images alone.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from reading import Box, Image, open_models, read
from spoilt import SPOILT

from batch_eval.evaluation.metrics import wilson_interval
from batch_eval.imaging import PreprocessingOptions, Preprocessor, decode, preprocessor
from batch_eval.models.classifier import Classifier

KINDS = ("phone-photo", "scan", "drawn-on-screen")
STEPS = [step.name for step in preprocessor("photo").steps if step.fallback]
BESIDE = 0.06
"""Gap between a digit and the paper beside it. Unit: the image's longest side."""
SMALLEST_SQUARE = 80
"""Minimum side of a square of paper, in pixels. The images have at most 320."""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="read every Nth image of digits/ only")
    parser.add_argument("--only", nargs="+", metavar="ROW", help="measure `photo` on images spoilt in these ways only")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    with open(given.data / "digits" / "labels.csv", newline="") as file:
        rows = list(csv.DictReader(file))[:: given.every]
    models = open_models(given.data)
    print("| model | preprocessing | " + " | ".join(KINDS) + " | MNIST test |\n|---|---|---|---|---|---|")
    if given.only:
        _print_spoilt(models, [preprocessor("photo")], given.only, rows, list(_digits(given.data, rows)))
        return
    recipes = [preprocessor(name) for name in ("simple", "mnist", "photo")]
    _print_recipes(given.data, models, recipes, rows)
    # found once, since the boxes of their digits come from `photo`
    found = list(_digits(given.data, rows))
    _print_spoilt(models, recipes, list(SPOILT), rows, found)
    for recipe in (preprocessor(PreprocessingOptions(skip=("sheet",))), preprocessor("photo")):
        correct, _ = read(models, recipe, _on_tables(_images(given.data, rows, recipe)), _labels(rows))
        for name in models:
            _print_row(name, f"{_name(recipe)}, laid on a table", correct[name], rows, "")
    _print_domains(given.data, models)
    _print_blank([pair for pair, row in zip(found, rows, strict=True) if row["kind"] == "phone-photo"])
    _print_costs(given.data)


def _print_recipes(
    data: Path, models: Mapping[str, Classifier], recipes: Sequence[Preprocessor], rows: list[dict[str, str]]
) -> None:
    """Print the accuracy of each recipe, and of `photo` without each step."""
    with np.load(data / "mnist.npz") as mnist:
        digits, truth = mnist["x_test"], mnist["y_test"]
    for recipe in [*recipes, *(preprocessor(PreprocessingOptions(skip=(step,))) for step in STEPS)]:
        correct, _ = read(models, recipe, _images(data, rows, recipe), _labels(rows))
        mnist_seen = np.stack([recipe(image).image for image in digits])
        for name, model in models.items():
            on_mnist = f"{(model.predict(mnist_seen).argmax(axis=1) == truth).mean():.2%}"
            _print_row(name, _name(recipe), correct[name], rows, on_mnist)
            if recipe.name == "photo" and not recipe.skip:
                _print_left_out(name, correct[name], rows)


def _print_spoilt(
    models: Mapping[str, Classifier],
    recipes: Sequence[Preprocessor],
    ways: Sequence[str],
    rows: list[dict[str, str]],
    found: list[tuple[Image, Box]],
) -> None:
    """Print the accuracy on images spoilt in some ways. ``found`` are the images and the boxes of their digits."""
    for how in ways:
        for recipe in recipes:
            correct, _ = read(models, recipe, (SPOILT[how](image, digit) for image, digit in found), _labels(rows))
            for name in models:
                _print_row(name, f"{recipe.name}, {how}", correct[name], rows, "")


def _labels(rows: list[dict[str, str]]) -> list[int]:
    return [int(row["label"]) for row in rows]


def _images(data: Path, rows: list[dict[str, str]], recipe: Preprocessor) -> Iterator[Image]:
    for row in rows:
        yield recipe.decode((data / "digits" / row["filename"]).read_bytes())


def _on_tables(images: Iterable[Image]) -> Iterator[Image]:
    """Yield each image as a slightly turned sheet on a darker table, which fills half of the view."""
    rng = np.random.default_rng(1)
    for image in images:
        height, width = image.shape[:2]
        size = round(1.4 * max(height, width))
        grain = rng.normal(rng.uniform(40, 110), 4, (size, size, *image.shape[2:]))
        place = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-15, 15), 1)
        place[:, 2] += (size - np.array([width, height])) / 2
        table = grain.clip(0, 255).astype(np.uint8)
        yield cv2.warpAffine(image, place, (size, size), table, borderMode=cv2.BORDER_TRANSPARENT)


def _digits(data: Path, rows: list[dict[str, str]]) -> Iterator[tuple[Image, Box]]:
    """Yield each image and the box of what `photo` takes for the digit.

    If it finds none, the box is the whole image.
    """
    recipe = preprocessor("photo")
    for image in _images(data, rows, recipe):
        stages = dict(recipe.trace(image))
        left, top, width, height = cv2.boundingRect(stages["digit"]) if stages else (0, 0, 0, 0)
        shown = stages["sheet"] if stages else image
        yield shown, (left, top, left + width, top + height) if width else (0, 0, shown.shape[1], shown.shape[0])


def _print_blank(photos: list[tuple[Image, Box]]) -> None:
    """Print how many squares of paper beside the digits are blank, as they should be."""
    recipe = preprocessor("photo")
    blank = [recipe(square).blank for image, digit in photos for square in _paper_beside(image, digit)]
    print(f"\nOf {len(blank):,} squares of paper beside the digits of photos, {sum(blank):,} are blank.")


def _paper_beside(image: Image, digit: Box) -> Iterator[Image]:
    """Yield the largest squares of the strips above, below, left and right of a digit, at both ends."""
    height, width = image.shape[:2]
    away = round(BESIDE * max(height, width))
    left, top, right, bottom = digit[0] - away, digit[1] - away, digit[2] + away, digit[3] + away
    strips = ((0, 0, width, top), (0, bottom, width, height), (0, 0, left, height), (right, 0, width, height))
    for x0, y0, x1, y1 in strips:
        side = min(x1 - x0, y1 - y0)
        if side >= SMALLEST_SQUARE:
            for x, y in {(x0, y0), (x1 - side, y1 - side)}:
                yield image[y : y + side, x : x + side]


def _print_row(model: str, name: str, correct: NDArray[np.bool_], rows: list[dict[str, str]], on_mnist: str) -> None:
    cells = [f"{correct[_of(rows, kind)].mean():.2%}" for kind in KINDS]
    print(f"| {model} | {name} | " + " | ".join([*cells, on_mnist]) + " |", flush=True)


def _of(rows: list[dict[str, str]], kind: str, odd: bool | None = None) -> NDArray[np.bool_]:
    """Say which rows are of a kind, (N,); with ``odd``, only those of odd (True) or even (False) sources."""
    return np.array([row["kind"] == kind and odd in (None, int(row["source"][1:]) % 2 == 1) for row in rows])


def _name(recipe: Preprocessor) -> str:
    return " ".join([recipe.name, *(f"without `{step}`" for step in recipe.skip)])


def _print_left_out(model: str, correct: NDArray[np.bool_], rows: list[dict[str, str]]) -> None:
    """Print the row of `photo` again with 95 % intervals, for tuned and left-out sources."""
    for odd, label in ((True, "odd sources (tuned on)"), (False, "even sources (left out)")):
        cells = []
        for kind in KINDS:
            chosen = correct[_of(rows, kind, odd)]
            low, high = wilson_interval(int(chosen.sum()), len(chosen))
            cells.append(f"{chosen.mean():.2%} ({low:.1%} to {high:.1%}, n = {len(chosen)})")
        print(f"| {model} | photo, {label} | " + " | ".join(cells) + " | |")


def _print_domains(data: Path, models: Mapping[str, Classifier]) -> None:
    """Print the accuracy of `photo` on each domain of `digits2/`."""
    with open(data / "digits2" / "labels.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if not row["ambiguous"]]
    recipe = preprocessor("photo")
    images = (recipe.decode((data / "digits2" / row["filename"]).read_bytes()) for row in rows)
    correct, _ = read(models, recipe, images, [int(row["label"]) for row in rows])
    print("\n| domain | images | " + " | ".join(models) + " |\n|---|---|" + "---|" * len(models))
    for domain in [*sorted({row["domain"] for row in rows}), "all"]:
        chosen = np.array([domain in ("all", row["domain"]) for row in rows])
        cells = [f"{right[chosen].mean():.2%}" for right in correct.values()]
        print(f"| {domain} | {chosen.sum()} | " + " | ".join(cells) + " |")


def _print_costs(data: Path) -> None:
    """Print milliseconds after decoding on one core: the median over images of the best of 5 runs."""
    recipe = preprocessor("photo")
    large = [recipe.decode(path.read_bytes()) for path in sorted(data.glob("fullres/*.jpg"))]
    small = [decode(path.read_bytes()) for path in sorted(data.glob("digits/scan/*.png"))]
    small = [image for image in small if image.shape[:2] == (28, 28)][:200]
    print("\n| step | photo of 7 to 14 megapixels, decoded reduced | 28×28 |\n|---|---|---|")
    times = [_step_times(recipe, images) for images in (large, small)]
    for step in recipe.steps:
        print(f"| {step.name} | " + " | ".join(f"{t[step.name]:.3f} ms" for t in times) + " |")
    whole = [statistics.median(_best(lambda i=i: recipe(i)) for i in images) for images in (large, small)]
    print("| whole recipe, with flags | " + " | ".join(f"{t:.3f} ms" for t in whole) + " |")


def _step_times(recipe: Preprocessor, images: list[Image]) -> dict[str, float]:
    times: dict[str, list[float]] = {step.name: [] for step in recipe.steps}
    for image in images:
        first = None
        for step in recipe.steps:
            given = (image, first) if step.looks else (image,)
            times[step.name].append(_best(lambda s=step, g=given: s.run(*g)))
            image = step.run(*given)  # noqa: PLW2901 - each step gets the result of the one before
            first = image if first is None else first
    return {name: statistics.median(values) for name, values in times.items()}


def _best(work, runs: int = 5) -> float:
    """Return milliseconds of the fastest run."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds) * 1000


if __name__ == "__main__":
    main()

"""How well `explain` explains: errors with a reason, how often decisive patches flip a reading, and the time.

Erasing the two patches with most evidence should change what is read far more often than erasing two patches of ink at
random. The images are `digits/labels.csv` in $BATCH_EVAL_DATA, the models the default one and `models/plain_cnn.keras`.

Run: python benchmarks/explain.py [--at-most 150]
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np

from batch_eval.api import open_task
from batch_eval.evaluation.explanations import reasons
from batch_eval.models import DEFAULT_MODEL
from batch_eval.studies.explain import decisive, explain_image, explain_task, patches

RANDOM_PAIRS = 10
"""Pairs of random patches that are erased of each image."""


def main() -> None:
    """Print the figures of each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--at-most", type=int, default=150)
    at_most = parser.parse_args().at_most
    data = Path(os.environ.get("BATCH_EVAL_DATA", "../shared/data"))
    for model in (DEFAULT_MODEL, data / "models" / "plain_cnn.keras"):
        measure(data / "digits", model, at_most)


def measure(folder: Path, model: Path, at_most: int) -> None:
    """Print the figures of one model."""
    task = open_task(folder, model)
    random = np.random.default_rng(0)
    found = explain_task(task, at_most=at_most)
    start = time.process_time()
    for one in found:
        explain_image(task.classifier, one.seen, one.id, one.truth)
    seconds = (time.process_time() - start) / max(1, len(found))
    chosen = flips = pairs = 0
    for explanation in found:
        read = task.classifier.class_names.index(explanation.read_as)
        covers = patches(explanation.seen)
        tried = [decisive(explanation)]
        tried += [[covers[i] for i in random.choice(len(covers), 2, replace=False)] for _ in range(RANDOM_PAIRS)]
        images = np.stack([explanation.seen] * len(tried))
        for image, erased in zip(images, tried, strict=True):
            for cover in erased:
                image[cover] = 0
        flipped = task.classifier.predict(images).argmax(axis=1) != read
        chosen += int(flipped[0])
        flips += int(flipped[1:].sum())
        pairs += RANDOM_PAIRS
    n = len(found)
    reason = sum(one.repair is not None for one in found)
    of_chosen, of_random = chosen / n, flips / pairs
    print(f"{model.name}: {n} errors; a reason for {reason} ({reason / n:.0%}); {seconds:.3f} CPU s an image")
    print(f"  decisive patches flip {of_chosen:.0%}, random ones {of_random:.0%}: {of_chosen / of_random:.1f} times")
    for line in reasons([one.kinds for one in found]):
        print(f"  {line}")


if __name__ == "__main__":
    main()

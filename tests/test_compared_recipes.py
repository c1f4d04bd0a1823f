"""The recipes side by side on a sample of a run's own images."""

import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from batch_eval import evaluate
from batch_eval.cli.app import application
from batch_eval.engines import local
from batch_eval.engines.sampling import SIZE, spread_rows
from batch_eval.evaluation import Evaluation, TrialKind
from batch_eval.evaluation.recipes import recipe_shares, recipes_line
from batch_eval.evaluation.saved import dump_evaluation, parse_evaluation
from batch_eval.imaging import recipes
from batch_eval.models.own_digits import own_digits
from batch_eval.reports import html, markdown
from batch_eval.reports.text import print_summary

IMAGES, LABELS = own_digits()


def photo(digit: np.ndarray) -> np.ndarray:
    """Return a digit small on a wide, unevenly lit sheet: `simple` squeezes it, `photo` finds it."""
    sheet = np.tile(np.linspace(150, 250, 200, dtype=np.uint8), (140, 1))
    ink = cv2.resize(digit, (56, 56))
    sheet[50:106, 20:76] = np.minimum(sheet[50:106, 20:76], 255 - ink)
    return sheet


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 30 photos in class folders."""
    folder = tmp_path_factory.mktemp("photos")
    for i in range(30):
        (folder / str(LABELS[i])).mkdir(exist_ok=True)
        cv2.imwrite(str(folder / str(LABELS[i]) / f"{i}.png"), photo(IMAGES[i]))
    return folder


@pytest.fixture(scope="module")
def found(photos: Path) -> Evaluation:
    """The photos, read by the default model."""
    return evaluate(photos)


def test_shares_are_those_of_runs_under_each_recipe(photos: Path, found: Evaluation) -> None:
    shares = {share.name: share.right / share.images for share in recipe_shares(found)}

    assert {name: evaluate(photos, preprocess=name).accuracy for name in ("photo", "mnist", "simple")} == shares


def test_the_line_begins_with_the_best(found: Evaluation) -> None:
    expected = r"Recipes side by side on these 30 images: photo 100.0 % \(this run\), mnist .* simple .* %\."

    assert re.fullmatch(expected, recipes_line(found))


def test_every_report_shows_the_line(found: Evaluation) -> None:
    summary = StringIO()
    print_summary(found, summary)

    assert "Recipes side by side" in summary.getvalue()
    assert "Recipes side by side" in html.document(found).decode()
    assert "Recipes side by side" in markdown.document(found).decode()


def test_shares_are_saved(found: Evaluation) -> None:
    assert recipe_shares(found) == recipe_shares(parse_evaluation(dump_evaluation(found)))


def test_each_file_is_read_once(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    read = local.Task._read
    monkeypatch.setattr(local.Task, "_read", lambda task, sample: opened.append(sample.id) or read(task, sample))

    evaluate(photos, jobs=1)

    assert sorted(set(opened)) == sorted(opened)


def test_any_number_of_workers_gives_the_same(photos: Path, found: Evaluation) -> None:
    assert evaluate(photos, jobs=1).trials == found.trials


def test_images_like_mnist_say_nothing(tmp_path: Path) -> None:
    for i in range(30):
        (tmp_path / str(LABELS[i])).mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / str(LABELS[i]) / f"{i}.png"), IMAGES[i])

    assert "" == recipes_line(evaluate(tmp_path))


def test_a_single_recipe_that_explains_is_no_comparison(found: Evaluation) -> None:
    recipes = [trial for trial in found.trials if trial.kind is TrialKind.RECIPE]

    assert "" == recipes_line(replace(found, trials=tuple(recipes[:1])))


def test_it_can_be_switched_off(photos: Path, tmp_path: Path) -> None:
    arguments = ["run", str(photos), "--out", str(tmp_path), "--no-compare-recipes"]

    assert "Recipes side by side" not in CliRunner().invoke(application(), arguments).output


def test_a_large_set_is_sampled_from_all_classes() -> None:
    rows = spread_rows((row, str(row % 10)) for row in range(5000))

    assert len(rows) == SIZE
    assert {8} == {sum(row % 10 == digit for row in rows) for digit in range(10)}
    assert set(range(10)) == {row % 10 for row in rows[:10]}


def test_an_image_that_a_recipe_cannot_prepare_counts_as_not_read(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(image: np.ndarray) -> np.ndarray:
        raise MemoryError

    steps = (recipes.Step("grey", fail), *recipes._MNIST[1:])
    monkeypatch.setattr(recipes, "_MNIST", steps)
    shares = {share.name: share.right for share in recipe_shares(evaluate(photos))}

    assert (shares["mnist"], shares["photo"]) == (0, 30)

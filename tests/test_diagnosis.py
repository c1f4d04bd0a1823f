"""Why the accuracy is low: what a run tries, and what the reports say."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from report_examples import provenance

from batch_eval import ModelOptions, evaluate
from batch_eval.api import evaluate_task, open_reader, reader_task
from batch_eval.dataset import LabelOptions, load_dataset
from batch_eval.engines.trials import read_own_digits
from batch_eval.errors import ModelError
from batch_eval.evaluation import OUTCOMES, Evaluation, Outcome, Records, Trial, TrialKind
from batch_eval.evaluation.advice import advice
from batch_eval.evaluation.diagnosis import diagnosis
from batch_eval.evaluation.saved import dump_evaluation, parse_evaluation
from batch_eval.models import open_model
from batch_eval.models.own_digits import own_digits

DIGITS = tuple("0123456789")
IMAGES, LABELS = own_digits()


def evaluation(ids: Sequence[str], truths: Sequence[str], read: Sequence[int | None]) -> Evaluation:
    """Return an evaluation of images that were read as these digits; None is blank."""
    probabilities = np.zeros((len(ids), 10), np.float32)
    for row, digit in zip(probabilities, read, strict=True):
        if digit is not None:
            row[digit] = 1
    outcomes = [
        Outcome.OUT_OF_RANGE
        if truth not in DIGITS
        else Outcome.BLANK
        if digit is None
        else Outcome.CORRECT
        if truth == str(digit)
        else Outcome.WRONG
        for truth, digit in zip(truths, read, strict=True)
    ]
    outcome = np.array([OUTCOMES.index(one) for one in outcomes], np.uint8)
    return Evaluation(DIGITS, Records(tuple(ids), tuple(truths), outcome, probabilities), provenance())


def of_digits(names: Sequence[str], truths: Sequence[str]) -> Evaluation:
    """Return an evaluation of 50 images that were all read as they are: 0 to 9, and again."""
    return evaluation(names, truths, [i % 10 for i in range(50)])


PLAIN = [f"{i}.png" for i in range(50)]
ALPHABETICAL = [9, 4, 8, 7, 2, 1, 6, 5, 0, 3]
"""Place of zero, one, … among the words in alphabetical order."""
LABELLINGS = {
    "one more": (
        PLAIN,
        [str(i % 10 + 1) for i in range(50)],
        "shifted by one, 1 stands for 0. Say `--label-offset -1`",
    ),
    "one less": (PLAIN, [str(i % 10 - 1) for i in range(50)], "shifted by one, 0 stands for 1. Say `--label-offset 1`"),
    "Keras' folders": (PLAIN, [str(ALPHABETICAL.index(i % 10)) for i in range(50)], "`--classes 8,5,4,9,1,7,6,3,2,0`"),
    "places in folders": (
        PLAIN,
        [str(ALPHABETICAL[i % 10]) for i in range(50)],
        "0 stands for eight. Write the digits",
    ),
    "renamed": (PLAIN, ["1032547698"[i % 10] for i in range(50)], "`--classes 1,0,3,2,5,4,7,6,9,8`"),
    "second number": (
        [f"{i // 10}-{i % 10}.png" for i in range(50)],
        [str(i // 10) for i in range(50)],
        "the second num",
    ),
    "inner folder": (
        [f"{i // 10}/{i % 10}/a{i}.png" for i in range(50)],
        [str(i // 10) for i in range(50)],
        "the second level of folders. Read the labels there with `--label-pattern '^[^/]+/(?P<label>[^/]+)/'`",
    ),
}


@pytest.mark.parametrize("case", LABELLINGS)
def test_labels_that_mean_something_else(case: str) -> None:
    names, truths, expected = LABELLINGS[case]

    found = diagnosis(of_digits(names, truths))

    assert expected in found[0]
    assert "50 of 50 predictions agree with" in found[0]


def test_the_advice_for_a_number_in_the_name_works(tmp_path: Path) -> None:
    for i in range(30):
        cv2.imwrite(str(tmp_path / f"{i % 3}-{LABELS[i]}.png"), IMAGES[i])
        cv2.imwrite(str(tmp_path / f"{i % 3}-{LABELS[i]}x.png"), IMAGES[i])
    (sentence,) = diagnosis(evaluate(tmp_path))
    pattern = sentence.split("`")[1].removeprefix("--label-pattern '").removesuffix("'")

    assert evaluate(tmp_path, labels=LabelOptions(pattern=pattern)).accuracy > 0.9


def test_right_labels_are_not_doubted() -> None:
    digits = [i % 10 for i in range(50)]
    read = [*digits[:35], *[(digit + 3) % 10 for digit in digits[35:]]]

    assert [] == diagnosis(evaluation(PLAIN, [str(digit) for digit in digits], read))


def test_a_good_accuracy_is_not_explained() -> None:
    assert [] == diagnosis(of_digits(PLAIN, [str(i % 10) for i in range(50)]))


def test_random_readings_are_not_explained_by_labels() -> None:
    read = np.random.default_rng(0).integers(0, 10, 50).tolist()

    assert [] == diagnosis(evaluation(PLAIN, [str(i % 10) for i in range(50)], read))


def test_one_bad_part_is_named() -> None:
    read = [i % 10 for i in range(40)] + [(i + 5) % 10 for i in range(20)]
    found = evaluation([f"{'ab'[i >= 40]}/{i}.png" for i in range(60)], [str(i % 10) for i in range(60)], read)

    assert ["folder b alone is bad: 0 of 20 images are read right (0.0 %), of all others 100.0 % of 40."] == diagnosis(
        found
    )


def test_blank_images_that_dominate_are_named_with_their_reason() -> None:
    found = evaluation(PLAIN, [str(i % 10) for i in range(50)], [None if i < 30 else i % 10 for i in range(50)])
    found = replace(found, records=replace(found.records, reasons=dict.fromkeys(range(30), "no ink was found")))

    assert "30 of 50 scored images are blank to the model (no ink was found, 30 times)" in diagnosis(found)[0]


def wrong(*trials: Trial) -> Evaluation:
    """Return an evaluation of images that are all read as 3."""
    return replace(evaluation(PLAIN, [str(i % 10) for i in range(50)], [3] * 50), trials=trials)


def test_the_strongest_cause_comes_first() -> None:
    trials = (
        Trial(TrialKind.CONVENTION, "--ink dark", 50, 30, 5),
        Trial(TrialKind.RECIPE, "--preprocess mnist", 50, 12, 5),
        Trial(TrialKind.RECIPE, "--preprocess photo", 50, 40, 5),
    )

    assert diagnosis(wrong(*trials)) == [
        "With `--preprocess photo` it reads 40 of 50 images of a sample, not 5 (80.0 % and 10.0 %).",
        "With `--ink dark` this model reads 30 of 50 images of a sample, not 5.",
    ]


def test_a_recipe_that_explains_less_than_the_convention_is_not_named() -> None:
    convention = Trial(TrialKind.CONVENTION, "--ink dark", 50, 49, 5)

    found = diagnosis(wrong(convention, Trial(TrialKind.RECIPE, "--preprocess none", 50, 20, 5)))

    assert found == ["With `--ink dark` this model reads 49 of 50 images of a sample, not 5."]


def test_a_weak_model_is_named() -> None:
    (found,) = diagnosis(wrong(Trial(TrialKind.OWN_DIGITS, "", 200, 30, 30)))

    assert "The model itself reads only 30 of 200 of this program's own digits" in found


def test_a_cause_silences_guesses_about_confusions() -> None:
    found = evaluation(PLAIN, ["0"] * 50, [3] * 50)

    assert advice(found) != []
    assert [] == advice(replace(found, trials=(Trial(TrialKind.CONVENTION, "--ink dark", 50, 49, 5),)))


def test_trials_are_saved() -> None:
    found = wrong(Trial(TrialKind.CONVENTION, "--ink dark", 50, 49, 5), Trial(TrialKind.OWN_DIGITS, "", 200, 30, 30))

    again = parse_evaluation(dump_evaluation(found))

    assert (again.trials, again.provenance) == (found.trials, found.provenance)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 40 digits, dark on bright, in class folders."""
    folder = tmp_path_factory.mktemp("photos")
    for i in range(40):
        (folder / str(LABELS[i])).mkdir(exist_ok=True)
        cv2.imwrite(str(folder / str(LABELS[i]) / f"{i}.png"), 255 - IMAGES[i])
    return folder


def test_a_good_run_tries_recipes_only(photos: Path) -> None:
    assert {TrialKind.RECIPE} == {trial.kind for trial in evaluate(photos).trials}
    assert () == evaluate(photos, compare_recipes=False).trials


def test_a_wrong_convention_is_found_on_the_images(photos: Path) -> None:
    found = evaluate(photos, ModelOptions(ink="dark"))

    assert found.accuracy < 0.5  # the run keeps to what was given
    assert diagnosis(found)[0].startswith("With `--ink bright` this model reads 40 of 40 images of a sample, not ")


def test_another_recipe_is_found_on_the_images(photos: Path) -> None:
    found = evaluate(photos, preprocess="none")

    assert found.accuracy < 0.5
    assert any("With `--preprocess photo` it reads 40 of 40" in line for line in diagnosis(found))


def test_an_order_of_classes_is_found_on_the_images(photos: Path) -> None:
    found = evaluate(photos, ModelOptions(class_names=tuple("1234567890")))

    assert "`--classes 0,1,2,3,4,5,6,7,8,9`" in diagnosis(found)[0]


def test_few_images_try_nothing(photos: Path) -> None:
    reader = open_reader(ModelOptions(ink="dark"))
    dataset = load_dataset(photos)

    assert () == evaluate_task(reader_task(replace(dataset, samples=dataset.samples[:9]), reader)).trials


def test_own_digits_of_a_model_of_letters_are_not_read() -> None:
    letters = open_model(ModelOptions(class_names=tuple("abcdefghij")))

    assert read_own_digits(letters) is None
    assert read_own_digits(open_model()) == Trial(TrialKind.OWN_DIGITS, "", 200, 200, 200)


def test_a_model_that_fails_on_other_conventions_loses_no_run(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pixels of another range may overflow, or make a hostile model loop; the trials before are kept."""

    def fail(*_: object) -> Iterator[Trial]:
        raise ModelError("the model returns NaN")
        yield

    monkeypatch.setattr("batch_eval.engines.trials._best_recipe", fail)
    found = evaluate(photos, ModelOptions(ink="dark"), compare_recipes=False)

    assert found.scored == 40
    assert [TrialKind.CONVENTION, TrialKind.OWN_DIGITS] == [trial.kind for trial in found.trials]

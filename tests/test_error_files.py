"""`--export-errors`: the misread files as a data set of its own."""

import shutil

import cv2
import numpy as np
import pytest
from drawn_digits import ink, on_paper
from test_cli_run import batch_eval

from batch_eval import evaluate
from batch_eval.dataset import load_dataset
from batch_eval.errors import ReportError
from batch_eval.studies.error_files import export_errors


@pytest.fixture
def photos(tmp_path):
    """Twelve digits, of which four have a wrong label, two of these the same name, and one blank sheet."""
    folder = tmp_path / "photos"
    rows = ["filename,label,pen"]
    for place in ("a", "b"):
        (folder / place).mkdir(parents=True)
        for label in range(6):
            cv2.imwrite(str(folder / place / f"{label}.png"), on_paper(ink(label, label)))
            rows.append(f"{place}/{label}.png,{label if label > 1 else 9 - label},thin")
    cv2.imwrite(str(folder / "empty.png"), np.full((160, 160), 225, np.uint8))
    (folder / "labels.csv").write_text("\n".join([*rows, "empty.png,7,thick"]))
    return folder


def test_the_files_are_untouched_and_count_as_the_confusion_matrix_does(photos, tmp_path):
    evaluation = evaluate(photos)
    count = export_errors(evaluation, load_dataset(photos), tmp_path / "errors")
    wrong = evaluation.confusion.copy()
    np.fill_diagonal(wrong, 0)
    names = (*evaluation.class_names, "blank")
    files = list((tmp_path / "errors").rglob("*.png"))
    found = np.zeros_like(wrong)
    for path in files:
        truth, read_as, _ = path.relative_to(tmp_path / "errors").parts
        found[names.index(truth), names.index(read_as)] += 1

    assert count == len(files) == wrong.sum()
    assert np.array_equal(wrong, found)
    originals = {path.read_bytes() for path in photos.rglob("*.png")}
    assert all(path.read_bytes() in originals for path in files)


def test_run_reads_them_again_with_the_same_results(photos, tmp_path):
    evaluation = evaluate(photos)
    export_errors(evaluation, load_dataset(photos), tmp_path / "errors")
    again = evaluate(tmp_path / "errors")

    assert 0 == again.accuracy
    assert evaluation.counts["wrong"] == again.counts["wrong"]
    assert evaluation.counts["blank"] == again.counts["blank"]
    assert ["read_as", "pen"] == list(again.records.slices)


def test_images_of_the_same_name_are_both_there(photos, tmp_path):
    export_errors(evaluate(photos), load_dataset(photos), tmp_path / "errors")

    assert {"0.png", "0 (2).png"} <= {path.name for path in (tmp_path / "errors" / "9").rglob("*.png")}


def test_an_earlier_export_is_replaced_as_a_whole(photos, tmp_path):
    target = tmp_path / "errors"
    for _ in range(2):
        count = export_errors(evaluate(photos), load_dataset(photos), target)
        (target / "9" / "0").mkdir(exist_ok=True)
        shutil.copy(photos / "a" / "0.png", target / "9" / "0" / "of an earlier run.png")
    export_errors(evaluate(photos), load_dataset(photos), target)

    assert count == len(list(target.rglob("*.png")))


def test_a_folder_with_other_files_is_refused_before_the_work(photos, tmp_path):
    done = batch_eval("run", photos, "--export-errors", photos, "--out", tmp_path / "out")

    assert (2, "") == (done.returncode, done.stdout)
    assert "holds files that --export-errors did not write" in done.stderr
    assert "Labels:" not in done.stderr
    with pytest.raises(ReportError, match="did not write"):
        export_errors(evaluate(photos), load_dataset(photos), photos)


def test_the_option_says_how_many_files_it_copied(photos, tmp_path):
    done = batch_eval("run", photos, "--export-errors", tmp_path / "errors", "--out", tmp_path / "out")

    assert f"Copied 5 misread files to {tmp_path / 'errors'}" in done.stderr

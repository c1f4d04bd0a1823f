"""`--export-errors`: the misread files as a data set of its own."""

import re
import shutil

import cv2
import numpy as np
import pytest
from drawn_digits import ink, on_paper
from test_cli_run import batch_eval

from batch_eval import evaluate
from batch_eval.dataset import load_dataset
from batch_eval.errors import DatasetError, ReportError
from batch_eval.studies.error_files import export_errors

pytestmark = pytest.mark.slow


@pytest.fixture
def photos(tmp_path):
    """Twelve digits, of which four have a wrong label, two of these the same name, and one blank sheet."""
    folder = tmp_path / "photos"
    rows = ["filename,label,pen"]
    for place in ("a", "b"):
        (folder / place).mkdir(parents=True)
        for label, name in enumerate("abcdef"):
            cv2.imwrite(str(folder / place / f"{name}.png"), on_paper(ink(label, label)))
            rows.append(f"{place}/{name}.png,{label if label > 1 else 9 - label},thin")
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


def test_names_that_contradict_the_labels_need_the_label_file(photos, tmp_path):
    """The few digits left of names that counted all images could be taken for labels."""
    for file in photos.rglob("?.png"):
        file.rename(file.with_stem(str("abcdef".index(file.stem))))
    labels = photos / "labels.csv"
    labels.write_text(re.sub("/([a-f]).png", lambda name: f"/{'abcdef'.index(name[1])}.png", labels.read_text()))
    export_errors(evaluate(photos), load_dataset(photos), tmp_path / "errors")

    with pytest.raises(DatasetError, match=r"Say --labels labels\.csv"):
        evaluate(tmp_path / "errors")
    assert 0 == evaluate(tmp_path / "errors", labels="labels.csv").accuracy


def test_images_of_the_same_name_are_both_there(photos, tmp_path):
    export_errors(evaluate(photos), load_dataset(photos), tmp_path / "errors")

    assert {"a.png", "a (2).png"} <= {path.name for path in (tmp_path / "errors" / "9").rglob("*.png")}


def test_an_earlier_export_is_replaced_as_a_whole(photos, tmp_path):
    target = tmp_path / "errors"
    for _ in range(2):
        count = export_errors(evaluate(photos), load_dataset(photos), target)
        (target / "9" / "0").mkdir(exist_ok=True)
        shutil.copy(photos / "a" / "a.png", target / "9" / "0" / "of an earlier run.png")
    export_errors(evaluate(photos), load_dataset(photos), target)

    assert count == len(list(target.rglob("*.png")))


def test_a_folder_with_other_files_is_refused_before_the_work(photos, tmp_path):
    done = batch_eval("run", photos, "--export-errors", photos, "--out", tmp_path / "out")

    assert (2, "") == (done.returncode, done.stdout)
    assert "holds files that --export-errors did not write" in done.stderr
    assert "Labels:" not in done.stderr
    with pytest.raises(ReportError, match="did not write"):
        export_errors(evaluate(photos), load_dataset(photos), photos)


def test_images_of_an_array_become_png_files(tmp_path):
    digits = np.stack([np.where(ink(label, label) > 0, 255, 0).astype(np.uint8) for label in range(6)])
    np.savez(tmp_path / "set.npz", x_test=digits, y_test=[9, 8, 2, 3, 4, 5])
    place = tmp_path / "set.npz"
    count = export_errors(evaluate(place), load_dataset(place), tmp_path / "errors")
    again = evaluate(tmp_path / "errors")

    assert 0 == again.accuracy
    assert count == again.scored >= 2


def test_the_option_says_how_many_files_it_copied(photos, tmp_path):
    done = batch_eval("run", photos, "--export-errors", tmp_path / "errors", "--out", tmp_path / "out")

    assert f"Copied 5 misread files to {tmp_path / 'errors'}" in done.stderr

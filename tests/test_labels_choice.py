"""Of several readings of the labels, one is chosen by evidence, and two that disagree are refused."""

from pathlib import Path

import pytest
from dataset_examples import folder_of, truths

from batch_eval.dataset import LabelOptions, load_dataset
from batch_eval.errors import ConfigError, DatasetError
from batch_eval.publishing import REPORTS

WRITERS = tuple(f"{writer}/{digit}.png" for writer in range(1, 6) for digit in range(10))


def write(root: Path, **files: str) -> None:
    for name, content in files.items():
        path = root / name.replace("__", "/").replace("_csv", ".csv").replace("_txt", ".txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def refusal(root: Path) -> str:
    with pytest.raises(DatasetError) as refused:
        load_dataset(root)
    return str(refused.value)


@pytest.mark.parametrize(
    ("images", "shown"),
    [
        (WRITERS, ("is 1/0.png 1, by class folders", "or 0, by file names")),
        (("3-7.png", "3-8.png"), ("is 3-7.png 3, by file names", "or 7, by file names (digit number 2)")),
        (("3/7/a.png", "3/8/b.png"), ("is 3/7/a.png 3, by class folders, level 1", "or 7, by class folders, level 2")),
        (("3/7_a.png", "3/9_b.png", "4/7_c.png"), ("is 3/7_a.png 3, by class folders", "or 7, by file names")),
    ],
)
def test_two_complete_readings_that_disagree_are_refused(
    tmp_path: Path, images: tuple[str, ...], shown: tuple[str, ...]
) -> None:
    message = refusal(folder_of(tmp_path, *images))

    assert all(part in message for part in shown), message
    assert 2 == message.count("--label-pattern '")


def test_class_folders_that_a_label_file_contradicts_are_refused(tmp_path: Path) -> None:
    folder_of(tmp_path, "7/a.png", "7/b.png", "3/c.png")
    write(tmp_path, labels_csv="filename,label\n7/a.png,7\n7/b.png,1\n3/c.png,3\n")

    message = refusal(tmp_path)

    assert "disagree about 1 of 3 images: is 7/b.png 1, by labels.csv (columns filename, label), or 7, by" in message
    assert "Say --labels labels.csv for the first, or --label-pattern" in message
    assert {"7/a.png": "7", "7/b.png": "1", "3/c.png": "3"} == truths(load_dataset(tmp_path, tmp_path / "labels.csv"))


def test_a_label_file_counts_however_few_images_it_names(tmp_path: Path) -> None:
    folder_of(tmp_path, *(f"{digit}/{i}.png" for digit in range(10) for i in range(5)))
    write(tmp_path, corrected_csv="filename,label\n7/1.png,1\n")

    assert "is 7/1.png 7, by class folders (10 classes), or 1, by corrected.csv" in refusal(tmp_path)


def test_two_label_files_that_disagree_are_refused(tmp_path: Path) -> None:
    folder_of(tmp_path, "a.png", "b.png")
    write(tmp_path, labels_csv="filename,label\na.png,7\nb.png,3\n", old_csv="filename,label\na.png,7\nb.png,8\n")

    assert "Say --labels labels.csv for the first, or --labels old.csv for the second." in refusal(tmp_path)


def test_label_files_that_name_different_images_are_joined(tmp_path: Path) -> None:
    folder_of(tmp_path, "train/a.png", "train/b.png", "test/a.png")
    write(
        tmp_path,
        train__metadata_csv="file_name,label,pen\na.png,7,blue\nb.png,3,red\n",
        test__metadata_csv="file_name,label,paper\na.png,5,ruled\n",
    )

    dataset = load_dataset(tmp_path)

    assert {"train/a.png": "7", "train/b.png": "3", "test/a.png": "5"} == truths(dataset)
    assert ("pen", "paper", "split") == dataset.slice_names
    assert {("blue", "", "train"), ("red", "", "train"), ("", "ruled", "test")} == {s.slices for s in dataset.samples}
    assert "train/metadata.csv (columns file_name, label; slices pen) and test/metadata.csv" in dataset.label_source


def test_a_label_file_that_says_the_same_is_not_needed(tmp_path: Path) -> None:
    folder_of(tmp_path, "a.png")
    write(tmp_path, labels_csv="filename,label\na.png,7\n", copy_txt="a.png 7\n")

    dataset = load_dataset(tmp_path)

    assert "labels.csv (columns filename, label)" == dataset.label_source
    assert ("Not needed, as it says the same: copy.txt (columns 1, 2).",) == dataset.notes


@pytest.mark.parametrize("names", ["{}_a.png", "{}/a.png"])
def test_readings_that_agree_are_no_question(tmp_path: Path, names: str) -> None:
    images = [names.format(digit) for digit in (7, 3, 7, 1)]
    folder_of(tmp_path, *images)
    write(tmp_path, labels_csv="filename,label\n" + "".join(f"{name},{name[0]}\n" for name in images))

    dataset = load_dataset(tmp_path)

    assert {name: name[0] for name in images} == truths(dataset)
    assert "labels.csv (columns filename, label)" == dataset.label_source


def test_names_with_two_digits_decide_nothing_beside_a_label_file(tmp_path: Path) -> None:
    folder_of(tmp_path, *(f"{writer}-{digit}.png" for writer in (1, 2) for digit in range(10)))
    rows = "".join(f"{writer}-{digit}.png,{digit}\n" for writer in (1, 2) for digit in range(10))
    write(tmp_path, labels_csv=f"filename,label\n{rows}")

    assert "9" == truths(load_dataset(tmp_path))["1-9.png"]


def test_names_that_count_decide_nothing_beside_a_label_file(tmp_path: Path) -> None:
    folder_of(tmp_path, *(f"{i}.png" for i in range(10)))
    write(tmp_path, labels_txt="\n".join("7210414959"))

    assert [*"7210414959"] == list(truths(load_dataset(tmp_path)).values())


def test_a_few_names_that_begin_with_a_digit_contradict_nothing(tmp_path: Path) -> None:
    folder_of(tmp_path, "1 April.png", "IMG_1.png", "IMG_2.png")
    write(tmp_path, labels_csv="filename,label\n1 April.png,7\nIMG_1.png,3\nIMG_2.png,4\n")

    assert "7" == truths(load_dataset(tmp_path))["1 April.png"]


def test_a_nested_folder_with_a_digit_contradicts_nothing_while_it_holds_few(tmp_path: Path) -> None:
    folder_of(tmp_path, "7/a.png", "7/b.png", "7/3/c.png", "8/d.png")

    assert {"7/a.png": "7", "7/b.png": "7", "7/3/c.png": "7", "8/d.png": "8"} == truths(load_dataset(tmp_path))


def test_what_labels_more_images_is_taken(tmp_path: Path) -> None:
    folder_of(tmp_path, "7/a.png", "7/b.png", "3/c.png")
    write(tmp_path, some_csv="filename,label\n7/a.png,7\n")

    assert "class folders (2 classes: 3, 7)" == load_dataset(tmp_path).label_source


def test_a_table_without_labels_gives_slices_to_class_folders(tmp_path: Path) -> None:
    folder_of(tmp_path, "7/a.png", "3/b.png")
    write(tmp_path, metadata_csv="file_name,camera\n7/a.png,phone\n3/b.png,scanner\n")

    dataset = load_dataset(tmp_path)

    assert ("camera",) == dataset.slice_names
    assert [("scanner",), ("phone",)] == [sample.slices for sample in dataset.samples]
    assert "class folders (2 classes: 3, 7); slices from metadata.csv" in dataset.label_source


@pytest.mark.parametrize("column", ["writer", "Fold", "exif_orientation", "x1"])
def test_digits_in_a_column_about_something_else_are_no_labels(tmp_path: Path, column: str) -> None:
    folder_of(tmp_path, "a.png", "b.png")
    write(tmp_path, metadata_csv=f"file_name,{column}\na.png,1\nb.png,2\n")

    assert f"metadata.csv (columns file_name; slices {column}) holds no labels" in load_dataset(tmp_path).unlabelled


def test_a_column_of_classes_with_any_other_name_may_contradict_folders(tmp_path: Path) -> None:
    folder_of(tmp_path, "7/a.png", "3/b.png")
    write(tmp_path, metadata_csv="file_name,foo\n7/a.png,1\n3/b.png,3\n")

    assert "disagree about 1 of 2 images" in refusal(tmp_path)


def test_files_that_hold_no_labels_are_named(tmp_path: Path) -> None:
    folder_of(tmp_path, "7/a.png", "3/b.png")
    write(tmp_path, README_txt="Digits by hand,\nwritten, in, May.\n", requirements_txt="numpy>=1\n")

    (note,) = load_dataset(tmp_path).notes

    assert (
        "Looked at for labels, but not used: README.txt is no table of labels; requirements.txt names no image." == note
    )


@pytest.mark.parametrize(
    "content", ["filename,label\nother.png,7\n", "filename,label\na.png\n", 'filename,label\n"a.png']
)
def test_a_label_file_that_cannot_be_used_is_refused_or_named(tmp_path: Path, content: str) -> None:
    folder_of(tmp_path, "set/a.png", "folders/7/a.png", "names/7_a.png", "names/7_b.png")
    for name in ("set", "folders", "names"):
        write(tmp_path / name, labels_csv=content)

    assert "labels.csv" in refusal(tmp_path / "set")
    assert "labels.csv" in refusal(tmp_path / "names")
    assert any("Not used: " in note and "labels.csv" in note for note in load_dataset(tmp_path / "folders").notes)


def test_labels_of_another_model_are_shown(tmp_path: Path) -> None:
    folder_of(tmp_path, "cat/a.png", "dog/b.png")

    assert {"cat/a.png": "cat", "dog/b.png": "dog"} == truths(load_dataset(tmp_path))
    assert "class folders (2 classes: cat, dog)" == load_dataset(tmp_path).label_source


def test_what_could_be_labels_is_offered(tmp_path: Path) -> None:
    folder_of(tmp_path, *(f"Sample{folder:03d}/a.png" for folder in range(1, 11)))

    said = load_dataset(tmp_path).unlabelled

    assert "The folders Sample001 to Sample010 differ by a number. If it is the label, say --label-offset 0;" in said
    assert [*"0123456789"] == list(truths(load_dataset(tmp_path, LabelOptions(offset=-1))).values())


SPLIT = tuple(
    f"{part}/{digit}/{i}.png"
    for part, n in (("train", 3), ("Validation", 1), ("test", 2))
    for digit in (3, 7)
    for i in range(n)
)


def test_folders_of_parts_are_a_slice_and_pooled(tmp_path: Path) -> None:
    dataset = load_dataset(folder_of(tmp_path, *SPLIT))

    assert ("split",) == dataset.slice_names
    assert {"train": 6, "val": 2, "test": 4} == {
        part: [sample.slices[0] for sample in dataset.samples].count(part) for part in ("train", "val", "test")
    }
    assert "The set has the parts test (4), train (6), val (2), which are pooled; --split takes one." in dataset.notes


@pytest.mark.parametrize(("wanted", "number"), [("test", 4), ("val", 2), ("validation", 2), ("train", 6)])
def test_one_part_can_be_taken(tmp_path: Path, wanted: str, number: int) -> None:
    dataset = load_dataset(folder_of(tmp_path, *SPLIT), LabelOptions(split=wanted))

    assert number == len(dataset.samples)
    assert not any("pooled" in note for note in dataset.notes)


def test_a_part_that_is_not_there_is_refused(tmp_path: Path) -> None:
    folder_of(tmp_path, *SPLIT)

    with pytest.raises(ConfigError, match="--split dev2 names no part of the set: it has test, train, val"):
        load_dataset(tmp_path, LabelOptions(split="dev2"))


def test_one_part_alone_is_no_slice(tmp_path: Path) -> None:
    assert () == load_dataset(folder_of(tmp_path, "test/7/a.png", "test/3/b.png")).slice_names


def test_a_column_split_is_the_part(tmp_path: Path) -> None:
    folder_of(tmp_path, "a.png", "b.png", "c.png")
    write(tmp_path, labels_csv="file,label,split\na.png,7,train\nb.png,3,test\nc.png,1,test\n")

    assert {"b.png": "3", "c.png": "1"} == truths(load_dataset(tmp_path, LabelOptions(split="test")))


def test_reports_among_the_images_are_no_labels(tmp_path: Path) -> None:
    folder_of(tmp_path, "7_a.png", "3_b.png", "evaluation.json", "metrics.json", "per_class.csv", "report.txt")
    write(tmp_path, predictions_csv="id,truth,predicted,outcome\n7_a.png,1,1,correct\n3_b.png,1,1,correct\n")

    dataset = load_dataset(tmp_path)

    assert {"7_a.png": "7", "3_b.png": "3"} == truths(dataset)
    assert () == dataset.notes


@pytest.mark.parametrize("kind", ["stress", "leaderboard", "comparison", "inspection"])
def test_other_reports_among_the_images_are_no_labels(tmp_path: Path, kind: str) -> None:
    table = "file,label\n7_a.png,1\n3_b.png,1\n"
    folder_of(tmp_path, "7_a.png", "3_b.png", f"{kind}.json")
    for beside in REPORTS[f"{kind}.json"]:
        (tmp_path / beside).write_text(table)

    dataset = load_dataset(tmp_path)

    assert {"7_a.png": "7", "3_b.png": "3"} == truths(dataset)
    assert () == dataset.notes


def test_what_an_earlier_run_answered_is_no_label(tmp_path: Path) -> None:
    folder_of(tmp_path, "7/a.png", "3/b.png")
    write(tmp_path, old_csv="id,truth,predicted,outcome\n7/a.png,1,1,correct\n3/b.png,1,1,correct\n")

    assert {"7/a.png": "7", "3/b.png": "3"} == truths(load_dataset(tmp_path))


def test_a_file_named_after_a_part_is_about_its_folder(tmp_path: Path) -> None:
    folder_of(tmp_path, "train/a.png", "train/b.png", "test/a.png", "test/b.png")
    write(
        tmp_path,
        train_labels_csv="file,label\na.png,7\nb.png,3\n",
        test_labels_csv="file,label\na.png,1\nb.png,2\n",
    )

    assert {"train/a.png": "7", "train/b.png": "3", "test/a.png": "1", "test/b.png": "2"} == truths(
        load_dataset(tmp_path)
    )


def test_a_file_named_as_answers_is_no_label_file(tmp_path: Path) -> None:
    folder_of(tmp_path, "a.png", "b.png")
    write(tmp_path, train_csv="id,label\na,7\nb,3\n", sample_submission_csv="id,label\na,0\nb,0\n")

    assert {"a.png": "7", "b.png": "3"} == truths(load_dataset(tmp_path))

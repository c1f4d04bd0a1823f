"""A whole dataset: which source of labels is taken, its fingerprint, and refusals."""

from pathlib import Path

import pytest
from dataset_examples import folder_of, truths
from hypothesis import given
from hypothesis import strategies as st

from batch_eval.dataset import LabelOptions, load_dataset
from batch_eval.errors import ConfigError, UnreadableImageError


def test_unlabelled_images_are_loaded_with_the_ways_to_label_them(tmp_path: Path) -> None:
    folder_of(tmp_path, "set/IMG_2041.jpg", "set/IMG_2042.jpg", "set/README.txt")

    dataset = load_dataset(tmp_path / "set")

    assert truths(dataset) == {"IMG_2041.jpg": None, "IMG_2042.jpg": None}
    assert dataset.unlabelled == (
        "No labels found for the 2 images in set (IMG_2041.jpg, IMG_2042.jpg). Looked at for labels, but not used: "
        "README.txt names no image. Expected class folders (7/IMG_2041.jpg), a label file such as labels.csv in the "
        "folder, or file names that start with the digit (7_IMG_2041.jpg). Or name a label file with --labels, or say "
        "with --label-pattern how names hold the label. To read images without labels, use `batch-eval predict`."
    )


def test_a_sample_is_read_from_its_source(tmp_path: Path) -> None:
    folder_of(tmp_path, "7/a.png")
    (tmp_path / "7" / "a.png").write_bytes(b"pixels")

    dataset = load_dataset(str(tmp_path))

    assert dataset.read(dataset.samples[0]) == b"pixels"


def test_a_git_lfs_pointer_is_named(tmp_path: Path) -> None:
    folder_of(tmp_path, "7/a.png")
    (tmp_path / "7" / "a.png").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    dataset = load_dataset(tmp_path)

    with pytest.raises(UnreadableImageError, match="a Git LFS pointer, not the image: fetch it with `git lfs pull`"):
        dataset.read(dataset.samples[0])


def test_a_pattern_wins_over_a_label_file(tmp_path: Path) -> None:
    folder_of(tmp_path, "scan_7.png", "labels.csv")

    dataset = load_dataset(tmp_path, LabelOptions(pattern=r"_(?P<label>\d)"))

    assert truths(dataset) == {"scan_7.png": "7"}
    assert dataset.label_source == r"file names (pattern _(?P<label>\d))"


def test_stray_images_beside_class_folders_are_said(tmp_path: Path) -> None:
    folder_of(tmp_path, "7/a.png", "cover.png")

    assert load_dataset(tmp_path).notes == ("1 of 2 images have no label: cover.png.",)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (LabelOptions(Path("l.csv"), pattern="(?P<label>.)"), "--labels and --label-pattern name two sources"),
        (
            LabelOptions(path_column="id"),
            "--path-column and --label-column need a label file: name it with --labels, or",
        ),
        (LabelOptions(label_column="y", pattern="(?P<label>.)"), "need a label file"),
    ],
)
def test_options_that_exclude_each_other_are_refused(tmp_path: Path, options: LabelOptions, said: str) -> None:
    folder_of(tmp_path, "7/a.png")

    with pytest.raises(ConfigError, match=said):
        load_dataset(tmp_path, options)


@given(order=st.permutations(range(6)))
def test_the_fingerprint_does_not_depend_on_the_order_of_rows(
    order: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = folder_of(tmp_path_factory.mktemp("set"), *(f"{i}.png" for i in range(6)))
    (root / "labels.csv").write_text("filename,label\n" + "".join(f"{i}.png,{i}\n" for i in range(6)))
    other = tmp_path_factory.mktemp("other") / "shuffled.csv"
    other.write_text("label,filename\n" + "".join(f"{i}.0,./{i}.png\n" for i in order))

    shuffled = load_dataset(root, other)

    assert shuffled.labels_sha256 == load_dataset(root).labels_sha256
    assert len(shuffled.labels_sha256) == 64


@pytest.mark.parametrize("table", ["filename,label\na.png,7\nb.png,2\n", "filename,label\na.png,7\n"])
def test_the_fingerprint_depends_on_every_label(tmp_path: Path, table: str) -> None:
    root = folder_of(tmp_path / "set", "a.png", "b.png")
    (root / "labels.csv").write_text("filename,label\na.png,7\nb.png,1\n")
    (tmp_path / "other.csv").write_text(table)

    other = load_dataset(root, tmp_path / "other.csv")

    assert other.labels_sha256 != load_dataset(root).labels_sha256


def test_the_real_digits_load_with_their_slices(data: Path) -> None:
    dataset = load_dataset(data / "digits")

    assert len(dataset.samples) == 3462
    assert dataset.slice_names == ("kind", "source", "writer", "stage", "polarity", "exif_orientation", "license")
    assert {sample.truth for sample in dataset.samples} == set("0123456789")
    assert dataset.missing == ()
    assert dataset.notes == ("Looked at for labels, but not used: SOURCES.csv names no image.",)


def test_a_label_file_beside_the_folder_is_offered_and_the_advice_works(tmp_path: Path) -> None:
    folder_of(tmp_path / "photos", "IMG_2041.jpg", "IMG_2042.jpg")
    (tmp_path / "labels.csv").write_text("photos/IMG_2041.jpg,7\nphotos/IMG_2042.jpg,3\n")

    assert f"{tmp_path / 'labels.csv'} lies beside the folder: name it with --labels" in (
        load_dataset(tmp_path / "photos").unlabelled
    )
    assert {"IMG_2041.jpg": "7", "IMG_2042.jpg": "3"} == truths(
        load_dataset(tmp_path / "photos", tmp_path / "labels.csv")
    )

"""Where training digits come from, and what is said when they cannot be had."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
import set_files as made

from batch_eval.errors import TrainingError
from batch_eval.training.batches import drawn_digits
from batch_eval.training.data import CLASS_NAMES, _read_set, load_training_data, load_validation
from batch_eval.training.scenes import SceneOptions, draw_scene


def arrays(count: int = 20) -> dict[str, np.ndarray]:
    digits = drawn_digits(1, count)
    return {"x_train": digits.images, "y_train": digits.labels, "x_test": digits.images, "y_test": digits.labels}


def write_npz(folder: Path, **changed: np.ndarray) -> Path:
    path = folder / "digits.npz"
    np.savez(path, **{**arrays(), **changed})
    return path


def test_an_npz_file_is_read_as_it_is(tmp_path: Path):
    data = load_training_data(write_npz(tmp_path))

    np.testing.assert_array_equal(data.train.images, arrays()["x_train"])
    np.testing.assert_array_equal(data.test.labels, arrays()["y_test"])
    assert data.source == "digits.npz"


def test_the_hash_depends_on_the_digits_only(tmp_path: Path):
    first = load_training_data(write_npz(tmp_path)).sha256
    (tmp_path / "b").mkdir()
    wider = load_training_data(write_npz(tmp_path / "b", y_train=arrays()["y_train"].astype(np.int64))).sha256
    (tmp_path / "c").mkdir()
    other = load_training_data(write_npz(tmp_path / "c", y_train=arrays()["y_train"][::-1])).sha256

    assert first == wider
    assert first != other


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"x_train": np.zeros((20, 14, 14), np.uint8)}, r"uint8 of shape \(20, 14, 14\)"),
        ({"x_train": np.zeros((20, 28, 28), np.float32)}, "float32 of shape"),
        ({"y_train": np.zeros(7, np.uint8)}, r"labels of shape \(7,\) for 20 images"),
        ({"y_train": np.full(20, 11, np.uint8)}, "not the digits 0 to 9"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path: Path, changed: dict[str, np.ndarray], message: str):
    with pytest.raises(TrainingError, match=message):
        load_training_data(write_npz(tmp_path, **changed))


def test_an_npz_file_without_test_digits_is_refused(tmp_path: Path):
    np.savez(tmp_path / "half.npz", x_train=arrays()["x_train"], y_train=arrays()["y_train"])

    with pytest.raises(TrainingError, match="has no array x_test, y_test"):
        load_training_data(tmp_path / "half.npz")


def test_a_file_that_is_no_npz_is_refused(tmp_path: Path):
    (tmp_path / "digits.npz").write_text("not an archive")

    with pytest.raises(TrainingError, match=r"not a readable \.npz file") as refused:
        load_training_data(tmp_path / "digits.npz")

    assert "allow_pickle" not in str(refused.value), "what was no archive cannot be made one"


def test_pickled_arrays_are_refused(tmp_path: Path):
    with pytest.raises(TrainingError, match=r"not a readable \.npz file"):
        load_training_data(write_npz(tmp_path, x_train=np.array([{}], dtype=object)))


def test_a_source_that_does_not_exist_is_refused(tmp_path: Path):
    with pytest.raises(TrainingError, match="does not exist"):
        load_training_data(tmp_path / "nothing")


@pytest.mark.slow
def test_a_failed_download_says_what_to_do(monkeypatch: pytest.MonkeyPatch):
    import keras

    def fail() -> None:
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.datasets.mnist, "load_data", fail)

    with pytest.raises(TrainingError, match=r"URL fetch failure.*--data"):
        load_training_data(None)


@pytest.mark.slow
def test_the_download_is_taken_as_keras_returns_it(monkeypatch: pytest.MonkeyPatch):
    import keras

    a = arrays()
    loaded = (a["x_train"], a["y_train"]), (a["x_test"], a["y_test"])
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: loaded)

    assert len(load_training_data(None).train) == 20


@pytest.mark.slow
def test_fashion_mnist_is_downloaded_with_its_class_names(monkeypatch: pytest.MonkeyPatch):
    import keras

    a = arrays()
    loaded = (a["x_train"], a["y_train"]), (a["x_test"], a["y_test"])
    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", lambda: loaded)

    data = load_training_data(Path("fashion-mnist"))

    assert ("T-shirt/top", "Ankle boot") == (data.class_names[0], data.class_names[9])
    assert not data.are_digits


@pytest.mark.slow
def test_a_failed_download_of_fashion_mnist_names_it(monkeypatch: pytest.MonkeyPatch):
    import keras

    def fail() -> None:
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", fail)

    with pytest.raises(TrainingError, match=r"Fashion-MNIST could not be downloaded \(URL fetch failure"):
        load_training_data(Path("fashion-mnist"))


def test_a_folder_that_is_called_like_a_download_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "mnist").mkdir()
    write_photos(tmp_path / "mnist", 30)
    monkeypatch.chdir(tmp_path)

    assert "mnist" == load_training_data(Path("mnist")).source


def test_a_validation_set_is_the_test_set_of_a_file(tmp_path: Path):
    a = arrays()
    np.savez(tmp_path / "validation.npz", x_test=a["x_test"][:7], y_test=a["y_test"][:7])

    np.testing.assert_array_equal(a["x_test"][:7], load_validation(tmp_path / "validation.npz").images)


def test_a_validation_set_is_all_of_a_folder(tmp_path: Path):
    assert 30 == len(load_validation(write_photos(tmp_path, 30)))


def test_a_folder_may_have_classes_of_other_names(tmp_path: Path):
    names = tuple("abcdefghij")
    write_photos(tmp_path, 40, names)

    data = load_training_data(tmp_path, class_names=names)

    assert [3] * 10 == np.bincount(data.train.labels).tolist()
    assert not data.are_digits


def test_other_than_ten_classes_are_refused(tmp_path: Path):
    with pytest.raises(TrainingError, match="--classes names 2 classes"):
        load_training_data(write_npz(tmp_path), class_names=("a", "b"))


def test_a_missing_validation_file_is_refused(tmp_path: Path):
    with pytest.raises(TrainingError, match=r"Give --validation an \.npz file or a folder.*or a share"):
        load_validation(tmp_path / "nothing")


def write_photos(folder: Path, count: int, names: tuple[str, ...] = CLASS_NAMES) -> Path:
    rows = []
    for i in range(count):
        scene = draw_scene(
            np.random.default_rng(i), i % 10, SceneOptions(paper="plain", pen="marker", light="even", size=64)
        )
        cv2.imwrite(str(folder / f"{i}.png"), scene.image)
        rows.append((f"{i}.png", names[scene.label]))
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("filename", "label"), *rows])
    return folder


def test_a_folder_is_read_and_a_share_of_every_class_set_aside(tmp_path: Path):
    data = load_training_data(write_photos(tmp_path, 40))

    assert np.bincount(data.train.labels).tolist() == [3] * 10
    assert np.bincount(data.test.labels).tolist() == [1] * 10
    assert data.train.images.shape == (30, 28, 28)


def test_the_rarest_class_is_tested_too(tmp_path: Path):
    for label in range(10):
        (tmp_path / str(label)).mkdir()
        for i in range(2 if label == 9 else 12):
            cv2.imwrite(str(tmp_path / str(label) / f"{i}.png"), np.full((28, 28), 20 * i, np.uint8))

    for seed in range(5):
        data = load_training_data(tmp_path, seed=seed, preprocess="none")
        assert [1] * 10 == np.bincount(data.test.labels).tolist()
        assert [*[11] * 9, 1] == np.bincount(data.train.labels).tolist()


def test_a_damaged_image_is_left_out_and_said(tmp_path: Path):
    write_photos(tmp_path, 30)
    (tmp_path / "0.png").write_bytes(b"no image")

    data = load_training_data(tmp_path)

    assert len(data.train) + len(data.test) == 29
    assert "1 images left out" in data.notes[-1]


def test_a_folder_of_too_few_digits_is_refused(tmp_path: Path):
    with pytest.raises(TrainingError, match="holds 4 usable images"):
        load_training_data(write_photos(tmp_path, 4))


@pytest.mark.parametrize("make", [made.zipped, made.pixels, lambda root: made.idx(root) / "t10k-images-idx3-ubyte"])
def test_any_set_of_a_run_is_read(make, tmp_path: Path):
    data = load_training_data(make(tmp_path), preprocess="none")

    assert (10, 10) == (len(data.train), len(data.test))
    assert set(range(10)) == set(data.train.labels.tolist()) == set(data.test.labels.tolist())


def test_arrays_of_the_right_size_are_taken_as_they_are(tmp_path: Path):
    digits, *_ = _read_set(made.pixels(tmp_path), "photo", CLASS_NAMES)

    np.testing.assert_array_equal(made.images(), digits.images)


def test_a_set_with_a_part_test_is_tested_on_it(tmp_path: Path):
    made.idx(tmp_path, name="train")
    data = load_training_data(made.idx(tmp_path))

    np.testing.assert_array_equal(made.images(), data.train.images)
    np.testing.assert_array_equal(made.images(), data.test.images)

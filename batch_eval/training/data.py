"""Where training digits come from: an .npz file, a data set that Keras downloads, or a folder of labelled images."""

from __future__ import annotations

import contextlib
import hashlib
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batch_eval.errors import TrainingError, UnreadableImageError
from batch_eval.models.tensorflow_runtime import import_tensorflow
from batch_eval.training.batches import CLASSES, Digits

KEYS = ("x_train", "y_train", "x_test", "y_test")
TEST_SHARE = 0.1  # of a folder, where nobody has set test images aside
CLASS_NAMES = tuple(str(digit) for digit in range(CLASSES))


@dataclass(frozen=True)
class Download:
    """A data set that Keras downloads: its name, Keras' module, and the names of its classes."""

    title: str
    module: str
    class_names: tuple[str, ...] = CLASS_NAMES


_CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
DOWNLOADS: Mapping[str, Download] = {
    "mnist": Download("MNIST", "mnist"),
    # names: H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST (2017), table 2, as Keras' documentation has them
    "fashion-mnist": Download("Fashion-MNIST", "fashion_mnist", _CLOTHES),
}


@dataclass(frozen=True)
class TrainingData:
    """Digits to train on and digits to test on, where they came from, and a hash of all their bytes.

    ``check`` is what the best epoch is chosen by, where it is not to be taken from ``given``.
    """

    given: Digits
    test: Digits
    source: str
    notes: tuple[str, ...] = ()
    class_names: tuple[str, ...] = CLASS_NAMES
    check: Digits | None = None

    @property
    def are_digits(self) -> bool:
        """Whether the classes are 0 to 9, so that digits that the program draws belong to them."""
        return self.class_names == CLASS_NAMES

    @property
    def sha256(self) -> str:
        """The hash of images and labels as the network sees them; it does not depend on the file that held them."""
        digest = hashlib.sha256()
        for digits in (self.given, self.test):
            digest.update(digits.images.tobytes())
            digest.update(digits.labels.tobytes())
        return digest.hexdigest()


def load_training_data(
    source: Path | None,
    *,
    preprocess: str = "photo",
    seed: int = 1,
    class_names: tuple[str, ...] | None = None,
) -> TrainingData:
    """Read training digits from an ``.npz``, from a folder, or as Keras downloads them (None is MNIST).

    A folder's images are read and preprocessed exactly as a run does, and a tenth of every class, chosen by ``seed``,
    is set aside for testing. ``class_names`` are the names of the classes 0 to 9 of an ``.npz``, or a folder's labels
    in that order; None takes the digits, or the names that a download has. Raises TrainingError when the data cannot
    be had or does not fit, DatasetError when a folder's labels cannot be found.
    """
    if class_names is not None and len(set(class_names)) != CLASSES:
        raise TrainingError(f"--classes names {len(set(class_names))} classes. The networks tell {CLASSES} apart.")
    name = "mnist" if source is None else str(source)
    if source is None or (name in DOWNLOADS and not source.exists()):
        download = DOWNLOADS[name]
        found = _from_arrays(_downloaded(download), f"{download.title}, downloaded by Keras")
        return replace(found, class_names=class_names or download.class_names)
    if source.is_dir():
        return _from_folder(source, preprocess, seed, class_names or CLASS_NAMES)
    _check_exists(source, "--data")
    return replace(_from_arrays(_npz(source, KEYS), source.name), class_names=class_names or CLASS_NAMES)


def checked_with(data: TrainingData, source: Path, *, preprocess: str = "photo") -> TrainingData:
    """Return the data with digits of their own to check with, and a note on them; raises as above."""
    check = load_validation(source, preprocess=preprocess, class_names=data.class_names)
    return replace(data, check=check, notes=(*data.notes, f"{len(check):,} digits to check with from {source.name}"))


def load_validation(source: Path, *, preprocess: str = "photo", class_names: tuple[str, ...] = CLASS_NAMES) -> Digits:
    """Read digits to check with: the test digits of an ``.npz``, or all of a labelled folder; raises as above."""
    if source.is_dir():
        return _folder(source, preprocess, class_names)[0]
    _check_exists(source, "--validation")
    arrays = _npz(source, KEYS[2:])
    return _digits(arrays["x_test"], arrays["y_test"], f"{source.name}, test")


def _check_exists(source: Path, option: str) -> None:
    if not source.exists():
        known = f", or one of {', '.join(DOWNLOADS)}" if option == "--data" else ", or a share such as 0.1"
        raise TrainingError(
            f"{source} does not exist. Give {option} an .npz file or a folder of labelled images{known}."
        )


def _downloaded(download: Download) -> Mapping[str, Any]:
    """Return a data set's arrays from Keras' cache or download."""
    import_tensorflow()
    import keras

    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras announces its download on stdout
            arrays = getattr(keras.datasets, download.module).load_data()
    except Exception as error:  # Keras raises a bare Exception for every failed download
        raise TrainingError(
            f"{download.title} could not be downloaded ({error}). "
            "Connect to the internet, or give a file or folder with --data."
        ) from error
    (x_train, y_train), (x_test, y_test) = arrays
    return dict(zip(KEYS, (x_train, y_train, x_test, y_test), strict=True))


def _npz(path: Path, keys: Sequence[str]) -> Mapping[str, Any]:
    """Return the arrays of an .npz file in the layout of Keras' mnist.npz; nothing pickled is opened."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = [key for key in keys if key not in archive.files]
            if missing:
                raise TrainingError(
                    f"{path} has no array {', '.join(missing)}; it holds {', '.join(archive.files) or 'nothing'}. "
                    f"Expected {', '.join(keys)}, as in Keras' mnist.npz."
                )
            return {key: archive[key] for key in keys}
    except (OSError, ValueError, AttributeError, zipfile.BadZipFile) as error:
        raise TrainingError(
            f"{path} is not a readable .npz file ({error}). Expected numpy arrays {', '.join(keys)}."
        ) from error


def _from_arrays(arrays: Mapping[str, Any], source: str) -> TrainingData:
    """Check the four arrays and pair images with labels."""
    given, test = (_digits(arrays[f"x_{part}"], arrays[f"y_{part}"], f"{source}, {part}") for part in ("train", "test"))
    return TrainingData(given, test, source)


def _digits(images: NDArray[Any], labels: NDArray[Any], where: str) -> Digits:
    """Check shapes, types and labels of one set of digits."""
    if images.ndim != 3 or images.shape[1:] != (28, 28) or images.dtype != np.uint8:
        raise TrainingError(
            f"{where}: the images are {images.dtype} of shape {images.shape}. Expected uint8 of shape (N, 28, 28)."
        )
    if labels.shape != (len(images),):
        raise TrainingError(f"{where}: {labels.shape} labels for {len(images)} images. Expected one label an image.")
    if len(labels) == 0 or not np.isin(labels, np.arange(CLASSES)).all():
        raise TrainingError(f"{where}: the labels {np.unique(labels)[:12]} are not the digits 0 to 9.")
    return Digits(images, labels.astype(np.uint8))


def _from_folder(folder: Path, preprocess: str, seed: int, class_names: tuple[str, ...]) -> TrainingData:
    """Read a labelled folder, and set a part of it aside for testing."""
    digits, notes = _folder(folder, preprocess, class_names)
    given, test = _parted(digits, seed, class_names)
    return TrainingData(given, test, folder.resolve().name, notes, class_names)


def _folder(folder: Path, preprocess: str, class_names: tuple[str, ...]) -> tuple[Digits, tuple[str, ...]]:
    """Read a labelled folder as a run does; blank, damaged and unlabelled images are left out and said."""
    from batch_eval.dataset import load_dataset

    dataset = load_dataset(folder)
    images, labels, left_out = [], [], 0
    for sample in dataset.samples:
        image = _prepared(dataset.path(sample), preprocess) if sample.truth in class_names else None
        if image is None:
            left_out += 1
            continue
        images.append(image)
        labels.append(class_names.index(str(sample.truth)))
    if len(images) < CLASSES:
        raise TrainingError(f"{folder} holds {len(images)} usable digits. Expected at least {CLASSES}.")
    notes = (dataset.label_source, *dataset.notes)
    if left_out:
        known = f"{class_names[0]} to {class_names[-1]}"
        notes = (*notes, f"{left_out} images left out: blank, damaged, or without a label from {known}")
    return Digits(np.stack(images), np.array(labels, np.uint8)), notes


def _prepared(path: str, preprocess: str) -> NDArray[np.uint8] | None:
    """Return what a run would show the model, (28, 28), or None for a blank or unreadable image."""
    from batch_eval.imaging import preprocessor
    from batch_eval.imaging.files import read

    recipe = preprocessor(preprocess)
    try:
        prepared = recipe(recipe.decode(read(path)))
    except UnreadableImageError:
        return None
    return None if prepared.blank else np.asarray(prepared.image, dtype=np.uint8)


def _parted(digits: Digits, seed: int, class_names: Sequence[str]) -> tuple[Digits, Digits]:
    """Set a tenth aside for testing, of every class alike and at least one of each, and shuffle the rest."""
    labels, counts = np.unique(digits.labels, return_counts=True)
    if counts.min() < 2:
        raise TrainingError(
            f"There is only one usable image of {class_names[labels[counts.argmin()]]}. "
            "Expected at least two of every class: one to train on and one to test with."
        )
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(digits))
    of_class = [shuffled[digits.labels[shuffled] == label] for label in labels]
    test = np.concatenate([rows[: max(1, round(len(rows) * TEST_SHARE))] for rows in of_class])
    rows = np.setdiff1d(shuffled, test)
    rng.shuffle(rows)
    return Digits(digits.images[rows], digits.labels[rows]), Digits(digits.images[test], digits.labels[test])

"""Load training data.

It is an .npz file, a data set that Keras downloads, or a folder of labelled images.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from batch_eval.errors import TrainingError, UnreadableImageError
from batch_eval.models.tensorflow_runtime import import_tensorflow
from batch_eval.training.batches import CLASSES, Digits

if TYPE_CHECKING:
    from batch_eval.dataset import Dataset, Sample
    from batch_eval.imaging import Preprocessor

KEYS = ("x_train", "y_train", "x_test", "y_test")  # of Keras' mnist.npz
TEST_SHARE = 0.1
"""Share of a folder's images that becomes the test set."""
CLASS_NAMES = tuple(str(digit) for digit in range(CLASSES))


@dataclass(frozen=True)
class Download:
    """A data set that Keras downloads.

    It has a title, a module in ``keras.datasets``, and class names.
    """

    title: str
    module: str
    class_names: tuple[str, ...] = CLASS_NAMES


_CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
DOWNLOADS: Mapping[str, Download] = {
    "mnist": Download("MNIST", "mnist"),
    # Class names: Xiao, Rasul and Vollgraf, Fashion-MNIST, 2017, arXiv:1708.07747, table 2, spelled as in Keras.
    "fashion-mnist": Download("Fashion-MNIST", "fashion_mnist", _CLOTHES),
}


@dataclass(frozen=True)
class TrainingData:
    """A training set and a test set, and where they came from.

    ``validation`` is None if a part of the training set is set aside for it.
    """

    train: Digits
    test: Digits
    source: str
    notes: tuple[str, ...] = ()
    class_names: tuple[str, ...] = CLASS_NAMES
    validation: Digits | None = None

    @property
    def are_digits(self) -> bool:
        """Whether the classes are 0 to 9, so that drawn digits fit in."""
        return self.class_names == CLASS_NAMES

    @property
    def sha256(self) -> str:
        """The hash of all images and labels, whatever file held them."""
        digest = hashlib.sha256()
        for digits in (self.train, self.test):
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
    """Load a training set and a test set.

    They come from an ``.npz`` file, any set that a run takes, or a download. None is MNIST.

    Images are read as in a run, with the recipe ``preprocess``. Arrays of 28 × 28 pixels are taken as they are. The
    part `test` of the set is its test set. Without one, a tenth of each class is, chosen by ``seed``. ``class_names``
    name the classes 0 to 9. None takes the digits, or the download's names.

    Raises TrainingError if the data is missing or invalid, DatasetError if a set has no labels.
    """
    if class_names is not None and len(set(class_names)) != CLASSES:
        raise TrainingError(
            f"--classes names {len(set(class_names))} classes. The networks have {CLASSES} outputs: name {CLASSES}."
        )
    name = "mnist" if source is None else str(source)
    # A file or folder of that name wins over the download.
    if source is None or (name in DOWNLOADS and not source.exists()):
        download = DOWNLOADS[name]
        found = _from_arrays(_downloaded(download), f"{download.title}, downloaded by Keras")
        return replace(found, class_names=class_names or download.class_names)
    if _is_set(source):
        return _from_set(source, preprocess, seed, class_names or CLASS_NAMES)
    _check_exists(source, "--data")
    return replace(_from_arrays(_npz(source, KEYS), source.name), class_names=class_names or CLASS_NAMES)


def with_validation(data: TrainingData, source: Path, *, preprocess: str = "photo") -> TrainingData:
    """Return the data with a validation set of its own and a note on it. Raises as `load_training_data` does."""
    digits = load_validation(source, preprocess=preprocess, class_names=data.class_names)
    kind = "digits" if data.are_digits else "images"
    note = f"validation set: {len(digits):,} {kind} from {source.name}"
    return replace(data, validation=digits, notes=(*data.notes, note))


def load_validation(source: Path, *, preprocess: str = "photo", class_names: tuple[str, ...] = CLASS_NAMES) -> Digits:
    """Load a validation set.

    It is the test set of an ``.npz`` file, or a whole set of any other kind.

    Raises as `load_training_data` does.
    """
    if _is_set(source):
        return _read_set(source, preprocess, class_names)[0]
    _check_exists(source, "--validation")
    arrays = _npz(source, KEYS[2:])
    return _labelled(arrays["x_test"], arrays["y_test"], f"{source.name}, test")


def _check_exists(source: Path, option: str) -> None:
    if not source.exists():
        known = f", or one of {', '.join(DOWNLOADS)}" if option == "--data" else ", or a share such as 0.1"
        raise TrainingError(
            f"{source} does not exist. Give {option} an .npz file or a folder of labelled images{known}."
        )


def _downloaded(download: Download) -> Mapping[str, Any]:
    """Return a data set's arrays from Keras' cache or its download."""
    import_tensorflow(f"the download of {download.title}")
    import keras

    try:
        # Keras announces its download on stdout, which is for results.
        with contextlib.redirect_stdout(sys.stderr):
            arrays = getattr(keras.datasets, download.module).load_data()
    except Exception as error:  # Keras raises a bare Exception for every failed download
        raise TrainingError(
            f"{download.title} could not be downloaded ({error}). "
            "Connect to the internet, or give a file or folder with --data."
        ) from error
    (x_train, y_train), (x_test, y_test) = arrays
    return dict(zip(KEYS, (x_train, y_train, x_test, y_test), strict=True))


def _npz(path: Path, keys: Sequence[str]) -> Mapping[str, Any]:
    """Return the arrays of an .npz file with the keys of Keras' mnist.npz."""
    try:
        zipfile.ZipFile(path).close()  # np.load takes what is no archive for a pickle, and advises to trust it
        # A pickle can run code when it is opened.
        with np.load(path, allow_pickle=False) as archive:
            missing = [key for key in keys if key not in archive.files]
            if missing:
                raise TrainingError(
                    f"{path} has no array {', '.join(missing)}. It holds {', '.join(archive.files) or 'nothing'}. "
                    f"Expected {', '.join(keys)}, as in Keras' mnist.npz."
                )
            return {key: archive[key] for key in keys}
    except (OSError, ValueError, AttributeError, zipfile.BadZipFile) as error:
        raise TrainingError(
            f"{path} is not a readable .npz file ({error}). Expected numpy arrays {', '.join(keys)}."
        ) from error


def _from_arrays(arrays: Mapping[str, Any], source: str) -> TrainingData:
    """Validate the four arrays and pair images with labels."""
    train, test = (
        _labelled(arrays[f"x_{part}"], arrays[f"y_{part}"], f"{source}, {part}") for part in ("train", "test")
    )
    return TrainingData(train, test, source)


def _labelled(images: NDArray[Any], labels: NDArray[Any], where: str) -> Digits:
    """Validate shapes, types and labels of one set."""
    if images.ndim != 3 or images.shape[1:] != (28, 28) or images.dtype != np.uint8:
        raise TrainingError(
            f"{where}: the images are {images.dtype} of shape {images.shape}. Expected uint8 of shape (N, 28, 28)."
        )
    if labels.shape != (len(images),):
        raise TrainingError(
            f"{where}: labels of shape {labels.shape} for {len(images)} images. Expected one label per image."
        )
    if len(labels) == 0 or not np.isin(labels, np.arange(CLASSES)).all():
        raise TrainingError(f"{where}: the labels {np.unique(labels)[:12]} are not the digits 0 to 9.")
    return Digits(images, labels.astype(np.uint8))


def _is_set(source: Path) -> bool:
    """Whether a run takes the source. Keras' layout of `.npz` has a training and a test set of its own."""
    from batch_eval.dataset.sources.opening import holds_set

    return source.suffix != ".npz" and holds_set(source)


def _from_set(source: Path, preprocess: str, seed: int, class_names: tuple[str, ...]) -> TrainingData:
    """Read a labelled set.

    Without a test set of its own, it is split into training set and test set.
    """
    digits, notes, is_test = _read_set(source, preprocess, class_names)
    if is_test.any() and not is_test.all():
        train, test = (Digits(digits.images[rows], digits.labels[rows]) for rows in (~is_test, is_test))
    else:
        train, test = _train_test_split(digits, seed, class_names)
    return TrainingData(train, test, source.resolve().name, notes, class_names)


def _read_set(
    source: Path, preprocess: str, class_names: tuple[str, ...]
) -> tuple[Digits, tuple[str, ...], NDArray[np.bool_]]:
    """Read a labelled set as a run does.

    Return its digits, notes, and which digits are in its part `test`.

    A note counts blank, damaged and unlabelled images.
    """
    from batch_eval.dataset import load_dataset
    from batch_eval.dataset.splits import SPLIT
    from batch_eval.imaging import preprocessor

    dataset = load_dataset(source, None, class_names).labelled()
    recipe = preprocessor(preprocess)
    parts = dataset.slice_values.get(SPLIT, ("",) * len(dataset.samples))
    images, labels, is_test, left_out = [], [], [], 0
    for sample, part in zip(dataset.samples, parts, strict=True):
        image = _preprocessed(dataset, sample, recipe) if sample.truth in class_names else None
        if image is None:
            left_out += 1
            continue
        images.append(image)
        labels.append(class_names.index(str(sample.truth)))
        is_test.append(part == "test")
    if len(images) < CLASSES:
        raise TrainingError(
            f"{source} holds {len(images)} usable images. Expected at least {CLASSES}, "
            f"with labels from {class_names[0]} to {class_names[-1]}."
        )
    notes = (dataset.label_source, *dataset.notes)
    if left_out:
        known = f"{class_names[0]} to {class_names[-1]}"
        notes = (*notes, f"{left_out} images left out: blank, damaged, or without a label from {known}")
    return Digits(np.stack(images), np.array(labels, np.uint8)), notes, np.array(is_test)


def _preprocessed(dataset: Dataset, sample: Sample, recipe: Preprocessor) -> NDArray[np.uint8] | None:
    """Return the (28, 28) image that a run shows the model.

    None means that it is blank or unreadable.
    """
    from batch_eval.engines.local import decoded
    from batch_eval.imaging.guard import one_image

    try:
        content = one_image(dataset.read, sample)
        if not isinstance(content, bytes) and content.shape == (28, 28):
            return content
        prepared = one_image(lambda: recipe(decoded(content, recipe)))
    except UnreadableImageError:
        return None
    return None if prepared.blank else np.asarray(prepared.image, dtype=np.uint8)


def _train_test_split(digits: Digits, seed: int, class_names: Sequence[str]) -> tuple[Digits, Digits]:
    """Return a shuffled training set and a test set with a tenth of each class."""
    # scikit-learn's stratified split can leave a small class without a test image.
    labels, counts = np.unique(digits.labels, return_counts=True)
    if counts.min() < 2:
        raise TrainingError(
            f"There is only one usable image of {class_names[labels[counts.argmin()]]}. "
            "Expected at least two of every class: one to train on and one to test on."
        )
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(digits))
    of_class = [shuffled[digits.labels[shuffled] == label] for label in labels]
    test = np.concatenate([rows[: max(1, round(len(rows) * TEST_SHARE))] for rows in of_class])
    rows = np.setdiff1d(shuffled, test)
    rng.shuffle(rows)
    return Digits(digits.images[rows], digits.labels[rows]), Digits(digits.images[test], digits.labels[test])

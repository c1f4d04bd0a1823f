"""HDF5 in plain Python: what h5py reads, and no crash, loop or link on damaged files."""

import io
import os
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras import layers as kl

from batch_eval.errors import ModelError
from batch_eval.models import open_model
from batch_eval.models.hdf5_file import DamagedError, Dataset, Group, OtherLayoutError, read_hdf5
from batch_eval.models.hdf5_writing import rewritten, written

# TensorFlow 2.21 with NumPy 2.4 warns about itself; Keras calls .h5 legacy
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn.t accept a copy:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file"),
]
HERE = Path(".")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An .h5 file with nested groups, attributes of all kinds that Keras writes, and float32, float64 and int64."""
    inner = keras.Sequential([kl.Input((6, 6, 2)), kl.Conv2D(3, 3, name="conv")], name="inner")
    layers = [inner, kl.BatchNormalization(), kl.Normalization(), kl.Flatten(), kl.Dense(10, dtype="float64")]
    file = tmp_path_factory.mktemp("saved") / "model.h5"
    keras.Sequential([kl.Input((6, 6, 2)), *layers]).save(file)
    return file.read_bytes()


def check_equal(item: Group | Dataset, expected: h5py.Group | h5py.Dataset) -> int:
    """Compare with what h5py reads, and return the number of datasets."""
    assert set(expected.attrs) == set(item.attributes)
    for name, value in item.attributes.items():
        texts = [part.decode() if isinstance(part, bytes) else part for part in np.ravel(expected.attrs[name]).tolist()]
        assert texts == ([value] if isinstance(value, str) else value)
    if isinstance(item, Dataset):
        np.testing.assert_array_equal(expected[()], item.read())
        assert expected.dtype == item.dtype
        return 1
    assert list(expected) == list(item.members)
    return sum(check_equal(member, expected[name]) for name, member in item.members.items())


def file_of(fill, **options) -> bytes:
    """Return an HDF5 file that a function fills."""
    stream = io.BytesIO()
    with h5py.File(stream, "w", **options) as file:
        fill(file)
    return stream.getvalue()


def test_reads_what_h5py_reads(saved: bytes) -> None:
    with h5py.File(io.BytesIO(saved)) as expected:
        assert check_equal(read_hdf5(saved), expected) > 8


def test_many_members_and_long_texts() -> None:
    """A B-tree of several levels, an attribute in a heap of its own, and continued object headers."""

    def fill(file):
        for i in range(3000):
            file.create_group(f"layer_{i}")
        file.attrs["long"] = "x" * 100_000
        for i in range(60):
            file.attrs[f"attribute {i}"] = "text " * i

    data = file_of(fill)

    with h5py.File(io.BytesIO(data)) as expected:
        check_equal(read_hdf5(data), expected)


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f4", "i1", "u1", "<i2", ">i4", "<u4", "<i8", "<u8"])
def test_types_of_numbers(dtype: str) -> None:
    values = np.arange(6).reshape(2, 3).astype(dtype)
    found = read_hdf5(file_of(lambda file: file.create_dataset("values", data=values))).members["values"]

    np.testing.assert_array_equal(values, found.read())
    assert values.dtype == found.dtype


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 0, 2), (2, 3, 4, 5)])
def test_shapes(shape: tuple[int, ...]) -> None:
    found = read_hdf5(file_of(lambda file: file.create_dataset("values", data=np.ones(shape)))).members["values"]

    assert (shape, shape) == (found.shape, found.read().shape)


@pytest.mark.parametrize("layout", ["latest", "compressed", "chunked"])
def test_other_layouts_are_rewritten(layout: str, saved: bytes) -> None:
    """Newer releases of HDF5 write another layout by default, and tools compress files."""
    options = {"compressed": {"compression": "gzip"}, "chunked": {"chunks": True}}.get(layout, {})

    def fill(file):
        with h5py.File(io.BytesIO(saved)) as source:
            for name in source:
                source.copy(name, file)
            file.attrs.update(source.attrs)
        if options:
            file.create_dataset("pieces", data=np.arange(5000.0), **options)

    data = file_of(fill, libver="latest" if layout == "latest" else "earliest")
    with pytest.raises(OtherLayoutError):
        read_hdf5(data)

    with h5py.File(io.BytesIO(data)) as expected:
        check_equal(read_hdf5(rewritten(data, HERE, folder=HERE)), expected)


def test_a_model_in_another_layout_opens(tmp_path: Path) -> None:
    model = keras.Sequential([kl.Input((28, 28, 1)), kl.Flatten(), kl.Dense(10, activation="softmax")])
    model.save(tmp_path / "plain.h5")
    with h5py.File(tmp_path / "plain.h5") as source, h5py.File(tmp_path / "new.h5", "w", libver="latest") as target:
        for name in source:
            source.copy(name, target)
        target.attrs.update(source.attrs)
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)

    expected, actual = (open_model(tmp_path / name).predict(images) for name in ("plain.h5", "new.h5"))

    np.testing.assert_array_equal(expected, actual)


def test_written_files_read_back(saved: bytes) -> None:
    tree = read_hdf5(saved)

    with h5py.File(io.BytesIO(written(tree))) as expected:
        check_equal(tree, expected)


@pytest.mark.slow
@pytest.mark.parametrize("value", [0, 1, 0x7F, 0x80, 0xFF])
def test_changed_bytes_end_in_an_error_or_do_not_matter(value: int, saved: bytes) -> None:
    """Single changes make HDF5's own library loop for ever or crash."""
    for position in range(0, len(saved), 5):
        data = bytearray(saved)
        data[position] = value
        try:
            read_hdf5(bytes(data))
        except (DamagedError, OtherLayoutError, ModelError):
            continue


def test_every_cut_is_damage(saved: bytes) -> None:
    for end in range(8, len(saved), 97):
        with pytest.raises((DamagedError, OtherLayoutError)):
            read_hdf5(saved[:end])


def test_something_behind_the_end(saved: bytes) -> None:
    with pytest.raises(ModelError, match="two files in one"):
        read_hdf5(saved + b"more")


def soft_link(file):
    file["link"] = h5py.SoftLink("/elsewhere")


def cycle(file):
    file.create_group("a")["b"] = file["/"]


def external_storage(file):
    file.create_dataset("values", (4,), "float32", external=[("/etc/hostname", 0, 16)])


def never_stored(file):
    file.create_dataset("values", (1 << 20,), "float32")


@pytest.mark.parametrize(
    ("fill", "message"),
    [
        (soft_link, "soft or external link"),
        (cycle, "contains itself"),
        (external_storage, "stored in another file"),
        (never_stored, "the file holds 0 of them"),
    ],
)
def test_what_is_refused(fill, message: str) -> None:
    with pytest.raises((DamagedError, ModelError), match=message):
        read_hdf5(file_of(fill))


def external_link(file):
    file["link"] = h5py.ExternalLink("/etc/hostname", "/")


def virtual(file):
    layout = h5py.VirtualLayout((4,), "float32")
    layout[:] = h5py.VirtualSource("/etc/hostname", "values", (4,))
    file.create_virtual_dataset("values", layout)


@pytest.mark.parametrize("fill", [soft_link, external_link, virtual, external_storage, never_stored])
def test_rewriting_refuses_it_too(fill) -> None:
    with pytest.raises(ModelError, match=r"never opened|not stored in the file"):
        rewritten(file_of(fill, libver="latest"), HERE, folder=HERE)


def test_a_file_called_as_the_library_calls_its_own_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file_image_0").write_bytes(os.urandom(100))

    assert open_model().name == "default.keras"

"""The same digits as every kind of set: the same pixels under the same labels, with ids that lead back to them."""

import gzip
import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import set_files as made
from dataset_examples import truths

from batch_eval import evaluate
from batch_eval.dataset import Dataset, LabelOptions, load_dataset
from batch_eval.errors import DatasetError, UnreadableImageError
from batch_eval.imaging import decode

PARQUET = pytest.mark.skipif(
    __import__("importlib").util.find_spec("pyarrow") is None, reason="needs the extra parquet"
)
KINDS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "folder": (made.folder, "3/03.png"),
    "zip": (made.zipped, "3/03.png"),
    "zip, stored": (lambda root: made.zipped(root, zipfile.ZIP_STORED), "3/03.png"),
    "zip, lzma": (lambda root: made.zipped(root, zipfile.ZIP_LZMA), "3/03.png"),
    "zip with a top folder": (lambda root: made.zipped(root, top="digits/"), "digits/3/03.png"),
    "folder of a zip": (lambda root: made.zipped(root).parent, "3/03.png"),
    "tar": (made.tarred, "3/03.png"),
    "tar.gz": (lambda root: made.tarred(root, "gz", "digits.tar.gz"), "3/03.png"),
    "tgz": (lambda root: made.tarred(root, "gz", "digits.tgz"), "3/03.png"),
    "tar.bz2": (lambda root: made.tarred(root, "bz2", "digits.tar.bz2"), "3/03.png"),
    "tar.xz": (lambda root: made.tarred(root, "xz", "digits.tar.xz"), "3/03.png"),
    "WebDataset": (made.webdataset, "000003.png"),
    "npz": (made.npz, "x_test[3]"),
    "npz, not packed": (lambda root: made.npz(root, np.savez), "x_test[3]"),
    "npz of other names": (
        lambda root: made.npz(root, images=made.images(), labels=np.eye(10)[made.LABELS]),
        "images[3]",
    ),
    "npz, 0 to 1": (lambda root: made.npz(root, X=made.images() / np.float32(255), y=np.array(made.LABELS)), "X[3]"),
    "npz, flat": (lambda root: made.npz(root, data=made.images().reshape(-1, 784), target=made.LABELS), "data[3]"),
    "npz, one channel": (lambda root: made.npz(root, x=made.images()[..., None], y=made.LABELS), "x[3]"),
    "npz, channel first": (lambda root: made.npz(root, x=made.images()[:, None], y=made.LABELS), "x[3]"),
    "IDX": (made.idx, "t10k-images-idx3-ubyte[3]"),
    "IDX, gzip": (lambda root: made.idx(root, packed=True), "t10k-images-idx3-ubyte[3]"),
    "IDX file": (lambda root: made.idx(root) / "t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte[3]"),
    "pixels": (made.pixels, "train.csv:5"),
    "pixels without names": (lambda root: made.pixels(root, header=False), "train.csv:4"),
    "pixels, label last": (lambda root: made.pixels(root, header=False, last=True), "train.csv:4"),
    "folder of pixels": (lambda root: made.pixels(root).parent, "train.csv:5"),
    "data URIs": (made.encoded, "drawings.csv:5"),
    "data URIs without names": (lambda root: made.encoded(root, header=False), "drawings.csv:4"),
    "base64": (lambda root: made.encoded(root, prefix=""), "drawings.csv:5"),
    "list": (made.listed, "set/3/03.png"),
    "images": (lambda root: [made.folder(root) / name for name in made.names()], "3/03.png"),
    "array": (lambda _: made.images(), "images[3]"),
}


def pixels_of(dataset: Dataset) -> list[np.ndarray]:
    contents = [dataset.read(sample) for sample in dataset.samples]
    return [decode(content) if isinstance(content, bytes) else content for content in contents]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_set_holds_the_same_digits(kind: str, tmp_path: Path) -> None:
    make, name = KINDS[kind]
    labels = made.LABELS if kind == "array" else None
    dataset = load_dataset(make(tmp_path), labels)

    by_id = dict(zip((sample.id for sample in dataset.samples), pixels_of(dataset), strict=True))
    assert made.COUNT == len(by_id)
    assert "3" == truths(dataset)[name]
    np.testing.assert_array_equal(made.images()[3], by_id[name])
    assert sorted(map(str, made.LABELS)) == sorted(str(sample.truth) for sample in dataset.samples)
    assert "" == dataset.unlabelled


@PARQUET
@pytest.mark.parametrize("path", ["file", "folder"])
def test_parquet_files_of_hugging_face(path: str, tmp_path: Path) -> None:
    file = made.parquet(tmp_path)
    dataset = load_dataset(file if path == "file" else tmp_path)

    name = "test-00000-of-00001.parquet[3]" if path == "file" else "data/test-00000-of-00001.parquet[3]"
    assert "3" == truths(dataset)[name]
    assert ("pen",) == dataset.slice_names
    np.testing.assert_array_equal(made.images()[3], pixels_of(dataset)[3])


@PARQUET
def test_parquet_files_of_two_parts_have_a_slice(tmp_path: Path) -> None:
    made.parquet(tmp_path, "train-00000-of-00001.parquet")
    made.parquet(tmp_path)

    dataset = load_dataset(tmp_path, LabelOptions(split="test"))

    assert made.COUNT == len(dataset.samples)
    assert {("thin", "test")} == {sample.slices for sample in dataset.samples}


@PARQUET
def test_a_row_without_an_image_is_unreadable(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"image": [made.pngs()[7], None], "label": [7, 3]}), tmp_path / "a.parquet")
    dataset = load_dataset(tmp_path / "a.parquet")

    with pytest.raises(UnreadableImageError, match="the row holds no bytes"):
        dataset.read(dataset.samples[1])


@PARQUET
def test_a_parquet_file_without_images_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"label": [7, 3]}), tmp_path / "a.parquet")

    with pytest.raises(DatasetError, match=r"a\.parquet holds no images: its columns are label"):
        load_dataset(tmp_path / "a.parquet")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["folder", "zip", "tar.gz", "npz", "IDX, gzip", "pixels", "data URIs"])
def test_every_kind_of_set_gives_the_same_outcomes(kind: str, tmp_path: Path) -> None:
    expected = evaluate(made.folder(tmp_path), jobs=1)
    found = evaluate(KINDS[kind][0](tmp_path), jobs=2)

    assert expected.counts == found.counts
    assert expected.accuracy > 0.8
    assert sorted(expected.records.predicted.tolist()) == sorted(found.records.predicted.tolist())


def test_train_and_test_arrays_are_a_slice(tmp_path: Path) -> None:
    both = {
        f"{kind}_{part}": values
        for part in ("train", "test")
        for kind, values in (("x", made.images()), ("y", made.LABELS))
    }
    dataset = load_dataset(made.npz(tmp_path, **both))

    assert ("split",) == dataset.slice_names
    assert made.COUNT == len(load_dataset(tmp_path / "digits.npz", LabelOptions(split="test")).samples)


def test_train_and_test_files_are_a_slice(tmp_path: Path) -> None:
    made.idx(tmp_path, name="train")

    dataset = load_dataset(made.idx(tmp_path), LabelOptions(split="test"))

    assert "t10k-images-idx3-ubyte[0]" == dataset.samples[0].id
    assert made.COUNT == len(dataset.samples)


def test_colour_arrays_are_read_as_rgb(tmp_path: Path) -> None:
    images = np.zeros((3, 28, 28, 3), np.uint8)
    images[..., 0] = 200

    dataset = load_dataset(made.npz(tmp_path, x=images, y=np.array([1, 2, 3])))

    assert [0, 0, 200] == pixels_of(dataset)[0][0, 0].tolist()


def test_emnist_is_turned_upright(tmp_path: Path) -> None:
    folder = made.idx(tmp_path, name="emnist-digits-test")

    dataset = load_dataset(folder)

    np.testing.assert_array_equal(made.images()[3].T, pixels_of(dataset)[3])
    assert "is turned upright: EMNIST's files hold their images transposed" in dataset.notes[0]


def test_labels_beside_an_archive_s_images_are_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number, data in enumerate(made.pngs()):
            archive.writestr(f"set/img_{number}.png", data)
        archive.writestr(
            "set/labels.csv", "file,label\n" + "".join(f"img_{n}.png,{v}\n" for n, v in enumerate(made.LABELS))
        )

    assert "7" == truths(load_dataset(tmp_path / "a.zip"))["set/img_17.png"]


def test_an_archive_in_a_dotted_folder_is_named_without_its_suffixes(tmp_path: Path) -> None:
    folder = tmp_path / "v1.2"
    folder.mkdir()
    packed = made.tarred(folder, "gz", "digits.tar.gz")

    assert (str(packed), str(folder / "digits")) == load_dataset(packed).source.roots


@pytest.mark.parametrize("file", ["labels.csv", "labels.txt", "sub/truth.csv"])
def test_a_label_file_beside_an_archive_is_read(tmp_path: Path, file: str) -> None:
    (tmp_path / "sub").mkdir()
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        for number, data in enumerate(made.pngs()):
            archive.writestr(f"img_{number:02d}.png", data)
    named = file.endswith(".csv")
    rows = [f"img_{number:02d}.png,{label}" if named else str(label) for number, label in enumerate(made.LABELS)]
    (tmp_path / file).write_text("\n".join(rows))

    found = load_dataset(tmp_path)

    assert list(map(str, made.LABELS)) == [sample.truth for sample in found.samples]
    assert found.label_source.startswith(file)


def test_a_list_beside_an_array_labels_it_and_the_array_is_no_list(tmp_path: Path) -> None:
    np.save(tmp_path / "digits.npy", made.images())
    (tmp_path / "labels.txt").write_text("\n".join(map(str, made.LABELS)))

    found = load_dataset(tmp_path)

    assert list(map(str, made.LABELS)) == [sample.truth for sample in found.samples]
    assert not any("digits.npy" in note and "not used" in note for note in found.notes)


def test_packed_tables_and_lists_in_json_are_sets(tmp_path: Path) -> None:
    packed = tmp_path / "train.csv.gz"
    packed.write_bytes(gzip.compress(made.pixels(tmp_path).read_bytes()))
    names = [f"set/{name}" for name in made.names()]
    made.folder(tmp_path)
    (tmp_path / "list.json").write_text(json.dumps(names))

    assert list(map(str, made.LABELS)) == [sample.truth for sample in load_dataset(packed).samples]
    assert dict(zip(names, map(str, made.LABELS), strict=True)) == truths(load_dataset(tmp_path / "list.json"))


@pytest.mark.parametrize("cut", [20, -8])
def test_a_damaged_packed_table_is_refused(tmp_path: Path, cut: int) -> None:
    packed = tmp_path / "train.csv.gz"
    packed.write_bytes(gzip.compress(made.pixels(tmp_path).read_bytes())[:cut])

    with pytest.raises(DatasetError, match=r"train\.csv\.gz ends early"):
        load_dataset(packed)


def test_archives_side_by_side_are_one_set(tmp_path: Path) -> None:
    made.webdataset(tmp_path)
    (tmp_path / "shard-000001.tar").write_bytes((tmp_path / "shard-000000.tar").read_bytes())

    dataset = load_dataset(tmp_path)

    assert 2 * made.COUNT == len(dataset.samples)
    assert "7" == truths(dataset)["shard-000001.tar/000017.png"]


def test_several_places_are_one_set(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    places = [made.folder(tmp_path / "a"), made.zipped(tmp_path / "b")]

    dataset = load_dataset(places)

    assert 2 * made.COUNT == len(dataset.samples)
    assert f"{places[1].as_posix().strip('/')}/3/03.png" in truths(dataset)


def test_a_single_image(tmp_path: Path) -> None:
    (tmp_path / "7_a.png").write_bytes(made.pngs()[7])

    assert {"7_a.png": "7"} == truths(load_dataset(tmp_path / "7_a.png"))


def test_images_that_are_named_take_their_labels_from_the_file_beside_them(tmp_path: Path) -> None:
    for i in range(4):
        (tmp_path / f"photo-{chr(97 + i)}.png").write_bytes(made.pngs()[i])
    (tmp_path / "labels.csv").write_text("name,label\nphoto-a.png,3\nphoto-b.png,5\nphoto-c.png,7\n")
    (tmp_path / "notes.txt").write_text("photo-a.png 9\n")

    one = load_dataset(tmp_path / "photo-b.png")
    two = load_dataset([tmp_path / "photo-c.png", tmp_path / "photo-a.png"])

    assert {"photo-b.png": "5"} == truths(one)
    assert {"photo-c.png": "7", "photo-a.png": "3"} == truths(two)
    # rows of images that were not named are not missing, as the images are there
    assert ((), (), (), ()) == (one.missing, one.notes, two.missing, two.notes)


def test_a_source_of_one_s_own(tmp_path: Path) -> None:
    source = load_dataset(made.folder(tmp_path)).source

    assert made.COUNT == len(load_dataset(source).samples)


@pytest.mark.parametrize("name", ["../../etc/7.png", "/abs/7.png", "C:\\7.png", "..\\7.png"])
def test_nothing_is_written_where_an_archive_says(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(name, made.pngs()[7])
    monkeypatch.chdir(tmp_path)

    dataset = load_dataset(tmp_path / "a.zip")
    dataset.read(dataset.samples[0])

    assert ["a.zip"] == [path.name for path in tmp_path.rglob("*")]


def test_a_zip_that_says_it_is_huge_is_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("7/bomb.png", bytes(80 << 20))
        archive.writestr("7/a.png", made.pngs()[7])
    dataset = load_dataset(tmp_path / "a.zip")

    with pytest.raises(UnreadableImageError, match="says that it unpacks to 83,886,080 bytes"):
        dataset.read(dataset.samples[1])
    assert dataset.read(dataset.samples[0]) == made.pngs()[7]


def test_a_zip_that_lies_about_a_size_is_damaged_there(tmp_path: Path) -> None:
    path = made.zipped(tmp_path)
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    struct.pack_into("<I", data, entry + 24, 10)  # the length after unpacking, in the directory
    path.write_bytes(data)
    dataset = load_dataset(path)

    with pytest.raises(UnreadableImageError, match="the archive is damaged here"):
        dataset.read(dataset.samples[0])


def test_an_encrypted_image_says_so(tmp_path: Path) -> None:
    path = made.zipped(tmp_path)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    dataset = load_dataset(path)

    with pytest.raises(UnreadableImageError, match="it is encrypted"):
        dataset.read(dataset.samples[0])


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.npz", "a.parquet", "a-idx3-ubyte.gz"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"\x1f\x8b\x08 and no more", b"PAR1 and no more"])
def test_a_damaged_file_is_refused_with_its_name(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(DatasetError, match=name.replace(".", r"\.")):
        load_dataset(tmp_path / name)


def test_a_tar_that_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.tar.gz", "wb", compresslevel=1) as file:
        for _ in range(80):
            file.write(bytes(1 << 20))

    with pytest.raises(DatasetError, match="unpacks to more than 200 times its size"):
        load_dataset(tmp_path / "a.tar.gz")


def test_links_in_a_tar_are_no_images(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        link = tarfile.TarInfo("7/link.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        info = tarfile.TarInfo("7/a.png")
        info.size = len(made.pngs()[7])
        archive.addfile(info, io.BytesIO(made.pngs()[7]))

    assert {"7/a.png": "7"} == truths(load_dataset(tmp_path / "a.tar"))


@pytest.mark.parametrize(
    ("header", "values", "said"),
    [
        ((2, 28, 28), 100, "says that it holds 2 × 28 × 28 bytes, but holds 100"),
        ((1, 28, 28), 1000, "says that it holds 1 × 28 × 28 bytes, but holds more"),
        ((4_000_000_000, 28, 28), 784, "claims 3,136,000,000,000 bytes"),
    ],
)
def test_an_idx_file_that_lies_is_refused(tmp_path: Path, header: tuple[int, ...], values: int, said: str) -> None:
    data = struct.pack(">BBBBIII", 0, 0, 8, 3, *header) + bytes(values)
    (tmp_path / "a-images-idx3-ubyte.gz").write_bytes(gzip.compress(data))

    with pytest.raises(DatasetError, match=said):
        load_dataset(tmp_path)


def test_pickled_arrays_are_never_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.array([{}], dtype=object))

    with pytest.raises(DatasetError, match=r"a\.npz is no readable NumPy file"):
        load_dataset(tmp_path / "a.npz")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x": np.zeros((5, 28, 28), np.float32) + np.nan}, "no numbers"),
        ({"x": np.full((5, 28, 28), 4000, np.uint16)}, "holds values from 4000 to 4000"),
        ({"x": np.full((5, 28, 28), 255.5)}, "holds values from 255.5 to 255.5"),
        ({"x": np.zeros((5, 2, 28, 28, 3), np.uint8)}, "holds no images: its arrays are x uint8"),
        ({"x": np.ones((5, 28, 28, 4), np.uint8)}, "has the shape"),
        (
            {"x": made.images()[:5], "a": np.arange(5), "b": np.arange(5)},
            "several arrays that could be the labels of x: a, b",
        ),
    ],
)
def test_arrays_that_are_no_images_are_refused(tmp_path: Path, arrays: dict[str, np.ndarray], said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        load_dataset(made.npz(tmp_path, **arrays))


def test_a_folder_of_two_kinds_of_sets_is_refused(tmp_path: Path) -> None:
    made.npz(tmp_path)
    made.zipped(tmp_path)

    with pytest.raises(
        DatasetError, match=r"holds no images but several sets: digits\.npz, digits\.zip\. Name one of them"
    ):
        load_dataset(tmp_path)


def test_a_file_that_holds_no_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(b"\xd0\xcf\x11\xe0")
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")

    with pytest.raises(DatasetError, match=r"a\.docx is no image and holds none"):
        load_dataset(tmp_path / "a.docx")
    with pytest.raises(DatasetError, match=r"a\.csv names no images that are there, and holds none"):
        load_dataset(tmp_path / "a.csv")


def test_a_broken_cell_is_unreadable(tmp_path: Path) -> None:
    path = made.encoded(tmp_path)
    path.write_text(path.read_text() + '"data:image/png;base64,%%%",7,thin\n')
    dataset = load_dataset(path)

    with pytest.raises(UnreadableImageError, match="the cell holds no base64 text"):
        dataset.read(dataset.samples[-1])


def test_a_list_says_which_of_its_images_are_missing(tmp_path: Path) -> None:
    path = made.listed(tmp_path)
    path.write_text(path.read_text() + "set/7/gone.png,7\n")

    assert ("set/7/gone.png",) == load_dataset(path).missing


def test_a_table_of_pixels_that_makes_no_square_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        ",".join(["label", *(f"p{i}" for i in range(99))]) + "\n" + ",".join("1" * 100) + "\n"
    )

    with pytest.raises(DatasetError, match=r"has 100 columns\. Expected a label and a square number of pixels"):
        load_dataset(tmp_path / "a.csv")

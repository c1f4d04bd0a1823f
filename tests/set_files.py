"""The same drawn digits as every kind of set, for the tests of sources."""

import base64
import csv
import gzip
import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from drawn_digits import ink

from batch_eval.imaging.files import encode

COUNT = 20
LABELS = [number % 10 for number in range(COUNT)]


def images() -> np.ndarray:
    """Return (20, 28, 28) uint8: bright digits on black, as MNIST has them."""
    drawn = [
        cv2.resize(ink(number, label), (20, 20), interpolation=cv2.INTER_AREA) for number, label in enumerate(LABELS)
    ]
    return np.stack([np.pad(digit, 4) for digit in drawn])


def pngs() -> list[bytes]:
    return [encode(image) for image in images()]


def names() -> list[str]:
    return [f"{label}/{number:02d}.png" for number, label in enumerate(LABELS)]


def folder(root: Path) -> Path:
    """Write the digits into class folders."""
    for name, data in zip(names(), pngs(), strict=True):
        path = root / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root / "set"


def zipped(root: Path, compression: int = zipfile.ZIP_DEFLATED, top: str = "") -> Path:
    with zipfile.ZipFile(root / "digits.zip", "w", compression) as archive:
        for name, data in zip(names(), pngs(), strict=True):
            archive.writestr(top + name, data)
        archive.writestr("__MACOSX/0/._00.png", b"junk")
        archive.writestr(f"{top}.DS_Store", b"junk")
    return root / "digits.zip"


def tarred(root: Path, mode: str = "", name: str = "digits.tar") -> Path:
    with tarfile.open(root / name, f"w:{mode}") as archive:
        for path, data in zip(names(), pngs(), strict=True):
            _add(archive, f"./{path}", data)
    return root / name


def webdataset(root: Path) -> Path:
    with tarfile.open(root / "shard-000000.tar", "w") as archive:
        for number, (label, data) in enumerate(zip(LABELS, pngs(), strict=True)):
            _add(archive, f"{number:06d}.png", data)
            _add(archive, f"{number:06d}.cls", str(label).encode())
            _add(archive, f"{number:06d}.json", json.dumps({"label": label, "writer": 1}).encode())
    return root / "shard-000000.tar"


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def npz(root: Path, save: Callable[..., None] = np.savez_compressed, **arrays: np.ndarray) -> Path:
    save(root / "digits.npz", **(arrays or {"x_test": images(), "y_test": np.array(LABELS)}))
    return root / "digits.npz"


def idx(root: Path, packed: bool = False, name: str = "t10k") -> Path:
    """Write the digits as MNIST's files; return the folder."""
    (root / "idx").mkdir(exist_ok=True)
    write = (
        (lambda path, data: path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(data)))
        if packed
        else (lambda path, data: path.write_bytes(data))
    )
    pixels = images()
    header = struct.pack(">BBBBIII", 0, 0, 8, 3, *pixels.shape)
    write(root / "idx" / f"{name}-images-idx3-ubyte", header + pixels.tobytes())
    write(root / "idx" / f"{name}-labels-idx1-ubyte", struct.pack(">BBBBI", 0, 0, 8, 1, COUNT) + bytes(LABELS))
    return root / "idx"


def pixels(root: Path, header: bool = True, last: bool = False) -> Path:
    """Write the digits as Kaggle has MNIST."""
    rows = [[label, *image.ravel().tolist()] for label, image in zip(LABELS, images(), strict=True)]
    title: list[object] = ["label", *(f"pixel{i}" for i in range(784))]
    with (root / "train.csv").open("w", newline="") as file:
        for row in [title] * header + rows:
            csv.writer(file).writerow([*row[1:], row[0]] if last else row)
    return root / "train.csv"


def encoded(root: Path, prefix: str = "data:image/png;base64,", header: bool = True) -> Path:
    with (root / "drawings.csv").open("w", newline="") as file:
        table = csv.writer(file)
        if header:
            table.writerow(("image", "label", "pen"))
        for label, data in zip(LABELS, pngs(), strict=True):
            table.writerow((prefix + base64.b64encode(data).decode(), label, "thin"))
    return root / "drawings.csv"


def parquet(root: Path, name: str = "test-00000-of-00001.parquet", group: int = 7) -> Path:
    """Write the digits as Hugging Face does, with the names of the classes in the file's description."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [{"bytes": data, "path": f"{number}.png"} for number, data in enumerate(pngs())]
    described = {"info": {"features": {"label": {"names": [f"digit {i}" for i in range(10)], "_type": "ClassLabel"}}}}
    table = pa.table({"image": rows, "label": pa.array(LABELS, pa.int64()), "pen": ["thin"] * COUNT})
    table = table.replace_schema_metadata({"huggingface": json.dumps(described)})
    (root / "data").mkdir(exist_ok=True)
    pq.write_table(table, root / "data" / name, row_group_size=group)
    return root / "data" / name


def listed(root: Path) -> Path:
    folder(root)
    lines = [f"set/{name},{label}\n" for name, label in zip(names(), LABELS, strict=True)]
    (root / "list.txt").write_text("".join(lines))
    return root / "list.txt"

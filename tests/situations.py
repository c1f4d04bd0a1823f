"""Situations of labels and sets as people have them, each built here, with what must come of it.

`python tests/situations.py` prints two tables: ways to label a folder, and kinds of sets that are no folders.
"""

import base64
import csv
import gzip
import io
import json
import re
import struct
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = sorted((ROOT / "sample_images").glob("*.png"))
DIGITS = [path.name[0] for path in SAMPLES]
COUNT = 20
LABELS = [str(number * 7 % 10) for number in range(COUNT)]
WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
NAMES = [f"img_{number}.png" for number in range(COUNT)]


@dataclass(frozen=True)
class Situation:
    """Files of a folder by name; images are named alone. What must come of it: labels, or a refusal that says why."""

    title: str
    images: Sequence[str]
    labels: Sequence[str | None]
    files: dict[str, str | bytes] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    refused: str = ""

    def build(self, root: Path) -> Path:
        for name, content in [*dict.fromkeys(self.images, b"").items(), *self.files.items()]:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return root


def table(line: str, header: str = "", labels: Sequence[str] = LABELS, names: Sequence[str] = NAMES) -> str:
    """Return a label file with a line for each image."""
    rows = (line.format(name=name, stem=name[:-4], label=label) for name, label in zip(names, labels, strict=True))
    return "".join(f"{row}\n" for row in ([header] if header else []) + list(rows))


def in_file(title: str, content: str | bytes, name: str = "labels.csv", **more: Any) -> Situation:
    """Return images that a file labels."""
    return Situation(f"{name}: {title}", NAMES, LABELS, {name: content}, **more)


def in_folders(title: str, folder: Callable[[str], str], **more: Any) -> Situation:
    """Return images in class folders."""
    return Situation(title, [f"{folder(label)}/x{i}.png" for i, label in enumerate(LABELS)], LABELS, **more)


def in_names(title: str, name: Callable[[int, str], str], **more: Any) -> Situation:
    """Return images with labels in their names."""
    return Situation(title, [name(i, label) for i, label in enumerate(LABELS)], LABELS, **more)


def counting(title: str, images: Sequence[str], refused: str = "only count|No labels found") -> Situation:
    """Return images whose numbers are no labels."""
    return Situation(title, images, [None] * len(images), refused=refused)


def one_hot(label: str) -> list[int]:
    return [int(str(digit) == label) for digit in range(10)]


def label_files() -> Iterator[Situation]:
    plain = table("{name},{label}", "filename,label")
    for name in ("labels.dat", "labels.csv.bak", "label.text", "truth.log", "labels.csv~", "meta/train_labels.csv"):
        yield in_file("named after labels", plain, name)
    yield in_file("packed", gzip.compress(plain.encode()), "labels.csv.gz")
    for separator in (",", ";", "\t", " ", "|", " -> ", " = ", ": "):
        yield in_file(f"parted by {separator!r}", table(f"{{name}}{separator}{{label}}"), "labels.txt")
        yield in_file(f"labels first, parted by {separator!r}", table(f"{{label}}{separator}{{name}}"), "labels.txt")
    spaced = [f"my img {number}.png" for number in range(COUNT)]
    yield Situation(
        "names with blanks, parted by blanks", spaced, LABELS, {"a.txt": table("{name} {label}", names=spaced)}
    )
    indexed = "".join(f"{i}\t{label}.000\t{name}\n" for i, (name, label) in enumerate(zip(NAMES, LABELS, strict=True)))
    yield in_file("MXNet's three columns", indexed, "a.lst")
    yield in_file(
        "pandas' to_string", "   filename label\n" + table("{name} {label}").replace("img_", "  img_"), "a.txt"
    )
    pairs = list(zip(NAMES, LABELS, strict=True))
    yield in_file("a Python list of pairs", str(pairs), "labels.txt")
    yield in_file("a printed NumPy array", f"[{' '.join(LABELS)}]", "labels.txt")
    yield in_file("np.array([…])", f"np.array([{', '.join(LABELS)}], dtype=np.uint8)", "labels.txt")
    yield in_file("a numbered list", "".join(f"{i}) {label}\n" for i, label in enumerate(LABELS, 1)), "labels.txt")
    yield in_file(
        "MNIST's labels", struct.pack(">BBBBI", 0, 0, 8, 1, COUNT) + bytes(map(int, LABELS)), "t10k-labels-idx1-ubyte"
    )
    by_label = {label: [name[:-4] for name, own in pairs if own == label] for label in LABELS}
    yield in_file("names without suffix by label", json.dumps(by_label), "labels.json")
    fiftyone = {"classes": WORDS, "labels": {name[:-4]: int(label) for name, label in pairs}}
    yield in_file("FiftyOne's numbers in a list of classes", json.dumps(fiftyone), "labels.json")
    marks = [",".join(map(str, one_hot(label))) for label in LABELS]
    yield in_file("ten marks without names", table("{name},{label}", labels=marks))
    yield in_file("ten marks in a cell", table('{name},"[{label}]"', "filename,label", marks))
    yield in_file("ten marks in JSON", json.dumps({name: one_hot(label) for name, label in pairs}), "labels.json")
    boxes = '[{{""x"": 1, ""width"": 20, ""rectanglelabels"": [""{label}""]}}]'
    yield in_file("a box with its label in a cell", table(f'{{name}},"{boxes}"', "image,label"), "project.csv")
    studio = "annotation_id,annotator,choice,id,image\n" + "".join(
        f"{i},1,{label},{i},/data/upload/1/0a1b2c3d-{name}\n" for i, (name, label) in enumerate(pairs)
    )
    yield in_file("Label Studio's table", studio, "project.csv")
    vertex = "\n".join(
        json.dumps({"imageGcsUri": f"gs://b/{name}", "classificationAnnotation": {"displayName": label, "labels": {}}})
        for name, label in pairs
    )
    yield in_file("Vertex' lines, with an empty column of labels", vertex, "vertex.jsonl")
    yield in_file(
        "two columns that differ",
        table("{name},{label},3", "a,b,c").replace(",3\n", ",2\n", 1),
        refused="two columns|No labels|no labels",
    )
    yield in_file("web page", "<!DOCTYPE html><p>Sign in", refused="web page")
    yield in_file("pickled", b"\x80\x04x", "labels.pkl", refused=r"labels\.pkl")


def paths() -> Iterator[Situation]:
    written = {
        "file:///home/me/my%20digits/{name}": "an address with %20",
        "gs://bucket/x/{name}": "an address of a bucket",
        "https://host/x/{name}?alt=media&token=a": "an address with a query",
        "C:\\data\\{name}": "Windows' path",
        "PosixPath('/data/{name}')": "a Python path",
        "b'{name}'": "Python's bytes",
        "![]({name})": "a link of Markdown",
        "{name}.png": "a suffix twice",
        "{stem}": "no suffix",
        "0a1b2c3d-{name}": "an upload's prefix",
    }
    for form, title in written.items():
        yield in_file(title, table(f"{form},{{label}}", "filename,label"))
    spaced = [f"my img {number}.png" for number in range(COUNT)]
    changed = [name.replace(" ", "_") for name in spaced]
    uploaded = table("/data/upload/1/0a1b2c3d-{name},{label}", "image,choice", names=changed)
    yield Situation("blanks that an upload replaced", spaced, LABELS, {"project.csv": uploaded})


def spellings() -> Iterator[Situation]:
    languages = {
        "English plurals": "zeros ones twos threes fours fives sixes sevens eights nines",
        "German": "Null eins zwei drei vier fünf sechs sieben acht neun",
        "Czech": "nula jedna dva tři čtyři pět šest sedm osm devět",
        "Ukrainian": "нуль один два три чотири п'ять шість сім вісім дев'ять",
        "Greek": "μηδέν ένα δύο τρία τέσσερα πέντε έξι επτά οκτώ εννέα",
        "Arabic": "صفر واحد اثنان ثلاثة أربعة خمسة ستة سبعة ثمانية تسعة",
        "Japanese": "ゼロ いち に さん よん ご ろく なな はち きゅう",
    }
    for language, words in languages.items():
        yield in_folders(f"folders in {language}", lambda label, words=words: words.split()[int(label)])
    yield in_folders("copies of folders", lambda label: f"{label} (1)")
    yield in_folders("folders that were copied", lambda label: f"Copy of {label}")
    yield in_folders("folders 30 to 39", lambda label: f"by_class/3{label}", refused="--label-offset -30")
    yield in_folders("the same with the offset", lambda label: f"by_class/3{label}", options={"offset": -30})
    yield in_folders("folders with a date", lambda label: f"{label}-2024-01-05", refused="--label-pattern")
    for word in ("num", "Zahl", "숫자", "true", "gt"):
        yield in_names(f"{word}7 in names", lambda i, label, word=word: f"{i + 10}_{word}{label}_x.png")
    yield in_names(
        "German words in names",
        lambda i, label: (
            f"{['null', 'eins', 'zwei', 'drei', 'vier', 'fünf', 'sechs', 'sieben', 'acht', 'neun'][int(label)]}_{i}.png"
        ),
    )


def places() -> Iterator[Situation]:
    yield counting("1 to 9", [f"{n}.png" for n in range(1, 10)])
    yield counting("2 to 9", [f"{n}.png" for n in range(2, 10)])
    yield counting("1 to 9 without 4", [f"{n}.png" for n in range(1, 10) if n != 4])
    yield counting("digit1 to digit8", [f"digit{n}.png" for n in range(1, 9)])
    yield counting("writers 1 to 5 with 0 to 9", [f"{w}/{n}.png" for w in range(1, 6) for n in range(10)], "disagree")
    yield counting("3-7.png", [f"{i % 4}-{label}-{i + 10}.png" for i, label in enumerate(LABELS)], "label-pattern")
    yield Situation(
        "folders that say digit, with 0 to 9",
        [f"digit_{d}/{n}.png" for d in range(10) for n in range(10)],
        [str(d) for d in range(10) for _ in range(10)],
    )
    other = [str((int(label) + 1) % 10) for label in LABELS]
    folders = [f"{label}/x{i}.png" for i, label in enumerate(LABELS)]
    listed = table("{name},{label}", "filename,label", other, folders)
    yield Situation("a file against folders", folders, LABELS, {"labels.csv": listed}, refused="disagree.*labels.csv")
    boxes = {name.replace(".png", ".txt"): "0 0.5 0.5 1 1\n" for name in folders}
    yield Situation("boxes without classes beside folders", folders, LABELS, dict(boxes))
    people = [f"{writer}/{n}.png" for writer in ("a", "b") for n in range(10)]
    named = table("{name},{label}", "filename,label", names=people)
    yield Situation("a file, and 0 to 9 in folders of people", people, LABELS, {"labels.csv": named})
    for first, second in (("trainset", "testset"), ("mnist_train", "mnist_test"), ("X_train", "X_test")):
        images = [f"{(first, second)[i % 2]}/{label}/x{i}.png" for i, label in enumerate(LABELS)]
        half = [image for image in images if image.startswith(f"{second}/")]
        yield Situation(f"--split test of {second}/", half, LABELS[1::2], dict.fromkeys(images, b""), {"split": "test"})
    pairs = enumerate(zip(NAMES, LABELS, strict=True))
    usage = "".join(f"{name},{label},{('TRAIN', 'TEST')[i % 2]}\n" for i, (name, label) in pairs)
    yield Situation(
        "--split test of a column ml_use",
        NAMES[1::2],
        LABELS[1::2],
        {**dict.fromkeys(NAMES, b""), "labels.csv": "filename,label,ml_use\n" + usage},
        {"split": "test"},
    )


def situations() -> list[Situation]:
    return [*label_files(), *paths(), *spellings(), *places()]


def outcome(situation: Situation, root: Path) -> str:
    """Return what falls short, or nothing."""
    from batch_eval.dataset import LabelOptions, load_dataset
    from batch_eval.errors import BatchEvalError

    try:
        found = load_dataset(situation.build(root), LabelOptions(**situation.options))
    except BatchEvalError as error:
        refusal = str(error)
    else:
        refusal = found.unlabelled
        wanted = dict(zip(situation.images, situation.labels, strict=True))
        truths = {sample.id: sample.truth for sample in found.samples}
        if not refusal:
            taken = f"takes {found.label_source}"
            return taken if situation.refused else "" if truths == wanted else f"{taken}: {truths}"
    return "" if situation.refused and re.search(situation.refused, refusal) else refusal


def archive(root: Path, name: str, files: dict[str, bytes]) -> Path:
    """Write a `.zip`, or a `.tar` packed as its name says."""
    path = root / name
    if name.endswith(".zip"):
        with zipfile.ZipFile(path, "w") as packed:
            for inner, data in files.items():
                packed.writestr(inner, data)
        return path
    mode = {"gz": "w:gz", "bz2": "w:bz2", "xz": "w:xz"}.get(name.rpartition(".")[2], "w")
    with tarfile.open(path, mode) as tar:
        for inner, data in files.items():
            info = tarfile.TarInfo(inner)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def sets(root: Path) -> Iterator[tuple[str, Path | list[Path]]]:
    """Yield every kind of set that is no folder, made of the images in `sample_images`."""
    files = {f"{path.name[0]}/{path.name}": path.read_bytes() for path in SAMPLES}
    for name in ("digits.zip", "digits.tar", "digits.tar.gz", "digits.tar.bz2", "digits.tar.xz"):
        yield name, archive(root, name, files)
    numbered = {f"img_{i}.png": path.read_bytes() for i, path in enumerate(SAMPLES)}
    listing = "filename,label\n" + "".join(f"img_{i}.png,{digit}\n" for i, digit in enumerate(DIGITS))
    yield "an archive with labels.csv", archive(root, "listed.zip", {**numbered, "labels.csv": listing.encode()})
    (root / "beside").mkdir()
    (root / "beside" / "labels.csv").write_text(listing)
    archive(root / "beside", "images.zip", numbered)
    yield "a folder of an archive and labels.csv", root / "beside"
    shard = {f"{i:06d}.png": path.read_bytes() for i, path in enumerate(SAMPLES)}
    shard |= {f"{i:06d}.cls": digit.encode() for i, digit in enumerate(DIGITS)}
    yield "a shard of WebDataset", archive(root, "shard-000000.tar", shard)
    encoded = [base64.b64encode(path.read_bytes()).decode() for path in SAMPLES]
    rows = zip(encoded, DIGITS, strict=True)
    (root / "drawings.csv").write_text("image,label\n" + "".join(f'"data:image/png;base64,{e}",{d}\n' for e, d in rows))
    yield "a table of data:image/png;base64", root / "drawings.csv"
    (root / "list.csv").write_text("path,label\n" + "".join(f"{p},{d}\n" for p, d in zip(SAMPLES, DIGITS, strict=True)))
    yield "a table of paths", root / "list.csv"
    (root / "list.json").write_text(json.dumps(list(map(str, SAMPLES))))
    yield "a JSON list of paths", root / "list.json"
    yield "single images", list(SAMPLES)
    yield from _arrays(root)
    yield from _parquet(root)


def pixels() -> np.ndarray:
    """Return the photos of `sample_images` as (60, 56, 56) uint8."""
    photos = (cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in SAMPLES)
    return np.stack([cv2.resize(photo, (56, 56), interpolation=cv2.INTER_AREA) for photo in photos])


def _arrays(root: Path) -> Iterator[tuple[str, Path]]:
    images, labels = pixels(), np.array(list(map(int, DIGITS)), np.uint8)
    np.savez(root / "digits.npz", x_test=images, y_test=labels)
    yield "Keras' .npz", root / "digits.npz"
    np.savez(root / "floats.npz", images=images / 255, labels=np.eye(10)[labels])
    yield ".npz of 0 to 1 with one-hot labels", root / "floats.npz"
    for packed in (False, True):
        folder = root / f"idx{packed:d}"
        folder.mkdir()
        header = struct.pack(">BBBBIII", 0, 0, 8, 3, *images.shape)
        for name, data in (
            ("t10k-images-idx3-ubyte", header + images.tobytes()),
            ("t10k-labels-idx1-ubyte", struct.pack(">BBBBI", 0, 0, 8, 1, len(labels)) + labels.tobytes()),
        ):
            path = folder / (name + ".gz" * packed)
            path.write_bytes(gzip.compress(data) if packed else data)
        yield f"MNIST's IDX files{' (.gz)' * packed}", folder
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["label", *(f"pixel{i}" for i in range(images[0].size))])
    writer.writerows([label, *image.ravel()] for label, image in zip(DIGITS, images, strict=True))
    (root / "train.csv").write_text(text.getvalue())
    yield "Kaggle's table of pixels", root / "train.csv"
    (root / "train.csv.gz").write_bytes(gzip.compress(text.getvalue().encode()))
    yield "the same, packed", root / "train.csv.gz"


def _parquet(root: Path) -> Iterator[tuple[str, Path]]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:  # the extra `parquet` is not installed
        return
    described = json.dumps({"info": {"features": {"label": {"names": [f"digit {i}" for i in range(10)]}}}})
    folder = root / "hf" / "data"
    folder.mkdir(parents=True)
    for part in range(2):
        rows = [{"bytes": path.read_bytes(), "path": path.name} for path in SAMPLES[part::2]]
        found = pa.table({"image": rows, "label": pa.array(list(map(int, DIGITS[part::2])))})
        found = found.replace_schema_metadata({"huggingface": described})
        pq.write_table(found, folder / f"test-{part:05d}-of-00002.parquet")
    yield "a file of Parquet", folder / "test-00000-of-00002.parquet"
    yield "a folder of Parquet shards", root / "hf"


def main() -> None:
    """Print both tables; exit with 1 if anything falls short."""
    from processes import batch_eval

    short = 0
    print("| situation | holds |\n|---|---|")  # noqa: T201
    for situation in situations():
        with tempfile.TemporaryDirectory() as folder:
            why = outcome(situation, Path(folder) / "photos")
        short += bool(why)
        print(f"| {situation.title} | {why or 'yes'} |")  # noqa: T201
    print("\n| set | exit code | scored | accuracy |\n|---|---|---|---|")  # noqa: T201
    with tempfile.TemporaryDirectory() as folder:
        for title, place in sets(Path(folder)):
            out = Path(folder) / "out"
            done = batch_eval("run", *(place if isinstance(place, list) else [place]), "--out", out, "-f", "json")
            found = json.loads((out / "metrics.json").read_text()) if done.returncode == 0 else {}
            scored = sum(found.get(name, 0) for name in ("correct", "wrong", "blank"))
            short += done.returncode != 0 or not scored
            print(f"| {title} | {done.returncode} | {scored} | {found.get('accuracy', 0):.1%} |", flush=True)  # noqa: T201
    sys.exit(bool(short))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()

"""However a label file is written, it gives the labels of the plain one or is refused: never other labels."""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dataset_examples import WORDS, any_name, folder_of, truths
from hypothesis import given, settings
from hypothesis import strategies as st

from batch_eval.dataset import load_dataset
from batch_eval.dataset.labels.spelling import DIGITS
from batch_eval.errors import BatchEvalError

FAMILIES: tuple[Callable[[int], str], ...] = (
    lambda n: f"img_{n}.png",
    lambda n: f"img_{n:03d}.PNG",
    lambda n: f"{n}.png",
    lambda n: f"{n:05d}.jpg",
    lambda n: f"{'ab'[n % 2]}/{n}.png",
    lambda n: f"train/{n}.png" if n % 2 else f"test/{n}.png",
    lambda n: f"scan {n} (größe).png",
    lambda n: f"숫자{n}.png",
    lambda n: f"цифра-{n}.jpeg",
    lambda n: f"{n % 10}_x{n}.png",
    lambda n: f"{n % 5}-{n % 10}-{n}.png",
    lambda n: f"{n % 4}/{n}.png",
    lambda n: f"{n:x}{n * 7919:06x}.png",
    lambda n: f"a,b;{n}.png",
    lambda n: f"#{n}.png",
)


def number_in(path: str) -> str:
    """Return the number in a file's name where there is one alone."""
    found = re.findall(r"\d+", path.rpartition("/")[2])
    return found[0] if len(found) == 1 else ""


PATHS: tuple[Callable[[str], str], ...] = (
    str,
    lambda path: f"./{path}",
    lambda path: path.replace("/", "\\"),
    lambda path: path.rpartition("/")[2],
    lambda path: path.rpartition(".")[0],
    lambda path: path.upper(),
    lambda path: unicodedata.normalize("NFD", path),
    lambda path: f"C:\\data\\{path}".replace("/", "\\"),
    lambda path: f"/content/drive/My Drive/{path}",
    lambda path: f"gs://bucket/{path}",
    lambda path: f"file:///home/me/{path.replace(' ', '%20')}",
    lambda path: f"0a1b2c3d-{path.rpartition('/')[2]}",
    lambda path: number_in(path) or path,
    lambda path: str(int(number_in(path))) if number_in(path) else path,
    lambda path: path.rpartition(".")[0] + ".tiff",
    lambda path: f"PosixPath('/data/{path}')",
    lambda path: f"b'{path}'",
    lambda path: f"https://host/x/{path}?alt=media",
    lambda path: f"![]({path})",
    lambda path: f"{path}.png",
    lambda path: f"/data/upload/1/0a1b2c3d-{path.rpartition('/')[2].replace(' ', '_')}",
    lambda path: path.replace(" ", "%20"),
)
ENGLISH, KOREAN, RUSSIAN = (WORDS[language].split() for language in ("English", "Sino-Korean", "Russian"))
GREEK = ["μηδέν", "ένα", "δύο", "τρία", "τέσσερα", "πέντε", "έξι", "επτά", "οκτώ", "εννέα"]
JAPANESE = ["ゼロ", "いち", "に", "さん", "よん", "ご", "ろく", "なな", "はち", "きゅう"]
LABELS: tuple[Callable[[str], str], ...] = (
    str,
    lambda label: f"{label}.0",
    lambda label: f"{label}.000000000000000000e+00",
    lambda label: f"0{label}",
    lambda label: f'"{label}"',
    lambda label: f"[{label}]",
    lambda label: f"tensor({label})",
    lambda label: f"digit_{label}",
    lambda label: ENGLISH[int(label)],
    lambda label: KOREAN[int(label)],
    lambda label: RUSSIAN[int(label)].upper(),
    lambda label: chr(ord("０") + int(label)),
    lambda label: GREEK[int(label)],
    lambda label: JAPANESE[int(label)],
    lambda label: f"{ENGLISH[int(label)]}s".replace("xs", "xes"),
    lambda label: str([int(str(digit) == label) for digit in range(10)]),
    lambda label: json.dumps({"choices": [label]}),
    lambda label: json.dumps([{"x": 1, "width": 20, "rectanglelabels": [label]}]),
    lambda label: f"{label} ({ENGLISH[int(label)]})",
)
HEADERS = (
    None,
    ("filename", "label"),
    ("image", "digit"),
    ("id", "class"),
    ("path", "y"),
    ("Bild", "Ziffer"),
    ("파일명", "정답"),
    ("foo", "bar"),
    ("0", "1"),
    ("# filename", "label"),
)
EXTRA: tuple[tuple[str, Callable[[int], str]], ...] = (
    ("", str),
    ("Unnamed: 0", str),
    ("index", lambda row: str(row + 1)),
    ("writer", lambda row: str(row % 5)),
    ("predicted", lambda row: str(row % 10)),
    ("confidence", lambda row: f"0.{row % 10}"),
    ("pen", lambda row: ("blue", "black")[row % 2]),
    ("fold", lambda row: str(row % 3)),
    ("annotation_id", str),
    ("ml_use", lambda row: ("TRAIN", "TEST")[row % 2]),
    ("labels", lambda row: ""),
)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp949", "cp932", "cp1251", "cp1252", "gb18030")


def numbers() -> st.SearchStrategy[list[int]]:
    runs = st.builds(
        lambda first, count: list(range(first, first + count)), st.sampled_from([0, 1, 5]), st.integers(1, 14)
    )
    return runs | st.lists(st.integers(0, 120), min_size=1, max_size=12, unique=True)


def written(drawn: st.DataObject, rows: list[tuple[str, str]]) -> bytes:
    """Write the rows in any dialect."""
    header = drawn.draw(st.sampled_from(HEADERS))
    extra = drawn.draw(st.lists(st.sampled_from(EXTRA), max_size=2, unique=True))
    columns = drawn.draw(st.permutations(range(2 + len(extra))))
    blanks = "" if any(name == "labels" for name, _ in extra) else " "  # which cannot part empty cells
    delimiter = drawn.draw(st.sampled_from(f",;\t|{blanks}"))
    lines = [[*pair, *(value(row) for _, value in extra)] for row, pair in enumerate(rows)]
    if header:
        lines.insert(0, [*header, *(name for name, _ in extra)])
    text = io.StringIO()
    quoting = drawn.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    line_end = drawn.draw(st.sampled_from(["\n", "\r\n", "\r"]))
    csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=line_end).writerows(
        [line[i] for i in columns] for line in lines
    )
    return encoded(text.getvalue(), drawn.draw(st.sampled_from(ENCODINGS)))


def encoded(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:  # a program would not write it so
        return text.encode()


def as_json(drawn: st.DataObject, rows: list[tuple[str, str]]) -> bytes:
    name, label = drawn.draw(st.sampled_from([header for header in HEADERS if header]))
    records: list[Any] = [{name: path, label: value} for path, value in rows]
    by_label: dict[str, list[str]] = {}
    for path, value in rows:
        by_label.setdefault(value, []).append(path)
    shape = drawn.draw(st.integers(0, 7))
    documents = (
        json.dumps(dict(rows), ensure_ascii=False),
        json.dumps(records, indent=1),
        "\n".join(map(json.dumps, records)),
        json.dumps({name: [path for path, _ in rows], label: [value for _, value in rows]}),
        json.dumps({"version": 1, "data": records}),
        json.dumps(by_label),
        json.dumps(list(rows)),
        str(list(rows)),
    )
    return documents[shape].encode()


@any_name
@settings(max_examples=300)
@given(drawn=st.data())
def test_any_spelling_gives_the_labels_of_the_plain_one_or_a_refusal(
    drawn: st.DataObject, tmp_path_factory: Any
) -> None:
    family = drawn.draw(st.sampled_from(FAMILIES))
    images = list(dict.fromkeys(map(family, drawn.draw(numbers()))))
    digits = drawn.draw(st.lists(st.sampled_from("0123456789"), min_size=len(images), max_size=len(images)))
    plain: dict[str, str | None] = dict(zip(images, digits, strict=True))
    listed = drawn.draw(st.permutations(list(plain)))
    listed = listed[: drawn.draw(st.integers(1, len(listed)))] if drawn.draw(st.booleans()) else listed
    spell_path, spell_label = drawn.draw(st.sampled_from(PATHS)), drawn.draw(st.sampled_from(LABELS))
    rows = [(spell_path(path), spell_label(plain[path] or "")) for path in listed]
    name = drawn.draw(st.sampled_from(["labels.csv", "truth.txt", "labels.json", "x.tsv", "labels.dat"]))
    root: Path = folder_of(tmp_path_factory.mktemp("set"), *images)
    (root / name).write_bytes(as_json(drawn, rows) if name.endswith("json") else written(drawn, rows))
    expected = {path: plain[path] if path in listed else None for path in images}

    for labels in (None, root / name):
        try:
            dataset = load_dataset(root, labels)
        except BatchEvalError:
            continue
        found = {unicodedata.normalize("NFC", key): value for key, value in truths(dataset).items()}
        if not any(value in DIGITS for value in found.values()):
            continue  # which a run refuses
        if not dataset.label_source.startswith(name):  # folders or names label more, and must not contradict
            assert not labels
            said = any(name in note and "ot used: " in note for note in dataset.notes)
            if said and dataset.label_source.startswith("class folders"):
                continue
            assert {path: found[path] for path in listed} == {
                path: plain[path] for path in listed
            } or dataset.unlabelled
        else:
            lost = {path for path in listed if found[path] is None}
            assert found == expected | dict.fromkeys(lost)
            assert len(lost) <= len(dataset.missing)


@settings(max_examples=100)
@given(drawn=st.data())
def test_a_list_of_labels_is_read_in_natural_order_or_refused(drawn: st.DataObject, tmp_path_factory: Any) -> None:
    count = drawn.draw(st.integers(1, 14))
    first = drawn.draw(st.sampled_from([0, 1, 7]))
    names = [f"img{number}.png" for number in range(first, first + count)]
    listed = count + drawn.draw(st.sampled_from([0, 0, 0, -1, 1] if count > 3 else [0]))
    digits = drawn.draw(st.lists(st.sampled_from("0123456789"), min_size=listed, max_size=listed))
    spelled = [drawn.draw(st.sampled_from(LABELS))(digit) for digit in digits]
    lines = drawn.draw(st.sampled_from(["{}\n", "label\n{}\n", "# label\n{}"])).format("\n".join(spelled))
    numbered = "".join(f"{i}) {digit}\n" for i, digit in enumerate(digits, 1))
    printed = (f"[{' '.join(digits)}]", f"np.array([{', '.join(digits)}], dtype=np.uint8)", f"y = {digits}", numbered)
    written = (lines, json.dumps(digits), json.dumps({"y": digits}), " ".join(digits), *printed)
    content = drawn.draw(st.sampled_from(written))
    root: Path = folder_of(tmp_path_factory.mktemp("set"), *names)
    (root / "labels.txt").write_text(content)

    try:
        found = truths(load_dataset(root))
    except BatchEvalError:
        return
    if any(found.values()):
        assert dict(zip(names, digits, strict=True)) == found

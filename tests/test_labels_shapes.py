"""Label files of every shape give the labels of the plain one."""

import json
from pathlib import Path

import pytest
from dataset_examples import any_name, folder_of, truths

from batch_eval.dataset import Dataset, LabelOptions, load_dataset
from batch_eval.errors import ConfigError, DatasetError

NAMES = ("img_1.png", "img_2.png", "img_10.png")
LABELS = ("7", "0", "3")
PLAIN = dict(zip(NAMES, LABELS, strict=True))


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """A folder with img_1.png, img_2.png and img_10.png."""
    return folder_of(tmp_path / "set", *NAMES)


def load(root: Path, content: str | bytes, name: str = "labels.csv", **options: object) -> Dataset:
    (root / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return load_dataset(root, LabelOptions(**options) if options else None)  # type: ignore[arg-type]


def table(row: str = "{},{}", header: str = "filename,label\n") -> str:
    return header + "".join(f"{row.format(*pair)}\n" for pair in PLAIN.items())


PATH_HEADERS = """filename file file_name filepath path image id ID image_id imageId img images image_path image_file
    fname name Filename FileName "File Name" "image name" imgname photo picture url key index sample example uri
    file_path dateiname fichier archivo imagem 파일명 文件名 画像 x foo"""
LABEL_HEADERS = """label labels class classes category class_name className y Y ground_truth groundTruth value
    target_class actual label_id digit digits target truth gt answer expected annotation tag number "True Label" Klasse
    étiquette etiqueta classe 라벨 정답 标签 метка foo"""


def quoted(names: str) -> list[str]:
    import shlex

    return shlex.split(names)


@pytest.mark.parametrize("header", quoted(PATH_HEADERS))
def test_the_column_of_images_may_have_any_name(three: Path, header: str) -> None:
    assert PLAIN == truths(load(three, table(header=f"{header},label\n")))


@pytest.mark.parametrize("header", quoted(LABEL_HEADERS))
def test_the_column_of_labels_may_have_any_name(three: Path, header: str) -> None:
    assert PLAIN == truths(load(three, table(header=f"filename,{header}\n")))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (table(header=""), "labels.csv"),
        (table("{1},{0}", "label,filename\n"), "labels.csv"),
        (table("{1}\t{0}", ""), "labels.tsv"),
        (table("{} {}", ""), "train.txt"),
        (table("{}   {}", "filename   label\n"), "labels.txt"),
        (table("{1} {0}", ""), "list.txt"),
        (table("{};{}", "filename;label\n"), "labels.txt"),
        ("# made by hand\n#\n" + table(), "labels.csv"),
        (table(header="# filename,label\n"), "labels.csv"),
        (table("{} {}", "# filename label\n"), "labels.txt"),
        ("filename,label\nimg_1.png,7\n# a remark\nimg_2.png,0\nimg_10.png,3\n", "labels.csv"),
        ("0\t7\timg_1.png\n1\t0\timg_2.png\n2\t3\timg_10.png\n", "train.lst"),
        ("0\t7.000000\timg_1.png\n1\t0.000000\timg_2.png\n2\t3.000000\timg_10.png\n", "train.lst"),
        (",filename,label\n0,img_1.png,7\n1,img_2.png,0\n2,img_10.png,3\n", "labels.csv"),
        ("0,1\nimg_1.png,7\nimg_2.png,0\nimg_10.png,3\n", "labels.csv"),
        (table('"{}","{}"'), "labels.csv"),
        (table("'{}','{}'"), "labels.csv"),
        (table("{},'{}'"), "labels.csv"),
        (table('{},"""{}"""'), "labels.csv"),
        (table("{},tensor({})"), "labels.csv"),
        (table("{},digit_{}"), "labels.csv"),
        (table("{},{}e+00"), "labels.csv"),
        ("7\n0\n3\n", "labels.txt"),
        ("label\n7\n0\n3\n", "labels.csv"),
        ("# labels\n7\n0\n3\n", "labels.txt"),
        ("7.0e+00\n0.0e+00\n3.0e+00\n", "labels.txt"),
        ("seven\nzero\nthree\n", "labels.txt"),
        ("7,0,3\n", "labels.csv"),
        ("7 0 3\n", "labels.txt"),
        ("index,label\n0,7\n1,0\n2,3\n", "labels.csv"),
        ("1,7\n2,0\n3,3\n", "labels.csv"),
        (json.dumps(PLAIN), "labels.json"),
        (json.dumps(PLAIN, indent=1), "labels.json"),
        (json.dumps({name: int(label) for name, label in PLAIN.items()}), "labels.json"),
        (json.dumps({name: {"label": label, "pen": "x"} for name, label in PLAIN.items()}), "labels.json"),
        (json.dumps([{"file": name, "label": int(label)} for name, label in PLAIN.items()], indent=2), "labels.json"),
        (json.dumps([list(pair) for pair in PLAIN.items()]), "labels.json"),
        (json.dumps({"data": [{"file": name, "y": label} for name, label in PLAIN.items()], "v": 1}), "labels.json"),
        (json.dumps({"file": NAMES, "label": LABELS}), "labels.json"),
        (json.dumps({"file": dict(enumerate(NAMES)), "label": dict(enumerate(LABELS))}), "labels.json"),
        (json.dumps({label: [name] for name, label in PLAIN.items()}), "labels.json"),
        (json.dumps([7, 0, 3]), "labels.json"),
        (json.dumps({"labels": [7, 0, 3]}), "labels.json"),
        ("[7, 0, 3]", "labels.txt"),
        ("".join(json.dumps({"file_name": n, "label": int(v)}) + "\n" for n, v in PLAIN.items()), "metadata.jsonl"),
        ("".join(json.dumps({"image": {"path": n}, "label": [v]}) + "\n" for n, v in PLAIN.items()), "x.jsonl"),
        (
            "".join(
                json.dumps(
                    {"source-ref": f"s3://bucket/a/{n}", "d": int(v), "d-metadata": {"class-name": v, "confidence": 1}}
                )
                + "\n"
                for n, v in PLAIN.items()
            ),
            "output.manifest",
        ),
        ("filename,0,3,7\nimg_1.png,0,0,1\nimg_2.png,1,0,0\nimg_10.png,0,1,0\n", "_classes.csv"),
        ("filename, zero, three, seven\nimg_1.png,0,0,1\nimg_2.png,1.0,0,0\nimg_10.png,0,1,0\n", "_classes.csv"),
        (table(), "label.csv"),
        (table(), "labels (1).csv"),
        (table(), "labels.csv.txt"),
        (table(), "train_labels.csv"),
        (table(), "truth.tsv"),
        (table(), "anything.csv"),
        (table(), "LABELS.CSV"),
        (table(), "labels"),
    ],
)
def test_a_shape_gives_the_labels_of_the_plain_one(three: Path, content: str, name: str) -> None:
    assert PLAIN == truths(load(three, content, name))


@pytest.mark.parametrize(
    ("images", "row"),
    [
        (NAMES, "{stem}"),
        (NAMES, "./{name}"),
        (NAMES, "IMG_{number}.PNG"),
        (NAMES, "file:///C:/Users/me/My%20digits/{name}"),
        (NAMES, "file:///home/me/{name}"),
        (NAMES, "gs://bucket/digits/{name}"),
        (NAMES, "s3://bucket/{name}"),
        (NAMES, "https://example.org/files/{name}?raw=true"),
        (NAMES, "/data/local-files/?d=digits/{name}"),
        (NAMES, "C:\\Users\\me\\digits\\{name}"),
        (NAMES, "/content/drive/MyDrive/Colab Notebooks/digits/{name}"),
        (NAMES, "../digits/{name}"),
        (NAMES, "/data/upload/1/1e13bb19-{name}"),
        (NAMES, "6f1b0f6e-8d3c-4f0a-9a44-1e13bb19aa00-{name}"),
        (NAMES, "img_{number}_png.rf.0a1b2c3d4e5f.jpg"),
        (NAMES, "img_{number}.jpg"),
        (NAMES, "img_{number:05d}.png"),
        (NAMES, "{number}"),
        (NAMES, "{number}.0"),
        (("img_001.png", "img_002.png", "img_010.png"), "{number}"),
        (("img_001.png", "img_002.png", "img_010.png"), "img_{number}.png"),
        (("00001.png", "00002.png", "00010.png"), "{number}"),
        (("00001.png", "00002.PNG", "00010.jpg"), "{number:03d}"),
        (("a/1.png", "a/2.png", "b/10.png"), "{number}.png"),
        (("a/1.png", "a/2.png", "b/10.png"), "/elsewhere/a/{number}.png"),
    ],
)
def test_a_path_may_be_spelled_in_many_ways(tmp_path: Path, images: tuple[str, ...], row: str) -> None:
    folder_of(tmp_path, *images)
    spelled = [row.format(name=name, stem=name[:-4], number=int("".join(filter(str.isdigit, name)))) for name in NAMES]

    dataset = load(tmp_path, "filename,label\n" + "".join(f'"{s}",{v}\n' for s, v in zip(spelled, LABELS, strict=True)))

    assert dict(zip(images, LABELS, strict=True)) == truths(dataset)
    assert "label rows" in " ".join(dataset.notes) or row == "./{name}"


@pytest.mark.parametrize(
    "rows",
    [
        "0,7\n1,0\n2,3\n",  # the first of them has no image, and the last image no row
        "1,7\n2,0\n",  # may count rows
    ],
)
def test_numbers_that_may_count_rows_name_no_images(tmp_path: Path, rows: str) -> None:
    folder_of(tmp_path, *(f"img_{number:02d}.png" for number in range(1, 5)))

    with pytest.raises(DatasetError, match=r"labels\.csv"):
        load(tmp_path, f"n,label\n{rows}")


def test_rows_that_are_counted_are_in_the_order_of_the_images(tmp_path: Path) -> None:
    folder_of(tmp_path, *(f"img_{number:02d}.png" for number in range(1, 5)))

    dataset = load(tmp_path, "n,label\n0,7\n1,0\n2,3\n3,1\n")

    assert ["7", "0", "3", "1"] == list(truths(dataset).values())
    assert "natural order" in dataset.label_source


def test_an_unnamed_column_is_a_row_number_and_no_name(tmp_path: Path) -> None:
    folder_of(tmp_path, "1.png", "2.png", "3.png")

    dataset = load(tmp_path, ",label\n0,7\n1,0\n2,3\n")

    assert {"1.png": "7", "2.png": "0", "3.png": "3"} == truths(dataset)
    assert "natural order (1.png is 7, 2.png is 0, 3.png is 3, …)" in dataset.notes[0]


def test_labels_in_order_need_as_many_images(three: Path) -> None:
    with pytest.raises(DatasetError, match=r"labels\.txt lists 2 labels for 3 images"):
        load(three, "7\n0\n", "labels.txt")


def test_labels_in_order_need_one_folder(tmp_path: Path) -> None:
    folder_of(tmp_path, "a/1.png", "b/2.png")

    with pytest.raises(DatasetError, match=r"the images lie in 2 folders, so that their order is not certain"):
        load(tmp_path, "7\n0\n", "labels.txt")


def test_labels_in_order_belong_to_the_images_beside_them(tmp_path: Path) -> None:
    folder_of(tmp_path, "train/1.png", "train/2.png", "test/1.png")
    (tmp_path / "train" / "labels.txt").write_text("7\n3\n")

    dataset = load(tmp_path, "5\n", "test/labels.txt")

    assert {"train/1.png": "7", "train/2.png": "3", "test/1.png": "5"} == truths(dataset)


def test_labels_come_from_stdin(three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import io
    import sys

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"7\n0\n3\n")))

    assert PLAIN == truths(load_dataset(three, "-"))


@pytest.mark.parametrize("values", [[7, 0, 3], ("7", "0", "3"), PLAIN, {"img_10": 3, "img_1": 7.0, "img_2": 0}])
def test_labels_come_from_python(three: Path, values: object) -> None:
    assert PLAIN == truths(load_dataset(three, values))  # type: ignore[arg-type]


def test_arrays_and_tensors_are_labels(three: Path) -> None:
    import numpy as np

    assert PLAIN == truths(load_dataset(three, np.array([7, 0, 3])))
    assert PLAIN == truths(load_dataset(three, list(np.float32([7, 0, 3]))))


def test_too_few_labels_from_python_are_refused(three: Path) -> None:
    with pytest.raises(DatasetError, match="2 labels for 3 images"):
        load_dataset(three, [7, 0])


def test_an_array_of_numpy_is_a_list_of_labels(three: Path) -> None:
    import numpy as np

    np.save(three / "labels.npy", np.array([[7], [0], [3]]))

    assert PLAIN == truths(load_dataset(three))


def test_pickled_labels_are_never_opened(three: Path) -> None:
    import numpy as np

    np.save(three / "labels.npy", np.array([{}, {}, {}], dtype=object), allow_pickle=True)

    with pytest.raises(DatasetError, match=r"labels\.npy cannot be read"):
        load_dataset(three)


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("numbers", [True, False])
def test_an_excel_file_is_a_table(three: Path, header: bool, numbers: bool) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in [("Photo", "Digit", "Pen")] * header + [
        (name, float(label) if numbers else label, "blue") for name, label in PLAIN.items()
    ]:
        book.active.append(row)
    book.create_sheet("empty")
    book.save(three / "labels.xlsx")

    dataset = load_dataset(three)

    assert PLAIN == truths(dataset)
    assert (("Pen",) if header else ()) == dataset.slice_names


def test_a_damaged_excel_file_says_so(three: Path) -> None:
    pytest.importorskip("openpyxl")

    with pytest.raises(DatasetError, match=r"labels\.xlsx cannot be read as an Excel file"):
        load(three, b"PK\x03\x04 and nothing more", "labels.xlsx")


def test_without_openpyxl_the_extra_is_named(three: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "openpyxl", None)

    with pytest.raises(DatasetError, match=r"Excel file\. openpyxl is not installed\. Install it with: .*excel"):
        load(three, b"PK\x03\x04", "labels.xlsx")


ENCODED = {
    "cp949": ("숫자_칠.png", "칠", "이영희"),
    "cp932": ("数字_七.png", "七", "山田"),
    "gb18030": ("手写数字.png", "七", "李雷"),
    "cp1251": ("цифра.png", "семь", "Иван"),
    "cp1252": ("größe.png", "7", "Zoë"),
    "cp1250": ("číslo.png", "7", "Jiří"),
    "euc_jp": ("手書き.png", "七", "山田"),
    "koi8_r": ("цифра.png", "семь", "Иван"),
    "cp866": ("цифра.png", "семь", "Иван"),
    "mac_roman": ("größe.png", "7", "Zoë"),
}


@any_name
@pytest.mark.parametrize("encoding", [*ENCODED, "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("page", ENCODED)
def test_the_encoding_is_the_one_in_which_the_names_exist(tmp_path: Path, encoding: str, page: str) -> None:
    name, label, writer = ENCODED[page]
    if encoding in ENCODED and encoding != page:
        pytest.skip("the text has no such bytes")
    folder_of(tmp_path, name)

    dataset = load(tmp_path, f"filename,label,writer\n{name},{label},{writer}\n".encode(encoding))

    assert {name: "7"} == truths(dataset)
    assert (writer,) == dataset.samples[0].slices
    assert (encoding in ENCODED) is any("is not UTF-8; it was read as" in note for note in dataset.notes)


@any_name
def test_labels_tell_the_encoding_where_names_do_not(three: Path) -> None:
    dataset = load(three, "filename,label\nimg_1.png,칠\nimg_2.png,영\nimg_10.png,삼\n".encode("cp949"))

    assert PLAIN == truths(dataset)


def test_what_no_name_tells_is_shown_as_bytes_and_never_garbled(three: Path) -> None:
    content = "filename,label,writer\nimg_1.png,7,이영희\nimg_2.png,0,Zoe\nimg_10.png,3,Zoe\n".encode("cp949")

    dataset = load(three, content)

    assert PLAIN == truths(dataset)
    assert dataset.samples[0].slices[0].isascii()
    assert "its names do not tell its encoding" in dataset.notes[0]
    assert ("이영희",) == load(three, content, encoding="cp949").samples[0].slices


@pytest.mark.parametrize(
    ("encoding", "said"), [("klingon", "--encoding klingon is unknown"), ("ascii", "does not fit")]
)
def test_an_encoding_that_is_wrong_is_refused(three: Path, encoding: str, said: str) -> None:
    (three / "l.csv").write_bytes("filename,label\nimg_1.png,칠\n".encode())

    with pytest.raises(ConfigError, match=said):
        load_dataset(three, LabelOptions(three / "l.csv", encoding=encoding))


COCO = {
    "images": [{"id": i, "file_name": name} for i, name in enumerate(NAMES)],
    "annotations": [{"id": i, "image_id": i, "category_id": int(label) + 1} for i, label in enumerate(LABELS)],
    "categories": [{"id": digit + 1, "name": str(digit)} for digit in range(10)],
}
TASKS = [
    {
        "id": i,
        "data": {"image": f"/data/upload/1/1e13bb19-{name}"},
        "annotations": [{"result": [{"value": {"choices": [label]}, "type": "choices"}]}],
        "predictions": [{"result": [{"value": {"choices": ["1"]}}]}],
    }
    for i, (name, label) in enumerate(PLAIN.items())
]


@pytest.mark.parametrize("content", [COCO, TASKS])
def test_files_of_annotation_programs(three: Path, content: object) -> None:
    assert PLAIN == truths(load(three, json.dumps(content), "result.json"))


def test_several_boxes_in_one_image_are_refused(three: Path) -> None:
    twice = COCO | {"annotations": [*COCO["annotations"], {"id": 9, "image_id": 0, "category_id": 2}]}

    with pytest.raises(DatasetError, match=r"result\.json \(COCO\) gives 1 of 3 images several labels: img_1\.png"):
        load(three, json.dumps(twice), "result.json")


@pytest.mark.parametrize(
    ("ending", "text"),
    [
        (".txt", "{}"),
        (".gt.txt", "{}\n"),
        (".cls", "{}"),
        (".txt", "{} 0.5 0.5 1.0 1.0\n"),
        (".txt", "{} 0.1 0.1 0.9 0.1 0.9 0.9\n"),
        (".json", '{{"label": {}}}'),
        (".json", '{{"version": "5.0", "shapes": [{{"label": "{}", "points": []}}]}}'),
    ],
)
def test_a_file_beside_each_image_holds_its_label(three: Path, ending: str, text: str) -> None:
    for name, label in PLAIN.items():
        (three / name.replace(".png", ending)).write_text(text.format(label))

    dataset = load_dataset(three)

    assert PLAIN == truths(dataset)
    assert "files beside the images" in dataset.label_source


@pytest.mark.parametrize(
    ("file", "listed"),
    [
        ("classes.txt", "three\nzero\nseven\n"),
        ("data.yaml", "train: x\nnc: 3\nnames: ['3', '0', '7']\n"),
        ("data.yaml", "names:\n  0: 3\n  1: 0\n  2: 7\nnc: 3\n"),
        ("data.yaml", "names:\n- 3\n- 0\n- 7\n"),
    ],
)
def test_yolo_numbers_have_the_names_of_its_classes(tmp_path: Path, file: str, listed: str) -> None:
    folder_of(tmp_path, *(f"images/{name}" for name in NAMES))
    (tmp_path / "labels").mkdir()
    (tmp_path / file).write_text(listed)
    for name, number in zip(NAMES, (2, 1, 0), strict=True):
        (tmp_path / "labels" / name.replace(".png", ".txt")).write_text(f"{number} 0.5 0.5 1 1\n")

    assert {f"images/{name}": label for name, label in PLAIN.items()} == truths(load_dataset(tmp_path))


def test_several_objects_beside_an_image_are_refused(three: Path) -> None:
    for name in NAMES:
        (three / name.replace(".png", ".txt")).write_text("7 0.5 0.5 1 1\n3 0.2 0.2 0.1 0.1\n")

    with pytest.raises(DatasetError, match=r"3 of 3 files beside the images \(\*\.txt\) mark several objects"):
        load_dataset(three)


def test_names_of_classes_are_no_list_of_labels(tmp_path: Path) -> None:
    folder_of(tmp_path, *(f"img{n}.png" for n in range(10)))

    assert load(tmp_path, "\n".join("0123456789"), "classes.txt").unlabelled


def test_one_image_with_two_marks_is_refused(three: Path) -> None:
    with pytest.raises(DatasetError, match="line 2, marks several classes"):
        load(three, "filename,0,3,7\nimg_1.png,0,1,1\nimg_2.png,1,0,0\n")


def test_what_a_model_answered_is_no_label(three: Path) -> None:
    dataset = load(three, table(header="image,predicted\n"), "predictions.csv")

    assert dataset.unlabelled
    assert "predictions.csv" in dataset.unlabelled
    with pytest.raises(DatasetError, match="has no column of labels"):
        load_dataset(three, three / "predictions.csv")


def test_a_label_file_may_be_named_as_it_lies_in_the_set(three: Path, tmp_path: Path) -> None:
    (three / "sub").mkdir()
    (three / "sub" / "truth.csv").write_text(table("../{},{}"))

    assert PLAIN == truths(load_dataset(three, "sub/truth.csv"))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (table("{}: {}", ""), "labels.txt"),
        (table("{}: {}", ""), "labels.yaml"),
        (table("{} = {}", ""), "labels.txt"),
        (table("{} -> {}", ""), "labels.txt"),
        ("labels = [7, 0, 3]\n", "labels.txt"),
        ("['7', '0', '3']", "labels.txt"),
        (str(PLAIN), "labels.txt"),
        ("7, 0, 3\n", "labels.txt"),
        (json.dumps({"labels": PLAIN}), "labels.json"),
        (json.dumps({name: [int(label)] for name, label in PLAIN.items()}), "labels.json"),
        (json.dumps({name[:-4]: int(label) for name, label in PLAIN.items()}), "labels.json"),
        (json.dumps({"columns": ["file", "label"], "index": [0, 1, 2], "data": list(PLAIN.items())}), "labels.json"),
        (json.dumps({"labels": list(PLAIN.items())}), "dataset.json"),
        ("My digits,\nfile,label\n" + table(header=""), "labels.csv"),
        (table('{0},1,0,"{{""digit"":""{1}""}}"', "filename,region_count,region_id,region_attributes\n"), "via.csv"),
        (table("{0},28,28,{1},1,1,27,27", "filename,width,height,class,xmin,ymin,xmax,ymax\n"), "annotations.csv"),
    ],
)
def test_further_shapes(three: Path, content: str, name: str) -> None:
    assert PLAIN == truths(load(three, content, name))


def test_pascal_voc_beside_each_image(three: Path) -> None:
    for name, label in PLAIN.items():
        (three / name.replace(".png", ".xml")).write_text(
            f"<annotation><filename>{name}</filename><object><name>{label}</name></object></annotation>"
        )

    assert PLAIN == truths(load_dataset(three))


def test_a_grid_of_labels_is_read_row_by_row(tmp_path: Path) -> None:
    folder_of(tmp_path, *(f"{i}.png" for i in range(1, 13)))

    assert [*"728104149590"] == list(truths(load(tmp_path, "7 2 8 1\n0 4 1 4\n9 5 9 0\n", "labels.txt")).values())


@pytest.mark.parametrize("name", ["labels.xls", "labels.ods", "labels.mat", "train_labels.pkl"])
def test_label_files_of_kinds_that_are_not_read_are_named(three: Path, name: str) -> None:
    assert f"{name} is of a kind that is not read" in load(three, b"\xd0\xcf", name).unlabelled

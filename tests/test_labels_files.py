"""Labels from CSV, TSV and JSON-lines files: dialects, columns, and which row belongs to which image."""

import csv
import io
import json
import re
import unicodedata
from pathlib import Path

import pytest
from dataset_examples import any_name, folder_of, truths
from hypothesis import given
from hypothesis import strategies as st

from batch_eval.dataset import Dataset, LabelOptions, load_dataset
from batch_eval.errors import DatasetError


def load(root: Path, table: str | bytes, name: str = "labels.csv") -> Dataset:
    """Write a label file into the folder and load it."""
    (root / name).write_bytes(table.encode() if isinstance(table, str) else table)
    return load_dataset(root)


def refusal(root: Path, table: str | bytes, name: str = "labels.csv") -> str:
    """Return the message with which the label file is refused."""
    with pytest.raises(DatasetError) as refused:
        load(root, table, name)
    return str(refused.value)


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A folder with a.png and sub/b.png."""
    return folder_of(tmp_path, "a.png", "sub/b.png")


def test_other_columns_are_slices(two: Path) -> None:
    dataset = load(two, "pen,filename,label,paper\nblue,a.png,7,ruled\n,sub/b.png,3,plain\n")

    assert truths(dataset) == {"a.png": "7", "sub/b.png": "3"}
    assert dataset.slice_names == ("pen", "paper")
    assert [sample.slices for sample in dataset.samples] == [("blue", "ruled"), ("", "plain")]
    assert dataset.label_source == "labels.csv (columns filename, label; slices pen, paper)"


def test_the_source_without_slices_names_the_columns(two: Path) -> None:
    assert load(two, "path,digit\na.png,7\n").label_source == "labels.csv (columns path, digit)"


@pytest.mark.parametrize("path", ["filename", "file", "file_name", "filepath", "path", "image", " File Name ", "IMAGE"])
@pytest.mark.parametrize("label", ["label", "class", "digit", "target", "truth", "Label ", "TRUTH"])
def test_columns_are_known_by_name(two: Path, path: str, label: str) -> None:
    assert truths(load(two, f"{label},{path}\n7,a.png\n"))["a.png"] == "7"


def test_a_row_index_is_no_slice(two: Path) -> None:
    assert load(two, ",filename,label,Unnamed: 3\n0,a.png,7,\n").slice_names == ()


@pytest.mark.parametrize(
    "table",
    [
        "filename,label\r\na.png,7\r\nsub\\b.png,3\r\n",
        "\ufefffilename;label\r\n./a.png;7\r\nsub\\b.png;3\r\n",
        "filename\tlabel\na.png\t7.0\nsub/b.png\t3.00\n",
        'filename,label\n"a.png","7"\n"sub/b.png", "3"\n\n\n',
        "sep=;\nfilename;label\na.png;7\nsub/b.png;3\n",
        "filename|label\n a.png | 7 \n.\\sub\\b.png|3",
        "filename,label\ra.png,7\rsub//b.png,3\r",
        "filename;label;;\na.png;7;;\nsub/b.png;3;;\n;;;\n",
        "filename;label\na.png;7,0\nsub/../sub/b.png;3,0\n",
        b"\xff\xfe" + "filename,label\r\na.png,7\r\nsub\\b.png,3\r\n".encode("utf-16-le"),
        "filename,label\na.png,7\nsub/b.png,3\n".encode("utf-16-le"),
        "filename,label\na.png,7\nsub/b.png,3\n".encode("utf-16-be"),
        "파일명,정답\na.png,7\nsub/b.png,3\n".encode("utf-16-le"),
        "파일명,정답\na.png,7\nsub/b.png,3\n".encode("utf-16-be"),
    ],
)
def test_every_programs_csv_reads_the_same(two: Path, table: str | bytes) -> None:
    assert truths(load(two, table)) == {"a.png": "7", "sub/b.png": "3"}


def test_names_and_slices_in_a_windows_encoding_are_read(tmp_path: Path) -> None:
    folder_of(tmp_path, "Müller.png")

    dataset = load(tmp_path, "filename;label;straße\r\nMüller.png;7;größe\r\n".encode("cp1252"))

    assert truths(dataset) == {"Müller.png": "7"}
    assert dataset.slice_names + dataset.samples[0].slices == ("straße", "größe")
    assert dataset.notes == ("labels.csv is not UTF-8; it was read as cp1252 (Western Europe).",)


@any_name
@pytest.mark.parametrize("row", [b"M\xfcller.png,7", b"M\\xfcller.png,7"])
def test_a_name_that_is_not_utf8_is_listed_by_its_bytes_or_its_id(tmp_path: Path, row: bytes) -> None:
    folder_of(tmp_path, "M\udcfcller.png")

    assert truths(load(tmp_path, b"filename,label\n" + row + b"\n")) == {"M\\xfcller.png": "7"}


@pytest.mark.parametrize("name", ["metadata.jsonl", "metadata.csv", "labels.tsv", "Labels.CSV"])
def test_label_files_are_found_by_name(two: Path, name: str) -> None:
    table = '{"file_name": "a.png", "label": 7}\n' if name.endswith("jsonl") else "file_name,label\na.png,7\n"

    assert truths(load(two, table, name))["a.png"] == "7"


def test_json_lines_may_hold_numbers_nulls_and_missing_keys(two: Path) -> None:
    rows = [
        {"file_name": "a.png", "label": 7.0, "tags": ["x", 1], "ok": True},
        {"label": None, "file_name": "sub/b.png"},
    ]

    dataset = load(two, "\n\n".join(map(json.dumps, rows)), "metadata.jsonl")

    assert [(sample.truth, sample.slices) for sample in dataset.samples] == [
        ("7", ('["x", 1]', "true")),
        (None, ("", "")),
    ]


def test_a_lone_surrogate_in_json_becomes_text_that_can_be_written(two: Path) -> None:
    dataset = load(two, '{"file": "a.png", "label": "7", "note": "\\ud800"}', "metadata.jsonl")

    assert dataset.samples[0].slices == ("\ufffd",)


def test_a_name_of_unknown_encoding_is_shown_as_bytes(two: Path) -> None:
    dataset = load(two, b'{"file": "a.png", "label": "7"}\n{"file": "\xfc\\u4e03.png", "label": "7"}', "metadata.jsonl")

    assert dataset.missing == ("\\xfc\\xe4\\xb8\\x83.png",)


@pytest.mark.parametrize("header", ['"Unnamed: 0" filename label', '"Unnamed: 0" label filename'])
def test_a_second_column_without_a_name_is_no_row_number(two: Path, header: str) -> None:
    rows = "0 a.png 7 0\n1 sub/b.png 3 1\n" if header.endswith("label") else "0 7 a.png 0\n1 3 sub/b.png 1\n"

    with pytest.raises(DatasetError, match="names 3 columns and has 4, parted by blanks"):
        load(two, f"{header}\n{rows}")


def test_columns_can_be_named(two: Path) -> None:
    (two / "t.csv").write_text("id,filename,label,y\na.png,sub/b.png,1,7\n")

    dataset = load_dataset(two, LabelOptions(two / "t.csv", path_column="ID", label_column="y"))

    assert truths(dataset)["a.png"] == "7"
    assert dataset.slice_names == ("filename", "label")


@pytest.mark.parametrize(
    "row",
    [
        "A.PNG",
        "a",
        "./A",
        "{root}/a.png",
        "{name}/a.png",
        "C:\\Users\\me\\{name}\\a.png",
        "/home/other/{name}/a.png",
        "sub\\..\\a.png",
    ],
)
def test_a_path_may_be_written_in_many_ways(two: Path, row: str) -> None:
    path = row.format(root=two, name=two.name)

    assert truths(load(two, f"filename,label\n{path},7\nsub/b.png,3\n")) == {"a.png": "7", "sub/b.png": "3"}


@any_name
@pytest.mark.parametrize(("on_disk", "in_table"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_unicode_forms_are_the_same_name(tmp_path: Path, on_disk: str, in_table: str) -> None:
    name = unicodedata.normalize(on_disk, "Zoë-é.png")
    folder_of(tmp_path, name)

    dataset = load(tmp_path, f"filename,label\n{unicodedata.normalize(in_table, name)},7\n")

    assert truths(dataset) == {name: "7"}


def test_a_loose_match_is_said(two: Path) -> None:
    assert load(two, "filename,label\nA.png,7\nsub/b.png,3\n").notes == (
        "1 of 2 label rows do not spell their image's path exactly (case, Unicode form, suffix or folder): A.png.",
    )


@any_name
@pytest.mark.parametrize("row", ["A.png", "IMG"])
def test_a_loose_match_with_several_images_is_none(tmp_path: Path, row: str) -> None:
    folder_of(tmp_path, "a.PNG", "a.png", "img.jpg", "img.png", "c.png")

    dataset = load(tmp_path, f"filename,label\n{row},7\nc.png,3\n")

    assert dataset.missing == (row,)
    assert f"Several images fit one label row, so none was taken: {row}." in dataset.notes


def test_a_row_with_another_suffix_is_another_file(tmp_path: Path) -> None:
    folder_of(tmp_path, "a.jpg", "b.jpg")

    assert load(tmp_path, "filename,label\na.png,7\nb.jpg,3\n").missing == ("a.png",)


@any_name
def test_an_exact_name_wins_over_a_loose_one(tmp_path: Path) -> None:
    folder_of(tmp_path, "a.PNG", "a.png")

    dataset = load(tmp_path, "filename,label\na.png,7\na.PNG,3\n")

    assert truths(dataset) == {"a.PNG": "3", "a.png": "7"}


def test_bare_names_are_found_in_any_folder_if_no_row_is_found_otherwise(tmp_path: Path) -> None:
    folder_of(tmp_path, "train/x.png", "train/y.png")

    assert truths(load(tmp_path, "image,class\nx,7\ny.png,3\n")) == {"train/x.png": "7", "train/y.png": "3"}


def test_beside_found_rows_a_bare_name_does_not_mean_another_folders_image(two: Path) -> None:
    dataset = load(two, "filename,label\na.png,7\nb.png,3\n")

    assert dataset.missing == ("b.png",)


def test_paths_may_be_relative_to_the_label_file(tmp_path: Path) -> None:
    folder_of(tmp_path, "photos/a.png", "photos/meta/a.png")
    (tmp_path / "outside.csv").write_text("filename,label\nphotos/a.png,7\n")
    (tmp_path / "photos" / "meta" / "inside.csv").write_text("filename,label\na.png,3\n../a.png,4\n")

    outside = load_dataset(tmp_path / "photos", tmp_path / "outside.csv")
    inside = load_dataset(tmp_path / "photos", tmp_path / "photos" / "meta" / "inside.csv")

    assert truths(outside) == {"a.png": "7", "meta/a.png": None}
    assert truths(inside) == {"a.png": "4", "meta/a.png": "3"}


def test_paths_of_an_outside_label_file_may_be_relative_to_the_folder(tmp_path: Path) -> None:
    folder_of(tmp_path, "photos/a.png")
    (tmp_path / "outside.csv").write_text("filename,label\na.png,7\n")

    assert truths(load_dataset(tmp_path / "photos", tmp_path / "outside.csv")) == {"a.png": "7"}


def test_absolute_paths_through_a_link_are_found(tmp_path: Path) -> None:
    folder_of(tmp_path, "real/a.png")
    (tmp_path / "link").symlink_to(tmp_path / "real")

    assert truths(load(tmp_path / "link", f"path,label\n{tmp_path}/real/a.png,7\n")) == {"a.png": "7"}


def test_rows_without_a_file_are_listed_as_missing(two: Path) -> None:
    dataset = load(two, "filename,label\na.png,7\ngone.png,1\nsub/b.png,2\nx/gone.png,1\n")

    assert dataset.missing == ("gone.png", "x/gone.png")
    assert dataset.notes == ("2 of 4 label rows have no image file: gone.png, x/gone.png.",)


def test_a_row_without_a_path_is_missing_by_its_line(two: Path) -> None:
    assert load(two, "filename,label\na.png,7\n,1\n").missing == ("(no path in line 3)",)


def test_files_without_a_row_or_a_label_are_unlabelled(tmp_path: Path) -> None:
    folder_of(tmp_path, "a.png", "b.png", "c.png")

    dataset = load(tmp_path, "filename,label\na.png,7\nb.png,\n")

    assert truths(dataset) == {"a.png": "7", "b.png": None, "c.png": None}
    assert dataset.notes == ("2 of 3 images have no label: b.png, c.png.",)


def test_the_same_file_twice_with_the_same_label_is_said(two: Path) -> None:
    assert load(two, "filename,label\na.png,7\n./a.png,7.0\nsub/b.png,1\n").notes == (
        "Listed more than once with the same label: ./a.png.",
    )


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            "filename,label\na.png,7\nsub/b.png,1\na.png,1\n",
            "labels.csv gives a.png two labels: 7 in line 2 and 1 in line 4. Delete the wrong one.",
        ),
        ("filename,label\na.png,7\nA.PNG,\n", "two labels: 7 in line 2 and none in line 3."),
        (
            "a.png,sub/b.png,label\na.png,sub/b.png,7\nsub/b.png,a.png,1\n",
            "labels.csv names images in two columns, number 1 and number 2, and not the same ones. "
            "Name the right one with --path-column.",
        ),
        (
            "filename,label,digit\na.png,7,1\n",
            "labels.csv has two columns that could be the labels, 'label' and 'digit', and they differ. "
            "Name the right one with --label-column.",
        ),
        ("00001,7\n00002,1\n", "lists labels without names, and the images lie in 2 folders"),
        (
            "filename,label,pen,pen\na.png,7,x,y\n",
            "has the column 'pen' more than once. Rename or delete one.",
        ),
        (
            "filename,label\n\na.png\n",
            "labels.csv, line 3, has too few fields: a.png. Expected 2 (filename, label). Leave a field empty",
        ),
        ("filename,label\na,b.png,7\n", "line 2, has too many fields: a, b.png, 7. Expected 2"),
        ('filename,label\n"x\ny.png",1\na.png,7,8\n', "line 4, has too many fields"),
        ('filename,label\na.png,7\n"b.png,7\nc.png,1\n', "labels.csv, line 3, is no CSV: unexpected end of data."),
        ("filename,label\n", "holds no rows."),
        ("", "is empty; expected a line for each image"),
        ("filename,label\na.png,\nsub/b.png, \n", "has only empty cells in its column 'label'; expected labels there."),
        (
            "filename,label\nx/1.png,7\n",
            "The first row names x/1.png (column 'filename'); the set holds a.png, … (2 in all).",
        ),
        (b"PK\x03\x04rest", "is a spreadsheet or an archive. Save it as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is a spreadsheet (.xls). Save it as CSV"),
        ("\ufeff\n<!doctype html>\n<title>Sign in</title>", "is a web page. Save it as CSV"),
        (b"\0", "holds NUL characters, so that it is no text. Save it as CSV"),
        ("filename,label\na\0.png,7\n", "holds NUL characters"),
    ],
)
def test_a_label_file_that_cannot_be_used_says_what_to_do(two: Path, table: str | bytes, said: str) -> None:
    assert said in refusal(two, table)


@pytest.mark.parametrize("line", ["[1, 2]", '{"file": ', "7"])
def test_a_line_that_is_no_json_object_is_named(two: Path, line: str) -> None:
    message = refusal(two, f'{{"file": "a.png", "label": 7}}\n{line}\n', "metadata.jsonl")

    assert message.startswith("metadata.jsonl, line 2, is no JSON")


def test_a_wanted_column_that_is_missing_is_named(two: Path) -> None:
    (two / "labels.csv").write_text("filename,label\na.png,7\n")

    with pytest.raises(DatasetError, match=r"has no column 'y'\. Its columns are: filename, label"):
        load_dataset(two, LabelOptions(label_column="y"))


def test_a_label_file_that_does_not_exist_is_named(two: Path) -> None:
    with pytest.raises(DatasetError, match=r"none\.csv cannot be read: No such file or directory \(looked from "):
        load_dataset(two, two / "none.csv")


IMAGES = ("a.png", "b c.png", "sub/größe.png", "sub/d,e;f.png", "x/y/g'h\".png")
SPELLINGS = (str, lambda path: "./" + path, lambda path: path.replace("/", "\\"))


@given(drawn=st.data())
def test_any_dialect_order_and_spelling_gives_the_same_dataset(
    drawn: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = folder_of(tmp_path_factory.mktemp("set"), *IMAGES)
    digits = drawn.draw(st.lists(st.sampled_from("0123456789"), min_size=5, max_size=5))
    columns = drawn.draw(st.permutations(["filename", "label", "größe"]))
    rows = [
        dict(zip(("filename", "label", "größe"), row, strict=True)) for row in zip(IMAGES, digits, digits, strict=True)
    ]
    spelled = [
        row
        | {"filename": drawn.draw(st.sampled_from(SPELLINGS))(row["filename"])}
        | {"label": row["label"] + drawn.draw(st.sampled_from(["", ".0", " "]))}
        for row in drawn.draw(st.permutations(rows))
    ]
    text = io.StringIO()
    writer = csv.DictWriter(
        text,
        columns,
        delimiter=drawn.draw(st.sampled_from(",;\t|")),
        quoting=drawn.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        lineterminator=drawn.draw(st.sampled_from(["\n", "\r\n", "\r"])),
    )
    writer.writeheader()
    writer.writerows(spelled)
    encoding = drawn.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]))

    dataset = load(root, (text.getvalue() + drawn.draw(st.sampled_from(["", "\n\n"]))).encode(encoding))

    assert truths(dataset) == dict(zip(IMAGES, digits, strict=True))
    assert {sample.id: sample.slices for sample in dataset.samples} == dict(zip(IMAGES, zip(digits), strict=True))


def test_deeply_nested_json_lines_are_refused(two: Path) -> None:
    table = '{"file_name": "a.png", "label": ' + "[" * 100_000

    # Python 3.14 calls it a stack overflow
    told = r"metadata\.jsonl, line 1, is no JSON: (maximum recursion depth|Stack overflow)"
    assert re.search(told, refusal(two, table, "metadata.jsonl"))


@pytest.mark.parametrize(
    "before", ["/elsewhere/{name}", "train", "C:\\digits", "gs://bucket/x", "/content/drive/My Drive"]
)
def test_folders_of_another_computer_are_left_out(two: Path, before: str) -> None:
    rows = "filename,label\n{0}/a.png,7\n{0}/sub/b.png,3\n"

    assert truths(load(two, rows.format(before.format(name=two.name)))) == {"a.png": "7", "sub/b.png": "3"}


def test_rows_that_differ_by_their_folder_alone_are_given_to_no_image(tmp_path: Path) -> None:
    folder_of(tmp_path, "a.png", "b.png")

    message = refusal(tmp_path, "filename,label\ntrain/a.png,7\ntest/a.png,3\n")

    assert message.startswith("No row of labels.csv (2 in all) has its image in the set.")

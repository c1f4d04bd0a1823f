"""Names made to break a format, written in every format and read back by a reader of that format."""

import csv
import io
import json
import os
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree

import cv2
import pyarrow.parquet as pq
import pytest
from drawn_digits import ink, on_paper
from markdown_it import MarkdownIt
from processes import ROOT
from report_examples import HOSTILE, HOSTILE_GATES, hostile

from batch_eval.evaluation.saved import load_evaluation
from batch_eval.publishing import whole
from batch_eval.reports.registry import Kind, format_names, reporter
from batch_eval.wording import printable

SHOWN = [printable(name) for name in HOSTILE]
ON_DISK = [
    b"1<img src=x onerror=alert(1)>.png",
    b"1=cmd|'.png",
    b"=1+1.png",
    b"1%0A::error::broken.png",
    b"1\nline.png",
    b"1\rreturn.png",
    b"1bad\xff.png",
    "1\u202egpj.exe.png".encode(),
    b"1]]>&amp;.png",
    b"1" + b"x" * 250 + b".png",
]


def files(name):
    return {path: whole(content) for path, content in reporter(name).files(hostile(), HOSTILE_GATES)}


class Page(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.elements, self.texts = [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


@pytest.mark.parametrize("name", sorted(set(format_names(Kind.RUN)) - {"csv", "plots", "parquet", "html", "xlsx"}))
def test_no_text_holds_a_control_character(name):
    for path, content in files(name).items():
        text = content.decode("utf-8")

        assert [c for c in text if not c.isprintable() and c != "\n"] == [], path


def test_csv_reads_back_the_names():
    rows = list(csv.DictReader(io.StringIO(files("csv")["predictions.csv"].decode("utf-8"), newline="")))

    assert SHOWN == [row["id"].removeprefix("'") for row in rows]


def test_json_reads_back_the_names():
    assert list(HOSTILE) == json.loads(files("json")["evaluation.json"])["ids"]


@pytest.mark.parametrize("whole", [False, True])
def test_html_has_no_element_or_attribute_of_a_name_s(whole):
    content = reporter("html").document(hostile(), HOSTILE_GATES) if whole else files("html")["report.html"]
    page = Page(content.decode("utf-8"))
    attributes = {name for _, given in page.elements for name in given}

    assert not {name for name in attributes if name.startswith("on") or name == "style"}
    assert not {given.get("src") for tag, given in page.elements if tag == "img"} & {"x", "d"}
    assert not {given["href"] for _, given in page.elements if "javascript" in (given.get("href") or "")}


@pytest.mark.parametrize("index", [0, 10, 15])
def test_html_shows_the_names_as_text(index):
    text = " ".join(" ".join(Page(files("html")["report.html"].decode("utf-8")).texts).split())

    assert " ".join(SHOWN[index].split()) in text


def test_markdown_makes_no_element_of_a_name():
    tokens = list(_flat(MarkdownIt("gfm-like", {"linkify": False}).parse(files("markdown")["report.md"].decode())))
    raw = {token.content.strip() for token in tokens if token.type in ("html_inline", "html_block")}

    assert not {token.type for token in tokens} & {"link_open", "image", "s_open", "em_open", "code_inline"}
    assert all(line.startswith(("<details><summary>", "</details>")) for line in raw)


@pytest.mark.parametrize("shown", SHOWN, ids=range(len(SHOWN)))
def test_markdown_shows_each_name_as_it_is(shown):
    tokens = _flat(MarkdownIt("gfm-like", {"linkify": False}).parse(files("markdown")["report.md"].decode()))

    assert " ".join(shown.split()) in {" ".join(t.content.split()) for t in tokens if t.type == "joined"}


def _flat(tokens):
    """Yield all tokens, and for each piece of text one token whose content is what a reader sees."""
    for token in tokens:
        yield token
        if token.children:
            yield from token.children
            seen = "".join(child.content for child in token.children)
            yield token.copy(type="joined", content=seen, children=None)


def test_junit_reads_back_the_names():
    found = {case.get("name") for case in ElementTree.fromstring(files("junit")["junit.xml"]).iter("testcase")}

    assert set(SHOWN) <= found


def test_github_has_one_command_a_line_whose_properties_read_back():
    lines = files("github")["github_annotations.txt"].decode("utf-8").splitlines()
    files_ = [line.split("file=")[1].split("::")[0] for line in lines if "file=" in line]
    read = [unquote_to_bytes(name).decode("utf-8") for name in files_]

    assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in lines)
    assert set(read) <= {f"{SHOWN[0]}/{name}" for name in SHOWN}


def test_sarif_reads_back_the_names():
    results = json.loads(files("sarif")["report.sarif"])["runs"][0]["results"]
    uris = [result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in results]

    paths = {f"{HOSTILE[0]}/{name}".encode("utf-8", "surrogateescape") for name in HOSTILE}

    assert paths == {unquote_to_bytes(uri) for uri in uris}


def test_parquet_reads_back_the_names():
    ids = pq.read_table(io.BytesIO(files("parquet")["predictions.parquet"])).column("id").to_pylist()

    assert [name.replace("\udcff", "\\udcff") for name in HOSTILE] == ids


def test_plots_hold_the_class_names_as_text():
    root = ElementTree.fromstring(files("plots")["confusion_matrix.svg"])
    texts = {"".join(element.itertext()).strip() for element in root.iter() if element.tag.endswith("text")}

    assert {printable(name) for name in hostile().class_names} <= texts
    assert not [element for element in root.iter() if element.tag.endswith("script")]


@pytest.fixture(scope="module")
def run_on_hostile_files(tmp_path_factory):
    """The reports of a run in every format on files with hostile names."""
    folder, out = tmp_path_factory.mktemp("photos"), tmp_path_factory.mktemp("reports")
    content = cv2.imencode(".png", on_paper(ink(1, 1)))[1].tobytes()
    for name in ON_DISK:
        with open(os.fsencode(folder) + b"/" + name, "wb") as file:
            file.write(content)
    (folder / "1.png").write_bytes(content)
    every = [part for name in format_names(Kind.RUN) for part in ("--format", name)]
    command = [sys.executable, "-m", "batch_eval", "run", str(folder), "--label-pattern", "(?P<label>1)", *every]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "GITHUB_STEP_SUMMARY": "", "GITHUB_ACTIONS": ""}
    done = subprocess.run([*command, "--out", str(out)], env=environment, capture_output=True, check=False)
    return done, out


@pytest.mark.slow
def test_a_run_on_hostile_files_writes_every_format(run_on_hostile_files):
    done, out = run_on_hostile_files
    expected = {path.split("/")[0] for name in format_names(Kind.RUN) for path in files(name)}
    digits = {f"first_digits.{kind}" for kind in ("png", "svg", "pdf")}  # a run knows what the model saw

    assert 0 == done.returncode, done.stderr
    assert (expected | digits) - {"report_files"} == {path.name for path in out.iterdir()}


def test_a_run_on_hostile_files_finds_each_of_them(run_on_hostile_files):
    ids = load_evaluation(run_on_hostile_files[1] / "evaluation.json").records.ids

    assert {printable(os.fsdecode(name)) for name in [*ON_DISK, b"1.png"]} == set(ids)


def test_a_run_on_hostile_files_prints_no_control_character(run_on_hostile_files):
    done, _ = run_on_hostile_files
    printed = (done.stdout + done.stderr).decode("utf-8")

    assert [c for c in printed if not c.isprintable() and c != "\n"] == []

"""The HTML report's data and its limits; what it looks like is for eyes and browsers."""

import json
import re
from dataclasses import replace

import cv2
import numpy as np
import pytest
from report_examples import HOSTILE, hostile, probabilities, provenance, small, wrong

from batch_eval.evaluation import Evaluation, Picture, Records
from batch_eval.publishing import whole
from batch_eval.reports.context import ReportContext
from batch_eval.reports.html import charts, document, files
from batch_eval.reports.html.page import ALL_SHOWN_UP_TO, GROUP_SHOWN, MOST_CONFIDENT, Page
from batch_eval.reports.html.pictures import FilePictures
from batch_eval.reports.html.sheets import SHEET_HEIGHT, SHEET_WIDTH, SheetPictures


def page_data(evaluation):
    script = whole(dict(files(evaluation))["report_files/data.js"]).decode("ascii")
    return json.loads(script.removeprefix("globalThis.batchEvalData=").rstrip(";\n"))


def cards(page, anchor):
    group = re.search(rf'id="{anchor}".*?</section>', page, re.DOTALL)
    return re.findall(r'class="card" data-row="(\d+)"', group.group())


def test_script_data_has_every_image_and_a_card_for_each_that_is_not_correct():
    data = page_data(small())

    assert list(small().records.ids) == data["ids"]
    assert data["cards"]["row"] == [2, 3, 4, 5, 6, 7]


def test_script_data_cannot_end_its_script():
    script = whole(dict(files(hostile()))["report_files/data.js"])

    assert b"<" not in script
    assert list(HOSTILE) == page_data(hostile())["ids"]


def test_script_data_shows_names_without_control_characters():
    shown = page_data(hostile())["shown"]

    assert all(name.isprintable() for name in shown.values())
    assert {str(i) for i, name in enumerate(HOSTILE) if not name.isprintable()} == set(shown)


@pytest.mark.parametrize(("n", "expected"), [(ALL_SHOWN_UP_TO, ALL_SHOWN_UP_TO), (ALL_SHOWN_UP_TO + 1, GROUP_SHOWN)])
def test_page_holds_few_of_many_errors_and_says_so(n, expected):
    page = dict(files(wrong(n)))["report.html"].decode()

    assert expected == len(cards(page, "cell-0-1"))
    assert f"showing {expected} of {n}" in page


def test_script_has_every_error_where_the_page_is_cut():
    n = ALL_SHOWN_UP_TO + 1

    assert n == len(page_data(wrong(n))["cards"]["row"])


def test_one_document_embeds_each_picture_of_the_gallery_once():
    n = ALL_SHOWN_UP_TO + 1
    page = document(wrong(n)).decode()
    script = page[page.index("globalThis.batchEvalData=") :]
    held = set(re.findall(r'class="card" data-row="(\d+)"', page))

    assert MOST_CONFIDENT == len(held), "more than the page shows of their cell"
    assert n - len(held) == len(re.findall(r'"data:image/png;base64,[^"]+"', script)) // 2


@pytest.mark.parametrize("evaluation", [small(), hostile()], ids=["small", "hostile"])
def test_words_stand_apart_without_a_style_sheet(evaluation):
    page = document(evaluation).decode()
    sections = re.search(r"<nav.*?</nav>", page, re.DOTALL)[0]

    assert "</a><a" not in sections
    assert not re.search(r'class="name">[^<]*</span><svg|</svg><span class="value"| %</span><span>', page)


def test_most_confident_error_is_first():
    page = Page(small(), FilePictures(small().records.pictures))

    assert [card.row for card in page.most_confident] == [3, 2, 4]


def test_only_known_types_of_pictures_become_files():
    paths = [path for path, _ in files(hostile()) if "pictures" in path]

    assert paths == []


def test_columns_of_blanks_only_where_there_are_any():
    with_blank = dict(files(small()))["report.html"].decode()
    without = dict(files(wrong(3)))["report.html"].decode()

    assert ("<bdi>(blank)</bdi></th>" in with_blank, "<bdi>(blank)</bdi></th>" in without) == (True, False)


def test_the_coverage_curve_has_points_all_along_where_a_model_is_sure_of_most_images():
    records = Records(
        ids=tuple(map(str, range(1000))),
        truth=("0",) * 1000,
        outcome=np.zeros(1000, np.uint8),
        probabilities=probabilities(*[(0, 0.999 + i / 1e6, 1) for i in range(1000)]),
    )
    coverage = [point.coverage for point in charts.coverage_curve(Evaluation(("0", "1", "2"), records, provenance()))]

    assert 1 == coverage[0]
    assert max(-np.diff(coverage)) <= 0.011
    assert coverage[-1] <= 0.011


def heavy(n):
    """Return n errors with pictures as large as those of photos, the first 500 with their steps."""
    rng = np.random.default_rng(1)
    shapes = {"original": (120, 160, 3), "seen": (28, 28), "steps": (118, 1056, 3)}
    images = {
        name: cv2.GaussianBlur(rng.integers(0, 256, shape, np.uint8), (0, 0), 5) for name, shape in shapes.items()
    }
    original, seen, steps = (cv2.imencode(".png" if i.ndim == 2 else ".jpg", i)[1].tobytes() for i in images.values())
    base = wrong(n)
    pictures = {i: Picture(original, seen, "image/jpeg", steps if i < 500 else None) for i in range(n)}
    return replace(base, records=replace(base.records, pictures=pictures))


@pytest.mark.slow
def test_ten_thousand_errors_are_at_most_200_files():
    assert len(list(files(heavy(10_000)))) <= 200


@pytest.mark.slow
def test_pictures_of_the_most_confident_errors_share_the_first_sheets():
    evaluation = heavy(2_000)
    table = evaluation.records.probabilities.copy()
    table[1_500:] = (0.01, 0.98, 0.01)
    pictures = page_data(replace(evaluation, records=replace(evaluation.records, probabilities=table)))["cards"]

    first = [row for row, place in enumerate(pictures["original"]) if place[0] == pictures["original"][1_500][0]]
    assert len(first) > 100
    assert min(first) == 1_500


@pytest.mark.parametrize(("chosen", "alone"), [(None, True), (True, True), (False, False)])
def test_a_small_report_is_one_file_unless_it_must_not(chosen, alone):
    found = [path for path, _ in files(wrong(20), ReportContext(self_contained=chosen))]

    assert alone is (found == ["report.html"])


@pytest.mark.slow
def test_a_large_report_has_its_files_beside_it_unless_it_must_not():
    evaluation = heavy(1_200)

    assert "report_files/data.js" in [path for path, _ in files(evaluation, ReportContext(self_contained=None))]
    assert ["report.html"] == [path for path, _ in files(evaluation, ReportContext(self_contained=True))]


def test_drawings_have_colours_and_sizes_of_their_own():
    """Without its style sheet an SVG shape is black, and as wide as the page."""
    page = dict(files(small()))["report.html"].decode()
    shapes = re.findall(r"<(?:rect|polygon|polyline|circle|line)\b[^>]*>", page)

    assert shapes
    assert [] == [shape for shape in shapes if not re.search(r'(fill|stroke)="', shape)]
    assert [] == re.findall(r"<svg(?![^>]*\bwidth=)[^>]*>", page)
    assert "was sent without the folder <code>report_files</code>" in page
    assert "was sent without" not in document(small()).decode()


def encoded(shape, shade, suffix=".png"):
    return cv2.imencode(suffix, np.full(shape, shade, np.uint8))[1].tobytes()


def decoded(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)


def test_every_picture_is_where_its_part_says():
    """Widths and heights of all kinds, so that rows and sheets end anywhere."""
    rng = np.random.default_rng(2)
    shapes = [tuple(int(n) for n in rng.integers(1, 161, 2)) for _ in range(600)]
    pictures = SheetPictures({i: Picture(encoded(s, i % 256), encoded(s, 255 - i % 256)) for i, s in enumerate(shapes)})
    placed = [(pictures.original(i), i % 256) for i in range(600)] + [
        (pictures.seen(i), 255 - i % 256) for i in range(600)
    ]
    sheets = {
        path: cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE) for path, data in pictures.files()
    }

    assert len(sheets) > 2
    assert all(sheet.shape <= (SHEET_HEIGHT, SHEET_WIDTH) for sheet in sheets.values())
    for shown, shade in placed:
        p = shown.part
        part = sheets[shown.url][p.top : p.top + p.height, p.left : p.left + p.width]
        assert (part == shade).all()
        assert part.shape == (p.height, p.width)


@pytest.mark.parametrize(
    "data", [b"no image", b"\x89PNG\r\n\x1a\n" + b"\0" * 16, encoded((1, 1601), 9), b"\xff\xd8\xff\xe0 cut off"]
)
def test_what_is_no_picture_of_the_expected_size_is_left_out(data):
    pictures = SheetPictures({0: Picture(data, data, steps=data)})

    assert (None, None, None) == (pictures.original(0), pictures.seen(0), pictures.steps(0))
    assert [] == list(pictures.files())


def test_a_damaged_picture_leaves_its_place_empty():
    damaged = encoded((20, 30), 200)[:40]
    pictures = SheetPictures({0: Picture(None, damaged), 1: Picture(None, encoded((20, 30), 200))})
    parts = [pictures.seen(row).part for row in (0, 1)]
    ((_, data),) = pictures.files()
    sheet = decoded(data)

    assert [(1, 30), (33, 30)] == [(part.left, part.width) for part in parts]
    assert (sheet[:, :32] == 0).all()
    assert (sheet[:, 32:] == 200).all()

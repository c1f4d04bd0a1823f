"""The HTML report's data and its limits; what it looks like is for eyes and browsers."""

import json
import re

import numpy as np
import pytest
from report_examples import HOSTILE, hostile, probabilities, provenance, small, wrong

from batch_eval.evaluation import Evaluation, Records
from batch_eval.reports.html import charts, document, files
from batch_eval.reports.html.page import ALL_SHOWN_UP_TO, GROUP_SHOWN, Page
from batch_eval.reports.html.pictures import FilePictures


def page_data(evaluation):
    script = dict(files(evaluation))["report_files/data.js"].decode("ascii")
    return json.loads(script.removeprefix("globalThis.batchEvalData=").rstrip(";\n"))


def cards(page, anchor):
    group = re.search(rf'id="{anchor}".*?</section>', page, re.DOTALL)
    return re.findall(r'class="card" data-row="(\d+)"', group.group())


def test_script_data_has_every_image_and_a_card_for_each_that_is_not_correct():
    data = page_data(small())

    assert list(small().records.ids) == data["ids"]
    assert data["cards"]["row"] == [2, 3, 4, 5, 6, 7]


def test_script_data_cannot_end_its_script():
    script = dict(files(hostile()))["report_files/data.js"]

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

    assert n - GROUP_SHOWN == len(re.findall(r'"data:image/png;base64,[^"]+"', script)) // 2


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

"""The HTML report in a real browser: Debian's chromium, driven by Playwright; skipped where either is absent."""

import shutil
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from threading import Thread

import numpy as np
import pytest
from browser_tabs import opened
from PIL import Image
from processes import ROOT
from report_examples import context, hostile, probabilities, provenance, tiny_png
from screens import take

from batch_eval import stress
from batch_eval.evaluation import OUTCOMES, Evaluation, Outcome, Picture, Records
from batch_eval.evaluation.paired import compare
from batch_eval.imaging.files import encode
from batch_eval.reports.comparison.html import files
from batch_eval.reports.writing import write_reports

pytestmark = pytest.mark.slow

IMAGES = 200
VISIBLE = "#gallery-cards .card"
LOADED = "selector => document.querySelector(selector).naturalWidth > 0"
DECODE = "selector => document.querySelector(selector).decode()"
"""Waits for a picture on a sheet, and fails where it cannot be loaded."""
JENKINS = "sandbox; default-src 'none'; img-src 'self'; style-src 'self'"
"""What Jenkins sends with archived files unless its owner changes it."""


def many() -> Evaluation:
    """Return 200 images with every outcome: of three classes, two pens, one flag, and some that look alike."""
    rng = np.random.default_rng(3)
    truth = [str(i % 3) for i in range(IMAGES)]
    guesses = [
        (int(g), 0.5 + 0.49 * float(c), int(g + 1) % 3)
        for g, c in zip(rng.integers(0, 3, IMAGES), rng.random(IMAGES), strict=True)
    ]
    outcome = [Outcome.CORRECT if str(g) == t else Outcome.WRONG for (g, _, _), t in zip(guesses, truth, strict=True)]
    guesses[5], outcome[5] = (-1, 0, 0), Outcome.BLANK
    guesses[6], outcome[6] = (-1, 0, 0), Outcome.UNREADABLE
    alike = [i for i, (g, _, _) in enumerate(guesses) if (truth[i], g, outcome[i]) == ("0", 1, Outcome.WRONG)][:3]
    records = Records(
        ids=tuple(f"folder/{i:03}.png" for i in range(IMAGES)),
        truth=tuple(truth),
        outcome=np.array([OUTCOMES.index(o) for o in outcome], np.uint8),
        probabilities=probabilities(*guesses),
        reasons={5: "no ink was found", 6: "truncated PNG"},
        slices={"pen": tuple("thin" if i % 2 else "thick" for i in range(IMAGES))},
        flags={"faint": np.arange(IMAGES) % 5 == 0},
        pictures={i: Picture(tiny_png(200), tiny_png(50), steps=tiny_png(9)) for i in range(IMAGES)},
        groups=(tuple(alike),),
    )
    return Evaluation(("0", "1", "2"), records, provenance())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the written report of ``many``."""
    written = tmp_path_factory.mktemp("report")
    write_reports(many(), written, ["html"], context=context())
    return written


@pytest.fixture(scope="module")
def report(folder):
    """The address of that report on the disk."""
    return (folder / "report.html").as_uri()


@pytest.fixture
def page(browser, report):
    """An open report."""
    with opened(browser, report) as tab:
        yield tab


@contextmanager
def served(folder, policy=None):
    """Serve a folder on this machine, under a content security policy if one is given; yields its address."""

    class Handler(SimpleHTTPRequestHandler):
        def end_headers(self):
            if policy:
                self.send_header("Content-Security-Policy", policy)
            super().end_headers()

        def send_error(self, code, *args):
            """Answer with no content, as browsers ask every site for an icon."""
            super().send_error(204 if self.path == "/favicon.ico" else code)

        def log_message(self, *args):
            """Say nothing about requests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def count(page):
    """Return what the gallery says it shows."""
    return page.locator("#gallery-count").text_content()


def errors(evaluation):
    """Return the rows that the gallery shows at first."""
    return [i for i, o in enumerate(evaluation.records.outcome) if OUTCOMES[o] in (Outcome.WRONG, Outcome.BLANK)]


def test_the_gallery_shows_the_errors_first_and_says_how_many(page):
    assert f"of {len(errors(many()))} that match" in count(page)


@pytest.mark.parametrize(
    ("field", "value", "keep"),
    [
        ("truth", "1", lambda r, i: r.truth[i] == "1"),
        ("predicted", "2", lambda r, i: r.predicted[i] == 2),
        ("outcome", "blank", lambda r, i: i == 5),
        ("slice", "0:1", lambda r, i: r.slices["pen"][i] == "thin"),
        ("flag", "0", lambda r, i: bool(r.flags["faint"][i])),
    ],
)
def test_each_filter_keeps_its_images(page, field, value, keep):
    page.select_option(f"select[name={field}]", value)
    expected = [i for i in errors(many()) if keep(many().records, i)]

    assert f"of {len(expected)} that match" in count(page)


def test_the_text_filter_finds_names_and_reasons(page):
    page.fill("input[name=text]", "no ink")

    assert ["folder/005.png"] == page.locator(f"{VISIBLE} .file").all_text_contents()


def test_unreadable_images_show_their_reason(page):
    page.select_option("select[name=outcome]", "unreadable")

    assert ["truncated PNG"] == page.locator(f"{VISIBLE} .reason").all_text_contents()


def test_reset_brings_all_errors_back(page):
    before = count(page)
    page.fill("input[name=text]", "nothing has this name")
    page.click("button[type=reset]")
    page.wait_for_selector(VISIBLE)

    assert before == count(page)


@pytest.mark.parametrize(
    ("order", "column", "falling"),
    [("surest", "confidence", True), ("unsure", "confidence", False), ("margin", "margin", False)],
)
def test_sorting(page, order, column, falling):
    page.select_option("select[name=sort]", order)
    values = getattr(many().records, column)
    first = max if falling else min
    expected = many().records.ids[first(errors(many()), key=lambda i: values[i])]

    assert expected == page.locator(f"{VISIBLE} .file").first.text_content()


def test_a_matrix_cell_leads_to_its_images(page):
    cell = page.locator(".matrix a").first
    n = int(cell.text_content())
    cell.click()

    page.wait_for_function("n => document.querySelectorAll('#gallery-cards .card').length === n", arg=n)


def test_a_group_that_looks_alike_leads_to_its_images(page):
    page.click("#alike a")
    page.wait_for_function("document.querySelectorAll('#gallery-cards .card').length === 3")

    assert page.locator("#alike").is_visible()


def test_more_cards_come_with_scrolling(page):
    n = len(errors(many()))
    for drawn in range(48, n, 48):
        page.locator(VISIBLE).nth(drawn - 1).scroll_into_view_if_needed()
        page.wait_for_function("n => document.querySelectorAll('#gallery-cards .card').length > n", arg=drawn)

    assert f"Showing {n} of {n}" in count(page)


def test_arrow_keys_move_and_enter_enlarges(page):
    names = page.locator(f"{VISIBLE} .file").all_text_contents()
    page.locator(f"{VISIBLE} article").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")

    assert [names[1]] == page.locator("#viewer .file").all_text_contents()

    page.keyboard.press("ArrowRight")

    assert [names[2]] == page.locator("#viewer .file").all_text_contents()

    page.keyboard.press("Escape")

    assert not page.locator("#viewer").is_visible()


def test_a_slash_leads_to_the_search(page):
    page.keyboard.press("/")

    assert "text" == page.evaluate("document.activeElement.name")


def test_selected_images_are_saved_as_a_list(page):
    names = page.locator(f"{VISIBLE} .file").all_text_contents()[:2]
    for place in range(2):
        page.locator(f"{VISIBLE} .select").nth(place).click()

    assert "2 selected" == page.locator("#selected-count").text_content()

    with page.expect_download() as download:
        page.click("[data-action=save]")

    assert sorted(names) == download.value.path().read_text().splitlines()


def test_selected_images_are_saved_with_corrected_labels(page):
    page.locator(f"{VISIBLE} article").first.focus()
    name = page.locator(f"{VISIBLE} .file").first.text_content()
    page.keyboard.press(" ")
    page.select_option("#new-label", "2")
    page.click("[data-action=relabel]")
    with page.expect_download() as download:
        page.click("[data-action=labels]")
    lines = download.value.path().read_bytes().decode().split("\r\n")

    assert "filename,label,pen" == lines[0]
    assert f"{name},2" == next(line for line in lines if line.startswith(name)).rpartition(",")[0]
    assert IMAGES + 2 == len(lines)


def test_the_steps_are_shown_on_demand(page):
    steps = page.locator(f"{VISIBLE} .steps").first

    assert not steps.locator(".strip > svg").is_visible()

    steps.locator("summary").click()

    assert steps.locator(".strip > svg").is_visible()


def test_the_slider_says_what_is_kept(page):
    page.locator("#threshold").fill("90")

    assert "keeps" in page.locator("#threshold-text").text_content()
    assert "90 %" == page.locator("#threshold-value").text_content()


def test_pictures_on_sheets_are_drawn(page):
    page.evaluate(DECODE, f"{VISIBLE} .picture image")

    assert "1 1 1 1" == page.locator(f"{VISIBLE} .picture svg").first.get_attribute("viewBox")


def test_a_narrow_photo_shows_nothing_of_its_neighbours_on_the_sheet(browser, tmp_path):
    colours = [(0, 0, 255), (0, 255, 0)]  # red and green, as OpenCV orders channels
    photos = [encode(np.full((40, 20, 3), colour, np.uint8)) for colour in colours]
    pictures = {row: Picture(photos[row % 2], tiny_png(50)) for row in range(IMAGES)}
    evaluation = replace(many(), records=replace(many().records, pictures=pictures))
    write_reports(evaluation, tmp_path, ["html"], context=replace(context(), self_contained=False))

    with opened(browser, (tmp_path / "report.html").as_uri(), viewport={"width": 1280, "height": 900}) as page:
        page.evaluate(DECODE, f"{VISIBLE} .picture image")
        for place in ("#gallery-cards .picture > svg", ".cards .picture > svg"):
            taken = Image.open(BytesIO(page.locator(place).first.screenshot())).convert("RGB")
            seen = {colour for _, colour in taken.getcolors(1 << 24)}
            assert 1 == len(seen & {(255, 0, 0), (0, 255, 0)}), place


def test_correct_images_can_be_looked_at(page):
    page.select_option("select[name=outcome]", "correct")

    assert page.locator(f"{VISIBLE} .read.right-answer").count()


def test_filters_are_kept_in_the_address(browser, report, page):
    page.select_option("select[name=truth]", "1")
    page.fill("input[name=text]", "folder/0")
    page.select_option("select[name=sort]", "name")
    shown = count(page)
    with opened(browser, page.url) as again:
        assert shown == count(again)
        assert ("1", "folder/0", "name") == tuple(
            again.locator(f"[name={name}]").input_value() for name in ("truth", "text", "sort")
        )
    page.click("button[type=reset]")
    page.wait_for_function("!location.hash")

    assert report == page.url


def test_a_table_is_sorted_by_a_click_on_a_head(page):
    head = page.locator("#classes th", has_text="Recall")
    recall = page.locator("#classes tbody td:nth-child(3)")
    before = [float(text.split()[0]) for text in recall.all_text_contents()]
    head.locator("button").click()

    assert "ascending" == head.get_attribute("aria-sort")
    assert sorted(before) == [float(text.split()[0]) for text in recall.all_text_contents()]

    head.locator("button").click()

    assert sorted(before)[::-1] == [float(text.split()[0]) for text in recall.all_text_contents()]


def test_a_table_is_sorted_with_the_keyboard(page):
    head = page.locator("#classes th", has_text="F1")
    head.locator("button").focus()
    page.keyboard.press("Enter")

    assert "ascending" == head.get_attribute("aria-sort")

    page.keyboard.press("Space")

    assert "descending" == head.get_attribute("aria-sort")
    assert page.evaluate("document.activeElement.matches('#classes th button')"), "the focus stays on the head"


@pytest.mark.parametrize("width", [690, 720])
def test_nothing_is_cut_off_in_print(page, width):
    """Less the browsers' margins, A4 is 718 pixels wide, and US Letter 740."""
    page.set_viewport_size({"width": width, "height": 1000})
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    outside = page.evaluate(
        "width => [...document.querySelectorAll('main *:not(svg *)')]"
        ".filter(part => part.checkVisibility() && part.getBoundingClientRect().right > width + 1)"
        ".map(part => part.outerHTML.slice(0, 80))",
        width,
    )

    assert [] == outside


def test_errors_are_printed_six_to_a_row_and_all_of_them(page):
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")

    assert 6 == page.evaluate("getComputedStyle(document.getElementById('gallery-cards')).gridTemplateColumns").count(
        "px"
    )
    assert len(errors(many())) == page.locator(VISIBLE).count()


def test_a_page_sent_alone_is_plain_and_readable(browser, folder, tmp_path):
    shutil.copy(folder / "report.html", tmp_path)
    address = (tmp_path / "report.html").as_uri()
    with opened(browser, address, expecting=("Failed to load", "failed: ")) as page:
        black = page.evaluate(
            "[...document.querySelectorAll('rect, polygon, polyline, circle')]"
            ".filter(shape => getComputedStyle(shape).fill === 'rgb(0, 0, 0)').length"
        )

        assert 0 == black
        assert page.locator(".alone").is_visible()
        assert not page.locator("#gallery").is_visible()


def serious(page):
    """Return the rules that axe finds broken, less those that matter little."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe: pip install '.[browser]'")
    found = axe.Axe().run(page).response["violations"]
    return [violation["id"] for violation in found if violation["impact"] in ("serious", "critical")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_no_serious_violation(browser, folder, scheme, width):
    size = {"width": width, "height": 900}
    with served(folder) as site, opened(browser, f"{site}/report.html", color_scheme=scheme, viewport=size) as page:
        assert [] == serious(page)


def test_a_phone_scrolls_only_downwards(browser, report):
    with opened(browser, report, viewport={"width": 390, "height": 800}) as page:
        assert 390 == page.evaluate("document.documentElement.scrollWidth")


def test_hostile_names_stay_text(browser, tmp_path):
    write_reports(hostile(), tmp_path, ["html"])
    with opened(browser, (tmp_path / "report.html").as_uri()) as page:
        assert "<img src=x onerror=alert(1)>.png" in page.locator(f"{VISIBLE} .file").all_text_contents()
        assert 0 == page.locator("img[src=x]").count()


def test_without_scripts_every_error_is_there(browser, report):
    with opened(browser, report, java_script_enabled=False) as page:
        names = page.locator("#static-errors .group[id^=cell] .file").all_text_contents()

        assert {many().records.ids[i] for i in errors(many())} == set(names)
        assert not page.locator("#gallery").is_visible()


def test_one_file_works_without_its_folder(browser, tmp_path):
    write_reports(many(), tmp_path, ["html"], context=replace(context(), self_contained=True))

    assert ["report.html"] == [file.name for file in tmp_path.iterdir()]
    with opened(browser, (tmp_path / "report.html").as_uri()) as page:
        page.locator(f"{VISIBLE} .picture img").first.scroll_into_view_if_needed()
        page.wait_for_function(LOADED, arg=f"{VISIBLE} .picture img")

        assert f"of {len(errors(many()))} that match" in count(page)


def test_jenkins_default_policy_costs_only_the_scripts(browser, folder):
    with (
        served(folder, JENKINS) as site,
        opened(browser, f"{site}/report.html", expecting="Blocked script execution") as page,
    ):
        page.evaluate(DECODE, "#static-errors .picture image")

        assert "10px" == page.evaluate("getComputedStyle(document.querySelector('.card')).borderRadius")
        assert page.locator("#static-errors .card").count() > len(errors(many()))


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    """A folder with the page that compares ``many`` with what reads everything right."""
    first = many()
    right = np.full(IMAGES, OUTCOMES.index(Outcome.CORRECT), np.uint8)
    second = replace(first, records=replace(first.records, outcome=right))
    written = tmp_path_factory.mktemp("comparison")
    for path, data in files(compare([first, second], ["old.keras", "new.keras"])):
        (written / path).parent.mkdir(parents=True, exist_ok=True)
        (written / path).write_bytes(data)
    return written


def test_a_comparison_loses_nothing_under_jenkins_default_policy(browser, comparison):
    with served(comparison, JENKINS) as site, opened(browser, f"{site}/comparison.html") as page:
        page.locator(".picture img").first.scroll_into_view_if_needed()
        page.wait_for_function(LOADED, arg=".picture img")

        assert "10px" == page.evaluate("getComputedStyle(document.querySelector('.card')).borderRadius")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation_in_a_comparison(browser, comparison, scheme):
    with served(comparison) as site, opened(browser, f"{site}/comparison.html", color_scheme=scheme) as page:
        assert [] == serious(page)


@pytest.fixture(scope="module")
def stressed(tmp_path_factory):
    """A folder with the page of a stress test."""
    written = tmp_path_factory.mktemp("stressed")
    stress(ROOT / "sample_images", distortions=["blur", "turn", "crop"], sample=20).report(written)
    return written


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_no_serious_violation_in_a_stress_test(browser, stressed, scheme, width):
    size = {"width": width, "height": 900}
    with served(stressed) as site, opened(browser, f"{site}/stress.html", color_scheme=scheme, viewport=size) as page:
        assert [] == serious(page)
        assert width == page.evaluate("document.documentElement.scrollWidth")


def test_the_pictures_of_the_documentation_are_the_same_twice(browser, tmp_path):
    for run in ("first", "second"):
        (tmp_path / run).mkdir()
        take(browser, ["inspection"], tmp_path / run)

    first, second = (tmp_path / run / "inspection.png" for run in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()

"""The page in a real browser: draw, upload, collect, evaluate; nothing is loaded from elsewhere."""

import base64

import cv2
import numpy as np
import pytest
from browser_tabs import opened
from processes import ROOT
from web_server import served

pytestmark = pytest.mark.slow

SAMPLES = ROOT / "sample_images"
SEVEN = [(0.3, 0.25), (0.5, 0.24), (0.7, 0.25), (0.6, 0.5), (0.5, 0.65), (0.45, 0.82)]
ONE = [(0.5, 0.2), (0.5, 0.5), (0.5, 0.8)]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with served(tmp_path_factory.mktemp("served")) as running:
        yield running


@pytest.fixture
def page(browser, site):
    # a request whose answer nobody waits for any more is broken off
    with opened(browser, site.url, expecting=f"failed: {site.url}api/read") as tab:
        yield tab


def place(page, points):
    """Return points of the unit square as points on the drawing area."""
    box = page.locator("#canvas").bounding_box()
    return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]


def draw(page, points):
    """Draw with the mouse."""
    first, *others = place(page, points)
    page.mouse.move(*first)
    page.mouse.down()
    for point in others:
        page.mouse.move(*point, steps=5)
    page.mouse.up()


def touch(page, points):
    """Draw with a finger."""
    devtools = page.context.new_cdp_session(page)
    fingers = [[{"x": x, "y": y}] for x, y in place(page, points)]
    devtools.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": fingers[0]})
    for finger in fingers[1:]:
        devtools.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": finger})
    devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def reached(page, state):
    """Wait until the page shows a result of this kind; its policy allows no functions made of text."""
    page.wait_for_selector(f"body[data-state={state}]")


def verdict(page):
    """Return what is read, once it is."""
    reached(page, "read")
    return page.locator("#verdict").text_content()


def inked(page):
    """Return how many pixels of the drawing are dark."""
    picture = page.evaluate("() => document.getElementById('canvas').toDataURL()").partition(",")[2]
    pixels = cv2.imdecode(np.frombuffer(base64.b64decode(picture), np.uint8), cv2.IMREAD_GRAYSCALE)
    return int((pixels < 128).sum())


def test_a_digit_drawn_with_the_mouse_is_read(page):
    draw(page, SEVEN)

    assert verdict(page).startswith("Reads 7, ")
    assert "7" == page.locator("#digit").text_content()
    assert 5 == page.locator("#guesses li").count()


def test_a_digit_drawn_by_touch_is_read(browser, site):
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with opened(browser, site.url, **phone) as page:
        touch(page, SEVEN)

        assert verdict(page).startswith("Reads 7, ")
        assert 0 == page.evaluate("scrollY"), "the page scrolled while it was drawn on"
        assert page.locator("label[for=camera]").is_visible()


def test_the_steps_lead_from_the_original_to_what_the_model_saw(page):
    draw(page, SEVEN)
    verdict(page)
    names = page.locator("#steps figcaption").all_text_contents()

    assert ("canvas", "centre") == (names[0], names[-1])
    assert [28, 28] == page.evaluate("[document.getElementById('seen').naturalWidth, seen.naturalHeight]")
    assert 0 < page.evaluate("document.getElementById('original').naturalWidth")


def test_the_longest_bar_is_the_surest_guess(page):
    draw(page, SEVEN)
    verdict(page)
    widths = [bar.bounding_box()["width"] for bar in page.locator("#guesses .bar").all()]

    assert max(widths) == widths[0]


def test_undo_and_clear(page):
    draw(page, SEVEN)
    one = inked(page)
    draw(page, [(0.1, 0.5), (0.9, 0.5)])
    two = inked(page)
    page.click("#undo")

    assert one == inked(page) < two

    page.click("#clear")

    assert 0 == inked(page)
    assert "Nothing drawn yet." == page.locator("#verdict").text_content()
    assert page.locator("#clear").is_disabled()

    page.keyboard.press("Control+z")

    assert one == inked(page)


def test_the_eraser_takes_ink_away(page):
    draw(page, ONE)
    before = inked(page)
    page.click("[data-tool=eraser]")
    draw(page, [(0.2, 0.5), (0.8, 0.5)])

    assert inked(page) < before
    assert "true" == page.locator("[data-tool=eraser]").get_attribute("aria-pressed")
    assert "false" == page.locator("[data-tool=pen]").get_attribute("aria-pressed")


def test_a_thicker_pen_draws_more(page):
    draw(page, ONE)
    thin = inked(page)
    page.click("#clear")
    page.locator("#thickness").fill("60")
    draw(page, ONE)

    assert inked(page) > 1.5 * thin


def test_an_upload_is_read_and_shown(page):
    page.set_input_files("#upload", SAMPLES / "3-5-squared-ballpoint.png")

    assert verdict(page).startswith("Reads 3, ")
    assert page.locator("#photo").is_visible()
    assert "3-5-squared-ballpoint.png" == page.locator("#source").text_content()
    assert "Printed lines were found and removed." in page.locator("#flags li").all_text_contents()

    assert page.locator("[data-tool=pen]").is_disabled()

    page.click("#clear")

    assert not page.locator("#photo").is_visible()
    assert page.locator("[data-tool=pen]").is_enabled()


TRANSFER = """([type, data]) => {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    const files = new DataTransfer();
    files.items.add(new File([bytes], "IMG_1.png", { type: "image/png" }));
    const event = type === "drop" ? new DragEvent("drop", { dataTransfer: files, cancelable: true, bubbles: true })
        : new ClipboardEvent("paste", { clipboardData: files, bubbles: true });
    document.getElementById("stage").dispatchEvent(event);
}"""


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_an_image_can_be_dropped_and_pasted(page, way):
    data = (SAMPLES / "5-1-plain-marker.png").read_bytes()
    page.evaluate(TRANSFER, [way, base64.b64encode(data).decode()])

    assert verdict(page).startswith("Reads 5, ")


def test_a_random_image_is_shown_with_its_label(page):
    page.click("#example")
    read = verdict(page).removeprefix("Reads ")[0]
    name = page.locator("#source").text_content()
    mark = "✓ Right" if name[0] == read else "✗ Wrong"

    assert f"{mark}: its label is {name[0]}." == page.locator("#truth").text_content()


def test_another_recipe_reads_the_same_image_again(page):
    draw(page, SEVEN)
    verdict(page)
    with page.expect_response(lambda response: "preprocess=mnist" in response.url):
        page.select_option("[name=preprocess]", "mnist")
    page.wait_for_selector("#steps li:first-child figcaption:text-is('grey')")

    assert verdict(page).startswith("Reads 7, ")


def test_another_model_reads_the_same_image_again(page):
    draw(page, SEVEN)
    verdict(page)

    assert ["mine.keras", "default.keras"] == [
        name.strip() for name in page.locator("[name=model] option").all_text_contents()
    ]
    with page.expect_response(lambda response: "model=1" in response.url) as answered:
        page.select_option("[name=model]", label="default.keras")
    assert 200 == answered.value.status


def test_what_is_no_image_is_said(browser, site, tmp_path):
    (tmp_path / "<img src=x onerror=alert(1)>.svg").write_text("<svg onload='alert(1)'/>")
    with opened(browser, site.url, expecting="Failed to load resource") as page:
        page.set_input_files("#upload", tmp_path / "<img src=x onerror=alert(1)>.svg")
        reached(page, "error")

        assert "The image cannot be read: not an image" in page.locator("#verdict").text_content()
        assert "<img src=x onerror=alert(1)>.svg" == page.locator("#source").text_content()
        assert page.locator("#labels button").first.is_disabled()


def test_a_file_that_is_too_large_is_not_even_sent(page, tmp_path):
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate((64 << 20) + 1)
    page.set_input_files("#upload", tmp_path / "large.png")
    reached(page, "error")

    assert "The file is too large. The limit is 64 MiB." == page.locator("#verdict").text_content()


def test_blank_paper_is_said_to_be_blank(page):
    page.evaluate(TRANSFER, ["paste", base64.b64encode(blank()).decode()])
    reached(page, "blank")

    assert "Blank: no ink was found" == page.locator("#verdict").text_content()


def blank():
    """Return the file of an empty sheet."""
    return cv2.imencode(".png", np.full((200, 200), 240, np.uint8))[1].tobytes()


def test_collect_take_back_evaluate_and_open_the_report(browser, tmp_path):
    with served(tmp_path) as site, opened(browser, site.url) as page:
        assert page.locator("#evaluate").is_disabled()

        for points, label in ((SEVEN, "7"), (ONE, "1"), (SEVEN, "7"), (SEVEN, "1")):
            draw(page, points)
            verdict(page)
            page.click(f"[data-label='{label}']")
            reached(page, "none")

        assert "Saved as 1." == page.locator("#saved").text_content()
        assert {"7": 2, "1": 2} == {folder.name: len(list(folder.iterdir())) for folder in site.collected.iterdir()}

        page.click("#undo-save")
        page.wait_for_selector("#undo-save", state="hidden")

        assert "1" == page.locator("[data-label='1'] [data-count]").text_content()

        page.click("#evaluate")
        page.wait_for_selector("#report:not([hidden])")

        assert page.locator("#evaluation").text_content().startswith("3 of 3 correct: 100.0 %")

        said = []
        page.context.on("console", lambda message: said.append(message.text))
        with page.expect_popup() as popup:
            page.click("#report")
        popup.value.wait_for_load_state("networkidle")

        assert [] == said, "the page's policy takes something from the report"
        assert "100.0" in popup.value.locator("h1").text_content()


def test_a_photo_is_collected_as_it_is(page, site):
    page.set_input_files("#upload", SAMPLES / "3-5-squared-ballpoint.png")
    verdict(page)
    page.click("[data-label='3']")
    reached(page, "none")
    (file,) = (site.collected / "3").glob("photo-*.png")

    assert (SAMPLES / "3-5-squared-ballpoint.png").read_bytes() == file.read_bytes()


def test_everything_can_be_reached_with_the_keyboard(page):
    draw(page, SEVEN)
    verdict(page)
    names = set()
    page.locator("body").focus()
    for _ in range(40):
        page.keyboard.press("Tab")
        names.add(page.evaluate("document.activeElement.id || document.activeElement.outerHTML.slice(0, 60)"))

    assert {"undo", "clear", "thickness", "upload", "example"} <= names
    assert 2 + 10 <= sum("data-tool" in one or "data-label" in one for one in names)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("drawn", [False, True], ids=["empty", "drawn"])
def test_axe_finds_nothing(browser, site, scheme, width, drawn):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="needs axe: pip install '.[test,browser]'"
    )
    size = {"width": width, "height": 900}
    with opened(browser, site.url, color_scheme=scheme, viewport=size, reduced_motion="reduce") as page:
        if drawn:
            draw(page, SEVEN)
            verdict(page)
        found = axe.Axe().run(page).response["violations"]

        assert [] == [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_it_scrolls_only_downwards(browser, site, width):
    with opened(browser, site.url, viewport={"width": width, "height": 800}) as page:
        draw(page, SEVEN)
        verdict(page)

        assert width == page.evaluate("document.documentElement.scrollWidth")


def test_a_server_that_has_gone_is_said(browser, tmp_path):
    with served(tmp_path) as site, opened(browser, site.url, expecting=("Failed to load", "failed:")) as page:
        site.process.kill()
        site.process.wait()
        draw(page, SEVEN)
        reached(page, "error")

        assert "Is batch-eval serve still running?" in page.locator("#verdict").text_content()


def rows(page):
    """Return the images that were tried, as (name, reading, what else is said), once all are read."""
    page.wait_for_selector("#tried:not(:has([data-state=waiting]))")
    parts = [page.locator(f"#rows .{part}").all_text_contents() for part in ("name", "read", "text")]
    return list(zip(*parts, strict=True))


def test_each_of_several_files_has_a_row(browser, site, tmp_path):
    (tmp_path / "notes.png").write_text("no image")
    (tmp_path / "paper.png").write_bytes(blank())
    samples = [SAMPLES / "3-5-squared-ballpoint.png", SAMPLES / "5-1-plain-marker.png"]
    with opened(browser, site.url, expecting="Failed to load resource") as page:
        page.set_input_files("#upload", [*samples, tmp_path / "notes.png", tmp_path / "paper.png"])
        page.wait_for_selector("#rows li")
        found = rows(page)

        assert [samples[0].name, samples[1].name, "notes.png", "paper.png"] == [name for name, _, _ in found]
        assert ["3", "5", "!", "–"] == [read for _, read, _ in found]
        assert [True] * 2 == [text.endswith("% sure") for _, _, text in found[:2]]
        assert "not an image" in found[2][2]
        assert "Blank: no ink was found" == found[3][2]
        assert "2 read, 1 blank, 1 not readable" == page.locator("#tried-count").text_content()
        assert verdict(page).startswith("Reads 3, "), "the first file is on the stage"


def test_several_files_can_be_dropped(page):
    names = ["5-1-plain-marker.png", "3-5-squared-ballpoint.png"]
    files = [[name, base64.b64encode((SAMPLES / name).read_bytes()).decode()] for name in names]
    page.evaluate(
        """(named) => {
            const files = new DataTransfer();
            for (const [name, data] of named) {
                files.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name));
            }
            const event = new DragEvent("drop", { dataTransfer: files, cancelable: true, bubbles: true });
            document.getElementById("stage").dispatchEvent(event);
        }""",
        files,
    )
    page.wait_for_selector("#rows li")

    assert names == [name for name, _, _ in rows(page)]


def test_a_row_opens_with_its_steps_and_shows_its_image_again(page):
    page.set_input_files("#upload", [SAMPLES / "3-5-squared-ballpoint.png", SAMPLES / "5-1-plain-marker.png"])
    page.wait_for_selector("#rows li")
    rows(page)
    second = page.locator("#rows > li").nth(1)

    assert not second.locator(".strip").is_visible()

    second.locator("summary").press("Enter")

    assert "centre" == second.locator(".strip figcaption").all_text_contents()[-1]
    assert "mine.keras, photo" in second.locator("p").text_content()

    second.locator("button").click()
    page.wait_for_selector("#source:text-is('5-1-plain-marker.png')")

    assert verdict(page)
    assert 2 == page.locator("#rows > li").count(), "the image keeps its row"


def test_what_was_tried_survives_a_reload_until_it_is_forgotten(page):
    draw(page, SEVEN)
    verdict(page)
    draw(page, [(0.35, 0.5), (0.7, 0.5)])
    page.set_input_files("#upload", SAMPLES / "5-1-plain-marker.png")
    page.wait_for_selector("#rows > li:nth-child(2)")
    before = rows(page)
    steps = page.locator("#rows .strip img").count()
    page.reload()
    page.wait_for_selector("#rows li")

    assert ["5-1-plain-marker.png", "Drawing 1"] == [name for name, _, _ in before]
    assert (before, steps) == (rows(page), page.locator("#rows .strip img").count())
    assert not page.locator("#rows button").first.is_visible(), "the file itself is not kept"

    page.click("#forget")

    assert not page.locator("#tried").is_visible()

    page.reload()

    assert not page.locator("#tried").is_visible()


def test_the_same_image_with_another_recipe_is_another_row(page):
    draw(page, SEVEN)
    verdict(page)
    page.select_option("[name=preprocess]", "mnist")
    page.wait_for_selector("#rows > li:nth-child(2)")

    assert ["mnist", "photo"] == [
        text.partition(", ")[2].partition(" ")[0] for text in page.locator("#rows details > p").all_text_contents()
    ]


def test_another_tab_sees_nothing_of_what_was_tried(browser, site, page):
    draw(page, SEVEN)
    page.wait_for_selector("#rows li")
    with opened(browser, site.url) as other:
        assert not other.locator("#tried").is_visible()

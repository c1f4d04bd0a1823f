"""The photo recipe: what leaves its result alone, what it survives, and what it takes for blank."""

from functools import lru_cache

import cv2
import forms
import numpy as np
import pytest
from drawn_digits import difference, ink, on_paper
from hypothesis import given
from hypothesis import strategies as st
from reading import read
from sklearn.datasets import load_digits
from spoilt import in_shadow

from batch_eval.imaging import PreprocessingOptions, preprocess, preprocessor
from batch_eval.imaging.polarity import dark_on_light
from batch_eval.imaging.steps import crop_to_ink
from batch_eval.imaging.stroke import stroke_width
from batch_eval.imaging.surroundings.lines import remove_lines
from batch_eval.imaging.surroundings.sheet import cut_to_sheet
from batch_eval.models import open_model
from batch_eval.training import papers
from batch_eval.training.scenes import SceneOptions, draw_scene, photographed

pytestmark = pytest.mark.slow

LITTLE = 0.15
"""The stated bound: 1 - cosine similarity at the best shift by one pixel. Different digits lie at 0.3 to 0.9."""

seeds = st.integers(0, 300)


def photo(image):
    return _photo(image.tobytes(), image.shape, image.dtype.str)


@lru_cache(maxsize=1000)  # many tests prepare the same digits on plain paper
def _photo(pixels, shape, dtype):
    return preprocessor("photo")(np.frombuffer(pixels, dtype).reshape(shape)).image


def cropped(image, digit):
    """Cut an image to the ink of its digit, without any margin."""
    x, y, width, height = cv2.boundingRect(digit)
    return image[y : y + height, x : x + width]


@given(seeds, st.integers(-25, 25), st.integers(-25, 25))
def test_moving_the_digit_changes_little(seed, down, right):
    digit = ink(seed)

    moved = np.roll(digit, (down, right), (0, 1))
    assert difference(photo(on_paper(digit)), photo(on_paper(moved))) < LITTLE


def test_scaling_the_image_changes_little():
    """In 903 cases measured, one hairline 5 in six pieces lost some of them where it was made smaller."""
    within = []
    for seed in range(0, 300, 5):
        digit = ink(seed)
        for scale in (0.7, 1.5, 2.2):
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
            scaled = cv2.resize(digit, None, fx=scale, fy=scale, interpolation=method)
            within.append(difference(photo(on_paper(digit)), photo(on_paper(scaled))) < LITTLE)

    assert sum(within) >= len(within) - 1


@given(seeds)
def test_inverting_the_image_changes_nothing(seed):
    image = on_paper(ink(seed))

    np.testing.assert_array_equal(photo(image), photo(255 - image))


@given(seeds, st.floats(120, 250))
def test_brightness_changes_little(seed, paper):
    digit = ink(seed)

    assert difference(photo(on_paper(digit)), photo(on_paper(digit, paper))) < LITTLE


@given(seeds, st.floats(0.5, 1.0))
def test_a_shadow_ramp_changes_little(seed, darkest):
    image = on_paper(ink(seed))

    shaded = (image * np.linspace(1, darkest, image.shape[1])).astype(np.uint8)
    assert difference(photo(image), photo(shaded)) < LITTLE


@pytest.mark.parametrize("darkness", [0.4, 0.75], ids=["pencil", "pen"])
@pytest.mark.parametrize("tilt", [0, 0.9, 1.57, 2.4])
@pytest.mark.parametrize("width", [0.125, 0.2])
def test_a_narrow_shadow_across_the_image_changes_little(width, tilt, darkness):
    """In 320 cases measured, two digits changed by more."""
    within = []
    for seed in range(0, 60, 3):
        image = on_paper(ink(seed), darkness=darkness)
        image = image if seed % 2 else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
        shaded = in_shadow(image, width, tilt, middle=(seed % 5 - 2) / 32, edge=0.0125)
        within.append(difference(photo(image), photo(shaded)) < LITTLE)

    assert sum(within) >= len(within) - 1


def test_the_soft_edge_of_a_shadow_on_blank_paper_is_no_digit():
    """Measured: 60 of 60, and 16 of 60 where the edge is 8 px wide: the sharper it is, the more of it is left."""
    rng = np.random.default_rng(2)
    blank = []
    for _ in range(60):
        paper = rng.normal(rng.uniform(190, 230), 1.5, (320, 320)).clip(0, 255)
        middle, tilt, light = rng.uniform([1, 0, 0.5], [1.5, 6.3, 0.8])
        shaded = in_shadow(paper, 2.5, tilt, middle=middle, light=light, edge=0.1)
        blank.append(preprocessor("photo")(shaded).blank)

    assert sum(blank) >= 57


def test_ruled_lines_change_little():
    """In 1,200 cases measured, one hairline 7 whose bar lay along a rule lost it with the rule; all others held."""
    within = []
    for seed in range(0, 300, 10):
        image = on_paper(ink(seed))
        for pitch in (18, 23, 29, 36):
            ruled = image.copy()
            for row in range(pitch // 2, len(ruled), pitch):
                ruled[row : row + 2] = np.minimum(ruled[row : row + 2], 185)
            within.append(difference(photo(image), photo(ruled)) < LITTLE)

    assert sum(within) >= len(within) - 1


@pytest.mark.parametrize("bright", [False, True], ids=["dark ink", "bright ink"])
def test_cropping_close_to_the_digit_changes_little(bright):
    """In 300 cases measured, 20 lost strokes that are broken, of which pieces look like what lies at the border."""
    within = []
    for seed in range(0, 300, 5):
        image = on_paper(ink(seed))
        image = 255 - image if bright else image
        within.append(difference(photo(image), photo(cropped(image, ink(seed)))) < LITTLE)

    assert sum(within) >= len(within) - 4


def test_the_ink_of_a_digit_that_fills_its_image_is_known_from_the_paper():
    crops = [cropped(on_paper(ink(seed)), ink(seed)) for seed in range(300)]

    assert all(dark_on_light(crop) for crop in crops)
    assert not any(dark_on_light(255 - crop) for crop in crops)


def under_a_lamp(image, seed):
    """Add a round reflection, which blinds the camera in its middle and fades away."""
    rng = np.random.default_rng(seed)
    (row, column), width = rng.uniform(0.2, 0.8, 2), rng.uniform(0.08, 0.17)
    across = np.arange(len(image)) / len(image)
    away = (across[:, None] - row) ** 2 + (across - column) ** 2
    return np.minimum(image + 100 * np.exp(-away / (2 * width**2)), 255).astype(np.uint8)


@pytest.mark.parametrize("bright", [False, True], ids=["dark ink", "bright ink"])
def test_the_reflection_of_a_lamp_is_rarely_taken_for_ink(bright):
    """In 1,800 cases measured, on papers of three tones, 32 were; by the tone of the border alone, 806."""
    mistaken = 0
    for seed in range(0, 300, 5):
        image = under_a_lamp(on_paper(ink(seed), 175), seed)
        mistaken += dark_on_light(255 - image if bright else image) == bright

    assert mistaken <= 2


@pytest.mark.parametrize(
    "strokes",
    [
        [[(70, 20), (30, 120), (130, 122)], [(100, 60), (98, 170)]],
        [[(35, 40), (70, 20), (110, 50), (30, 165), (130, 167)]],
        [[(30, 25), (130, 22), (70, 170)]],
    ],
    ids=["4", "2", "7"],
)
def test_a_bar_that_runs_from_border_to_border_is_no_printed_line(strokes):
    image = np.full((200, 160), 220, np.uint8)
    cv2.polylines(image, [np.array(stroke) for stroke in strokes], False, 60, 3)

    assert difference(photo(image), photo(cropped(image, 220 - image))) < LITTLE


def squared(image, digit):
    """Cut an image to its digit, and make that square with paper on two sides."""
    height, width = cropped(digit, digit).shape
    across, down = max(0, height - width), max(0, width - height)
    margins = down // 2, down - down // 2, across // 2, across - across // 2
    return cv2.copyMakeBorder(cropped(image, digit), *margins, cv2.BORDER_CONSTANT, value=int(image.max()))


@pytest.mark.parametrize("side", [None, 80, 200], ids=["as it is", "80 px", "200 px"])
@pytest.mark.parametrize(
    "strokes",
    [
        [[(100, 20), (99, 180)]],
        [[(60, 22), (120, 20), (118, 180)]],
        [[(70, 28), (55, 110), (130, 112)], [(110, 20), (108, 180)]],
        [[(118, 30), (90, 20), (66, 40), (66, 70), (90, 88), (118, 76)], [(120, 20), (118, 180)]],
        [[(40, 80), (60, 60), (90, 60), (100, 75), (95, 95), (25, 140), (175, 142)]],
    ],
    ids=["1", "7", "4", "9", "2"],
)
def test_a_stem_that_ends_at_the_borders_of_a_square_is_no_printed_line(strokes, side):
    image = np.full((200, 200), 220, np.uint8)
    cv2.polylines(image, [np.array(stroke) for stroke in strokes], False, 60, 5, cv2.LINE_AA)
    tight = squared(image, 220 - image)

    scaled = tight if side is None else cv2.resize(tight, (side, side), interpolation=cv2.INTER_AREA)
    assert difference(photo(image), photo(scaled)) < LITTLE


@pytest.mark.parametrize("upright", [False, True], ids=["level", "upright"])
def test_a_printed_line_through_the_digit_changes_little(upright):
    """As dark as the ink, which hides the stem of a 1; of 300 cases measured, 298 and 282 were within the bound."""
    within = []
    for seed in range(0, 300, 5):
        image = on_paper(ink(seed))
        lined = image.T.copy() if upright else image.copy()
        lined[88:90] = 56
        within.append(difference(photo(image), photo(lined.T if upright else lined)) < LITTLE)

    assert sum(within) >= 56


@pytest.mark.parametrize("margin", [0, 3, 12, 38], ids=lambda margin: f"{margin} px")
def test_a_printed_box_changes_little(margin):
    """A box 38 px from the border touches most of the digits."""
    within = []
    for seed in range(0, 300, 5):
        image = on_paper(ink(seed))
        boxed = image.copy()
        cv2.rectangle(boxed, (margin, margin), (159 - margin, 159 - margin), 60, 2)
        within.append(difference(photo(image), photo(boxed)) < LITTLE)

    assert all(within)


def test_an_image_of_28_pixels_in_a_frame_is_read_without_it():
    digit = photo(on_paper(ink(3, label=5)))
    framed = cv2.rectangle(255 - np.roll(digit, (1, 1), (0, 1)), (0, 0), (27, 27), 0, 1)

    assert difference(digit, photo(framed)) < LITTLE


def cell_of_a_form(digit, margin):
    """Cut one cell from a printed form, ``margin`` px outside the middle of its lines, with its neighbours' digits."""
    page = np.block([[on_paper(ink(1000 + 3 * row + column)) for column in range(3)] for row in range(3)])
    page[160:320, 160:320] = on_paper(digit)
    for at in (0, 160, 320, 479):
        page[max(0, at - 1) : at + 2] = page[:, max(0, at - 1) : at + 2] = 70
    return page[160 - margin : 320 + margin, 160 - margin : 320 + margin]


@pytest.mark.parametrize("side", [28, 40, 64, 100, 320])
def test_the_lines_of_a_form_around_a_digit_change_little(side):
    """Where a stroke touches a line, or lies a pixel beside it, it may lose its end."""
    within = []
    for seed in range(0, 100, 10):
        digit = cv2.dilate(ink(seed), np.ones((3, 3), np.uint8))  # a hairline is broken in 28 px, form or not
        for margin in (0, 2, 5, 9, 14, 20):
            cell = cell_of_a_form(digit, margin)
            alone = cv2.copyMakeBorder(on_paper(digit), *[margin] * 4, cv2.BORDER_REPLICATE)
            cell, alone = (cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA) for image in (cell, alone))
            within += [difference(photo(alone), photo(seen)) < LITTLE for seen in (cell, 255 - cell)]

    assert sum(within) >= 0.95 * len(within)


@pytest.fixture(scope="module")
def cells(data):
    """A quarter of the digits in the scanned forms, with their pages and places."""
    places = (
        (page, digit, row)
        for page, digits, rows in forms.pages(data / "sheets")
        for digit, row in zip(digits, rows, strict=True)
    )
    return [(page, digit, box) for page, digit, row in places for box in row[::4]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("margin", "scale", "floor"), [(-5, 1, 0.98), (0, 0.33, 0.97), (0, 1, 0.98), (3, 2.5, 0.98), (10, 1, 0.98)]
)
def test_digits_in_real_forms_are_read_with_their_lines_in_view(cells, margin, scale, floor):
    images = (forms.scaled(forms.cut(page, box, margin), scale) for page, _, box in cells)

    assert share_read(images, [digit for _, digit, _ in cells]) >= floor


def underlined(digit, gap):
    """A digit on a larger canvas, with a line drawn under it by the same pen, at a share of its extent."""
    canvas = np.pad(digit, 60)
    x, y, width, height = cv2.boundingRect(canvas)
    extent = max(width, height)
    pen = max(1, round(stroke_width((canvas >= 128).view(np.uint8))))
    level = round(y + height + gap * extent) + 2 + pen // 2
    ends = (x + width // 2 - extent // 2, level + 2), (x + width // 2 + extent // 2, level - 2)
    return cv2.line(canvas, *ends, 255, pen, cv2.LINE_AA)


@pytest.mark.parametrize("gap", [0.12, 0.2, 0.3])
def test_a_line_under_the_digit_changes_little(gap):
    digits = [ink(seed) for seed in range(100)]
    within = [difference(photo(on_paper(digit)), photo(on_paper(underlined(digit, gap)))) < LITTLE for digit in digits]

    assert sum(within) >= 95


def test_a_line_under_the_digit_is_no_second_digit():
    prepared = preprocessor("photo")(on_paper(underlined(ink(6, 6), 0.2)))
    assert "several_digits" not in prepared.flags


def test_a_line_over_the_digit_changes_little():
    """It must reach beyond the digit: else it may be the loose bar of a 5."""
    narrow = [digit for digit in map(ink, range(200)) if np.ptp(np.flatnonzero(digit.any(axis=0))) < 60]
    lined = [cv2.flip(underlined(cv2.flip(digit, 0), 0.2), 0) for digit in narrow]
    within = [difference(photo(on_paper(a)), photo(on_paper(b))) < LITTLE for a, b in zip(narrow, lined, strict=True)]

    assert len(within) >= 30
    assert sum(within) >= 0.95 * len(within)


@pytest.mark.parametrize("gap", [0.2, 0.4])
def test_a_ring_around_the_digit_changes_little(gap):
    within = []
    for seed in range(100):
        digit = ink(seed)
        ringed = np.pad(digit, 60)
        centre, radius = cv2.minEnclosingCircle(cv2.findNonZero(ringed))
        cv2.circle(ringed, tuple(map(round, centre)), round(radius * (1 + gap)), 255, 4, cv2.LINE_AA)
        within.append(difference(photo(on_paper(digit)), photo(on_paper(ringed))) < LITTLE)

    assert sum(within) >= 95


@pytest.mark.parametrize("side", [500, 1000])
def test_a_line_of_one_pixel_in_a_large_image_is_followed(side):
    image = np.full((side, side), 255, np.uint8)
    thick = image.copy()
    seven = [np.int32(np.array([(0.3, 0.27), (0.68, 0.25), (0.55, 0.5), (0.42, 0.8)]) * side)]
    cv2.polylines(image, seven, False, 0, 1)
    cv2.polylines(thick, seven, False, 0, side // 40)

    assert difference(photo(thick), photo(image)) < LITTLE


@pytest.mark.parametrize("tone", [0, 255])
@pytest.mark.parametrize("bars", [(60, 60, 0, 0), (0, 0, 50, 40), (12, 12, 12, 12), (0, 30, 0, 0), (3, 3, 3, 3)])
def test_bars_around_a_photo_change_little(tone, bars):
    within = []
    for seed in range(40):
        scene = cv2.merge([on_paper(ink(seed)) / 255] * 3)
        image = photographed(np.random.default_rng(seed), scene, 0.5, 0.01)
        barred = cv2.copyMakeBorder(image, *bars, cv2.BORDER_CONSTANT, value=(tone,) * 3)
        within.append(difference(photo(image), photo(barred)) < LITTLE)

    assert sum(within) >= 39


@pytest.mark.parametrize(
    "strokes",
    [[[(60, 20), (60, 140)]], [[(30, 20), (110, 20), (110, 140), (30, 140), (30, 20)], [(30, 80), (110, 80)]]],
    ids=["1", "8"],
)
def test_the_paper_around_an_angular_digit_is_no_bar(strokes):
    drawing = np.full((160, 160), 255, np.uint8)
    for pen in (3, 8, 12):
        cv2.polylines(drawing, [np.array(stroke) for stroke in strokes], False, 0, pen)
        np.testing.assert_array_equal(drawing, cut_to_sheet(drawing))


@pytest.mark.parametrize("table", [60, 120])
@pytest.mark.parametrize("turn", [0, 7, -20])
def test_the_table_around_a_sheet_changes_little(table, turn):
    within = []
    for seed in range(40):
        sheet = on_paper(ink(seed))
        grain = np.random.default_rng(seed).normal(table, 3, (280, 300)).clip(0, 255).astype(np.uint8)
        place = cv2.getRotationMatrix2D((80, 80), turn, 1) + np.array([[0, 0, 70], [0, 0, 60]])
        scene = cv2.warpAffine(sheet, place, (300, 280), grain, borderMode=cv2.BORDER_TRANSPARENT)
        within.append(difference(photo(sheet), photo(scene)) < LITTLE)

    assert sum(within) >= 38


def test_a_pool_of_light_is_no_sheet():
    """Light falls off slowly towards the borders, and a sheet ends at once."""
    rows, columns = np.mgrid[-1:1:160j, -1:1:160j]
    pool = np.exp(-2 * (rows**4 + columns**4))
    within = [difference(photo(on_paper(ink(s))), photo((on_paper(ink(s)) * pool).astype(np.uint8))) for s in range(40)]

    assert cut_to_sheet((255 * pool).astype(np.uint8)).shape == (160, 160)
    assert sum(apart < LITTLE for apart in within) >= 36


def test_the_loose_base_of_a_two_stays():
    two = np.zeros((160, 160), np.uint8)
    cv2.ellipse(two, (80, 60), (25, 22), 0, -180, 60, 255, 6, cv2.LINE_AA)
    cv2.line(two, (92, 80), (58, 112), 255, 6, cv2.LINE_AA)
    joined, apart = (cv2.line(two.copy(), (56, y), (112, y), 255, 6, cv2.LINE_AA) for y in (114, 122))

    assert difference(photo(on_paper(joined)), photo(on_paper(apart))) < LITTLE


def test_an_angular_eight_is_no_box():
    image = np.full((200, 200), 230, np.uint8)
    cv2.rectangle(image, (60, 30), (140, 170), 40, 4)
    cv2.line(image, (60, 100), (140, 100), 40, 4)

    rows = photo(image).any(axis=1)
    assert rows.sum() >= 20


@given(seeds)
def test_a_colour_cast_changes_little(seed):
    image = on_paper(ink(seed))

    warm = (image[..., None] * np.array([0.7, 0.9, 1.0])).astype(np.uint8)
    assert difference(photo(image), photo(warm)) < LITTLE


@pytest.mark.parametrize("colour", [(40, 40, 200), (200, 60, 40), (60, 160, 60), (200, 190, 60)])
def test_coloured_ink_is_as_good_as_black(colour):
    digit = ink(7)
    cover = digit[..., None] / 255
    page = (235 * (1 - cover) + np.array(colour) * cover).astype(np.uint8)

    assert difference(photo(on_paper(digit)), photo(page)) < LITTLE


@pytest.mark.parametrize("image", [np.full((40, 50), 200, np.uint8), np.zeros((28, 28), np.uint8)])
def test_an_even_image_is_blank(image):
    prepared = preprocessor("photo")(image)

    assert prepared.blank
    assert "no ink was found" == prepared.reason


def test_blank_paper_is_blank_and_never_a_digit():
    rng = np.random.default_rng(1)
    blank = []
    for paper in papers.PAPERS.values():
        for light in papers.LIGHTS:
            lit = papers.sheet(rng, paper, 384) * papers.light(rng, light, 384)[..., None]
            blank.append(preprocessor("photo")(photographed(rng, lit, 0.5, 0.01)).blank)

    assert all(blank)


def stain(image):
    soft = np.exp(-(np.hypot(*np.indices(image.shape) - 150) ** 2) / (2 * 14**2))
    return image - 22 * soft


def speck(image):
    return cv2.circle(image, (150, 140), 9, 60, -1)


def fold(image):
    return cv2.line(image, (60, 130), (260, 150), 150, 5)


def upright_fold(image):
    return cv2.line(image, (160, 0), (158, 319), 170, 4)


def strip_of_squared_paper(image):
    for x in (45, 75, 105):
        image[::6, x - 1 : x + 1] = image[1::6, x - 1 : x + 1] = 150
    image[90:92], image[:, 15:17] = 120, 130
    return image[:120, :120]


@pytest.mark.parametrize("mark", [stain, speck, fold, upright_fold, strip_of_squared_paper])
def test_marks_on_paper_that_nobody_wrote_are_no_digit(mark):
    grain = np.random.default_rng(4).normal(215, 1.5, (320, 320))

    assert preprocessor("photo")(np.clip(mark(grain), 0, 255).astype(np.uint8)).blank


@pytest.mark.parametrize("sigma", [2, 6, 12])
def test_a_dark_digit_is_found_however_blurred(sigma):
    image = cv2.GaussianBlur(on_paper(ink(6, size=320)), (0, 0), sigma)

    assert not preprocessor("photo")(image).blank


@pytest.mark.parametrize("paper", ["plain", "ruled", "squared", "dotted", "yellow-pad", "recycled", "screen"])
def test_the_ink_found_is_the_ink_drawn(paper):
    rng = np.random.default_rng(5)
    close = []
    for label in range(10):
        scene = draw_scene(rng, label, SceneOptions(paper=paper, pen="fountain", size=384))
        expected = photo(on_paper(scene.ink))
        found = photo(scene.image)
        close.append(found.any() and difference(expected, found) < LITTLE)

    assert sum(close) >= 9


@pytest.mark.parametrize("pitch", [20, 24, 28])
def test_a_stroke_across_dark_squares_is_kept(pitch):
    """A rule is palest at its edges; where they cross a stroke, it was erased: 12 to 28 % of all of it."""
    down, right = np.mgrid[:300, :300]
    printed = ((down + 0.05 * right) % pitch < 3) | ((right - 0.05 * down) % pitch < 3)
    light = cv2.GaussianBlur(np.where(printed, 0.55, 1), (0, 0), 1)
    stroke = cv2.ellipse(np.zeros((300, 300), np.uint8), (150, 150), (60, 90), 10, 0, 360, 255, 5, cv2.LINE_AA)
    ink_map = np.round(255 * (1 - light * (1 - 0.65 * stroke / 255))).astype(np.uint8)

    found = remove_lines(ink_map)

    assert np.mean(found[stroke > 128] > 60) > 0.95
    assert np.mean(found[stroke == 0] > 20) < np.mean(printed) / 4


def test_lines_are_what_makes_the_difference_on_squared_paper():
    scene = draw_scene(np.random.default_rng(2), 5, SceneOptions(paper="squared", pen="pencil", light="even", size=384))

    expected = photo(on_paper(scene.ink))
    without = preprocess(scene.image, PreprocessingOptions(skip=("lines", "look")))
    assert difference(expected, photo(scene.image)) < LITTLE < difference(expected, without)


@pytest.mark.slow
@pytest.mark.parametrize("bright", [False, True], ids=["dark ink", "bright ink"])
def test_real_digits_of_8_pixels_are_read(bright):
    """1,797 digits of 43 hands: 95.5 % were read with their strokes drawn as smoothly as larger ones, then 97.4 %."""
    assert share_read(*digits_of_8_pixels(lambda ink: ink if bright else 255 - ink)) >= 0.97


@pytest.mark.slow
@pytest.mark.parametrize(("margin", "least"), [(1, 0.96), (0, 0.88)], ids=["with a margin", "cut along the digit"])
def test_soft_strokes_of_an_enlarged_image_are_no_shadows(margin, least):
    """Of the same digits enlarged 16 or 20 times, 93.4 and 62.6 % were read where their strokes passed for shadows."""
    assert share_read(*digits_of_8_pixels(lambda ink: cv2.resize(255 - np.pad(ink, margin), (160, 160)))) >= least


@pytest.mark.slow
def test_crops_that_a_program_has_made_square_with_the_tone_of_their_ink_are_read():
    """Of the same digits, dark and enlarged to 28 pixels between black bars, 67.0 % were read."""

    def padded(ink):
        digit = crop_to_ink(ink)
        height, width = (max(1, round(28 * side / max(digit.shape))) for side in digit.shape)
        paper = 255 - cv2.resize(digit, (width, height), interpolation=cv2.INTER_CUBIC)
        left, top = (28 - width) // 2, (28 - height) // 2
        return cv2.copyMakeBorder(paper, top, 28 - height - top, left, 28 - width - left, cv2.BORDER_CONSTANT, value=0)

    assert share_read(*digits_of_8_pixels(padded)) >= 0.93


@pytest.mark.slow
def test_strokes_of_a_quarter_of_the_image_are_no_shadows(data):
    """Of these digits, drawn with a marker, 89.5 % were read where a dark rest of them was taken for paper."""
    with np.load(data / "mnist.npz") as mnist:
        ink_maps, labels = mnist["x_test"][:1000], mnist["y_test"][:1000]
    marker = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
    images = (cv2.resize(cv2.dilate(ink, marker), (112, 112)) for ink in ink_maps)

    assert share_read(images, labels.tolist()) >= 0.91


def digits_of_8_pixels(change):
    """Return 1,797 real digits of 8 × 8 pixels, bright on black and each changed then, and their labels."""
    digits = load_digits()
    return (change(np.rint(ink * (255 / 16)).astype(np.uint8)) for ink in digits.images), digits.target.tolist()


def share_read(images, labels) -> float:
    """Return which share of the images the default model reads."""
    correct, _ = read({"default": open_model(None)}, preprocessor("photo"), images, labels)
    return float(correct["default"].mean())


def test_a_tiny_digit_in_a_large_frame_is_found():
    rng = np.random.default_rng(4)
    scene = draw_scene(
        rng, 3, SceneOptions(paper="plain", pen="felt-tip", light="even", size=1500, share=(0.08, 0.081))
    )

    assert difference(photo(on_paper(scene.ink)), photo(scene.image)) < LITTLE

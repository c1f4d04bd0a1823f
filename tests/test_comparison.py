"""Evaluations compared as paired data: the statistics against peers, and what is paired with what."""

import json
import math
from dataclasses import replace

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_examples import HOSTILE, evaluations, hostile, probabilities, provenance, small, tiny_png

from batch_eval.errors import ConfigError
from batch_eval.evaluation import OUTCOMES, Evaluation, Outcome, Picture, Records, metrics
from batch_eval.evaluation.paired import PairedCounts, compare, shared_images
from batch_eval.reports.comparison.json_file import SCHEMA
from batch_eval.reports.context import ReportContext
from batch_eval.reports.registry import Kind, format_names, reporter
from batch_eval.wording import markdown_text

scipy_stats = pytest.importorskip("scipy.stats")
optimize = pytest.importorskip("scipy.optimize")
contingency = pytest.importorskip("statsmodels.stats.contingency_tables")

counts = st.integers(0, 300)
tables = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 300)).filter(any)


def read(ids, truths, guesses, model="model.keras"):
    """An evaluation in which each image of class 0, 1 or 2 is read as a guess."""
    right = [t == g for t, g in zip(truths, guesses, strict=True)]
    records = Records(
        ids=tuple(ids),
        truth=tuple(truths),
        outcome=np.array([OUTCOMES.index(Outcome.CORRECT if r else Outcome.WRONG) for r in right], dtype=np.uint8),
        probabilities=probabilities(*[(int(g), 0.9, (int(g) + 1) % 3) for g in guesses]),
        slices={"paper": tuple("plain" if t == "0" else "ruled" for t in truths)},
    )
    return Evaluation(("0", "1", "2"), records, provenance(model=model))


FIRST = read("abcde", "00112", "00101", "old.keras")
SECOND = read("edcba", "21100", "21120", "new.keras")  # fixes d and e, breaks b


@given(counts, counts)
def test_mcnemar_is_statsmodels_exact_test(fixed, broke):
    expected = contingency.mcnemar([[0, broke], [fixed, 0]], exact=True).pvalue if fixed + broke else 1.0

    assert pytest.approx(expected, rel=1e-9, abs=1e-300) == metrics.mcnemar_exact(fixed, broke)


def test_mcnemar_of_many_images_is_a_number():
    assert 0 < metrics.mcnemar_exact(9_000, 11_000) < 1e-40


@given(tables)
def test_tango_s_bounds_are_where_the_score_test_just_does_not_reject(table):
    fixed, broke, same = table
    n = fixed + broke + same
    low, high = metrics.tango_interval(fixed, broke, n)

    for bound, z in ((low, metrics.Z_95), (high, -metrics.Z_95)):
        if -1 < bound < 1:
            assert pytest.approx(z, abs=1e-3) == likelihood_score(fixed, broke, n, bound)


def likelihood_score(fixed, broke, n, d):
    """The score of a difference d, its nuisance parameter found by maximising the multinomial likelihood."""

    def loss(q):
        return -sum(c * math.log(p) for c, p in ((broke, q), (fixed, q + d), (n - fixed - broke, 1 - 2 * q - d)) if c)

    lowest, highest = max(0, -d) + 1e-13, (1 - d) / 2 - 1e-13
    q = optimize.minimize_scalar(loss, bounds=(lowest, highest), method="bounded", options={"xatol": 1e-12}).x
    return (fixed - broke - n * d) / math.sqrt(n * (2 * q + d * (1 - d)))


@given(tables)
def test_tango_s_interval_contains_the_difference_and_mirrors(table):
    fixed, broke, same = table
    n = fixed + broke + same
    low, high = metrics.tango_interval(fixed, broke, n)
    mirrored = metrics.tango_interval(broke, fixed, n)

    assert -1 <= low <= (fixed - broke) / n <= high <= 1
    assert (-high, -low) == mirrored


@given(tables)
def test_tango_s_interval_excludes_0_exactly_when_mcnemar_s_statistic_is_significant(table):
    fixed, broke, same = table
    low, high = metrics.tango_interval(fixed, broke, fixed + broke + same)
    statistic = (fixed - broke) ** 2 / (fixed + broke) if fixed + broke else 0

    assert (statistic > metrics.Z_95**2) is not (low <= 0 <= high)


def test_no_images_have_no_interval():
    assert all(map(math.isnan, metrics.tango_interval(0, 0, 0)))


def test_calibration_noise_is_what_chance_gives():
    rng = np.random.default_rng(1)
    confidence = np.repeat(np.float32([0.55, 0.75, 0.95]), 200)
    errors = [
        metrics.expected_calibration_error(metrics.reliability(confidence, rng.random(600) < confidence))
        for _ in range(400)
    ]
    bins = metrics.reliability(confidence, np.ones(600, dtype=np.bool_))

    assert pytest.approx(np.mean(errors), rel=0.1) == metrics.calibration_noise(bins)


def test_images_are_paired_by_their_id_whatever_their_order():
    comparison = compare([FIRST, SECOND], ["old", "new"])

    assert PairedCounts(n=5, both=2, fixed=2, broke=1) == comparison.pair(1)
    assert ["d", "e"] == [change.id for change in comparison.fixed(1)]
    assert [("b", "0", "0", "2")] == [(c.id, c.truth, c.first, c.second) for c in comparison.broke(1)]


def test_each_class_and_each_slice_is_compared():
    parts = {(p.group, p.value): p.pair for p in compare([FIRST, SECOND], ["old", "new"]).subgroups(1)}

    assert PairedCounts(n=2, both=1, fixed=1, broke=0) == parts["class", "1"]
    assert PairedCounts(n=3, both=1, fixed=2, broke=0) == parts["paper", "ruled"]


def test_only_images_that_all_have_scored_are_compared():
    third = read("bcdx", "0110", "0110")
    comparison = compare([FIRST, SECOND, third], ["a", "b", "c"])

    assert ("b", "c", "d") == comparison.shared.ids
    assert [3, 3, 3] == [tally.n for tally in comparison.tallies]


def test_an_image_with_another_label_is_left_out():
    shared = shared_images([FIRST, read("abcde", "20112", "20112")])

    assert (("b", "c", "d", "e"), 1) == (shared.ids, shared.relabelled)


@given(evaluations())
def test_an_evaluation_does_not_differ_from_itself(found):
    if not found.scored:
        return
    pair = compare([found, found], ["a", "b"]).pair(1)

    assert (0, 0, 1.0) == (pair.fixed, pair.broke, pair.p_value)


def test_nothing_in_common_is_refused():
    with pytest.raises(ConfigError, match="no scored image in common"):
        compare([FIRST, read("xyz", "000", "000")], ["a", "b"])


def test_one_evaluation_is_refused():
    with pytest.raises(ConfigError, match="two or more"):
        compare([FIRST], ["a"])


def test_json_follows_its_schema_and_holds_every_change():
    content = json.loads(reporter("json", Kind.COMPARISON).document(compare([FIRST, SECOND], ["old", "new"])))
    jsonschema.validate(content, json.loads(SCHEMA.read_text()))

    assert 5 == content["images"]
    (pair,) = content["pairs"]
    assert (2, 1) == (len(pair["fixed_images"]), len(pair["broke_images"]))
    assert pytest.approx(0.2) == pair["difference"]


def test_the_schema_refuses_what_it_does_not_know():
    content = json.loads(reporter("json", Kind.COMPARISON).document(compare([FIRST, SECOND], ["old", "new"])))

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content | {"more": 1}, json.loads(SCHEMA.read_text()))


@pytest.mark.parametrize("name", format_names(Kind.COMPARISON))
def test_whole_outputs(name, gold):
    comparison = compare([FIRST, SECOND, SECOND], ["old.keras", "new.keras", "again.keras"])
    file, content = next(reporter(name, Kind.COMPARISON).files(comparison))

    gold(f"comparison/{file}", content)


def pictured(evaluation, shade):
    """The evaluation with a picture of every image, in one shade."""
    pictures = {row: Picture(tiny_png(shade), tiny_png(shade + 1)) for row in range(len(evaluation.records))}
    return replace(evaluation, records=replace(evaluation.records, pictures=pictures))


def test_the_page_s_style_and_the_pictures_of_what_changed_lie_beside_it():
    found = dict(
        reporter("html", Kind.COMPARISON).files(compare([pictured(FIRST, 10), pictured(SECOND, 20)], ["old", "new"]))
    )

    assert {
        "comparison.html": None,
        "comparison_files/comparison.css": None,
        "comparison_files/0/pictures/3-original.png": tiny_png(10),  # d was fixed
        "comparison_files/0/pictures/3-seen.png": tiny_png(11),
        "comparison_files/0/pictures/4-original.png": tiny_png(10),  # e was fixed
        "comparison_files/0/pictures/4-seen.png": tiny_png(11),
        "comparison_files/1/pictures/3-original.png": tiny_png(20),  # b was broken, and is row 3 of the second
        "comparison_files/1/pictures/3-seen.png": tiny_png(21),
    } == {path: data if path.endswith("png") else None for path, data in found.items()}


def test_a_self_contained_page_needs_nothing_beside_it():
    comparison = compare([pictured(FIRST, 10), pictured(SECOND, 20)], ["old", "new"])
    ((path, page),) = reporter("html", Kind.COMPARISON).files(comparison, ReportContext(self_contained=True))

    assert "comparison.html" == path
    assert page == reporter("html", Kind.COMPARISON).document(comparison)
    assert b"comparison_files" not in page


@pytest.mark.parametrize("name", format_names(Kind.COMPARISON))
def test_hostile_names_stay_text(name):
    bad = hostile()
    right = Records(bad.records.ids, bad.records.truth, np.zeros(len(HOSTILE), np.uint8), bad.records.probabilities)
    comparison = compare([bad, Evaluation(bad.class_names, right, bad.provenance)], [HOSTILE[0], HOSTILE[10]])
    text = reporter(name, Kind.COMPARISON).document(comparison).decode()

    assert "\x1b" not in text
    if name == "html":
        assert "<img src=x" not in text
        assert "<script>" not in text
    if name == "markdown":
        assert "<img" not in text
        assert "@SUM" not in text


def test_markdown_shows_names_as_they_are():
    assert r"a\|b\_c&lt;i&gt; &#64;me http:&#47;&#47;x" == markdown_text("a|b_c<i> @me http://x")


def test_blank_images_are_said_to_be_blank():
    better = small()
    records = better.records
    outcome = records.outcome.copy()
    outcome[4] = OUTCOMES.index(Outcome.CORRECT)
    table = records.probabilities.copy()
    table[4] = (0, 0, 1) if records.truth[4] == "2" else (0, 1, 0)
    after = Evaluation(better.class_names, Records(records.ids, records.truth, outcome, table), better.provenance)

    assert "blank" in reporter("text", Kind.COMPARISON).document(compare([better, after], ["a", "b"])).decode()


def test_an_unknown_format_is_refused():
    with pytest.raises(ConfigError, match="text, json, html, markdown"):
        reporter("pdf", Kind.COMPARISON).document(compare([FIRST, SECOND], ["a", "b"]))


@pytest.mark.parametrize(("sha256", "said"), [("0" * 64, True), (None, False)])
def test_another_revision_of_the_recipe_is_said(sha256, said):
    other = replace(FIRST.provenance, preprocess_sha256=sha256 or FIRST.provenance.preprocess_sha256)
    comparison = compare([replace(FIRST, provenance=other), FIRST], ["first", "second"])

    text = reporter("text", Kind.COMPARISON).document(comparison, ReportContext()).decode()

    assert said == ("different revisions of one recipe" in " ".join(text.split()))

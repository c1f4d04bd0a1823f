"""Every gate at, just above and just below its limit, and what each says of its n."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_examples import evaluations, provenance, small

from batch_eval.errors import ConfigError
from batch_eval.evaluation import OUTCOMES, Evaluation, Outcome, Records
from batch_eval.evaluation.paired import PairedCounts
from batch_eval.gates import ClassLimit, Limits, SliceLimit, parse_limits
from batch_eval.gates.checks import check, not_worse
from batch_eval.gates.limits import parse_share

ABOVE, BELOW = math.inf, -math.inf


def evaluation(correct, wrong=0, unreadable=0, unlabelled=0, truth="1", name="i"):
    """An evaluation with so many images of each outcome, read with confidence 0.75, in slice paper=plain."""
    outcomes = [Outcome.CORRECT] * correct + [Outcome.WRONG] * wrong
    outcomes += [Outcome.UNREADABLE] * unreadable + [Outcome.UNLABELLED] * unlabelled
    n = len(outcomes)
    table = np.zeros((n, 3), dtype=np.float32)
    table[:correct] = (0.25, 0.75, 0)
    table[correct : correct + wrong] = (0.25, 0, 0.75)
    records = Records(
        ids=tuple(f"{name}{i}" for i in range(n)),
        truth=tuple(None if o is Outcome.UNLABELLED else truth for o in outcomes),
        outcome=np.array([OUTCOMES.index(o) for o in outcomes], dtype=np.uint8),
        probabilities=table,
        slices={"paper": ("plain",) * n},
    )
    return Evaluation(("0", "1", "2"), records, provenance())


def one(found, limits, baseline=None):
    """Return the only gate's result."""
    (result,) = check(found, limits, baseline)
    return result


LOW = evaluation(19, 1).accuracy_interval[0]
CASES = {
    "fail-under": (lambda limit: Limits(fail_under=limit), evaluation(19, 1), 0.95, BELOW),
    "fail-under-low": (lambda limit: Limits(fail_under_low=limit), evaluation(19, 1), LOW, BELOW),
    "fail-under-class 1": (
        lambda limit: Limits(fail_under_class=(ClassLimit("1", limit),)),
        evaluation(19, 1),
        0.95,
        BELOW,
    ),
    "fail-under-slice paper=plain": (
        lambda limit: Limits(fail_under_slice=(SliceLimit("paper", "plain", limit),)),
        evaluation(19, 1),
        0.95,
        BELOW,
    ),
    "max-unreadable": (lambda limit: Limits(max_unreadable=limit), evaluation(19, 0, 1), 0.05, ABOVE),
    "max-unlabelled": (lambda limit: Limits(max_unlabelled=limit), evaluation(19, 0, 0, 1), 0.05, ABOVE),
    "max-out-of-range": (lambda limit: Limits(max_out_of_range=limit), small(), 0.125, ABOVE),
    "max-ece": (lambda limit: Limits(max_ece=limit), evaluation(1, 1), 0.25, ABOVE),
    "max-drop": (lambda limit: Limits(max_drop=limit), evaluation(19, 1), 0.05, ABOVE),
}


def baseline_for(name):
    return evaluation(20) if name == "max-drop" else None


@pytest.mark.parametrize("name", CASES)
def test_a_gate_passes_at_its_limit(name):
    limits, found, limit, _ = CASES[name]
    result = one(found, limits(limit), baseline_for(name))

    assert (name, True, limit, limit) == (result.name, result.passed, result.value, result.limit)


@pytest.mark.parametrize("name", CASES)
def test_a_gate_passes_on_the_good_side_of_its_limit(name):
    limits, found, limit, good = CASES[name]

    assert one(found, limits(math.nextafter(limit, good)), baseline_for(name)).passed


@pytest.mark.parametrize("name", CASES)
def test_a_gate_fails_on_the_bad_side_of_its_limit(name):
    limits, found, limit, good = CASES[name]
    result = one(found, limits(math.nextafter(limit, -good)), baseline_for(name))

    assert not result.passed


@pytest.mark.parametrize(
    ("broke", "fixed", "passed"), [(5, 0, True), (6, 0, False), (0, 6, True), (9, 2, True), (10, 2, False)]
)
def test_fail_if_worse_fails_only_when_significantly_worse(broke, fixed, passed):
    result = not_worse(PairedCounts(100, 50, fixed, broke))

    assert passed is result.passed
    assert 100 == result.n


def test_fail_if_worse_compares_with_the_baseline():
    result = one(evaluation(94, 6), Limits(fail_if_worse=True), evaluation(100))

    assert ("fail-if-worse", False, 0.03125) == (result.name, result.passed, result.value)


def test_a_better_model_has_a_negative_drop():
    result = one(evaluation(20), Limits(max_drop=0.0), evaluation(19, 1))

    assert result.passed
    assert -0.05 == result.value
    assert "rose by 5.0 %" in result.message


def test_a_limit_on_every_class_fails_for_classes_without_images():
    results = check(evaluation(3), Limits(fail_under_class=(ClassLimit(None, 0.5),)))

    assert {"0": False, "1": True, "2": False} == {result.name[-1]: result.passed for result in results}
    assert "Accuracy of class 0 is unknown: there are no images of it; at least 50.0 % is required." in [
        result.message for result in results
    ]


def test_a_limit_on_every_class_covers_labels_that_the_model_has_no_class_for():
    results = check(small(), parse_limits(fail_under_class=["0"]))

    assert {"0": True, "1": True, "2": True, "seven": False} == {r.name.split()[-1]: r.passed for r in results}
    assert "none of its 1 images could be scored" in results[-1].message


def test_the_limit_of_one_class_overrides_that_of_all():
    limits = parse_limits(fail_under_class=["1=0.5", "0.9"])

    assert {"0": 0.9, "1": 0.5, "2": 0.9, "seven": 0.9} == {r.name.split()[-1]: r.limit for r in check(small(), limits)}


def test_a_class_without_images_fails_its_own_gate():
    result = one(evaluation(3), parse_limits(fail_under_class=["2=0"]))

    assert not result.passed
    assert (0, True) == (result.n, math.isnan(result.value))


def test_a_limit_on_a_slice_holds_for_each_of_its_values():
    result = one(evaluation(3), parse_limits(fail_under_slice=["paper:0.9"]))

    assert "fail-under-slice paper=plain" == result.name


@pytest.mark.parametrize(
    ("limit", "name"),
    [
        ({"fail_under": "0"}, "fail-under"),
        ({"fail_under_low": "0"}, "fail-under-low"),
        ({"max_ece": "0"}, "max-ece"),
        ({"fail_under_class": ["0"]}, "fail-under-class 1"),
        ({"fail_under_slice": ["paper:0"]}, "fail-under-slice paper=plain"),
    ],
)
def test_gates_fail_when_nothing_was_scored(limit, name):
    results = check(evaluation(0, 0, 2), parse_limits(**limit))

    assert {(False, 0)} == {(result.passed, result.n) for result in results}
    assert name in [result.name for result in results]


@pytest.mark.parametrize(
    ("limit", "names"),
    [
        ({"fail_under_class": ["0"]}, ["fail-under-class 0", "fail-under-class 1", "fail-under-class 2"]),
        ({"fail_under_slice": ["paper:0"]}, ["fail-under-slice paper=plain"]),
    ],
)
def test_gates_on_every_part_fail_when_no_image_has_a_label(limit, names):
    results = check(evaluation(0, 0, 0, 2), parse_limits(**limit))

    assert [(name, False, 0) for name in names] == [(result.name, result.passed, result.n) for result in results]


def test_images_without_a_row_are_no_value_of_a_slice():
    found = evaluation(3, 0, 0, 1)
    found = replace(found, records=replace(found.records, slices={"paper": ("plain",) * 3 + ("",)}))

    assert "fail-under-slice paper=plain" == one(found, parse_limits(fail_under_slice=["paper:0.9"])).name


@pytest.mark.parametrize(
    ("limits", "results"),
    [
        ({"max_unlabelled": "0.25"}, [("max-unlabelled", True, 0.25)]),
        ({"max_unlabelled": "0.24"}, [("max-unlabelled", False, 0.25)]),
        (
            {"max_unlabelled": "0.2", "max_out_of_range": "0.1"},
            [("max-unlabelled", True, 0.125), ("max-out-of-range", False, 0.125)],
        ),
    ],
)
def test_labels_out_of_range_count_as_none_unless_they_have_a_limit(limits, results):
    assert results == [(r.name, r.passed, r.value) for r in check(small(), parse_limits(**limits))]


def test_the_gate_on_labels_says_what_it_counts():
    result = one(small(), parse_limits(max_unlabelled="0"))

    assert result.message.startswith("2 of 8 files are unlabelled or out of range (25.0 %)")


def test_a_class_whose_images_are_all_unreadable_fails_beside_one_that_passes():
    truth = ["0", "0", *small().records.truth[2:]]
    outcome = small().records.outcome.copy()
    outcome[:2] = OUTCOMES.index(Outcome.CORRECT), OUTCOMES.index(Outcome.UNREADABLE)
    outcome[4] = OUTCOMES.index(Outcome.UNREADABLE)
    found = replace(small(), records=replace(small().records, truth=tuple(truth), outcome=outcome))
    results = {r.name.split()[-1]: (r.passed, r.n) for r in check(found, parse_limits(fail_under_class=["0"]))}

    assert {"0": (True, 1), "1": (False, 0), "2": (True, 2), "seven": (False, 0)} == results


@pytest.mark.parametrize(
    ("limits", "n_is_said"),
    [
        (Limits(fail_under=0.99), "n is too small for this limit: it takes 381 images"),
        (Limits(fail_under=0.8), "The limit lies in the 95 % interval 76.4 to 99.1 %"),
        (Limits(fail_under_low=0.9), "n is too small for this limit: it takes 35 images"),
        (Limits(max_unreadable=0.01), "n is too small for this limit: a single image is 5.0 %"),
        (Limits(max_unlabelled=0.01), "n is too small for this limit: a single image is 5.0 %"),
        (Limits(fail_under_class=(ClassLimit("1", 0.99),)), "n is too small for this limit: it takes 381 images"),
        (Limits(fail_under_slice=(SliceLimit("paper", "plain", 0.99),)), "n is too small for this limit: it takes 381"),
        (Limits(max_ece=0.01), "chance alone gives a perfectly calibrated model 7.7 %"),
        (Limits(max_drop=0.01), "n is too small for this limit: a single image is 5.0 %"),
        (Limits(max_drop=0.05), "The limit lies in the 95 % interval"),
    ],
)
def test_a_gate_says_when_its_n_is_too_small(limits, n_is_said):
    assert n_is_said in one(evaluation(19, 1), limits, evaluation(19, 1)).message


@pytest.mark.parametrize(
    ("pair", "said"),
    [(PairedCounts(1000, 900, 0, 5), True), (PairedCounts(5, 0, 0, 5), True), (PairedCounts(1000, 900, 3, 3), False)],
)
def test_fewer_than_six_changed_images_can_never_show_a_worse_model(pair, said):
    assert said is ("it takes 6 images that were fixed or broke to fail this gate" in not_worse(pair).message)


def test_enough_images_need_no_caution():
    message = one(evaluation(990, 10), Limits(fail_under=0.9)).message

    assert "Accuracy 99.0 % of 1,000 images; at least 90.0 % is required." == message


def test_a_value_is_told_apart_from_its_limit():
    message = one(evaluation(9499, 501), Limits(fail_under=0.95)).message

    assert message.startswith("Accuracy 94.99 % of 10,000 images; at least 95.00 % is required.")


@given(evaluations(), st.floats(0, 1))
def test_a_gate_on_any_evaluation_passes_exactly_when_the_limit_is_kept(found, limit):
    result = one(found, Limits(fail_under=limit))

    assert (found.accuracy >= limit) is result.passed
    assert found.scored == result.n


@pytest.mark.parametrize(
    ("text", "share"), [("0", 0.0), ("1", 1.0), ("0.95", 0.95), ("95%", 0.95), ("99.9 %", 0.999), ("100%", 1.0)]
)
def test_limits_are_shares_or_percentages(text, share):
    assert share == parse_share("--fail-under", text, text)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"fail_under": "120"}, "--fail-under 120 is invalid: it must lie between 0 and 1"),
        ({"fail_under": "95"}, "Did you mean 95%?"),
        ({"fail_under_low": "-0.1"}, "--fail-under-low -0.1 is invalid"),
        ({"max_ece": "nan"}, "'nan' is no number"),
        ({"max_ece": "inf"}, "--max-ece inf is invalid: it must lie"),
        ({"max_drop": "a lot"}, "'a lot' is no number"),
        ({"max_unreadable": "101%"}, "--max-unreadable 101% is invalid"),
        ({"max_unlabelled": ""}, "--max-unlabelled"),
        ({"max_out_of_range": "2%%"}, "--max-out-of-range"),
        ({"fail_under_class": ["7=2"]}, "--fail-under-class 7=2 is invalid"),
        ({"fail_under_slice": ["paper"]}, "write NAME=VALUE:LIMIT"),
        ({"fail_under_slice": ["paper=ruled:x"]}, "--fail-under-slice paper=ruled:x is invalid"),
    ],
)
def test_an_invalid_limit_is_refused_by_its_option_s_name(limits, message):
    with pytest.raises(ConfigError) as raised:
        parse_limits(**limits)

    assert message in str(raised.value)


def test_a_slice_value_may_hold_colons_and_equal_signs():
    (limit,) = parse_limits(fail_under_slice=["pen=a=b:c:0.5"]).fail_under_slice

    assert SliceLimit("pen", "a=b:c", 0.5) == limit


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"fail_under_class": ["10=0.9"]}, "--fail-under-class names the class '10', which does not exist"),
        ({"fail_under_slice": ["papre=plain:0.9"]}, "Did you mean 'paper'?"),
        ({"fail_under_slice": ["paper=plane:0.9"]}, "Did you mean 'plain'?"),
        ({"max_drop": "0.1"}, "--max-drop needs something to compare with"),
        ({"fail_if_worse": True}, "--baseline"),
    ],
)
def test_a_limit_on_what_does_not_exist_is_refused(limits, message):
    with pytest.raises(ConfigError) as raised:
        check(evaluation(3), parse_limits(**limits))

    assert message in str(raised.value)


def test_a_baseline_of_other_images_is_refused():
    with pytest.raises(ConfigError, match="no scored image in common"):
        check(evaluation(3), Limits(max_drop=0.1), evaluation(3, name="other"))

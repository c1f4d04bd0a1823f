"""The sentence that says what explains the errors."""

from dataclasses import replace

import numpy as np
from report_examples import provenance

from batch_eval.evaluation import OUTCOMES, Evaluation, Outcome, Records
from batch_eval.evaluation.advice import CLAUSES, advice


def evaluation(*, flagged_wrong: int, flagged: int, wrong: int, total: int) -> Evaluation:
    """``total`` images of a 0, ``wrong`` of them read as 1; ``flagged`` are on ruled paper."""
    correct, error = OUTCOMES.index(Outcome.CORRECT), OUTCOMES.index(Outcome.WRONG)
    outcome = np.full(total, correct, np.uint8)
    outcome[:wrong] = error
    flag = np.zeros(total, np.bool_)
    flag[:flagged_wrong] = True
    flag[wrong : wrong + flagged - flagged_wrong] = True
    probabilities = np.tile(np.array([[0.9, 0.1]], np.float32), (total, 1))
    probabilities[:wrong] = 0.2, 0.8
    ids = tuple(f"{i}.png" for i in range(total))
    records = Records(ids, ("0",) * total, outcome, probabilities, flags={"ruled_paper": flag})
    return Evaluation(("0", "1"), records, provenance())


def test_a_flag_behind_most_errors_is_named():
    lines = advice(evaluation(flagged_wrong=31, flagged=80, wrong=40, total=400))

    assert lines[0].startswith(
        "31 of 40 errors are on ruled paper. Such images have an accuracy of 61.3 % (n = 80), all others "
    )


def test_a_flag_as_frequent_among_errors_as_elsewhere_is_not():
    assert not any("ruled" in line for line in advice(evaluation(flagged_wrong=8, flagged=80, wrong=40, total=400)))


def test_a_confusion_that_is_many_errors_is_named():
    assert "40 of 40 errors are 0 read as 1." in advice(evaluation(flagged_wrong=0, flagged=0, wrong=40, total=400))[-1]


def test_images_without_ink_are_not_blamed_on_the_model():
    found = evaluation(flagged_wrong=0, flagged=0, wrong=4, total=40)
    r = found.records
    outcome, probabilities = r.outcome.copy(), r.probabilities.copy()
    outcome[:4], probabilities[:4] = OUTCOMES.index(Outcome.BLANK), 0
    lines = advice(replace(found, records=replace(r, outcome=outcome, probabilities=probabilities)))

    assert [
        "4 of 4 errors are images of 0 in which no ink was found, so the model never saw them. "
        "`batch-eval preprocess IMAGE` shows at which step the ink was lost."
    ] == lines


def test_few_errors_say_nothing():
    assert [] == advice(evaluation(flagged_wrong=2, flagged=2, wrong=2, total=50))


def test_every_quality_flag_has_its_clause():
    from batch_eval.imaging.quality import FLAGS

    assert set(FLAGS) == set(CLAUSES)

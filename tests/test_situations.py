"""Every situation of labels gives its labels, or the refusal that says what to do."""

from pathlib import Path

import pytest
from situations import Situation, outcome, situations


@pytest.mark.parametrize("situation", situations(), ids=lambda each: each.title)
def test_a_situation_gives_its_labels_or_says_why_not(situation: Situation, tmp_path: Path) -> None:
    assert outcome(situation, tmp_path / "photos") == ""

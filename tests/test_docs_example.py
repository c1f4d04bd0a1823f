"""The committed example report is what its two documented commands write today."""

import re
import shlex

import pytest
from processes import ROOT, batch_eval

from batch_eval import evaluate
from batch_eval.engines import local
from batch_eval.errors import ConfigError
from batch_eval.evaluation.saved import load_evaluation

EXAMPLE = ROOT / "reports" / "example"
EPOCH = {"SOURCE_DATE_EPOCH": "1767225600"}
MAX_BYTES = 1_000_000


def documented(command):
    """Return the arguments of the documented command, but for its folder of results."""
    line = re.search(rf"batch-eval {command} \S+ --.*", (ROOT / "reports" / "README.md").read_text(encoding="utf-8"))
    return shlex.split(line[0].replace("--out reports/example", ""))[1:]


def files(folder):
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """Today's rendering of the example's saved evaluation."""
    folder = tmp_path_factory.mktemp("example")
    done = batch_eval(*documented("report"), "--out", folder, GITHUB_STEP_SUMMARY="", GITHUB_ACTIONS="")

    assert (1, "") == (done.returncode, done.stderr)
    return folder


def test_the_example_shows_what_is_evaluated_today(tmp_path):
    """Names and outcomes, not probabilities: their last digits differ from processor to processor."""
    done = batch_eval(*documented("run"), "--out", tmp_path, **EPOCH)
    today, committed = load_evaluation(tmp_path / "evaluation.json"), load_evaluation(EXAMPLE / "evaluation.json")
    columns = ("id", "truth", "predicted", "outcome", "paper")

    assert 0 == done.returncode, done.stderr
    assert committed.provenance == today.provenance, "render the example again: see reports/README.md"
    assert {name: committed.columns()[name] for name in columns} == {name: today.columns()[name] for name in columns}


def test_the_example_is_what_is_rendered_today(rendered):
    made = {"evaluation.json", "metrics.json"}
    expected = {name: path.read_bytes() for name, path in files(EXAMPLE).items() if name not in made}
    actual = {name: path.read_bytes() for name, path in files(rendered).items()}

    assert sorted(expected) == sorted(actual)
    assert [] == [name for name in expected if expected[name] != actual[name]], "see reports/README.md"


def test_the_example_is_small():
    assert sum(path.stat().st_size for path in files(EXAMPLE).values()) < MAX_BYTES


@pytest.mark.parametrize("fixed", ["yesterday", "-1", "253402300800", "99999999999999"])
def test_what_is_no_time_is_refused_before_the_work(fixed, monkeypatch):
    def work(*arguments, **options):
        raise AssertionError("an image was read")

    monkeypatch.setattr(local, "run", work)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", fixed)

    with pytest.raises(ConfigError, match=f"SOURCE_DATE_EPOCH={fixed} is invalid: it must be seconds since 1970, at"):
        evaluate(ROOT / "sample_images")


def test_the_last_second_of_a_date_is_a_time(monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "253402300799")

    assert "9999-12-31T23:59:59+00:00" == evaluate(ROOT / "sample_images").provenance.created

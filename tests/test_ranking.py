"""Many models on one set: the ranks against statsmodels, the work that is shared, and what a broken model does."""

import csv
import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import jsonschema
import numpy as np
import pytest
from drawn_digits import ink, on_paper
from hypothesis import given, settings
from hypothesis import strategies as st
from report_examples import HOSTILE, hostile, provenance
from test_cli_run import ROOT, batch_eval
from test_comparison import read

from batch_eval import compare, evaluate
from batch_eval.dataset import load_dataset
from batch_eval.engines import local
from batch_eval.errors import ConfigError, ModelError
from batch_eval.evaluation import Evaluation, Picture, metrics
from batch_eval.evaluation.ranking import Entry, rank
from batch_eval.imaging import Preprocessor
from batch_eval.models import DEFAULT_MODEL, ModelOptions, open_model
from batch_eval.models.facts import ModelFacts
from batch_eval.models.model_files import find_models, model_names
from batch_eval.publishing import whole
from batch_eval.reports.context import ReportContext
from batch_eval.reports.ranking.json_file import SCHEMA
from batch_eval.reports.registry import Kind, format_names, reporter
from batch_eval.studies.ranking import anonymous_names, candidates_on, open_readers, rank_candidates

multitest = pytest.importorskip("statsmodels.stats.multitest")
contingency = pytest.importorskip("statsmodels.stats.contingency_tables")

FACTS = ModelFacts(size=4_830_474, parameters=1_199_882, milliseconds=0.347, convention="28×28, 0..1, probabilities")
IDS, TRUTHS = [f"{i}.png" for i in range(40)], "0011222201" * 4


PAGE = "leaderboard.html"


def entry(name: str, wrong: int, **changes: object) -> Entry:
    """A model that misreads the first ``wrong`` of 40 images as the next class."""
    guesses = "".join(str((int(t) + (i < wrong)) % 3) for i, t in enumerate(TRUTHS))
    evaluation = read(IDS, TRUTHS, guesses, name)
    return Entry(name, replace(evaluation, provenance=provenance(model=name, model_sha256=name)), FACTS, **changes)


def example() -> list[Entry]:
    """Four models, two of which cannot be told apart, and a broken one."""
    twin = entry("copy.keras", 2)
    assert twin.evaluation is not None
    twin = replace(
        twin,
        evaluation=replace(twin.evaluation, provenance=provenance(model="copy.keras", model_sha256="good.keras")),
    )
    broken = Entry("broken.keras", None, problem="broken.keras is empty. Copy or save the model again.")
    return [entry("poor.keras", 30), entry("good.keras", 2), entry("fair.keras", 5), twin, broken]


@pytest.mark.slow
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_is_statsmodels_correction(p_values):
    expected = multitest.multipletests(p_values, method="holm")[1]

    assert np.allclose(expected, metrics.holm(p_values), rtol=1e-12, atol=1e-15)


@pytest.mark.slow
@settings(max_examples=20)
@given(st.lists(st.integers(0, 40), min_size=2, max_size=6))
def test_ranks_follow_from_statsmodels_tests_of_all_pairs(wrong):
    entries = [entry(f"{i}.keras", errors) for i, errors in enumerate(wrong)]
    pairs = [(a, b) for a in range(len(wrong)) for b in range(a + 1, len(wrong))]
    raw = []
    for a, b in pairs:
        broke, fixed = max(0, wrong[b] - wrong[a]), max(0, wrong[a] - wrong[b])
        raw.append(contingency.mcnemar([[0, broke], [fixed, 0]], exact=True).pvalue if broke + fixed else 1.0)
    significant = multitest.multipletests(raw, method="holm")[1] < metrics.SIGNIFICANCE
    better = {pair for pair, yes in zip(pairs, significant, strict=True) if yes}
    expected = {
        f"{i}.keras": 1 + sum((min(i, k), max(i, k)) in better and wrong[k] < wrong[i] for k in range(len(wrong)))
        for i in range(len(wrong))
    }

    assert expected == {place.name: place.rank for place in rank(entries).places}


def test_models_that_the_images_cannot_tell_apart_share_a_rank():
    ranking = rank(example())

    assert [(1, "copy.keras"), (1, "good.keras"), (1, "fair.keras"), (4, "poor.keras")] == [
        (place.rank, place.name) for place in ranking.places
    ]
    assert ["broken.keras"] == [failed.name for failed in ranking.failed]


def test_models_of_the_same_file_are_named():
    places = {place.name: place.twins for place in rank(example()).places}

    assert ("good.keras",) == places["copy.keras"]
    assert () == places["fair.keras"]


def test_three_models_of_the_same_file_are_named_at_most():
    ranking = rank([noted(name, model_sha256="same") for name in "abcde"])

    assert ("The same file as b, c, d, … (4 in all).",) == ranking.notes_on(ranking.places[0])


def test_the_page_folds_notes_on_a_model_s_input():
    page = whole(
        dict(reporter("html", Kind.RANKING).files(rank([noted("a", notes=("One.", "Two.")), noted("b")])))[PAGE]
    )

    assert b'<p class="note">One.</p><p class="note">Two.</p></details>' in page
    assert 1 == page.count(b'<p class="note">One.')


def noted(name: str, **origin: object) -> Entry:
    """A model without errors whose evaluation has this origin."""
    model = entry(name, 0)
    return replace(model, evaluation=replace(model.evaluation, provenance=provenance(model=name, **origin)))


def test_the_images_that_no_model_and_that_one_alone_read():
    ranking = rank([entry("a", 3), entry("b", 2), entry("c", 4)])

    assert [0, 1] == ranking.unread
    assert [(2, "b")] == [(place, ranking.places[model].name) for place, model in ranking.read_by_one]
    assert [0, 1, 2, 3] == ranking.hard
    assert "1" == ranking.read_as(0, 0)


def test_classes_and_slices_have_a_tally_for_each_model():
    ranking = rank([entry("a", 3), entry("b", 0)])
    classes = dict(ranking.by_class())

    assert ["0", "1", "2"] == list(classes)
    assert [12, 10] == [tally.hits for tally in classes["0"]]
    assert [("paper", ["plain", "ruled"])] == [
        (name, [value for value, _ in rows]) for name, rows in ranking.by_slice()
    ]


def test_no_model_at_all_says_why_each_failed():
    with pytest.raises(ModelError, match=r"none of the 1 models.*\n.*broken.keras: it is empty"):
        rank([Entry("broken.keras", None, problem="it is empty")])


@pytest.mark.parametrize("name", format_names(Kind.RANKING))
def test_whole_outputs(name, gold):
    for file, content in reporter(name, Kind.RANKING).files(rank(example())):
        if not file.endswith((".css", ".js")):
            gold(f"ranking/{file}", whole(content))


def test_json_follows_its_schema():
    content = json.loads(whole(reporter("json", Kind.RANKING).document(rank(example()))))
    schema = json.loads(SCHEMA.read_text())
    jsonschema.validate(content, schema)

    assert 6 == len(content["pairs"])
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content | {"more": 1}, schema)


def test_csv_has_a_row_for_each_model_and_the_reason_of_a_failure():
    text = whole(reporter("csv", Kind.RANKING).document(rank(example()))).decode()
    rows = list(csv.DictReader(io.StringIO(text)))

    assert ["1", "1", "1", "4", ""] == [row["rank"] for row in rows]
    assert "broken.keras is empty. Copy or save the model again." == rows[-1]["notes"]


@pytest.mark.parametrize("name", [name for name in format_names(Kind.RANKING) if name != "csv"])
def test_hostile_names_stay_text(name):
    bad = hostile()
    entries = [Entry(HOSTILE[0], bad, FACTS), Entry(HOSTILE[11], bad), Entry(HOSTILE[2], None, problem=HOSTILE[10])]
    text = whole(reporter(name, Kind.RANKING).document(rank(entries))).decode()

    assert "\x1b" not in text
    if name == "html":
        assert "<img src=x" not in text
        assert "<script>alert" not in text
    if name == "markdown":
        assert "<img" not in text


def test_a_self_contained_page_needs_nothing_beside_it():
    pictures = {0: Picture(b"\x89PNG original", b"\x89PNG seen")}
    ranking = replace(rank(example()), pictures=pictures)
    ((path, page),) = reporter("html", Kind.RANKING).files(ranking, ReportContext(self_contained=True))

    assert "leaderboard.html" == path
    assert b"leaderboard_files" not in page
    beside = ("leaderboard.css", "sort.js", "pictures/0-original.png", "pictures/0-seen.png")
    assert {"leaderboard.html"} | {f"leaderboard_files/{name}" for name in beside} == {
        name for name, _ in reporter("html", Kind.RANKING).files(ranking)
    }


# ---- models that are run ----


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """Ten drawn digits."""
    folder = tmp_path / "digits"
    folder.mkdir()
    for label in range(10):
        cv2.imwrite(str(folder / f"{label}_a.png"), on_paper(ink(label, label)))
    return folder


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with two copies of the default model, one deeper down, and a file that is no model."""
    folder = tmp_path / "models"
    (folder / "bob").mkdir(parents=True)
    shutil.copy(DEFAULT_MODEL, folder / "ann.keras")
    shutil.copy(DEFAULT_MODEL, folder / "bob" / "model.keras")
    (folder / "broken.keras").write_text("no model")
    (folder / "state.pth").write_bytes(b"\x80\x02 pickled")
    (folder / "readme.txt").write_text("not listed")
    return folder


def same(first: Evaluation, second: Evaluation) -> bool:
    """Whether two evaluations have the same results to the bit."""
    a, b = first.records, second.records
    return np.array_equal(a.probabilities, b.probabilities) and np.array_equal(a.outcome, b.outcome)


@pytest.mark.parametrize("recipe", ["photo", "simple"])
def test_each_model_has_the_results_of_its_own_run(recipe, digits, models):
    ranking = compare(digits, [models], preprocess=recipe)
    alone = evaluate(digits, preprocess=recipe)

    assert ["ann.keras", "model.keras"] == sorted(place.name for place in ranking.places)
    assert all(same(alone, place.evaluation) for place in ranking.places)


def test_the_results_do_not_depend_on_the_number_of_workers(digits, models):
    first, second = (compare(digits, [models / "ann.keras"], jobs=jobs) for jobs in (1, 3))

    assert same(first.places[0].evaluation, second.places[0].evaluation)


def test_images_are_decoded_and_prepared_once_for_all_models(digits, models, monkeypatch):
    calls = {"decode": 0, "prepare": 0}
    decode, prepare = Preprocessor.decode, Preprocessor.__call__

    def counted_decode(self, data):
        calls["decode"] += 1
        return decode(self, data)

    def counted_prepare(self, image):
        calls["prepare"] += 1
        return prepare(self, image)

    monkeypatch.setattr(Preprocessor, "decode", counted_decode)
    monkeypatch.setattr(Preprocessor, "__call__", counted_prepare)
    options = [ModelOptions(models / name) for name in ("ann.keras", "bob/model.keras")]
    tasks = [one.task for one in candidates_on(load_dataset(digits), open_readers(options, "photo"))]
    local.run_many(tasks, jobs=2)

    assert {"decode": 10, "prepare": 10} == calls


def test_a_model_that_fails_in_the_middle_is_a_row_and_the_others_go_on(digits, models, monkeypatch):
    options = [ModelOptions(models / "ann.keras"), ModelOptions(models / "bob" / "model.keras")]
    candidates = candidates_on(load_dataset(digits), open_readers(options, "photo"))

    def failing(images):
        raise ModelError("model.keras returns NaN or infinite values.")

    monkeypatch.setattr(candidates[1].task.classifier, "predict", failing)
    ranking = rank_candidates(candidates, ["ann", "bob"])

    assert ["ann"] == [place.name for place in ranking.places]
    assert [("bob", "bob returns NaN or infinite values.")] == [(one.name, one.problem) for one in ranking.failed]


def test_progress_counts_the_images_once_for_all_models(digits, models):
    options = [ModelOptions(models / "ann.keras"), ModelOptions(models / "bob" / "model.keras")]
    seen: list[int] = []
    rank_candidates(
        candidates_on(load_dataset(digits), open_readers(options, "photo")), ["a", "b"], progress=seen.append
    )

    assert 10 == sum(seen)


def test_folders_patterns_and_files_name_models_once(models):
    found = find_models([models / "ann.keras", str(models / "**" / "*.keras"), models])

    assert ["ann.keras", "bob/model.keras", "broken.keras", "state.pth"] == [
        path.relative_to(models).as_posix() for path in found
    ]


def test_a_folder_or_pattern_without_models_is_refused(models):
    empty = models / "empty"
    empty.mkdir()

    with pytest.raises(ConfigError, match="holds no model"):
        find_models([empty])
    with pytest.raises(ConfigError, match="no model matches"):
        find_models([models / "*.onnx"])


def test_names_are_as_long_as_it_takes_to_tell_them_apart():
    paths = [Path("in/ann/a.keras"), Path("in/bob/a.keras"), Path("in/bob/b.keras")]

    assert ["ann/a.keras", "bob/a.keras", "b.keras"] == model_names(paths)


def test_anonymous_names_are_hashes_and_differ(models):
    names = anonymous_names([ModelOptions(models / "ann.keras"), ModelOptions(models / "bob" / "model.keras")])

    assert names[0] == open_model().sha256[:8]
    assert f"{names[0]} (2)" == names[1]


def test_parameters_are_those_of_keras():
    assert 320_722 == open_model().parameters


# ---- the command ----


def test_the_command_ranks_a_folder_of_models(digits, models, tmp_path):
    done = batch_eval("compare", digits, models, "--out", tmp_path / "out")

    assert 0 == done.returncode, done.stderr
    assert "2 models on 10 images. 2 more could not be evaluated." in done.stdout
    assert "broken.keras: broken.keras is a text file" in done.stdout
    assert "state.pth is a pickled object" in done.stdout
    assert done.stdout.rstrip().endswith("leaderboard.md")
    assert {"leaderboard.html", "leaderboard.json", "leaderboard.csv", "leaderboard.md"} == {
        path.name for path in (tmp_path / "out").iterdir()
    }


def test_an_anonymous_leaderboard_names_no_file(digits, models, tmp_path):
    done = batch_eval("compare", digits, models, "--anonymous", "--out", tmp_path / "out")

    assert 0 == done.returncode, done.stderr
    for path in (tmp_path / "out").glob("leaderboard.*"):
        assert not any(name in path.read_text() for name in ("ann", "bob", "broken", "state.pth"))
    assert "broken" not in done.stdout + done.stderr


@pytest.mark.slow
def test_two_models_are_compared_unless_a_ranking_is_asked_for(digits, models):
    pair = [models / "ann.keras", models / "bob" / "model.keras"]

    assert "0 fixed, 0 broke of 10 images" in batch_eval("compare", digits, *pair).stdout
    assert "share rank 1" in batch_eval("compare", digits, *pair, "--ranking").stdout


def test_pictures_of_what_changed_are_in_a_comparison_of_models(data, tmp_path):
    models = [DEFAULT_MODEL, data / "models" / "plain_cnn.keras"]
    batch_eval("compare", ROOT / "sample_images", *models, "--out", tmp_path, "--format", "html")

    assert 'src="data:image/png;base64,' in (tmp_path / "comparison.html").read_text()


@pytest.mark.slow
def test_saved_evaluations_can_be_ranked(digits, tmp_path):
    for name in ("a", "b", "c"):
        batch_eval("run", digits, "--out", tmp_path / name, "--format", "json", "--quiet")
    done = batch_eval("compare", *(tmp_path / name for name in "abc"))

    assert 0 == done.returncode, done.stderr
    assert "3 models on 10 images." in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sample_images"], "no models were named"),
        (["sample_images", "nothing*.keras"], "no model matches 'nothing*.keras'"),
        (["sample_images", "reports/example", "x.keras"], "reports/example is a saved evaluation, but others are not"),
        (["sample_images", "no.keras"], "There is no model at"),
    ],
)
def test_wrong_inputs_say_what_to_name(arguments, message):
    done = batch_eval("compare", *arguments)

    assert 2 == done.returncode
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_run_takes_one_model_and_names_the_command_for_several():
    done = batch_eval("run", "sample_images", "--model", "a.keras", "-mb.keras")

    assert 2 == done.returncode
    assert "batch-eval compare FOLDER a.keras b.keras" in done.stderr

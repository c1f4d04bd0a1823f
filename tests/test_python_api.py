"""What Python offers beside the commands: notebooks, reports, comparisons, models in memory."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn_digits import ink, on_paper
from late_keras import keras, kl
from report_examples import empty, hostile, small

import batch_eval
from batch_eval import evaluate, write_reports
from batch_eval.errors import ConfigError, ModelError
from batch_eval.evaluation.ranking import Entry, rank
from batch_eval.progress import in_notebook

NOTEBOOK = Path(__file__).parents[1] / "docs" / "example.ipynb"


def test_a_notebook_can_complete_the_public_names():
    assert set(batch_eval.__all__) <= set(dir(batch_eval))


def test_an_evaluation_is_one_line():
    assert "<Evaluation of model.keras on photos: 40.0 % of 5, 11.8 % to 76.9 %>" == repr(small())
    assert "nothing scored" in repr(empty())
    assert repr(hostile()).isprintable()


def test_comparisons_and_rankings_are_one_line():
    pair = small().compare(small())
    ranking = rank([Entry("a", small()), Entry("b", small())])

    assert "<Comparison (n = 5): first 40.0 %, second 40.0 %>" == repr(pair)
    assert "<Ranking (n = 5, models = 2): best a 40.0 %>" == repr(ranking)
    assert repr(rank([Entry("\x1b[31mb", small())])).isprintable()


def test_a_notebook_shows_a_table_of_the_classes():
    shown = small()._repr_html_()

    assert "<b>40.00 % accuracy</b>" in shown
    assert len(small().class_names) + 1 == shown.count("<tr>")


def test_a_notebook_runs_nothing_that_a_name_holds():
    assert "<script" not in hostile()._repr_html_()
    assert "No" not in empty()._repr_html_()


def test_errors_are_the_misread_images_most_confident_first():
    errors = small().errors

    assert small().counts["wrong"] + small().counts["blank"] == len(errors)
    assert sorted(errors, key=lambda record: -record.confidence) == list(errors)


def test_reports_are_written_by_a_method_and_a_function(tmp_path):
    (page,) = small().report(tmp_path / "one")
    names = {path.name for path in write_reports(small(), tmp_path / "two", ["latex", "text"])}

    assert "report.html" == page.name
    assert {"tables.tex", "report.txt"} == names
    with pytest.raises(ConfigError, match="unknown report format"):
        small().report(tmp_path, ["word"])


def test_two_evaluations_are_compared():
    same = small().compare(small())
    other = small().compare(replace(small(), provenance=replace(small().provenance, model="other.keras")))

    assert ("first", "second") == same.names
    assert ("model.keras", "other.keras") == other.names
    assert (0, 0) == (other.pair(1).fixed, other.pair(1).broke)


def test_progress_adds_up_to_the_images():
    seen: list[int] = []
    images = np.stack([on_paper(ink(label, label)) for label in range(4)])
    evaluation = evaluate(images, labels=list(range(4)), progress=seen.append)

    assert 4 == sum(seen) == evaluation.scored


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn.t accept a copy:DeprecationWarning")
def test_a_keras_model_in_memory_reads_as_its_file_does(tmp_path):
    model = keras.Sequential([keras.Input((28, 28, 1)), kl.Flatten(), kl.Dense(10)], name="a b")
    model.save(tmp_path / "model.keras")
    images = np.stack([on_paper(ink(label, label)) for label in range(4)])
    given = {"labels": list(range(4))}
    direct, saved = evaluate(images, model, **given), evaluate(images, tmp_path / "model.keras", **given)

    assert "a_b.keras" == direct.provenance.model
    assert np.array_equal(direct.records.probabilities, saved.records.probabilities)


def test_what_is_no_model_is_an_error_that_says_so():
    with pytest.raises(ModelError, match="an object of class int is not a model"):
        evaluate(np.zeros((1, 28, 28), np.uint8), 7, labels=[1])


def run_notebook(notebook):
    """Run a notebook in a kernel of its own; return what each cell of code shows, by MIME type."""
    nbclient = pytest.importorskip("nbclient", reason="needs Jupyter: pip install '.[test]'")
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    return [[output.get("data", {}) for output in cell.outputs] for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.slow
def test_the_example_notebook_runs():
    nbformat = pytest.importorskip("nbformat", reason="needs Jupyter: pip install '.[test]'")
    shown = run_notebook(nbformat.read(NOTEBOOK, as_version=4))
    texts = [data.get("text/html", "") for cell in shown for data in cell]

    assert any("accuracy" in text for text in texts)
    assert 2 <= sum("<progress" in text for text in texts)


@pytest.mark.slow
def test_a_notebook_shows_progress_that_can_be_switched_off():
    nbformat = pytest.importorskip("nbformat", reason="needs Jupyter: pip install '.[test]'")
    cell = nbformat.v4.new_code_cell
    start = "import batch_eval\nphotos = '../sample_images'\nchosen = {'distortions': ['blur'], 'sample': 4}\n"
    notebook = nbformat.v4.new_notebook(
        cells=[
            cell(start + "_ = batch_eval.evaluate(photos)"),
            cell("_ = batch_eval.evaluate(photos, progress=False)"),
            cell("seen = []\n_ = batch_eval.evaluate(photos, progress=seen.append)"),
            cell("_ = batch_eval.stress(photos, **chosen)"),
            cell("_ = batch_eval.explain(photos)"),
            cell("_ = batch_eval.compare(photos, ['../batch_eval/models/data/default.keras'])"),
        ]
    )
    images = sum(path.suffix == ".png" for path in (NOTEBOOK.parents[1] / "sample_images").iterdir())
    first, off, own, *studies = run_notebook(notebook)

    assert f"{images} of {images} images, " in first[0]["text/plain"]
    assert ([], []) == (off, own)
    assert ['max="4"', f'max="{images}"', f'max="{images}"'] == [
        re.search(r'max="\d+"', shown[0]["text/html"])[0] for shown in studies
    ]


def test_a_script_shows_no_progress(capfd):
    evaluate(np.stack([on_paper(ink(label, label)) for label in range(4)]), labels=list(range(4)))

    assert ("", "") == capfd.readouterr()
    assert not in_notebook()

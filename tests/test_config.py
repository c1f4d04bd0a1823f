"""Defaults from the environment and from files: which wins, what is refused, and where each came from."""

from pathlib import Path

import pytest

from batch_eval.cli.configuration import ConfigFile, Option, Setting, find_file, settings
from batch_eval.errors import ConfigError

RUN = [
    Option("model", "model", "A model.", Path),
    Option("jobs", "jobs", "Threads.", int),
    Option("recipe", "preprocess", "A recipe.", default="photo"),
    Option("fail_under", "fail-under", "A limit."),
    Option("format", "format", "A report.", many=True),
    Option("verify", "verify", "Compare.", bool, default=False),
    Option("out", "out", "The folder for reports.", Path),
]
TRAIN = [RUN[1], Option("out", "out", "The model file.", Path), Option("rate", "rate", "A rate.", float)]
PREPROCESS = [RUN[2], Option("out", "out", "The folder for the pictures.", Path)]
COMMANDS = {
    name: {o.key: o for o in options} for name, options in (("run", RUN), ("train", TRAIN), ("preprocess", PREPROCESS))
}


def found(command="run", environ=None, **table):
    """The settings of a command with this table in /home/me/batch_eval.toml."""
    file = ConfigFile(Path("/home/me/batch_eval.toml"), table) if table else ConfigFile(None, {})
    return settings(COMMANDS, command, file, environ or {})


def test_without_anything_the_default_holds():
    assert Setting("photo", "default") == found()["preprocess"]


def test_the_file_wins_over_the_default():
    assert Setting("mnist", "/home/me/batch_eval.toml, key preprocess") == found(preprocess="mnist")["preprocess"]


def test_the_environment_wins_over_the_file():
    setting = found(environ={"BATCH_EVAL_PREPROCESS": "none"}, preprocess="mnist")["preprocess"]

    assert Setting("none", "BATCH_EVAL_PREPROCESS") == setting


def test_an_empty_variable_counts_for_nothing():
    assert "default" == found(environ={"BATCH_EVAL_PREPROCESS": ""})["preprocess"].source


def test_keys_may_be_spelled_with_underscores():
    assert "0.95" == found(fail_under=0.95)["fail-under"].value


def test_paths_in_a_file_are_relative_to_it():
    assert "/home/me/models/a.keras" == found(model="models/a.keras")["model"].value


def test_a_tilde_in_a_path_is_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/you")

    assert str(Path("/home/you/a.keras")) == found(model="~/a.keras")["model"].value


def test_stdout_is_no_path():
    assert Path("-") == Path(found(out="-")["out"].value)


def test_a_key_at_the_top_holds_for_commands_that_share_the_option():
    assert 3 == found("train", jobs=3)["jobs"].value


def test_a_key_at_the_top_does_not_hold_where_it_would_mean_something_else():
    assert Setting(None, "default") == found("train", out="results")["out"]


def test_a_table_holds_for_its_command_alone():
    assert "/home/me/a.keras" == found("train", train={"out": "a.keras"})["out"].value
    assert None is found("run", train={"out": "a.keras"})["out"].value


def test_a_name_of_an_option_and_a_command_is_the_option_without_a_table():
    assert "mnist" == found("run", preprocess="mnist")["preprocess"].value
    assert None is found("preprocess", preprocess="mnist")["out"].value


def test_a_name_of_an_option_and_a_command_is_the_command_with_a_table():
    assert "photo" == found("run", preprocess={"out": "x"})["preprocess"].value
    assert "/home/me/x" == found("preprocess", preprocess={"out": "x"})["out"].value


def test_a_command_s_own_table_wins_over_the_top():
    assert 4 == found("train", jobs=3, train={"jobs": 4})["jobs"].value


def test_a_command_s_own_variable_wins_over_the_general_one():
    setting = found("train", {"BATCH_EVAL_JOBS": "3", "BATCH_EVAL_TRAIN_JOBS": "4"})["jobs"]

    assert Setting(4, "BATCH_EVAL_TRAIN_JOBS") == setting


@pytest.mark.parametrize(("text", "value"), [("json", ["json"]), ("json, html", ["json", "html"])])
def test_several_values_in_a_variable_are_separated_by_commas(text, value):
    assert value == found(environ={"BATCH_EVAL_FORMAT": text})["format"].value


@pytest.mark.parametrize("value", ["json", ["json"]])
def test_several_values_in_a_file_are_a_list_or_one(value):
    assert ["json"] == found(format=value)["format"].value


@pytest.mark.parametrize(("text", "value"), [("1", True), ("YES", True), ("off", False), ("0", False)])
def test_switches_in_a_variable(text, value):
    assert value is found(environ={"BATCH_EVAL_VERIFY": text})["verify"].value


@pytest.mark.parametrize(
    ("environ", "table", "message"),
    [
        ({"BATCH_EVAL_JOBS": "many"}, {}, "BATCH_EVAL_JOBS=many is invalid: a whole number is expected"),
        ({"BATCH_EVAL_VERIFY": "perhaps"}, {}, "BATCH_EVAL_VERIFY=perhaps is invalid: write 1 or 0"),
        ({}, {"jobs": "4"}, "jobs = '4' is invalid: a whole number is expected"),
        ({}, {"jobs": True}, "jobs = True is invalid"),
        ({}, {"verify": 1}, "verify = 1 is invalid: true or false is expected"),
        ({}, {"model": ["a", "b"]}, "model = ['a', 'b'] is invalid: a path is expected"),
        ({}, {"modle": "a.keras"}, "unknown option 'modle'. Did you mean 'model'?"),
        ({}, {"xyz": 1}, "There are model, jobs"),
        ({}, {"run": 5}, "/home/me/batch_eval.toml: run = 5 is invalid: a table of options is expected"),
        ({}, {"model": {"a": 1}}, "unknown command 'model'. There are run, train"),
        ({}, {"trian": {"jobs": 1}}, "unknown command 'trian'. Did you mean 'train'?"),
        ({}, {"train": {"job": 1}}, "/home/me/batch_eval.toml, table train: unknown option 'job'"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(environ, table, message):
    with pytest.raises(ConfigError) as raised:
        found("run", environ, **table)

    assert message in str(raised.value)


def test_the_nearest_file_is_taken(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "batch_eval.toml").write_text("jobs = 1")
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.batch_eval]\njobs = 2")

    assert ConfigFile(tmp_path / "a" / "pyproject.toml", {"jobs": 2}) == find_file(inner)


def test_a_pyproject_without_the_table_is_passed_over(tmp_path):
    inner = tmp_path / "a"
    inner.mkdir()
    (tmp_path / "batch_eval.toml").write_text("jobs = 1")
    (inner / "pyproject.toml").write_text("[project]\nname = 'a'")

    assert {"jobs": 1} == find_file(inner).table


def test_the_own_file_wins_over_pyproject(tmp_path):
    (tmp_path / "batch_eval.toml").write_text("jobs = 1")
    (tmp_path / "pyproject.toml").write_text("[tool.batch_eval]\njobs = 2")

    assert {"jobs": 1} == find_file(tmp_path).table


def test_a_file_that_is_no_toml_is_refused(tmp_path):
    (tmp_path / "batch_eval.toml").write_text("jobs: 4")

    with pytest.raises(ConfigError, match=r"cannot read .*batch_eval\.toml"):
        find_file(tmp_path)


def test_a_pyproject_whose_own_value_is_no_table_is_refused(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool]\nbatch_eval = 3")

    with pytest.raises(ConfigError, match=r"pyproject\.toml: tool\.batch_eval = 3 is invalid: a table"):
        find_file(tmp_path)


def test_a_pyproject_with_an_odd_tool_is_passed_over(tmp_path):
    (tmp_path / "pyproject.toml").write_text("tool = 3")

    assert tmp_path / "pyproject.toml" != find_file(tmp_path).path


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path):
    (tmp_path / "batch_eval.toml").write_bytes(b"\xef\xbb\xbfjobs = 1")

    assert {"jobs": 1} == find_file(tmp_path).table

"""The documentation says what the program says: nothing generated is stale, nothing is left out."""

import inspect
import json
import re
import shlex
import subprocess
import sys
from dataclasses import fields

import pytest
from parts.messages import classes, messages
from processes import ROOT

from batch_eval.cli.app import all_commands
from batch_eval.cli.defaults import command_options
from batch_eval.errors import ExitCode
from batch_eval.evaluation import Outcome, metrics
from batch_eval.evaluation.saved import SCHEMA
from batch_eval.gates import Limits
from batch_eval.reports.comparison import json_file as comparison
from batch_eval.reports.json_files import METRICS_SCHEMA
from batch_eval.reports.ranking import json_file as ranking
from batch_eval.reports.registry import Kind, format_names
from batch_eval.reports.stress import json_file as stress

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OTHER_PAGES = [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
REGENERATE = "python -m cogapp -r README.md docs/*.md"
OPTIONS = [(name, option) for name, options in command_options(all_commands()).items() for option in options.values()]


def page(name):
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def section(name, heading):
    """Return what stands under a heading of the second level."""
    return page(name).split(f"\n## {heading}\n")[1].split("\n## ")[0]


def test_the_generated_parts_are_today_s():
    command = [sys.executable, "-m", "cogapp", "--check", "--diff", *map(str, PAGES)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert 0 == done.returncode, f"run {REGENERATE}\n{done.stdout}{done.stderr}"


def test_the_readme_tells_how_to_regenerate():
    assert REGENERATE in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", all_commands().commands)
def test_every_command_has_help_and_is_documented(command):
    help_ = inspect.cleandoc(all_commands().commands[command].help)

    assert help_ in section("cli", f"batch-eval {command}")


@pytest.mark.parametrize(("command", "option"), OPTIONS, ids=lambda value: getattr(value, "key", value))
def test_every_option_has_help_and_is_documented(command, option):
    assert option.help
    assert re.search(rf"^\| `--{re.escape(option.key)}[ `]", section("cli", f"batch-eval {command}"), re.MULTILINE)


@pytest.mark.parametrize(("command", "option"), OPTIONS, ids=lambda value: getattr(value, "key", value))
def test_every_option_is_a_documented_key(command, option):
    assert f"| `{option.key}` |" in page("configuration")


@pytest.mark.parametrize("code", ExitCode)
@pytest.mark.parametrize("name", ["README.md", "docs/cli.md", "docs/ci.md"])
def test_every_exit_code_is_documented_with_its_meaning(name, code):
    assert f"| {code.value} | {code.meaning} |" in (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_documented_with_its_meaning(outcome):
    assert f"| `{outcome}` | {outcome.meaning} |" in section("formats", "Outcomes")


@pytest.mark.parametrize("gate", [field.name.replace("_", "-") for field in fields(Limits)])
def test_every_gate_is_documented(gate):
    assert re.search(rf"^\| `[^|]*--{gate}\b[^|]*\| .+ \| .+ \|$", section("ci", "Gates"), re.MULTILINE)


@pytest.mark.parametrize("name", format_names(Kind.RUN))
def test_every_format_is_documented_with_what_accepted_it(name):
    assert re.search(rf"^\| `{name}`[^|]*\| [^|]+ \| [^|]+ \| [^|]+ \|$", page("formats"), re.MULTILINE)


@pytest.mark.parametrize("schema", [SCHEMA, METRICS_SCHEMA, comparison.SCHEMA, ranking.SCHEMA, stress.SCHEMA])
def test_every_key_of_a_schema_has_a_meaning(schema):
    properties = json.loads(schema.read_text(encoding="utf-8"))["properties"]

    assert [] == [key for key, about in properties.items() if "description" not in about]


@pytest.mark.parametrize(
    "function",
    [
        n
        for n, one in inspect.getmembers(metrics, inspect.isfunction)
        if one.__module__ == metrics.__name__ and n[0] != "_"
    ],
)
def test_every_statistic_is_documented(function):
    assert f"`metrics.{function}`" in page("statistics")


@pytest.mark.parametrize("title", re.findall(r"^## (.+)$", page("statistics"), re.MULTILINE)[1:])
def test_every_statistic_has_its_formula_and_source(title):
    text = section("statistics", title)

    assert "**Formula:**" in text
    assert "**Source:**" in text


@pytest.mark.parametrize("kind", classes())
def test_every_error_is_documented(kind):
    assert f"\n### {kind.__name__}\n" in section("errors", "All messages")


@pytest.fixture(scope="module")
def texts():
    """Every message of the program."""
    return [text for texts in messages().values() for text in texts]


@pytest.mark.parametrize("explained", re.findall(r"^### `(.+)`$", page("errors"), re.MULTILINE))
def test_every_explained_message_is_one_that_the_program_has(explained, texts):
    assert [] != [text for text in texts if explained in text]


@pytest.mark.parametrize("path", [*PAGES, *OTHER_PAGES], ids=lambda path: path.name)
def test_links_lead_somewhere(path):
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", path.read_text(encoding="utf-8"))

    assert [] == [target for target in targets if not (path.parent / target).exists()]


def test_the_files_that_the_recipes_name_exist():
    named = re.findall(r"`([\w.]+/[\w./]+)`", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))

    assert named
    assert [] == [name for name in named if "NAME" not in name and not (ROOT / name).exists()]


NAMES = "|".join(all_commands().commands)
COMMANDS = {
    line
    for path in PAGES
    for block in re.findall(
        r"^```(?:console|yaml|groovy|bash)\n(.+?)^```", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    for line in re.findall(rf"batch-eval (?:{NAMES}) [^'>\n]+", block)
}


@pytest.mark.parametrize("line", sorted(COMMANDS))
def test_every_shown_command_exists_with_its_options(line):
    _, command, *words = shlex.split(line)
    known = {
        name for option in all_commands().commands[command].params for name in (*option.opts, *option.secondary_opts)
    }

    assert [] == [word for word in words if word.startswith("-") and word != "-" and word not in known]

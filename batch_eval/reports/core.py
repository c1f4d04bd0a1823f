"""What every report format is, and the one place that writes report files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Literal, Protocol, cast

from batch_eval.errors import ConfigError, ReportError
from batch_eval.evaluation import Evaluation
from batch_eval.gates import NO_CONTEXT, ReportContext
from batch_eval.output import Content, publish, to_stdout


class Reporter(Protocol):
    """A format: a module with these two pure functions. Neither touches the disk, so neither can leave half a file."""

    TITLE: str
    """What the format is called in "Wrote … to …"."""

    def document(self, evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> bytes:
        """Return the report as one document, for stdout or a single file."""

    def files(self, evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, Content]]:
        """Yield (path relative to the report folder, content) of each file; those on the top level are said."""


FORMATS: Mapping[str, str] = {
    "text": "batch_eval.reports.text",
    "csv": "batch_eval.reports.csv_tables",
    "json": "batch_eval.reports.json_files",
    "html": "batch_eval.reports.html",
    "markdown": "batch_eval.reports.markdown",
    "junit": "batch_eval.reports.junit",
    "github": "batch_eval.reports.github",
    "sarif": "batch_eval.reports.sarif",
    "parquet": "batch_eval.reports.parquet",
    "plots": "batch_eval.reports.plots",
}
"""Format name to module; a module is imported when its format is written."""

DEFAULT_FORMATS = ("json", "csv", "html")  # the one that takes most memory first: what it frees serves the others


def reporter(name: str) -> Reporter:
    """Return the reporter of a format; raises ConfigError for a name that is none."""
    if name not in FORMATS:
        raise ConfigError(f"there is no report format {name!r}. Must be one of {', '.join(FORMATS)}.")
    return cast(Reporter, import_module(FORMATS[name]))


def write_reports(
    evaluation: Evaluation,
    out_dir: Path,
    formats: Sequence[str] = DEFAULT_FORMATS,
    *,
    context: ReportContext = NO_CONTEXT,
    say: Callable[[str], None] | None = None,
) -> list[Path]:
    """Write the formats' files into a folder, all of them or none, and return those on its top level.

    Everything is written beside first and renamed when it is complete, so an existing report survives a failure.
    ``say`` gets one line for each file. Raises ReportError when the folder cannot be written.
    """
    reporters = [reporter(name) for name in formats]
    contents = ((r.TITLE, path, data) for r in reporters for path, data in r.files(evaluation, context))
    written = publish(Path(out_dir), contents, say)
    if "github" in formats and os.environ.get("GITHUB_ACTIONS") == "true":
        _show(evaluation, "github", context)  # annotations are annotations only where the runner reads them
    _summarise(evaluation, formats, context)
    return written


def _summarise(evaluation: Evaluation, formats: Sequence[str], context: ReportContext) -> None:
    """Append the step summary where GitHub wants it, once the format `github` is written."""
    if "github" in formats and (target := os.environ.get("GITHUB_STEP_SUMMARY")):
        from batch_eval.reports.github import step_summary

        try:
            with open(target, "ab") as file:
                file.write(step_summary(evaluation, context))
        except OSError as error:
            raise ReportError(
                f"cannot append to {target}, which GITHUB_STEP_SUMMARY names: {error.strerror or error}. "
                "Let the variable name a file that you may write to, or unset it."
            ) from error


def write_report(
    evaluation: Evaluation,
    format: str,  # noqa: A002 - the word that users type
    target: Path | Literal["-"],
    *,
    context: ReportContext = NO_CONTEXT,
    say: Callable[[str], None] | None = None,
) -> Path | None:
    """Write one format as a single document to a file, or to stdout for ``-``; return the file's path.

    Raises ReportError when the file cannot be written.
    """
    if str(target) == "-":
        _show(evaluation, format, context)
        path = None
    else:
        path = _to_file(evaluation, format, Path(os.path.realpath(target)), context, say)
    _summarise(evaluation, [format], context)
    return path


def _to_file(
    evaluation: Evaluation, name: str, path: Path, context: ReportContext, say: Callable[[str], None] | None
) -> Path:
    chosen = reporter(name)
    if path.is_dir():
        raise ReportError(f"{path} is a folder. Name a file for the {name} report, or `-` for stdout.")
    if path.exists() and not path.is_file():  # a pipe or a device cannot be replaced, only written to
        path.write_bytes(chosen.document(evaluation, context))
        return path
    return publish(path.parent, [(chosen.TITLE, path.name, chosen.document(evaluation, context))], say)[0]


def _show(evaluation: Evaluation, name: str, context: ReportContext) -> None:
    if name == "text":  # people read it there: as wide and colourful as their terminal allows
        from batch_eval.reports.text import print_summary

        print_summary(evaluation, context=context)
        return
    to_stdout(reporter(name).document(evaluation, context))

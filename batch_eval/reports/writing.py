"""Writes reports: into a folder, to a file, or to stdout. No other module writes them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from batch_eval.errors import ReportError
from batch_eval.evaluation import Evaluation
from batch_eval.publishing import Content, publish, whole
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.reports.registry import DEFAULT_FORMATS, Kind, reporter
from batch_eval.streams import stdout_is_read, to_stdout


def write_reports(
    subject: Any,
    out_dir: Path,
    formats: Sequence[str] = DEFAULT_FORMATS,
    *,
    kind: Kind = Kind.RUN,
    context: ReportContext = NO_CONTEXT,
    say: Callable[[str], None] | None = None,
) -> list[Path]:
    """Write the files of all formats into a folder. Return the paths of those on its top level.

    ``subject`` is what the ``kind`` of report is about, such as an Evaluation. ``say`` gets a line for each file.
    Either all files are written or none: an existing report survives a failure.
    Raises ReportError when the folder cannot be written.
    """
    reporters = [reporter(name, kind) for name in formats]
    # A generator: one file is in memory at a time. `publish` renames them all once the last is complete.
    contents = _each_once((r.TITLE, path, data) for r in reporters for path, data in r.files(subject, context))
    written = publish(Path(out_dir), contents, say)
    if "github" in formats and os.environ.get("GITHUB_ACTIONS") == "true":
        _print(subject, "github", kind, context)  # the runner reads annotations from stdout
    _append_step_summary(subject, formats, context)
    return written


def _each_once(contents: Iterable[tuple[str, str, Content]]) -> Iterator[tuple[str, str, Content]]:
    """Yield each file once: `json` and `parquet` share the rows of a large set."""
    seen = set()
    for title, path, data in contents:
        if path not in seen:
            seen.add(path)
            yield title, path, data


def write_report(
    subject: Any,
    format: str,  # noqa: A002 - the word that users type
    target: Path | Literal["-"],
    *,
    kind: Kind = Kind.RUN,
    context: ReportContext = NO_CONTEXT,
    say: Callable[[str], None] | None = None,
) -> Path | None:
    """Write one format as a single document to a file, or to stdout for ``-``. Return the file's path.

    ``subject`` and ``kind`` are those of `write_reports`. Raises ReportError when the file cannot be written.
    """
    if str(target) == "-":
        _print(subject, format, kind, context)
        path = None
    else:
        # Through a link, so that the file it names is replaced, not the link.
        path = _write_file(subject, format, kind, Path(os.path.realpath(target)), context, say)
    _append_step_summary(subject, [format], context)
    return path


def _write_file(
    subject: Any, name: str, kind: Kind, path: Path, context: ReportContext, say: Callable[[str], None] | None
) -> Path:
    chosen = reporter(name, kind)
    if path.is_dir():
        raise ReportError(f"{path} is a folder. Name a file for the {name} report, or `-` for stdout.")
    if path.exists() and not path.is_file():  # renaming a file over a pipe or device would remove it
        path.write_bytes(whole(chosen.document(subject, context)))
        return path
    return publish(path.parent, [(chosen.TITLE, path.name, chosen.document(subject, context))], say)[0]


def _print(subject: Any, name: str, kind: Kind, context: ReportContext) -> None:
    if name == "text" and isinstance(subject, Evaluation):  # in the terminal's width and colours
        from batch_eval.reports.text import print_summary

        print_summary(subject, context=context)
        stdout_is_read()
        return
    to_stdout(whole(reporter(name, kind).document(subject, context)))


def _append_step_summary(evaluation: Evaluation, formats: Sequence[str], context: ReportContext) -> None:
    """Append the step summary to GitHub's file, if the format `github` was written."""
    if "github" in formats and (target := os.environ.get("GITHUB_STEP_SUMMARY")):
        from batch_eval.reports.github import step_summary

        # Appended, as other steps of the same job write to this file too.
        try:
            with open(target, "ab") as file:
                file.write(step_summary(evaluation, context))
        except OSError as error:
            raise ReportError(
                f"cannot append to {target}, which GITHUB_STEP_SUMMARY names: {error.strerror or error}. "
                "Set the variable to a file that you may write to, or unset it."
            ) from error

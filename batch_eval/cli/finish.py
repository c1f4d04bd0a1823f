"""What follows an evaluation: check the gates, write the reports, print the summary."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from batch_eval.cli.console import say, tell
from batch_eval.errors import ConfigError, DatasetError, ExitCode
from batch_eval.evaluation import Evaluation, Outcome
from batch_eval.evaluation.breakdown import check_slices
from batch_eval.evaluation.calibration import Calibration
from batch_eval.evaluation.conformal import calibrate, check_fits
from batch_eval.evaluation.saved import load_evaluation
from batch_eval.gates import GateResult, Limits, check
from batch_eval.publishing import EVALUATION_FILE, check_writable, finish_swaps
from batch_eval.reports.context import ReportContext
from batch_eval.reports.registry import DEFAULT_FORMATS, Kind, reporter
from batch_eval.reports.writing import write_report, write_reports
from batch_eval.wording import percent, percent_range

if TYPE_CHECKING:
    from batch_eval.cli.options import ReportFlags, SetFlags

ROW_FORMATS, ROW_DOCUMENTS = ("xlsx", "plots"), ("csv", "parquet")
"""Formats that need every row in memory, and those that need it on stdout."""
MANY_UNREADABLE = 0.1
"""Share of files that cannot be read above which there is a warning."""


@dataclass(frozen=True, slots=True)
class Output:
    """Where reports go, and in which formats; the target ``-`` is stdout."""

    target: Path
    formats: tuple[str, ...]
    self_contained: bool | None = None
    group_errors: bool = False
    quiet: bool = False
    slices: tuple[str, ...] = ()
    open: bool = False
    csv_bom: bool = False

    @property
    def page(self) -> Path | None:
        """The HTML report, if one is written."""
        return self.target / "report.html" if "html" in self.formats and not self.stdout else None

    @property
    def stdout(self) -> bool:
        """Whether the report itself goes to stdout."""
        return str(self.target) == "-"

    def replaces(self, file: Path) -> bool:
        """Whether the new evaluation would replace a saved one."""
        written = "json" in self.formats and not self.stdout
        return written and file.resolve() == (self.target / EVALUATION_FILE).resolve()


def checked_output(target: Path, flags: ReportFlags) -> Output:
    """Return a valid output, before any work is done.

    Raises ConfigError for unknown formats and for `-` with other than one format, ReportError for a folder that
    cannot be written.
    """
    given = flags.format
    formats = checked_formats([*(given or DEFAULT_FORMATS), *(["plots"] if flags.plots else [])], Kind.RUN)
    slices = tuple(flags.slice or ())
    found = Output(
        target, formats, flags.self_contained, flags.group_errors, flags.quiet, slices, flags.open, flags.csv_bom
    )
    if found.open and found.page is None:
        raise ConfigError("--open opens the HTML report, but none is written. Add --format html, and name a folder.")
    if not found.stdout:
        check_writable(target)
    # the default formats are several, so that stdout needs one by name
    elif not given or len(formats) != 1:
        count = f"{len(formats)} were given" if given else "none was given"
        raise ConfigError(f"--out - prints one report, but {count}. Name one, such as --format json --out -.")
    return found


def checked_formats(names: Sequence[str], kind: Kind) -> tuple[str, ...]:
    """Return each format once; raises ConfigError for an unknown one."""
    formats = tuple(dict.fromkeys(names))
    for name in formats:
        reporter(name, kind)
    return formats


def checked_for(given: Sequence[str], out: Path, kind: Kind) -> tuple[str, ...]:
    """Return the formats of a report that is no run's, once they are checked.

    Raises ConfigError for an unknown format and for several on stdout, ReportError for a folder that cannot be written.
    """
    formats = checked_formats(given, kind)
    if str(out) != "-":
        check_writable(out)
    elif len(formats) > 1:
        raise ConfigError(f"stdout takes one format, but {len(formats)} were given. Name a folder with --out.")
    return formats


def default_out(*places: Path) -> Path:
    """Return where the reports of a set go by default: below `reports`.

    The rest is the path of the set, or of what holds several. A set outside of the working folder gets its name and six
    digits of its path's hash. The hash keeps sets of one name apart. So does one in a bucket.
    """
    from batch_eval.dataset.sources.stores import address_of

    if address := address_of(places[0]):
        return _marked_out(address.rpartition("/")[2], address.encode())
    place, here = places[0].resolve(), Path.cwd().resolve()
    # `run photos/a photos/b` writes to reports/photos
    if len(places) > 1:
        place = Path(os.path.commonpath([path.resolve() for path in places]))
    name = place.name.partition(".")[0] if place.is_file() else place.name
    if place != here and place.is_relative_to(here):
        return Path("reports") / place.relative_to(here).with_name(name)
    return _marked_out(name or "root", os.fsencode(place))


def _marked_out(name: str, place: bytes) -> Path:
    """Return a folder below `reports` whose name is marked by the hash of a place."""
    return Path("reports") / f"{name}-{sha256(place).hexdigest()[:6]}"


def load_saved(path: Path) -> Evaluation:
    """Return a saved evaluation from its file or its report folder."""
    return load_evaluation(_saved_file(path))


def load_baseline(path: Path | None, out: Output) -> Evaluation | None:
    """Return the baseline, if any; raises ConfigError where the reports would replace it."""
    if path is None:
        return None
    if out.replaces(_saved_file(path)):
        raise ConfigError(
            f"the reports in {out.target} would replace the baseline {_saved_file(path)}, so that the next run would "
            "compare with this one. Choose another folder with --out."
        )
    return load_saved(path)


def load_calibration(sets: SetFlags, model_sha256: str, recipe_sha256: str) -> Calibration | None:
    """Return what makes conformal sets, if they are wanted.

    Raises ConfigError for an evaluation of another model.
    """
    if sets.alpha is None or sets.calibration is None:
        return None
    found = load_saved(sets.calibration)
    check_fits(found, model_sha256, recipe_sha256)
    return calibrate(found, sets.alpha)


def _saved_file(path: Path) -> Path:
    """Return the file of a saved evaluation, in its folder if one is given."""
    if not path.is_dir():
        return path
    finish_swaps(path)  # a run that was killed may have left files of two runs
    return path / EVALUATION_FILE


def warn_of_unreadable(evaluation: Evaluation) -> None:
    """Say on stderr that more than ``MANY_UNREADABLE`` of the files are unreadable.

    It is said even with --quiet.
    """
    rows = evaluation.records.rows(Outcome.UNREADABLE).tolist()
    total, unreadable = evaluation.files, evaluation.counts[Outcome.UNREADABLE]
    if unreadable > MANY_UNREADABLE * total:
        reasons = Counter(evaluation.records.reasons.get(row, "") for row in rows)
        reason, count = reasons.most_common(1)[0]
        of = "" if evaluation.sums is None else f" in a sample of {len(rows):,}"
        say(
            f"Warning: {unreadable:,} of {total:,} files are unreadable. The most frequent reason{of}, of {count:,}: "
            f"{reason}. Check that the folder was not changed during the run; --max-unreadable makes this fail."
        )


def finish(
    evaluation: Evaluation, out: Output, limits: Limits, baseline: Evaluation | None, *, said: Collection[str] = ()
) -> None:
    """Check the gates, write the reports, print the summary.

    ``said`` are notes that were printed before the run, which the summary leaves out.
    Raises typer.Exit if a gate failed, and DatasetError if not a single image was scored: nothing is shown then.
    """
    if evaluation.sums is not None:
        _check_large(out, calibrated=evaluation.calibration is not None)
    if out.group_errors:
        from batch_eval.evaluation.similarity import group_errors

        evaluation = group_errors(evaluation)
    check_slices(out.slices, evaluation.slice_values)
    # Gates come first: reports show their results. The exit comes after: a failed gate still leaves its reports.
    gates = check(evaluation, limits, baseline)
    context = ReportContext(gates, baseline, out.self_contained, slices=out.slices, csv_bom=out.csv_bom)
    _publish(evaluation, out, context, said)
    if not all(gate.passed for gate in gates):
        raise typer.Exit(ExitCode.GATE_FAILED)
    if not evaluation.scored:
        from batch_eval.evaluation.unscored import why_unscored

        raise DatasetError(f"No image could be scored: {why_unscored(evaluation)}")


def _check_large(out: Output, *, calibrated: bool) -> None:
    """Raise ConfigError for what needs every row of a large set in memory."""
    needing = (*ROW_FORMATS, *(ROW_DOCUMENTS if out.stdout else ()))
    unfit = [f"--format {name}" for name in out.formats if name in needing]
    if out.group_errors:
        unfit.append("--group-errors")
    if calibrated:
        unfit.append("--alpha")
    if unfit:
        raise ConfigError(
            f"{', '.join(unfit)} would take every row of this set into memory. Leave it out: predictions.parquet has "
            "the rows."
        )


def _publish(evaluation: Evaluation, out: Output, context: ReportContext, said: Collection[str]) -> None:
    if out.stdout:
        write_report(evaluation, out.formats[0], "-", context=context)
        _say_gates(context.gates, say, hidden=out.quiet)
        return
    write_reports(evaluation, out.target, out.formats, context=context)
    if not out.quiet:
        from batch_eval.reports.text import print_summary  # with --quiet, rich is not imported

        print_summary(evaluation, said=said)
        _say_gates(context.gates, tell, hidden=False)
        for line in _last_lines(evaluation, out):
            tell(line)
    if out.open and out.page:
        _open(out.page)


def _last_lines(evaluation: Evaluation, out: Output) -> tuple[str, str]:
    """Return the last lines: the accuracy, and where the page is."""
    # they are still on the screen when all else has scrolled by
    where = f"Report: {out.page}" if out.page else f"Reports in {out.target}"
    if not evaluation.scored:
        return "No image could be scored.", where
    interval = percent_range(evaluation.accuracy_interval)
    return f"Accuracy {percent(evaluation.accuracy, 2)} ({interval}, n = {evaluation.scored:,})", where


def _open(page: Path) -> None:
    """Open a page in the browser, or say that there is none."""
    import webbrowser

    if not webbrowser.open(page.resolve().as_uri()):
        say(f"No browser was found to open {page}.")


def _say_gates(gates: Sequence[GateResult], tell: Callable[[str], None], *, hidden: bool) -> None:
    if not hidden:
        for gate in gates:
            tell(str(gate))

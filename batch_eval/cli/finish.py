"""What follows an evaluation, new or saved: its gates are checked, its reports written, its summary printed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from batch_eval.cli.console import say
from batch_eval.errors import ConfigError, ExitCode
from batch_eval.evaluation import Evaluation
from batch_eval.gate_checks import check
from batch_eval.gates import GateResult, Limits, ReportContext
from batch_eval.output import EVALUATION_FILE, check_writable
from batch_eval.reports import DEFAULT_FORMATS, reporter, write_report, write_reports
from batch_eval.saved import load_evaluation


@dataclass(frozen=True, slots=True)
class Output:
    """Where reports go, as what, and whether to talk about it; ``-`` as the target is stdout."""

    target: Path
    formats: tuple[str, ...]
    self_contained: bool = False
    quiet: bool = False

    @property
    def stdout(self) -> bool:
        """Whether the report itself goes to stdout."""
        return str(self.target) == "-"

    def replaces(self, file: Path) -> bool:
        """Whether a saved evaluation would be replaced by the new one."""
        written = "json" in self.formats and not self.stdout
        return written and file.resolve() == (self.target / EVALUATION_FILE).resolve()


def output(
    target: Path,
    formats: Sequence[str] | None,
    *,
    plots: bool = False,
    self_contained: bool = False,
    quiet: bool = False,
) -> Output:
    """Return the output when everything about it is right, so that no work is done in vain.

    Raises ConfigError for unknown formats and for `-` with other than one format, ReportError for a folder that
    cannot be written.
    """
    for name in formats or ():
        reporter(name)
    chosen = tuple(dict.fromkeys([*(formats or DEFAULT_FORMATS), *(["plots"] if plots else [])]))
    found = Output(target, chosen, self_contained, quiet)
    if not found.stdout:
        check_writable(target)
    elif not formats or len(chosen) != 1:
        given = f"{len(chosen)} were given" if formats else "none was given"
        raise ConfigError(f"--out - prints one report, but {given}. Name one, such as --format json --out -.")
    return found


def default_out(folder: Path) -> Path:
    """Return where the reports of a folder go unless told."""
    return Path("reports") / (folder.resolve().name or "root")


def load_saved(path: Path) -> Evaluation:
    """Return a saved evaluation from its file, or from the report folder that holds it."""
    return load_evaluation(_saved_file(path))


def load_baseline(path: Path | None, out: Output) -> Evaluation | None:
    """Return the baseline, if one is named; raises ConfigError where the reports would replace it."""
    if path is None:
        return None
    if out.replaces(_saved_file(path)):
        raise ConfigError(
            f"the reports in {out.target} would replace the baseline {_saved_file(path)}, so that the next run would "
            "compare with this one. Choose another folder with --out."
        )
    return load_saved(path)


def _saved_file(path: Path) -> Path:
    return path / EVALUATION_FILE if path.is_dir() else path


def finish(evaluation: Evaluation, out: Output, limits: Limits, baseline: Evaluation | None) -> None:
    """Check the gates, write the reports, print the summary; raises typer.Exit when a gate failed."""
    gates = check(evaluation, limits, baseline)
    passed = all(gate.passed for gate in gates)
    try:
        _publish(evaluation, out, ReportContext(gates, baseline, out.self_contained))
    except BrokenPipeError:
        if passed:
            raise
    if not passed:  # which counts, even when nobody reads our output to its end
        raise typer.Exit(ExitCode.GATE_FAILED)


def _publish(evaluation: Evaluation, out: Output, context: ReportContext) -> None:
    if out.stdout:
        write_report(evaluation, out.formats[0], "-", context=context)
        _say_gates(context.gates, say, hidden=out.quiet)
        return
    write_reports(evaluation, out.target, out.formats, context=context)
    if not out.quiet:
        write_report(evaluation, "text", "-")
        _say_gates(context.gates, typer.echo, hidden=False)
        typer.echo(f"Reports in {out.target}")


def _say_gates(gates: Sequence[GateResult], tell: Callable[[str], None], *, hidden: bool) -> None:
    if not hidden:
        for gate in gates:
            tell(str(gate))

"""JUnit XML: one test case per class, slice value and gate, as Jenkins, GitLab and others show them.

JUnit XML has no standard. This is the dialect of Jenkins' xunit plugin. A case of a class or slice holds its accuracy.
It fails where a gate on it fails. It is skipped when no image was scored. Else it passes: only gates judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from batch_eval.evaluation import Evaluation
from batch_eval.evaluation.breakdown import by_flag, by_slice, usable_slices
from batch_eval.evaluation.metrics import Tally
from batch_eval.gates import GateResult
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.texts import Coded
from batch_eval.wording import percent, percent_range, printable

TITLE = "JUnit report"


def document(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> bytes:
    """Return the suites gates, classes and slices as UTF-8."""
    root = Element("testsuites", name="batch_eval")
    # A gate's name tells its class or slice value, such as `fail-under-class 7`.
    failed = {gate.name: gate for gate in context.gates if not gate.passed}
    _add_suite(root, "gates", evaluation, [_gate_case(gate) for gate in context.gates])
    _add_suite(root, "classes", evaluation, list(_class_cases(evaluation, failed)))
    slices = usable_slices(evaluation, context.slices)
    _add_suite(root, "slices", evaluation, list(_slice_cases(evaluation, slices.shown, failed)), slices.note)
    indent(root)
    body: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return body + b"\n"


def files(evaluation: Evaluation, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield ``junit.xml``."""
    yield "junit.xml", document(evaluation, context)


def _add_suite(root: Element, name: str, evaluation: Evaluation, cases: list[Element], note: str = "") -> None:
    """Append a suite with its cases, their totals, and a note as its output."""
    # Each name goes through printable(): XML 1.0 cannot hold control characters, not even escaped.
    suite = SubElement(
        root,
        "testsuite",
        name=f"batch_eval.{name}",
        timestamp=printable(evaluation.provenance.created),
        tests=str(len(cases)),
        failures=str(sum(case.find("failure") is not None for case in cases)),
        errors="0",
        skipped=str(sum(case.find("skipped") is not None for case in cases)),
    )
    for case in cases:
        case.set("classname", f"batch_eval.{name}")
        suite.append(case)
    if note:
        SubElement(suite, "system-out").text = note


def _gate_case(gate: GateResult) -> Element:
    case = Element("testcase", name=printable(gate.name))
    if not gate.passed:
        SubElement(case, "failure", message=printable(gate.message), type="gate").text = printable(str(gate))
    else:
        SubElement(case, "system-out").text = printable(gate.message)
    return case


def _class_cases(evaluation: Evaluation, failed: Mapping[str, GateResult]) -> Iterator[Element]:
    hits = evaluation.confusion.diagonal().tolist()
    for name, scores, right in zip(evaluation.class_names, evaluation.per_class, hits, strict=True):
        yield _tally_case(f"class {name}", Tally(right, scores.support), failed.get(f"fail-under-class {name}"))


def _slice_cases(
    evaluation: Evaluation, slices: Mapping[str, Coded[str]], failed: Mapping[str, GateResult]
) -> Iterator[Element]:
    for slice_ in by_slice(evaluation, slices):
        for value, tally in slice_.tallies:
            name = f"{slice_.name}={value}"
            yield _tally_case(name, tally, failed.get(f"fail-under-slice {name}"))
    for flag in by_flag(evaluation):
        yield _tally_case(f"flag {flag.name}", flag.having, None)


def _tally_case(name: str, tally: Tally, gate: GateResult | None) -> Element:
    case = Element("testcase", name=printable(name))
    figures = f"{tally.hits} of {tally.n} images correct, {percent(tally.share)} ({percent_range(tally.interval)})"
    if gate:
        SubElement(case, "failure", message=printable(gate.message), type="gate").text = figures
    elif not tally.n:
        SubElement(case, "skipped", message="no image was scored")
    else:
        SubElement(case, "system-out").text = figures
    return case

"""LaTeX of a comparison: each further model against the first, as a table with booktabs."""

from __future__ import annotations

from collections.abc import Iterator

from batch_eval.evaluation.paired import Comparison
from batch_eval.reports.booktabs import booktabs, difference, document_of, p_value, share
from batch_eval.reports.context import NO_CONTEXT, ReportContext

TITLE = "LaTeX comparison"


def document(comparison: Comparison, context: ReportContext = NO_CONTEXT) -> bytes:  # noqa: ARG001 - same in all formats
    """Return the table."""
    pairs = [comparison.pair(other) for other in range(1, len(comparison.names))]
    first = comparison.names[0]
    rows = [
        ("Model", "Accuracy (%)", "Difference", "95 % interval", "Fixed", "Broke", "p"),
        (first, share(pairs[0].first.share), "", "", "", "", ""),
        *(
            (
                name,
                share(pair.second.share),
                difference(pair.difference),
                f"{difference(pair.interval[0])} to {difference(pair.interval[1])}",
                str(pair.fixed),
                str(pair.broke),
                p_value(pair.p_value),
            )
            for name, pair in zip(comparison.names[1:], pairs, strict=True)
        ),
    ]
    caption = (
        f"Models compared with {first} on the same {pairs[0].n} images. Differences in percentage points, with Tango's "
        "interval; p of McNemar's exact test."
    )
    return document_of([booktabs("tab:comparison", caption, "lrrrrrr", rows)])


def files(comparison: Comparison, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield ``comparison.tex``."""
    yield "comparison.tex", document(comparison, context)

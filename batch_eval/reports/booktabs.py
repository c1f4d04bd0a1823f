"""LaTeX tables with the rules of the package booktabs, for every report that is a paper's table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from math import isnan

from batch_eval.wording import p_text, printable

PREAMBLE = "% Needs \\usepackage{booktabs} in the preamble.\n"
WIDE = 60
"""Characters of a row above which a table gets small letters, so that it fits a line of LaTeX's article, 345 pt."""
GAP = 3
"""Characters that the space between two columns is as wide as."""
_SMALLER = "\\footnotesize\n\\setlength{\\tabcolsep}{3pt}"
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}
_ANY_SPECIAL = re.compile("|".join(map(re.escape, _SPECIAL)))


def escaped(text: str) -> str:
    r"""Return a text as LaTeX prints it; what cannot be printed is escaped.

    >>> escaped("50 % of a_b")
    '50 \\% of a\\_b'
    """
    # In one pass: a second one would escape the backslashes that the first has written.
    return _ANY_SPECIAL.sub(lambda found: _SPECIAL[found[0]], printable(text))


def booktabs(label: str, caption: str, columns: str, rows: Iterable[Sequence[str]]) -> str:
    """Return a floating table.

    Args:
        label: By which the text refers to it, such as ``tab:summary``.
        caption: Plain text.
        columns: LaTeX's alignment of each column, such as ``lrr``.
        rows: The header first. Cells are plain text.

    """
    cells = list(rows)
    header, *body = [" & ".join(map(escaped, row)) + r" \\" for row in cells]
    lines = [r"\toprule", header, r"\midrule", *body, r"\bottomrule"]
    width = sum(GAP + max(map(len, column)) for column in zip(*cells, strict=True))
    placed = ["\\centering", *([_SMALLER] if width > WIDE else [])]
    inside = "\n".join([*placed, f"\\begin{{tabular}}{{{columns}}}", *lines, "\\end{tabular}"])
    return f"\\begin{{table}}\n{inside}\n\\caption{{{escaped(caption)}}}\n\\label{{{label}}}\n\\end{{table}}\n"


def document_of(tables: Iterable[str]) -> bytes:
    r"""Return tables as one file for ``\input``."""
    return "\n".join([PREAMBLE, *tables]).encode()


def share(value: float) -> str:
    """Return a share in 0..1 as percent with one decimal; ``--`` for NaN. The header says that it is percent."""
    return "--" if isnan(value) else f"{100 * value:.1f}"


def interval(bounds: tuple[float, float]) -> str:
    """Return an interval of shares in percent."""
    return "--" if isnan(bounds[0]) else f"{share(bounds[0])}--{share(bounds[1])}"


def difference(value: float) -> str:
    """Return a difference of shares in percentage points with its sign.

    Text cells have no minus but a hyphen.
    """
    return f"{100 * value:+.1f}"


def p_value(p: float) -> str:
    """Return a p-value: ``0.031`` or ``< 0.0001``."""
    return p_text(p).removeprefix("p ").removeprefix("= ")

"""How reports and messages spell numbers, and names that may hold anything."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from unicodedata import category

DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
MAX_MESSAGE = 1_000
"""Characters of the longest message. A name or a value from a file may have millions."""
_WWW = re.compile(r"(www)\.", re.IGNORECASE)
_SPACE = "Zs"  # Unicode's category; macOS writes one of these before the PM of a screenshot's name


def percent(share: float, digits: int = 1) -> str:
    """Return a share in 0..1 as a percentage; an en dash for NaN.

    >>> percent(0.934), percent(float("nan"))
    ('93.4 %', '–')
    """
    return "–" if math.isnan(share) else f"{100 * share:.{digits}f} %"


def percent_range(interval: tuple[float, float]) -> str:
    """Return an interval of shares as percentages.

    >>> percent_range((0.91, 0.973))
    '91.0 to 97.3 %'
    """
    low, high = interval
    return "–" if math.isnan(low) else f"{100 * low:.1f} to {100 * high:.1f} %"


def points(difference: float) -> str:
    """Return a difference of accuracies in percentage points.

    >>> points(0.0125), points(-0.3)
    ('+1.2', '−30.0')
    """
    return f"{100 * difference:+.1f}".replace("-", "−")


def points_range(interval: tuple[float, float]) -> str:
    """Return an interval of a difference in percentage points.

    >>> points_range((-0.0094, 0.029))
    '−0.9 to +2.9'
    """
    return f"{points(interval[0])} to {points(interval[1])}"


def p_text(p: float) -> str:
    """Return a p-value as ``p = 0.031``; small ones as ``p < 0.0001``."""
    return "p < 0.0001" if p < 0.0001 else f"p = {p:.2g}"


def shape_text(shape: Sequence[int] | None) -> str:
    """Return a shape as ``28 × 28 × 1``; an en dash for an unknown one.

    >>> shape_text((28, 28, 1)), shape_text(None)
    ('28 × 28 × 1', '–')
    """
    return "–" if shape is None else " × ".join(map(str, shape))


def file_size(size: int) -> str:
    """Return a number of bytes with its unit, in powers of 1000 as disks are sold.

    >>> file_size(980), file_size(4_830_474)
    ('980 B', '4.8 MB')
    """
    value = float(size)
    for unit in ("B", "kB", "MB"):
        # 999.5 and 99.5 are where rounding would add a digit: 999,600 bytes are 1.0 MB, not 1000 kB
        if value < 999.5:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 99.5 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def markdown_text(text: str) -> str:
    r"""Return a text escaped for Markdown, also within a table.

    >>> print(markdown_text("a|b_c<i>.png www.example.org"))
    a\|b\_c&lt;i&gt;.png www&#46;example.org
    """
    plain = printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # an @ would call a person by name; :// and www. would make links: https://github.github.com/gfm/#autolinks-extension-
    escaped = "".join(f"\\{c}" if c in "\\`*_{}[]()#+-!|~$" else "&#64;" if c == "@" else c for c in plain)
    return _WWW.sub(r"\1&#46;", escaped.replace("://", ":&#47;&#47;"))


def utf8(text: str) -> bytes:
    """Encode as UTF-8; lone surrogates, which have no encoding, become escapes."""
    return text.encode("utf-8", "backslashreplace")


def path_bytes(path: str) -> bytes:
    """Encode a path as the system spells it (PEP 383).

    Other lone surrogates, which no path has, become escapes.
    """
    try:
        return path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return utf8(path)


def printable(text: str) -> str:
    r"""Return the text with unprintable characters escaped; all letters, signs and spaces stay.

    Such characters could move a terminal's cursor, show a name backwards, or make two names look alike. Bytes that are
    not UTF-8 (surrogates in Python, PEP 383) and ASCII control characters become ``\xNN``. Others become ``\uNNNN`` or
    ``\UNNNNNNNN``.

    >>> print(printable("a\nb\u202egpj.png"), printable("\udcff"), printable("\u200b"))
    a\x0ab\u202egpj.png \xff \u200b
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or category(c) == _SPACE else _escape(ord(c)) for c in text)


def message(text: str) -> str:
    """Return a message as people see it: printable line by line.

    It has ``MAX_MESSAGE`` characters at most. What is too long loses its middle, as the advice stands at the end.
    """
    if len(text) <= MAX_MESSAGE and text.isprintable():
        return text
    short = _shortened(text)  # before escaping too: that may take its time with megabytes
    return _shortened("\n".join(map(printable, short.split("\n"))))


def one_line(text: str, most: int = MAX_MESSAGE) -> str:
    r"""Return a text as one printable line of at most ``most`` characters.

    The text may come from a file or a library.

    >>> one_line("cut\noff\x1b[2J")
    'cut off\\x1b[2J'
    """
    return _shortened(printable(" ".join(_shortened(text, most).split())), most)


def _shortened(text: str, most: int = MAX_MESSAGE) -> str:
    end = most // 3  # two thirds for the beginning, less the three characters between them
    return text if len(text) <= most else f"{text[: most - end - 3]} … {text[-end:]}"


def _escape(code: int) -> str:
    """Return the escape of one character."""
    # Python's surrogateescape maps the byte 0xFF, which is not UTF-8, to the surrogate 0xDCFF
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def counted(count: int, noun: str) -> str:
    """Return a number with its noun.

    >>> counted(1, "part"), counted(1_200, "part")
    ('1 part', '1,200 parts')
    """
    return f"{count:,} {noun if count == 1 else f'{noun}s'}"


def listing(names: Sequence[str], most: int = 3) -> str:
    """Return the first names in one line: ``a.png, b.png, … (12 in all)``."""
    shown = ", ".join(map(printable, names[:most]))
    return shown if len(names) <= most else f"{shown}, … ({len(names)} in all)"

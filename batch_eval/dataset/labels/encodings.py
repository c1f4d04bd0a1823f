"""Decode label files: by a mark, as UTF-8, or by a code page in which the names exist."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from batch_eval.errors import ConfigError
from batch_eval.wording import printable

CODE_PAGES = {
    "cp949": "Korean",
    "cp932": "Japanese",
    "gb18030": "Chinese",
    "big5": "Taiwan",
    "cp1251": "Russian",
    "cp1252": "Western Europe",
    "cp1250": "Central Europe",
    "euc_jp": "Japanese, Unix",
    "koi8_r": "Russian, Unix",
    "cp866": "Russian, DOS",
    "mac_roman": "Western Europe, Macintosh",
}
"""What programs write where they do not write UTF-8, Windows and Excel first."""
USUAL = tuple(CODE_PAGES)[:6]
"""Those that messages name."""
BYTES = "bytes"
"""Stands for text in which bytes that are not UTF-8 are kept. File names keep them so too (PEP 383)."""

_BYTE_ORDER_MARKS = {
    # UTF-32 stands before UTF-16, whose mark it begins with.
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_PROBED = 4096
"""Bytes at the start that tell UTF-16 without a mark."""


def readings(raw: bytes, wanted: str | None = None) -> Iterator[tuple[str, str]]:
    """Yield the text with its encoding. If none is certain, yield all that are possible, bytes first.

    ``wanted`` is the encoding that a person names. Raises ConfigError if it is unknown or does not fit.
    """
    if wanted:
        yield _as_wanted(raw, wanted), wanted
        return
    known = _known(raw)
    if known:
        # The first bytes settle it. What does not fit is damage, and is replaced.
        yield raw.decode(known, "replace"), known
        return
    try:
        yield raw.decode("utf-8"), "utf-8"
        return
    except UnicodeDecodeError:
        yield raw.decode("utf-8", "surrogateescape"), BYTES
    # Almost any bytes are text in some code page. Who reads the names tells which one is right.
    for page in CODE_PAGES:
        try:
            yield raw.decode(page), page
        except UnicodeDecodeError:
            continue


def shown(text: str) -> str:
    """Return a cell in printable form. If some bytes are no text, all beyond ASCII are shown as bytes."""
    if any("\udc80" <= character <= "\udcff" for character in text):
        text = text.encode("utf-8", "surrogateescape").decode("ascii", "backslashreplace")
    return printable(text)


def encoding_note(name: str, encoding: str) -> Iterator[str]:
    """Yield how a file was decoded that is not Unicode."""
    page = CODE_PAGES.get(encoding)
    if page:
        yield f"{name} is not UTF-8; it was read as {encoding} ({page})."
    elif encoding == BYTES:
        yield (
            f"{name} is not UTF-8, and its names do not tell its encoding: other characters are shown as bytes. "
            f"Name it with --encoding, such as {' or '.join(USUAL)}."
        )


def _as_wanted(raw: bytes, wanted: str) -> str:
    try:
        return raw.decode(wanted)
    except LookupError:
        raise ConfigError(f"--encoding {wanted} is unknown. Give one such as utf-8, {', '.join(USUAL)}.") from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"--encoding {wanted} does not fit: byte {error.start} of the label file has no meaning in it."
        ) from error


def _known(raw: bytes) -> str | None:
    """Return the encoding that the first bytes tell."""
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if raw.startswith(mark):
            return encoding
    # No text holds NUL. In UTF-16, one byte of each ASCII character is one: separators, line ends and digits in any
    # language. Bytes that were never written are NUL on both sides.
    start = raw[: min(_PROBED, len(raw) // 2 * 2)]
    first, second = (side.count(0) * 10 > len(side) for side in (start[::2], start[1::2]))
    if first != second:
        return "utf-16-le" if second else "utf-16-be"
    return None

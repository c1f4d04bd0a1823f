"""Files that are made to stop, fill or mislead a program: images, label files and saved evaluations, drawn in code.

Each is a function of no arguments that returns the file's bytes. Its name says what it is.
"""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
from image_files import chunk, file, noise, png

PNG = b"\x89PNG\r\n\x1a\n"
Maker = Callable[[], bytes]


def _header(width: int, height: int, depth: int, kind: int, interlaced: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced))


def _with_chunks(extra: bytes) -> bytes:
    """A small sound PNG with chunks behind its header."""
    plain = file(noise(30, 30), "PNG")
    return plain[:33] + extra + plain[33:]


def _tiff(*tags: tuple[int, int, int, int], following: int = 0, order: str = "<") -> bytes:
    """A TIFF of one directory: (tag, type, count, value) each, and where the next directory stands."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    body = b"".join(struct.pack(f"{order}HHII", *tag) for tag in tags)
    directory = struct.pack(f"{order}H", len(tags)) + body + struct.pack(f"{order}I", following)
    return mark + struct.pack(f"{order}I", 8) + directory


def _grey_tiff(width: int, height: int, **changes: int) -> bytes:
    numbers = {"bits": 8, "packing": 1, "strip": 150, "rows": height, "size": 10, **changes}
    return _tiff(
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, numbers["bits"]),
        (259, 3, 1, numbers["packing"]),
        (262, 3, 1, 1),
        (273, 4, 1, numbers["strip"]),
        (278, 4, 1, numbers["rows"]),
        (279, 4, 1, numbers["size"]),
    )


def _riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for name, data in chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def _canvas(width: int, height: int, flags: int = 0) -> tuple[bytes, bytes]:
    return b"VP8X", bytes([flags, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


def _webp_frames(count: int) -> bytes:
    picture = file(noise(8, 8), "WEBP")[12:]
    frame = bytes(6) + (7).to_bytes(3, "little") * 2 + (1).to_bytes(3, "little") + b"\0" + picture
    return _riff(_canvas(8, 8, 2), (b"ANIM", bytes(6)), *[(b"ANMF", frame)] * count)


def _box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + name + content


def _nested_boxes(depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = _box(b"meta", b"\0\0\0\0" + content)
    return _box(b"ftyp", b"avif\0\0\0\0avifmif1") + content


def _stated(form: str, width: int, height: int) -> bytes:
    """A picture of 64 x 64 whose container states another size."""
    if form == "HEIF":
        from pillow_heif import register_heif_opener

        register_heif_opener()
    data = file(noise(64, 64), form)
    place = data.index(b"ispe") + 8
    return data[:place] + struct.pack(">II", width, height) + data[place + 8 :]


def _cut(form: str, part: float, *, zeros: bool) -> bytes:
    """A picture whose copy stopped: it ends there, or zeros follow."""
    if form == "HEIF":
        from pillow_heif import register_heif_opener

        register_heif_opener()
    data = file(noise(160, 120) // 2 + 60, form, **({} if form == "HEIF" else {"lossless": False, "quality": 80}))
    kept = int(part * len(data))
    return data[:kept] + bytes(len(data) - kept if zeros else 0)


def _jpeg_with(extra: bytes) -> bytes:
    data = file(noise(40, 40), "JPEG")
    return data[:2] + extra + data[2:]


def _jpeg_frame(width: int, height: int, **options: object) -> bytes:
    """A small JPEG whose frame states another size."""
    data = file(noise(40, 40), "JPEG", **options)
    place = data.index(b"\xff\xc2" if options.get("progressive") else b"\xff\xc0") + 5
    return data[:place] + struct.pack(">HH", height, width) + data[place + 4 :]


def _bmp(width: int, height: int, bits: int, packing: int, pixels: bytes) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, packing, 0, 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 1024 + len(pixels), 0, 0, 54 + 1024) + info + bytes(1024) + pixels


def _gif(width: int, height: int, frames: int = 1) -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    frame = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02L\x01\0"
    return head + frame * frames + b";"


DAMAGED: dict[str, Maker] = {
    "grey-bit-bomb.png": lambda: png(60_000, 60_000, 1, 0, bytes(1000)),
    "palette-bomb.png": lambda: png(30_000, 30_000, 8, 3, bytes(1000)),
    "16-bit-alpha-bomb.png": lambda: png(13_900, 13_900, 16, 6, bytes(1000)),
    "interlaced-bomb.png": lambda: PNG + _header(60_000, 60_000, 8, 2, 1) + chunk(b"IDAT", b"") + chunk(b"IEND", b""),
    "no-size.png": lambda: png(0, 0, 8, 2, b""),
    "negative-size.png": lambda: png(2**32 - 1, 2**32 - 1, 8, 2, b""),
    "flood-of-chunks.png": lambda: _with_chunks(200_000 * chunk(b"IDAT", b"")),
    "endless-chunk.png": lambda: PNG + _header(9, 9, 8, 2) + b"\xff\xff\xff\xffIDAT" + bytes(99),
    "canvas-65535.gif": lambda: _gif(65_535, 65_535),
    "wide.bmp": lambda: _bmp(2**31 - 1, 1, 8, 0, b""),
    "upside-down-bomb.bmp": lambda: _bmp(50_000, -50_000, 8, 1, b"\xff\0" * 500),
    "lowest-height.bmp": lambda: _bmp(9, -(2**31), 8, 0, b""),
    "strip-outside.tif": lambda: _grey_tiff(40, 40, strip=2**31, size=2**31),
    "packed-bomb.tif": lambda: _grey_tiff(65_000, 65_000, packing=5),
    "one-row-of-4-billion.tif": lambda: _grey_tiff(2**32 - 1, 1),
    "65535-bits.tif": lambda: _grey_tiff(40, 40, bits=65_535),
    "no-tags.tif": _tiff,
    "directory-of-65535.tif": lambda: b"MM\0*\0\0\0\x08\xff\xff",
    "huge.ppm": lambda: b"P6\n99999 99999\n255\n" + bytes(99),
    "endless-comment.ppm": lambda: b"P6\n#" + b"x" * (1 << 20),
    "endless-number.pgm": lambda: b"P5\n" + b"9" * 100_000 + b" 1\n255\n",
    "65500-square.jpg": lambda: _jpeg_frame(65_500, 65_500),
    "progressive-bomb.jpg": lambda: _jpeg_frame(20_000, 9_000, progressive=True, subsampling=0),
    "no-height.jpg": lambda: _jpeg_frame(40, 0),
    "markers-only.jpg": lambda: b"\xff\xd8" + b"\xff\xd8" * 100_000,
    "canvas-of-16-million.webp": lambda: _riff(_canvas(1 << 24, 1 << 24), (b"VP8 ", b"")),
    "canvas-that-differs.webp": lambda: _riff(_canvas(4000, 4000), (b"VP8 ", file(noise(8, 8), "WEBP")[20:])),
    "lossless-of-zeros.webp": lambda: _riff((b"VP8L", b"\x2f\xc7\xb2\xf1\x0c" + bytes(16))),
    "lossless-bomb.webp": lambda: _riff((b"VP8L", b"\x2f\xff\xff\xff\x0f" + bytes(99))),
    "length-that-lies.webp": lambda: b"RIFF\xff\xff\xff\xffWEBPVP8 \xff\xff\xff\xff" + bytes(99),
    "deep-boxes.avif": lambda: _nested_boxes(3000),
    "box-without-end.avif": lambda: _box(b"ftyp", b"avif\0\0\0\0avifmif1") + b"\0\0\0\1meta" + b"\x7f" + b"\xff" * 7,
    "states-9000.avif": lambda: _stated("AVIF", 9000, 64),
    "states-none.avif": lambda: _stated("AVIF", 0, 0),
    "states-billions.avif": lambda: _stated("AVIF", 2**32 - 1, 2**32 - 1),
    "states-9000.heic": lambda: _stated("HEIF", 64, 9000),
    "states-billions.heic": lambda: _stated("HEIF", 2**31, 2**31),
    **{
        f"{'zeros' if zeros else 'cut'}-at-{part}.{suffix}": lambda form=form, part=part, zeros=zeros: _cut(
            form, part, zeros=zeros
        )
        for form, suffix in (("WEBP", "webp"), ("AVIF", "avif"), ("HEIF", "heic"))
        for part in (0.25, 0.65, 0.85)
        for zeros in (True, False)
    },
    "empty.png": lambda: b"",
    "one-byte.jpg": lambda: b"\xff",
    "text.png": lambda: b"\x1b]0;title\x07\x1b[2J not an image\n" * 9,
    "page.jpg": lambda: b"<html><script>alert(1)</script></html>",
    "program.png": lambda: b"\x7fELF\x02\x01\x01" + bytes(99),
    "archive.png": lambda: zipped({"a.png": bytes(10)}),
    "escape-in-a-chunk.png": lambda: PNG + _header(9, 9, 8, 2) + struct.pack(">I", 9) + b"I\x1b[2" + bytes(13),
}
"""Images that nothing can be read from, by file name."""

READABLE: dict[str, Maker] = {
    "packed-texts.png": lambda: _with_chunks(3000 * chunk(b"iTXt", b"a\0\1\0\0\0" + zlib.compress(bytes(1 << 20)))),
    "profile-bomb.png": lambda: _with_chunks(chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(1 << 26)))),
    "terminal-escape-in-a-text.png": lambda: _with_chunks(chunk(b"tEXt", b"Comment\0\x1b]0;title\x07\x1b[2J")),
    "flood-of-segments.jpg": lambda: _jpeg_with(100_000 * b"\xff\xe1\0\x02"),
    "flood-of-comments.jpg": lambda: _jpeg_with(20 * (b"\xff\xfe\xff\xff" + b"\x1b[2J\0\0\0\0" * 8192)[: 65_535 + 2]),
    "other-name.jpg": lambda: file(noise(40, 40), "PNG"),
    "other-name.png": lambda: file(noise(40, 40), "GIF"),
    "tail-of-megabytes.png": lambda: file(noise(40, 40), "PNG") + bytes(1 << 24),
}
"""Images that a careless program takes minutes for, or refuses, and that are read here."""

EITHER: dict[str, Maker] = {
    "5000-frames.gif": lambda: _gif(1, 1, 5000),
    "3000-frames.webp": lambda: _webp_frames(3000),
    "directory-that-follows-itself.tif": lambda: _tiff(
        (256, 4, 1, 40), (257, 4, 1, 40), (258, 3, 1, 8), (262, 3, 1, 1), (273, 4, 1, 0), (279, 4, 1, 1600), following=8
    ),
    "run-lengths-that-jump.bmp": lambda: _bmp(100, 100, 8, 1, b"\0\2\xff\xff" * 5000),
}
"""Images of which libraries differ in whether the first picture is sound."""


def zipped(members: dict[str, bytes]) -> bytes:
    """An archive, packed."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def workbook(rows: bytes) -> bytes:
    """An Excel file of one sheet with these rows."""
    from openpyxl import Workbook

    stream = io.BytesIO()
    Workbook().save(stream)
    with zipfile.ZipFile(stream) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    head = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    return zipped(members | {"xl/worksheets/sheet1.xml": head + rows + b"</sheetData></worksheet>"})


def _npy(header: bytes) -> bytes:
    return b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header


ROW = "a.png,3\n"
LABELS: dict[str, Maker] = {
    "columns.csv": lambda: b"file,label" + b",c" * 1_000_000 + b"\na.png,3\n",
    "columns.tsv": lambda: b"file\tlabel" + b"\tc" * 300_000 + b"\n",
    "one-line.csv": lambda: b"x" * 20_000_000,
    "one-cell.csv": lambda: b'file,label\n"' + b"a\n" * 3_000_000,
    "separators.csv": lambda: b",;\t|" * 1_000_000,
    "zeros.csv": lambda: bytes(5_000_000),
    "escapes.csv": lambda: b"file,\x1b]0;title\x07\na.png,\x1b[2J\x1b[31m\n",
    "half-utf-16.csv": lambda: "file,label\na.png,3\n".encode("utf-16")[:-1],
    "deep.json": lambda: b"[" * 200_000,
    "deep-objects.json": lambda: b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "number.json": lambda: b'{"a.png": ' + b"9" * 1_000_000 + b"}",
    "float.json": lambda: b'{"a.png": 1e999999999}',
    "surrogate.json": lambda: b'{"a.png": "\\ud800", "\\udcff.png": "3"}',
    "keys.json": lambda: json.dumps({f"k{i}": i for i in range(300_000)}).encode(),
    "columns.jsonl": lambda: b"".join(b'{"file": "a.png", "c%d": 1}\n' % i for i in range(30_000)),
    "shape.npy": lambda: _npy(b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}\n"),
    "pickle.npy": lambda: (
        _npy(b"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}\n") + b"cos\nsystem\n(S'id'\ntR."
    ),
    "code.npy": lambda: _npy(b"{'descr': __import__('os').system('id')}\n"),
    "bomb.xlsx": lambda: workbook(b"<row>" + b"<c><v>1</v></c>" * 20_000_000 + b"</row>"),
    "no-workbook.xlsx": lambda: zipped({"xl/workbook.xml": bytes(1000), "[Content_Types].xml": b"<a/>"}),
    "entities.xlsx": lambda: zipped(
        {"xl/workbook.xml": b'<!DOCTYPE a [<!ENTITY b "' + b"c" * 9999 + b'">]><a>' + b"&b;" * 99_999 + b"</a>"}
    ),
    "open-quote.csv": lambda: b"file,label\na.png,3\n" + b'"' + b"x,\n" * 3_000_000,
    "quotes.csv": lambda: b"file,label\n" + b'"' * 10_000_000,
    "rows-of-no-image.csv": lambda: b"file,label\n" + b"".join(b"b%d.png,%d\n" % (i, i % 10) for i in range(100_000)),
    "labels-that-differ.csv": lambda: b"file,label\n" + b"".join(b"a.png,%d\n" % i for i in range(100_000)),
    "escape-in-a-path.csv": lambda: b"file,label\n\x1b]0;title\x07\x1b[2J.png,3\n",
    "paths-outside.csv": lambda: b"file,label\n../../../../etc/passwd,1\n/etc/shadow,2\n",
    "long-label.csv": lambda: b"file,label\na.png," + b"x" * 5_000_000 + b"\n",
    "long-header.csv": lambda: b"file," + b"x" * 5_000_000 + b"\na.png,3\n",
    "noise.csv": lambda: np.random.default_rng(0).bytes(1_000_000),
    "list.json": lambda: b"[" + b"0," * 1_000_000 + b"0]",
    "aliases.yaml": lambda: (
        b"a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
        + b"".join(b"a%d: &a%d [%s]\n" % (i, i, b",".join([b"*a%d" % (i - 1)] * 10)) for i in range(1, 10))
    ),
    "code.yaml": lambda: b"names: !!python/object/apply:os.system ['id']\n",
    "far-row.xlsx": lambda: workbook(b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
    "cut.parquet": lambda: b"PAR1" + bytes(99) + b"\xff\xff\xff\x7fPAR1",
    "cut.arrow": lambda: b"ARROW1\0\0" + b"\xff" * 99,
}
"""Label files by name. Whatever they are, the answer is labels or one message."""


def saved_evaluations(sound: bytes) -> dict[str, bytes]:
    """Return damaged copies of a saved evaluation, by file name."""
    content = json.loads(sound)
    changed = {
        "endless-folder": {"folder": "x" * 5_000_000},
        "escape-in-a-class": {"class_names": ["\x1b]0;title\x07", *content["class_names"][1:]]},
        "surrogate-in-an-id": {"ids": ["\ud800", *content["ids"][1:]]},
        "no-ids": {"ids": []},
        "many-ids": {"ids": [str(i) for i in range(200_000)]},
        "many-classes": {"class_names": [str(i) for i in range(200_000)]},
        "numbers": {"ids": list(range(len(content["ids"])))},
        "none": dict.fromkeys(content, None),
        "later-format": {"format": 10**30},
        "huge-sizes": {"sizes": [[2**62, 2**62]] * len(content["ids"])},
        "huge-counts": {"counts": {**content["counts"], "correct": 10**400}},
        "huge-shape": {"probabilities": {**content["probabilities"], "shape": [2**40, 2**40]}},
        "shape-below-0": {"probabilities": {**content["probabilities"], "shape": [-1, -1]}},
        "objects-for-numbers": {"probabilities": {**content["probabilities"], "dtype": "|O"}},
        "no-base64": {"probabilities": {**content["probabilities"], "base64": "%%%"}},
        "flag-of-no-row": {"flags": {"blurred": [10**12]}},
        "outcome-below-0": {"outcome": [-1, *content["outcome"][1:]]},
        "outcome-of-1e300": {"outcome": [1e300, *content["outcome"][1:]]},
        "classes-alike": {"class_names": ["0"] * len(content["class_names"])},
        "many-slices": {"slices": {f"s{i}": [] for i in range(100_000)}},
        "page-for-a-picture": {
            "pictures": {"row": [0], "mime": ["text/html"], "original": [None], "seen": [""], "steps": [None]}
        },
        "not-a-number": {"format": float("nan")},
    }
    files = {f"{name}.json": json.dumps({**content, **change}).encode() for name, change in changed.items()}
    provenance = content["provenance"]
    for name, entry, value in (
        ("escape-in-the-model", "model", "\x1b]0;title\x07"),
        ("surrogate-in-the-folder", "folder", "\udfff"),
        ("escape-in-a-note", "notes", ["\x1b[2J", "\ud800"]),
    ):
        files[f"{name}.json"] = json.dumps({**content, "provenance": {**provenance, entry: value}}).encode()
    return files | {
        "deep.json": b"[" * 200_000,
        "zeros.json": bytes(5_000_000),
        "empty.json": b"",
        "cut.json": sound[: len(sound) // 2],
        "bytes.json": sound.replace(b"a", b"\xff"),
    }


def sound_image() -> bytes:
    """A digit-like image beside the others, which must be scored."""
    from drawn_digits import ink, on_paper

    return file(np.asarray(on_paper(ink(1, 1))), "PNG")

"""Evaluations that the report tests share: a small ordinary one, a hostile one, and a strategy for any."""

import struct
import zlib
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from batch_eval.distortions.suites import PHOTO
from batch_eval.evaluation import OUTCOMES, Evaluation, Outcome, Picture, Provenance, Records
from batch_eval.evaluation.stress import StressTest
from batch_eval.found_convention import FoundConvention
from batch_eval.gates import GateResult
from batch_eval.reports.context import ReportContext

HOSTILE = (
    "<img src=x onerror=alert(1)>.png",
    "=cmd|' /C calc'!A0.png",
    "+1+1.png",
    "-2+3.png",
    "@SUM(A1).png",
    "\ttab.png",
    "\rreturn.png",
    "a\nline, \"quoted\"; 'too'.png",
    "\u202egpj.exe.png",
    "bad\udcff.png",
    "</script><script>alert(1)</script>.png",
    "{{ 7*7 }} [red]rich[/red] \x1b[31m.png",
    "ünïcödé 数字 ٣.png",
    "%0A::error::broken%0D.png",
    "::error title=x::broken.png",
    "]]>&amp;<![CDATA[.png",
    "| a | [b](javascript:alert(1)) ![c](d) @someone https://e.example.png",
    "x" * 5000 + ".png",
)


TINY_JPEG = (
    "ffd8ffe000104a46494600010100000100010000ffdb004300080606070605080707070909080a0c140d0c0b0b0c1912130f"
    "141d1a1f1e1d1a1c1c20242e2720222c231c1c2837292c30313434341f27393d38323c2e333432ffc0000b08000800100101"
    "1100ffc4001f0000010501010101010100000000000000000102030405060708090a0bffc400b51000020103030204030505"
    "04040000017d01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a"
    "25262728292a3435363738393a434445464748494a535455565758595a636465666768696a737475767778797a8384858687"
    "88898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2"
    "e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9faffda0008010100003f0028afffd9"
)


def tiny_png(shade: int) -> bytes:
    """Return a one-pixel grey PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes([0, shade]))) + chunk(b"IEND", b"")


CONVENTION = FoundConvention(
    {"input_range": "0..255", "ink": "bright", "orientation": "upright", "classes": "0..9"},
    dict.fromkeys(("input_range", "ink", "orientation", "classes"), "given"),
)


def tiny_jpeg() -> bytes:
    """Return a grey JPEG of 16 × 8 pixels, the same bytes with every encoder."""
    return bytes.fromhex(TINY_JPEG)


def provenance(**changes: object) -> Provenance:
    known = {
        "folder": "photos",
        "label_source": "labels.csv, column `label`",
        "labels_sha256": "1" * 64,
        "model": "model.keras",
        "model_sha256": "2" * 64,
        "preprocess": "photo",
        "preprocess_sha256": "3" * 64,
        "version": "VERSION",
        "created": "TIME",
        "convention": CONVENTION,
    }
    return Provenance(**known | changes)  # type: ignore[arg-type]


def probabilities(*rows: tuple[int, float, int]) -> np.ndarray:
    """Return (N, 3) float32: each row gives its class, confidence and runner-up; class -1 is no prediction."""
    table = np.zeros((len(rows), 3), dtype=np.float32)
    for row, (best, confidence, second) in zip(table, rows, strict=True):
        if best >= 0:
            rest = 1 - confidence
            row[:] = rest * 0.25
            row[best], row[second] = confidence, rest * 0.75
    return table


def small() -> Evaluation:
    """Eight images of three classes, every outcome among them."""
    records = Records(
        ids=tuple(f"{kind}/{i}.png" for i, kind in enumerate("aaaabbbb")),
        truth=("0", "1", "2", "2", "1", "0", None, "seven"),
        outcome=np.array([OUTCOMES.index(Outcome(o)) for o in SMALL_OUTCOMES], dtype=np.uint8),
        probabilities=probabilities(
            (0, 0.9, 1), (1, 0.75, 2), (1, 0.8, 2), (0, 0.95, 1), (-1, 0, 0), (-1, 0, 0), (2, 0.5, 0), (1, 0.6, 0)
        ),
        reasons={4: "no ink was found", 5: "truncated PNG"},
        slices={"pen": ("thin", "thick", "thin", "thin", "thick", "thick", "thin", "thick")},
        flags={"faint": np.array([0, 0, 1, 0, 1, 0, 0, 0], dtype=np.bool_)},
        pictures={
            2: Picture(tiny_png(200), tiny_png(100), steps=tiny_jpeg()),
            3: Picture(tiny_png(200), tiny_png(50)),
            5: Picture(None, None),
        },
    )
    return Evaluation(("0", "1", "2"), records, provenance(missing=("gone.png",), notes=("A note.",)))


SMALL_OUTCOMES = ("correct", "correct", "wrong", "wrong", "blank", "unreadable", "unlabelled", "out_of_range")


def hostile() -> Evaluation:
    """Every place that holds text holds text made to break a format; all images are wrong."""
    n = len(HOSTILE)
    records = Records(
        ids=HOSTILE,
        truth=(HOSTILE[0],) * n,
        outcome=np.full(n, OUTCOMES.index(Outcome.WRONG), dtype=np.uint8),
        probabilities=probabilities(*[(1, 0.9, 2)] * n),
        reasons=dict(enumerate(HOSTILE)),
        slices=dict.fromkeys(HOSTILE, HOSTILE),
        flags={HOSTILE[0]: np.ones(n, dtype=np.bool_)},
        pictures={0: Picture(b"<script>", None, 'image/svg+xml"><script>alert(1)</script>')},
    )
    everywhere = provenance(
        folder=HOSTILE[0], label_source=HOSTILE[9], model=HOSTILE[10], notes=HOSTILE, missing=HOSTILE
    )
    return Evaluation((HOSTILE[0], HOSTILE[1], HOSTILE[9]), records, everywhere)


def context() -> ReportContext:
    """A gate that passed, one that failed, and a baseline that read one image less."""
    gates = (
        GateResult("fail-under-class 0", True, 1.0, 0.9, 1, "Accuracy of class 0 100.0 % of 1 images."),
        GateResult("fail-under", False, 0.4, 0.95, 5, "Accuracy 40.0 % of 5 images; at least 95.0 % is required."),
    )
    now = small()
    outcome = now.records.outcome.copy()
    outcome[1] = OUTCOMES.index(Outcome.WRONG)
    earlier = replace(now, records=replace(now.records, outcome=outcome), provenance=provenance(model="old.keras"))
    return ReportContext(gates, earlier)


HOSTILE_GATES = ReportContext(tuple(GateResult(name, False, 0.5, 0.9, 10, name) for name in HOSTILE))


def wrong(n: int) -> Evaluation:
    """Return an evaluation of n images of class 0 that were all read as 1."""
    records = Records(
        ids=tuple(f"{i}.png" for i in range(n)),
        truth=("0",) * n,
        outcome=np.full(n, OUTCOMES.index(Outcome.WRONG), dtype=np.uint8),
        probabilities=probabilities(*[(1, 0.9, 2)] * n),
        pictures={i: Picture(tiny_png(i % 256), tiny_png(0)) for i in range(n)},
    )
    return Evaluation(("0", "1", "2"), records, provenance())


def empty() -> Evaluation:
    """A folder in which nothing could be scored."""
    records = Records((), (), np.zeros(0, np.uint8), np.zeros((0, 3), np.float32))
    return Evaluation(("0", "1", "2"), records, provenance())


@st.composite
def evaluations(draw: st.DrawFn) -> Evaluation:
    """Any consistent evaluation of up to twelve images and four classes."""
    n, classes = draw(st.integers(0, 12)), draw(st.integers(2, 4))
    names = tuple(str(i) for i in range(classes))
    shares = st.floats(0, 1, width=32)
    table = np.array(draw(st.lists(shares, min_size=n * classes, max_size=n * classes)), dtype=np.float32)
    truth = draw(st.lists(st.sampled_from(names), min_size=n, max_size=n))
    table = table.reshape(n, classes)
    best = table.argmax(axis=1)
    right = [Outcome.CORRECT if names[b] == t else Outcome.WRONG for b, t in zip(best, truth, strict=True)]
    outcomes = [o if row.any() else Outcome.BLANK for o, row in zip(right, table, strict=True)]
    text = st.text(st.characters(), max_size=5)
    records = Records(
        ids=tuple(draw(st.lists(text, min_size=n, max_size=n, unique=True))),
        truth=tuple(truth),
        outcome=np.array([OUTCOMES.index(o) for o in outcomes], dtype=np.uint8),
        probabilities=table,
        slices={"s": tuple(draw(st.lists(text, min_size=n, max_size=n)))},
        flags={"f": np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n)), dtype=np.bool_)},
    )
    return Evaluation(names, records, provenance())


def stress_test(read, suite=PHOTO, **changes):
    """A stress test of two distortions, in which image i of class 1 reads as ``read[i]``."""
    chosen = suite.chosen(["blur", "turn"] if suite is PHOTO else ())
    return StressTest(
        suite=suite.name,
        seed=0,
        distortions=chosen.distortions,
        class_names=("0", "1"),
        ids=tuple(f"{i}.png" for i in range(len(read))),
        truths=("1",) * len(read),
        read=np.array(read, np.int16),
        provenance=provenance(),
        images=len(read),
        **changes,
    )


def falling(plain, *hits):
    """Readings of ten images, of which so many are read at each level. The suite's order is turn, blur."""
    return np.array([[int(i < right) for right in (plain, *hits)] for i in range(10)])

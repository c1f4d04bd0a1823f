"""evaluation.json: a whole evaluation in one file. Reports can be made from it without the model or the images.

The table is stored by column. ``probabilities`` holds N·C little-endian float32 in base64, row by row. Decimal digits
would be larger, and might lose the last bit. Names are escaped to ASCII, which also carries file names that are not
valid Unicode.
"""

# History of `format`:
#   1  the first
#   2  `provenance.convention` and `trials`
#   3  `scores`, how much each image looks like one digit; `calibration` of conformal sets; later `provenance.path`,
#      `explanations`, `sizes` and `copies`
#   4  `provenance.labels_sha256` is a sum of hashes, which does not depend on the order of the images
#   5  `sums` of a large set, whose rows are a sample of what is not correct; other files keep 4
from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batch_eval.engines.rows import Copies, Picture, Trial, TrialKind
from batch_eval.errors import ConfigError
from batch_eval.evaluation.calibration import Calibration
from batch_eval.evaluation.every_row import ROWS_FILE, RowsFile
from batch_eval.evaluation.explanations import KINDS, Explained
from batch_eval.evaluation.records import Evaluation, Provenance, Records
from batch_eval.evaluation.sums import BINS, THRESHOLDS, Sums
from batch_eval.files import read_whole
from batch_eval.found_convention import PARTS, WAYS, FoundConvention
from batch_eval.imaging.sizes import stated_size
from batch_eval.json_stream import Base64, entries, from_base64, of_entries
from batch_eval.outcome import OUTCOMES, Outcome
from batch_eval.texts import Coded, Texts

FORMAT = 5
WHOLE_FORMAT = 4
"""Format of a file that holds every row, which earlier versions read too."""
MAX_MB = 1_000
"""Megabytes of the largest file. With pictures of 10,000 errors, a million images take about 200."""
MAX_PICTURE_MEGAPIXELS = 2
"""Megapixels of the largest picture. An engine keeps at most 1,024 × 1,024."""
MAX_MEGAPIXELS = 3_000
"""Megapixels of all pictures together: those of 10,000 errors, each of 512 × 512."""
SCHEMA = Path(__file__).with_name("schemas") / "evaluation.schema.json"


def dump_evaluation(evaluation: Evaluation) -> bytes:
    """Return the content of ``evaluation.json``."""
    return b"".join(saved_pieces(evaluation))


def saved_pieces(evaluation: Evaluation) -> Iterator[bytes]:
    """Yield the content of ``evaluation.json`` in pieces, one for each column."""
    return of_entries(_columns(evaluation))


def _columns(evaluation: Evaluation) -> Iterator[tuple[str, Any]]:
    """Yield the name and value of each entry of the file."""
    r = evaluation.records
    yield "format", WHOLE_FORMAT if evaluation.sums is None else FORMAT
    yield "provenance", asdict(evaluation.provenance)
    yield "calibration", asdict(evaluation.calibration) if evaluation.calibration else None
    yield "class_names", evaluation.class_names
    yield "outcome_names", OUTCOMES
    yield "counts", evaluation.counts
    if evaluation.sums is not None:
        yield "sums", evaluation.sums.to_json()
    yield "ids", r.ids
    yield "truth", r.truth
    yield "outcome", r.outcome
    yield "probabilities", _floats(r.probabilities)
    yield "scores", None if r.scores is None else _floats(r.scores)
    yield "sizes", r.sizes
    yield "copies", [asdict(one) for one in r.copies]
    yield "reasons", r.reasons
    yield "slices", dict(r.slices)
    yield "flags", {name: np.flatnonzero(flag).tolist() for name, flag in r.flags.items()}
    yield "pictures", _pictures(r.pictures)
    yield "groups", r.groups
    yield "trials", [asdict(trial) for trial in evaluation.trials]
    yield "explanations", [{**asdict(one), "picture": _text(one.picture)} for one in evaluation.explanations]


def _floats(values: NDArray[np.float32]) -> dict[str, Any]:
    data = np.ascontiguousarray(values, "<f4").reshape(-1).view(np.uint8)
    return {"dtype": "<f4", "shape": values.shape, "base64": Base64(data)}


def _pictures(pictures: Mapping[int, Picture]) -> dict[str, list[Any]]:
    return {
        "row": list(pictures),
        "mime": [p.mime for p in pictures.values()],
        "original": [_text(p.original) for p in pictures.values()],
        "seen": [_text(p.seen) for p in pictures.values()],
        "steps": [_text(p.steps) for p in pictures.values()],
    }


def _text(data: bytes | None) -> str | None:
    return None if data is None else b64encode(data).decode("ascii")


def load_evaluation(path: str | Path) -> Evaluation:
    """Return the evaluation saved in a file. Every figure is the same to the bit.

    The rows of a large set stay in the ``predictions.parquet`` beside it.

    Raises ConfigError when the file cannot be read, is not a saved evaluation, or has a newer format.
    """
    try:
        found = _parse_text(_decoded(read_whole(path, MAX_MB)))
    except OSError as error:
        raise ConfigError(
            f"cannot read {path}: {error.strerror}. Give the evaluation.json of an earlier run."
        ) from error
    except ConfigError as error:
        raise ConfigError(f"{path} {error}") from error
    if found.sums is None:
        return found
    return replace(found, every_row=RowsFile(Path(path).with_name(ROWS_FILE), stored_provenance(found.provenance)))


def parse_evaluation(data: bytes) -> Evaluation:
    """Return the evaluation from the content of its file. Raises ConfigError as `load_evaluation` does."""
    return _parse_text(_decoded(data))


def _decoded(data: bytes) -> str:
    try:
        return str(data, json.detect_encoding(data), "surrogatepass")
    except UnicodeDecodeError as error:
        raise _no_json(error) from error


def _parse_text(text: str) -> Evaluation:
    # The file may come from anywhere, so nothing about its content is taken for granted.
    try:
        content = {name: _read(name, value) for name, value in entries(text)}
    # Brackets are nested too deep for the parser.
    except RecursionError as error:
        raise _damaged(error) from error
    except ValueError as error:
        raise _no_json(error) from error
    found = content.get("format")
    if not isinstance(found, int) or "probabilities" not in content:
        raise ConfigError("is not a saved evaluation. Give the evaluation.json of an earlier run.")
    if found > FORMAT:
        raise ConfigError(f"has format {found}; this version reads formats up to {FORMAT}. Update batch_eval.")
    try:
        return _parse(content)
    except Exception as error:  # whatever an entry of the wrong kind or size causes
        raise _damaged(error) from error


def _read(name: str, value: Any) -> Any:
    """Return an entry as it is, or what is made of a column that takes much memory. Whether columns fit comes later."""
    # The next entry is read only once this one is a column. Errors wait: first, the format says whether the file is of
    # a newer version.
    try:
        return _COLUMNS[name](value) if name in _COLUMNS else value
    except Exception as error:  # noqa: BLE001 - `_column` raises it
        return error


def _column(content: Mapping[str, Any], name: str) -> Any:
    found = content[name]
    if isinstance(found, Exception):
        raise found
    return found


def _no_json(error: Exception) -> ConfigError:
    return ConfigError(f"is not JSON ({error}). Give the evaluation.json of an earlier run.")


def _damaged(error: Exception) -> ConfigError:
    return ConfigError(f"is damaged ({error!r}). Run the evaluation again to get a new one.")


def _parse(content: Mapping[str, Any]) -> Evaluation:
    ids: Texts = _column(content, "ids")
    records = Records(
        ids=ids,
        truth=_column(content, "truth"),
        outcome=_outcomes(content),
        probabilities=_column(content, "probabilities"),
        reasons={int(row): reason for row, reason in content["reasons"].items()},
        slices=_column(content, "slices"),
        flags={name: _flag(rows, len(ids)) for name, rows in content["flags"].items()},
        pictures=_parse_pictures(content["pictures"]),
        groups=tuple(tuple(_rows(rows, len(ids))) for rows in content["groups"]),
        scores=_column(content, "scores") if "scores" in content else None,
        sizes=_column(content, "sizes") if "sizes" in content else None,
        copies=tuple(_parse_copies(one, len(ids)) for one in content.get("copies", [])),
    )
    provenance = parse_provenance(content["provenance"])
    # format 1 had no trials
    trials = tuple(map(_parse_trial, content.get("trials", [])))
    calibration = Calibration(**content["calibration"]) if content.get("calibration") else None
    explanations = tuple(_parse_explained(stored, records) for stored in content.get("explanations", []))
    names = _strings(content["class_names"])
    sums = Sums.from_json(content["sums"]) if "sums" in content else None
    evaluation = Evaluation(names, records, provenance, trials, calibration, explanations, sums)
    _check(content["format"], evaluation)
    return evaluation


def _parse_floats(stored: Mapping[str, Any]) -> NDArray[np.float32]:
    return np.frombuffer(from_base64(stored["base64"]), "<f4").astype(np.float32, copy=False).reshape(stored["shape"])


def _parse_sizes(stored: Any) -> NDArray[np.uint32]:
    if not all(len(size) == 2 for size in stored):
        raise ValueError("expected a width and a height")
    sides = np.fromiter((_count(side) for size in stored for side in size), np.int64, 2 * len(stored))
    if sides.max(initial=0) > np.iinfo(np.uint32).max:
        raise ValueError("a width or a height is too large")
    return sides.astype(np.uint32).reshape(-1, 2)


def _parse_copies(stored: Mapping[str, Any], length: int) -> Copies:
    rows = tuple(_rows(stored["rows"], length))
    if len(rows) < 2 or not isinstance(stored["exact"], bool):
        raise ValueError("copies contradict themselves")
    return Copies(rows, stored["exact"])


def _strings(values: Any) -> tuple[str, ...]:
    """Return a list of strings as a tuple. Raises ValueError for anything else."""
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError("expected a list of strings")
    return tuple(values)


def _rows(rows: Iterable[Any], length: int) -> list[int]:
    """Return a list of indices below ``length``. Raises ValueError for anything else."""
    found = list(rows)
    # An exact type, as JSON's true is an int in Python.
    if not all(type(row) is int and 0 <= row < length for row in found):
        raise ValueError(f"expected indices from 0 to {length - 1}")
    return found


def _labels(values: Any) -> Coded[str | None]:
    if not isinstance(values, list):
        raise TypeError("expected a list of labels")
    found = Coded.of(values)
    _strings([value for value in found.values if value is not None])
    return found


_COLUMNS: Mapping[str, Callable[[Any], Any]] = {
    "ids": lambda values: Texts.of(_strings(values)),
    "truth": _labels,
    "slices": lambda slices: {name: Coded.of(_strings(values)) for name, values in slices.items()},
    "probabilities": _parse_floats,
    "scores": lambda stored: _parse_floats(stored) if stored else None,
    "sizes": lambda stored: _parse_sizes(stored) if stored else None,
}


def _outcomes(content: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Return the outcomes as indices into today's ``OUTCOMES``."""
    # The file lists the outcomes' names. A new outcome may change their order without breaking older files.
    today = np.array([OUTCOMES.index(name) for name in content["outcome_names"]], dtype=np.uint8)
    return today[np.array(_rows(content["outcome"], len(today)), dtype=np.intp)]


def _flag(rows: list[Any], length: int) -> NDArray[np.bool_]:
    flag = np.zeros(length, dtype=np.bool_)
    flag[_rows(rows, length)] = True
    return flag


def _parse_pictures(stored: Mapping[str, list[Any]]) -> dict[int, Picture]:
    columns = (stored[name] for name in ("row", "original", "seen", "mime", "steps"))
    pictures = {
        row: Picture(_bytes(original), _bytes(seen), mime, _bytes(steps))
        for row, original, seen, mime, steps in zip(*columns, strict=True)
    }
    _check_sizes(pictures)
    return pictures


def _check_sizes(pictures: Mapping[int, Picture]) -> None:
    """Raise ValueError where a picture is larger than any that an engine keeps; reports decode them."""
    # The headers state the sizes, so no picture has to be decoded to find a bomb.
    total = 0
    for row, picture in pictures.items():
        for data in (picture.original, picture.seen, picture.steps):
            width, height = stated_size(data or b"")
            total += width * height
            if width * height > MAX_PICTURE_MEGAPIXELS * 1_000_000:
                raise ValueError(f"the picture of row {row} has {width:,} x {height:,} pixels")
    if total > MAX_MEGAPIXELS * 1_000_000:
        raise ValueError(f"its pictures have {total // 1_000_000:,} megapixels together")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)


def stored_provenance(provenance: Provenance) -> dict[str, Any]:
    """Return what `parse_provenance` reads, as JSON holds it."""
    found: dict[str, Any] = json.loads(json.dumps(asdict(provenance)))
    return found


def parse_provenance(stored: Mapping[str, Any]) -> Provenance:
    """Return the provenance that ``asdict`` gave to JSON. Raises KeyError, TypeError or ValueError for others."""
    values: dict[str, Any] = {f.name: stored.get(f.name) for f in fields(Provenance)}
    values["path"] = stored.get("path", "")  # older files lack it
    convention = values.pop("convention")  # format 1 had none
    others: dict[str, Any] = {name: _strings(values.pop(name)) for name in ("notes", "missing")}
    others["convention"] = None if convention is None else _parse_convention(convention)
    # All that is left are strings. An entry that the file lacks is None, which raises.
    _strings(list(values.values()))
    return Provenance(**values | others)


def _parse_convention(stored: Mapping[str, Any]) -> FoundConvention:
    values, found = dict(stored["values"]), dict(stored["found"])
    _strings([*values.values()])
    if values.keys() != PARTS.keys() or found.keys() != PARTS.keys() or not set(found.values()) <= WAYS.keys():
        raise ValueError("a part of the convention is missing or unknown")
    return FoundConvention(values, found, _count(stored["right"]), _count(stored["digits"]))


def _parse_trial(stored: Mapping[str, Any]) -> Trial:
    images = _count(stored["images"])
    right, now = (_count(stored[name]) for name in ("right", "right_now"))
    if not images > 0 or max(right, now) > images:
        raise ValueError("a trial contradicts itself")
    (option,) = _strings([stored["option"]])
    return Trial(TrialKind(stored["kind"]), option, images, right, now)


def _parse_explained(stored: Mapping[str, Any], records: Records) -> Explained:
    (row,) = _rows([stored["row"]], len(records))
    (repair, picture), kinds = _strings([stored["repair"], stored["picture"]]), _strings(stored["kinds"])
    found = Explained(row, repair, kinds, b64decode(picture))
    width, height = stated_size(found.picture)
    if not set(kinds) <= KINDS.keys() or width * height > MAX_PICTURE_MEGAPIXELS * 1_000_000:
        raise ValueError(f"the explanation of row {row} has an unknown kind or a large picture")
    return found


def _count(value: Any) -> int:
    """Return a count; raises ValueError for anything else."""
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value


def _check(found: int, evaluation: Evaluation) -> None:
    """Raise ValueError where entries contradict each other. A report would fail on them later."""
    # Lengths come first, as the checks below compare columns row by row.
    r = evaluation.records
    n = len(r)
    columns = [
        len(r.truth),
        len(r.outcome),
        *map(len, r.slices.values()),
        *(len(column) for column in (r.scores, r.sizes) if column is not None),
    ]
    if any(length != n for length in columns) or r.probabilities.shape != (n, len(evaluation.class_names)):
        raise ValueError(f"expected {n} rows in every column")
    if evaluation.sums is not None:
        _check_sums(evaluation.sums, evaluation)
    if found < 1:
        raise ValueError(f"unknown format {found}")
    if len(set(evaluation.class_names)) < len(evaluation.class_names) or not r.ids.are_different():
        raise ValueError("duplicate class or image")
    _strings([*r.reasons.values(), *(picture.mime for picture in r.pictures.values())])
    _rows([*r.reasons, *r.pictures], n)
    if not all(r.groups) or not _outcomes_agree(evaluation):
        raise ValueError("an outcome contradicts its label or prediction, or a group is empty")


def _check_sums(sums: Sums, evaluation: Evaluation) -> None:
    """Raise ValueError where sums contradict each other or the evaluation's rows."""
    classes, r = len(evaluation.class_names), evaluation.records
    counted = [*sums.outcomes, *sums.confusion, *(count for pair in sums.coverage for count in pair)]
    if len(sums.confusion) != classes * (classes + 1) or len(sums.bins) != BINS or min(counted) < 0:
        raise ValueError("its sums have another shape")
    if sum(sums.confusion) != evaluation.scored or len(sums.coverage) != len(THRESHOLDS):
        raise ValueError("its sums contradict each other")
    lengths = ((sums.flags, 2), (sums.truths, 1), *((counts or {}, 3) for counts in sums.slices.values()))
    if any(len(counts) != length for found, length in lengths for counts in found.values()):
        raise ValueError("its sums have another shape")
    if sums.slices.keys() != r.slices.keys() or (np.bincount(r.outcome, minlength=len(OUTCOMES)) > sums.outcomes).any():
        raise ValueError("its sums are not those of its rows")


def _outcomes_agree(evaluation: Evaluation) -> bool:
    """Whether outcomes agree with labels and predictions.

    A scored image has a class as its label. It is correct exactly if it was read as that class.
    """
    r, truth = evaluation.records, evaluation.truth_index
    correct, wrong = r.rows(Outcome.CORRECT), r.rows(Outcome.WRONG)
    labelled = (truth[evaluation.scored_rows] >= 0).all()
    agree = (r.predicted[correct] == truth[correct]).all()
    differ = (r.has_prediction[wrong] & (r.predicted[wrong] != truth[wrong])).all()
    return bool(labelled and agree and differ)

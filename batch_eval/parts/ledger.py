"""part-00007.json: written last, it says that a part is done, of what, and what its files hold."""

# History of `format`:
#   1  the first
#   2  `sums` count files by label and by value of a slice
from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

from batch_eval.errors import ConfigError
from batch_eval.evaluation import Provenance
from batch_eval.evaluation.saved import parse_provenance
from batch_eval.evaluation.sums import Sums
from batch_eval.parts.places import LEDGER, ROWS, PartPlace
from batch_eval.parts.plan import Plan
from batch_eval.parts.tables import Names

FORMAT = 2


@dataclass(frozen=True, slots=True)
class Job:
    """What all parts of a set must agree about: the set, and what reads it."""

    plan: Plan
    names: Names
    provenance: Provenance
    """Without the time."""
    compares: bool = True
    """Whether a sample is read under other recipes too."""

    def difference(self, other: Job) -> str:
        """Return what differs, in words; empty where nothing does."""
        p, q = self.provenance, other.provenance
        pairs = {
            "model": ((p.model, p.model_sha256), (q.model, q.model_sha256)),
            "recipe": ((p.preprocess, p.preprocess_sha256), (q.preprocess, q.preprocess_sha256)),
            "version of batch_eval": ((p.version, ""), (q.version, "")),
            "classes": ((",".join(self.names.classes), ""), (",".join(other.names.classes), "")),
        }
        for what, (one, two) in pairs.items():
            if one != two:
                shown = (f"{name} ({digest[:12]})" if digest else name for name, digest in (one, two))
                return f"another {what}: {' and '.join(shown)}"
        if p.labels_sha256 != q.labels_sha256 or self.plan.rows != other.plan.rows:
            return f"another set of images or labels: {self.plan.rows:,} and {other.plan.rows:,} images"
        if self.plan != other.plan:
            return f"parts of another length: {self.plan.part_rows:,} and {other.plan.part_rows:,} rows"
        if self.compares != other.compares:
            return "another choice of --compare-recipes"
        return "other slices" if self.names.slices != other.names.slices else ""


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the JSON of a part holds."""

    job: Job
    part: int
    sums: Sums
    rows_sha256: str
    pictures_sha256: str
    sample: Mapping[int, Mapping[str, bool]]
    """By row of the sample and by recipe, whether the model reads it right."""
    place: PartPlace

    @property
    def name(self) -> str:
        """The part as messages call it."""
        return self.place.called(part_name(self.part))

    @property
    def rows(self) -> range:
        """The rows of the part."""
        return self.job.plan.part(self.part)

    def read(self, ending: str) -> bytes:
        """Return one of the part's two tables. Raises ConfigError where it is missing or has changed; StoreError."""
        file = f"{part_name(self.part)}{ending}"
        shown = self.place.called(file)
        try:
            data = self.place.read(file)
        except OSError as error:
            raise ConfigError(f"{shown} cannot be read: {error.strerror}. {AGAIN}") from error
        if sha256(data).hexdigest() != (self.rows_sha256 if ending == ROWS else self.pictures_sha256):
            raise ConfigError(f"{shown} is damaged: it is not what was written. {AGAIN}")
        return data


AGAIN = "Delete the part's three files, and run its shard again with --resume."


@contextmanager
def undamaged(part: Ledger) -> Iterator[None]:
    """Turn what reading a damaged table raises into a ConfigError with the part's name."""
    try:
        yield
    except (ValueError, KeyError, TypeError, StopIteration, OSError) as error:
        raise ConfigError(f"{part.name} is damaged ({error!r}). {AGAIN}") from error


def part_name(part: int) -> str:
    """Return the beginning of the names of a part's files."""
    return f"part-{part:05}"


def write_ledger(ledger: Ledger) -> None:
    """Write the JSON of a part, whose other files are complete."""
    job, rows = ledger.job, ledger.rows
    p = job.provenance
    # label rows without an image may be many, and are the same in all parts: the first holds them for all
    p = p if ledger.part == 0 else replace(p, missing=())
    content = {
        "format": FORMAT,
        "part": ledger.part,
        "first": rows.start,
        "stop": rows.stop,
        "set": {"rows": job.plan.rows, "part_rows": job.plan.part_rows},
        "compare_recipes": job.compares,
        "sample": ledger.sample,
        "class_names": job.names.classes,
        "slice_names": job.names.slices,
        "provenance": asdict(p),
        "sha256": {
            "model": p.model_sha256,
            "recipe": p.preprocess_sha256,
            "rows": ledger.rows_sha256,
            "pictures": ledger.pictures_sha256,
        },
        "version": p.version,
        "sums": ledger.sums.to_json(),
    }
    data = (json.dumps(content, separators=(",", ":"), allow_nan=False) + "\n").encode("ascii")
    ledger.place.write(f"{part_name(ledger.part)}{LEDGER}", data)


def read_ledger(place: PartPlace, file: str) -> Ledger:
    """Return what the JSON of a part holds.

    Raises ConfigError where it is damaged, or of another format. Raises StoreError.
    """
    shown = place.called(file)
    try:
        content = json.loads(place.read(file))
        found = int(content["format"])
        if found > FORMAT:
            raise ConfigError(
                f"{shown} has format {found}; this version reads formats up to {FORMAT}. Update batch_eval."
            )
        if found < FORMAT:
            raise ConfigError(
                f"{shown} has format {found}, of an older version; parts now have format {FORMAT}. Delete the parts, "
                "and run their shards again."
            )
        return _parse(content, place)
    except OSError as error:
        raise ConfigError(f"{shown} cannot be read: {error.strerror}.") from error
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ConfigError(f"{shown} is damaged or no part ({error!r}). {AGAIN}") from error


def _parse(content: Mapping[str, Any], place: PartPlace) -> Ledger:
    names = Names(tuple(content["slice_names"]), tuple(content["class_names"]))
    plan = Plan(int(content["set"]["rows"]), int(content["set"]["part_rows"]))
    ledger = Ledger(
        Job(plan, names, parse_provenance(content["provenance"]), bool(content["compare_recipes"])),
        int(content["part"]),
        Sums.from_json(content["sums"]),
        str(content["sha256"]["rows"]),
        str(content["sha256"]["pictures"]),
        {int(row): {name: bool(hit) for name, hit in hits.items()} for row, hits in content["sample"].items()},
        place,
    )
    if not 0 <= ledger.part < plan.parts or sum(ledger.sums.outcomes) != len(ledger.rows):
        raise ValueError("its counts contradict each other")
    return ledger

"""manifest.parquet: the images of a set with their labels, once for many runs and machines.

A group of rows is a part of the set. Columns are ``row``, ``id``, ``uri``, ``truth`` and ``slice:NAME``. The file's
metadata hold what the set's samples share, as JSON under the key ``batch_eval_manifest``.
"""

# History of the metadata's `format`:
#   1  the first
from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

import numpy as np

from batch_eval.arrow import COMPRESSION, listed, numbers, pyarrow, texts
from batch_eval.dataset.labels.spelling import Classes
from batch_eval.dataset.options import LabelOptions
from batch_eval.dataset.sample import Dataset, Sample, Samples
from batch_eval.dataset.sources.core import Content, Distant, Source
from batch_eval.dataset.sources.folder import Folder
from batch_eval.dataset.sources.opening import open_named
from batch_eval.dataset.sources.stores import address_of, check_no_server, check_takes, whole_object
from batch_eval.errors import ConfigError, DatasetError, UnreadableImageError
from batch_eval.forking import apart
from batch_eval.publishing import whole_file
from batch_eval.texts import Texts
from batch_eval.wording import listing, printable

FORMAT = 1
KEY = b"batch_eval_manifest"
SLICE = "slice:"
"""Prefix of the columns of slices."""
WHAT = "a manifest"
READING = ("path_column", "label_column", "encoding")
"""Label options that say which columns of a table hold images."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a set is: paths as they were given, and the folder that they are relative to."""

    paths: tuple[str, ...]
    folder: str

    @classmethod
    def of(cls, paths: Sequence[Path]) -> Place:
        """Return the place of paths that were given here."""
        return cls(tuple(address_of(path) or str(path) for path in paths), os.getcwd())

    def found(self, manifest: Path) -> list[Path]:
        """Return the paths as they are reached today.

        They are looked for from the folder of the index, from this one, and from the manifest's. Addresses are the
        same everywhere. Raises DatasetError.
        """
        for folder in (Path(self.folder), Path(), manifest.absolute().parent):
            paths = [Path(path) if address_of(path) else folder / path for path in self.paths]
            if all(address_of(path) or path.exists() for path in paths):
                return paths
        raise DatasetError(
            f"the images of {shown(manifest)} are not there: it names {printable(', '.join(self.paths))}, "
            f"seen from {printable(self.folder)}. Mount them there, or index the set again with `batch-eval index`."
        )


class Indexed:
    """The images of a set that was indexed. They are not listed: the manifest does that."""

    labels = None
    notes: tuple[str, ...] = ()
    images: Sequence[str] = ()
    others: Sequence[str] = ()

    def __init__(self, name: str, inner: Source) -> None:
        self.name = name
        self.roots = inner.roots
        self._inner = inner

    def read(self, file: str) -> Content:
        """Return an image. Raises UnreadableImageError with the reason."""
        return self._inner.read(file)

    def expect(self, files: Sequence[str]) -> None:
        """Let a distant source request what this thread will read next, in this order."""
        if isinstance(self._inner, Distant):
            self._inner.expect(files)

    def read_other(self, path: str) -> bytes:
        """Raise KeyError: there are no other files."""
        raise KeyError(path)

    def size(self, file: str) -> int:
        """Return a file's length in bytes, 0 where it is not known."""
        return self._inner.size(file)


@dataclass(frozen=True)
class Manifest:
    """A manifest, a file or an object: what its samples share. The rows are read part by part."""

    path: Path
    header: Mapping[str, Any]

    @classmethod
    def open(cls, path: Path) -> Manifest | None:
        """Return the manifest in a file or an object. Return None if it is another one.

        Raises DatasetError if it is damaged or missing, StoreError if a bucket refuses.
        """
        with _reading(path), _parquet(path) as file:
            header = (file.schema_arrow.metadata or {}).get(KEY)
        if header is None:
            return None
        try:
            header = json.loads(header)
            found = int(header["format"])
        except (ValueError, KeyError, TypeError) as error:
            raise _damaged(path, error) from error
        if found > FORMAT:
            raise DatasetError(
                f"{shown(path)} has format {found}; this version reads formats up to {FORMAT}. Update batch_eval."
            )
        return cls(path, header)

    @property
    def rows(self) -> int:
        """Number of images."""
        return int(self.header["rows"])

    @property
    def part_rows(self) -> int:
        """Images of a part; the last one may have fewer."""
        return int(self.header["part_rows"])

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that labels were read as."""
        return tuple(self.header["class_names"])

    @property
    def sampled(self) -> tuple[int, ...]:
        """Rows of a sample that other recipes read too."""
        return tuple(self.header["sampled"])

    @property
    def first(self) -> Sample:
        """The first sample's file, which stands for all."""
        return Sample("", _file(self.header["first"]), None)

    @cached_property
    def source(self) -> Source:
        """The images. A folder is not walked again."""
        paths = Place(tuple(self.header["places"]), self.header["from"]).found(self.path)
        if self.header["kind"] == "folder":
            inner: Source = Folder(paths[0], (), ())
        elif self.header["kind"] == "objects":
            from batch_eval.dataset.sources.objects import indexed_objects

            inner = indexed_objects(self.header["address"], self.first.file)
        else:
            options = LabelOptions(**dict(zip(READING, self.header["reading"], strict=True)))
            inner = open_named(paths, self.header["places"], Classes(self.class_names), options)
        return Indexed(self.header["name"], inner)

    def dataset(self, samples: Sequence[Sample] = ()) -> Dataset:
        """Return the set with some of its samples. Raises DatasetError where the images are not there."""
        h = self.header
        return Dataset(
            source=self.source,
            samples=Samples.of(samples),
            label_source=h["label_source"],
            slice_names=tuple(h["slice_names"]),
            missing=tuple(h["missing"]),
            notes=tuple(h["notes"]),
            labels_sha256=h["labels_sha256"],
            unlabelled=h["unlabelled"],
            tally=dict(h["tally"]),
        )

    def part(self, number: int) -> tuple[Sample, ...]:
        """Return the samples of a part. Raises as `open` does."""
        with _reading(self.path):
            return _samples(self._rows.read_row_group(number, use_threads=False), len(self.header["slice_names"]))

    @cached_property
    def _rows(self) -> Any:
        """The open Parquet file. Its footer is read once: that of a large set has several MB."""
        return _parquet(self.path)

    def samples(self) -> Samples:
        """Return all samples. Raises DatasetError where the file is damaged."""
        return Samples.joined(Samples.of(self.part(number)) for number in range(-(-self.rows // self.part_rows)))


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a set was found, and how its labels were read."""

    place: Place
    class_names: tuple[str, ...]
    options: LabelOptions
    sampled: tuple[int, ...]
    """Rows of a sample that other recipes read too."""


def write_manifest(dataset: Dataset, origin: Origin, part_rows: int, file: IO[bytes]) -> None:
    """Write a set's manifest, ``part_rows`` rows a part. Raises ConfigError where pyarrow is not installed."""
    pa = pyarrow(WHAT)
    header = {
        "format": FORMAT,
        "rows": len(dataset.samples),
        "part_rows": part_rows,
        "class_names": origin.class_names,
        "kind": _kind(dataset.source),
        "address": address_of(dataset.source.roots[0]) or "",
        "places": origin.place.paths,
        "from": origin.place.folder,
        "reading": [getattr(origin.options, name) for name in READING],
        "name": dataset.name,
        "first": _uri(dataset.samples[0].file),
        "sampled": origin.sampled,
        "label_source": dataset.label_source,
        "slice_names": dataset.slice_names,
        "missing": dataset.missing,
        "notes": dataset.notes,
        "labels_sha256": dataset.labels_sha256,
        "unlabelled": dataset.unlabelled,
        "tally": list(dataset.counts.items()),
    }
    samples = dataset.samples
    columns = [
        numbers(pa, np.arange(len(samples), dtype=np.int64)),
        texts(pa, samples.ids),
        texts(pa, Texts.of(map(_uri, samples.files))),
        texts(pa, samples.truth),
        *(texts(pa, column) for column in samples.slices),
    ]
    names = ["row", "id", "uri", "truth", *(f"{SLICE}{printable(name)}" for name in dataset.slice_names)]
    table = pa.table(columns, names=names).replace_schema_metadata({KEY: json.dumps(header)})
    pa.parquet.write_table(table, file, row_group_size=part_rows, compression=COMPRESSION)


def _kind(source: Source) -> str:
    """Return what a set is: a folder or objects, whose files the manifest names, or something else."""
    if isinstance(source, Folder):
        return "folder"
    from batch_eval.dataset.sources.objects import Objects

    return "objects" if isinstance(source, Objects) else "other"


def as_manifest(place: object) -> Manifest | None:
    """Return the manifest that a place is. Return None for any other place. Raises DatasetError for a damaged one."""
    places = place if isinstance(place, list | tuple) else [place]
    path = Path(places[0]) if len(places) == 1 and isinstance(places[0], str | Path) else Path()
    if path.suffix != ".parquet" or _is_bucket(path):
        return None
    if not address_of(path) and not (path.is_file() and find_spec("pyarrow")):  # without it, the source says so
        return None
    return apart(Manifest.open, path)  # pyarrow and stores start threads


def checked(manifest: Manifest, class_names: Sequence[str], options: LabelOptions) -> Manifest:
    """Return the manifest. Raises ConfigError where it was made for other classes, or labels are given besides."""
    name = shown(manifest.path)
    if options != LabelOptions():
        raise ConfigError(
            f"{name} holds its labels, so that options of labels would change nothing. "
            "Give them to `batch-eval index`, or name the images themselves."
        )
    if sorted(manifest.class_names) != sorted(class_names):
        raise ConfigError(
            f"{name} was indexed for the classes {listing(manifest.class_names, 12)}, but the model has "
            f"{listing(class_names, 12)}. Index the set again with --classes {','.join(class_names)}."
        )
    return manifest


def _parquet(path: Path) -> Any:
    """Return an open Parquet file. Of an object, only the ranges that are needed are requested."""
    address = address_of(path)
    pa = pyarrow(WHAT)
    if address is None:
        return pa.parquet.ParquetFile(path)
    from batch_eval.dataset.sources.objects import ObjectFile

    return pa.parquet.ParquetFile(ObjectFile(address))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Raise DatasetError where what is read is damaged or missing."""
    pa = pyarrow(WHAT)
    try:
        yield
    except UnreadableImageError as error:
        raise DatasetError(
            f"{shown(path)} cannot be read: {error}. Check the address, or write it with `batch-eval index`."
        ) from error
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise _damaged(path, error) from error


def shown(path: Path) -> str:
    """Return what messages call a manifest."""
    return printable(address_of(path) or str(path))


def _samples(table: Any, slices: int) -> tuple[Sample, ...]:
    ids, truths = listed(table.column("id")), listed(table.column("truth"))
    files = [_file(uri) for uri in table.column("uri").to_pylist()]
    columns = [listed(table.column(table.num_columns - slices + i)) for i in range(slices)]
    values = zip(*columns, strict=True) if columns else iter([()] * len(ids))
    return tuple(map(Sample, ids, files, truths, values))


def _uri(file: str) -> str:
    """Return a file's name as a URI relative to the set. Names need not be UTF-8."""
    return quote_from_bytes(os.fsencode(file), safe="/[]:@!$&'()*+,;= ")


def _file(uri: str) -> str:
    return os.fsdecode(unquote_to_bytes(uri)) if "%" in uri else uri


def _damaged(path: Path, error: Exception) -> DatasetError:
    return DatasetError(f"{shown(path)} is no readable manifest ({error!r}). Make it again with `batch-eval index`.")


def _is_bucket(path: Path) -> bool:
    """Whether an address names a bucket, and nothing in it."""
    address = address_of(path)
    return address is not None and "/" not in address.partition("://")[2]


def check_target(path: Path) -> None:
    """Raise ConfigError where a manifest cannot get this name, or pyarrow is not installed to write it.

    Raises StoreError if a bucket takes no objects.
    """
    if _is_bucket(path):
        raise ConfigError(f"{shown(path)} is a bucket. Name an object in it, such as {shown(path)}/manifest.parquet.")
    if path.suffix != ".parquet":
        raise ConfigError(f"{shown(path)} must end in .parquet, by which `run` knows a manifest.")
    if not find_spec("pyarrow"):  # it is imported where it is needed, as it starts threads
        pyarrow(WHAT)
    address = address_of(path)
    if address:
        check_no_server(address, "a manifest")
        apart(check_takes, address.rpartition("/")[0])


def created(path: Path) -> AbstractContextManager[IO[bytes]]:
    """Open a manifest to write, which appears under its name when it is complete. Raises ReportError or StoreError."""
    address = address_of(path)
    return whole_object(address) if address else whole_file(path)

"""Open a set of images, whatever it is. Content tells its kind, rather than a name alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from batch_eval.dataset.labels.spelling import Classes
from batch_eval.dataset.labels.tables import EXCEL, JSON, PACKED, Table, as_table
from batch_eval.dataset.names import is_image, suffix
from batch_eval.dataset.options import LabelOptions
from batch_eval.dataset.sources.core import SetFile, Source
from batch_eval.dataset.sources.folder import check_exists, is_folder, open_folder
from batch_eval.dataset.sources.signatures import LENGTH, is_image_data
from batch_eval.dataset.sources.stores import address_of
from batch_eval.errors import DatasetError, UnfitFileError, UnreadableImageError
from batch_eval.wording import listing, printable

if TYPE_CHECKING:
    from numpy.typing import NDArray

Place = Union[str, Path, Source, "NDArray[Any]", Sequence[str | Path]]
"""Where a set is: a folder, a file, an image, several of these, an array, or a source."""

TABLES = frozenset({".csv", ".tsv", ".tab", ".txt", ".lst"}) | JSON | EXCEL
ZIP, GZIP = b"PK\x03\x04", b"\x1f\x8b"
_EMPTY_ZIP = b"PK\x05\x06"
_PACKED = (GZIP, b"BZh", b"\xfd7zXZ")
_IDX = b"\0\0\x08"
_START = 1 << 16
"""Bytes by which a table's kind is told. A first line of a thousand pixels has room."""


@dataclass(frozen=True, slots=True)
class _Set:
    """What files of a set share: its name, its absolute path, and how labels are read."""

    name: str
    root: str
    classes: Classes
    options: LabelOptions


Opener = Callable[[_Set, Sequence[SetFile]], Source]
"""Opens files of one kind."""


def holds_set(place: str | Path) -> bool:
    """Whether a path leads to a folder, or to a file that holds a set. An image is none."""
    path = Path(place)
    if path.is_dir():
        return True
    opener = _opener(SetFile.on_disk(path)) if path.is_file() and not is_image(path.name) else None
    return opener is not None and opener is not _open_images and suffix(path.name) != ".txt"


def open_source(place: Place, classes: Classes | None = None, options: LabelOptions | None = None) -> Source:
    """Return the set at a place. Raises DatasetError if there is none.

    ``classes`` and ``options`` say which columns of a table hold labels.
    """
    classes, options = classes or Classes(), options or LabelOptions()
    if isinstance(place, str | Path):
        return _open_path(Path(place), classes, options)
    if isinstance(place, Sequence):
        return _open_several([Path(each) for each in place], classes, options)
    if hasattr(place, "dtype"):
        return _of_arrays(_Set("array", "/array", classes, options), {"images": place})
    return place


def open_named(paths: Sequence[Path], names: Sequence[str], classes: Classes, options: LabelOptions) -> Source:
    """Return the set of places that had other ``names`` when its images were named. Raises DatasetError."""
    return _open_several(paths, classes, options, names)


def _open_path(path: Path, classes: Classes, options: LabelOptions) -> Source:
    """Return the set of a folder or a file, or of objects in a bucket."""
    address = address_of(path)
    if address:
        return _open_address(address, options)
    wanted = _Set(path.name or str(path), str(path.absolute()), classes, options)
    if not is_folder(path):
        return _open_file(path, wanted)
    folder = open_folder(path)
    found = folder if folder.images else _sets_in(folder, wanted, lambda name: path / name)
    if found is None:
        raise _no_images(path, folder.others)
    # A folder of images has its files already. A set with labels of its own needs none.
    if found is folder or found.labels is not None:
        return found
    from batch_eval.dataset.sources.beside import Beside

    return Beside(found, folder)


def _open_address(address: str, options: LabelOptions) -> Source:
    """Return the objects under an address, the one that it names, or those of a table there."""
    from batch_eval.dataset.labels.files import LabelFile, contents
    from batch_eval.dataset.sources.objects import Objects, objects_of_table, one_object, open_objects

    folder, _, name = address.rpartition("/")
    if is_image(name):
        return one_object(address)
    if suffix(name.lower()) not in TABLES:
        return open_objects(address)
    try:
        raw = Objects(folder, (), (), {}).read_other(name)
    except UnreadableImageError as error:
        raise DatasetError(f"{printable(address)} cannot be read: {error}. Check the address.") from error
    for content in contents(LabelFile(printable(name), folder, raw), options):
        table = content if isinstance(content, DatasetError) else as_table(content)
        found = objects_of_table(address, table) if isinstance(table, Table) else None
        if found:
            return found
    raise UnfitFileError(f"{printable(address)} names no images. Expected a column of paths, relative to the table.")


def _open_several(
    paths: Sequence[Path], classes: Classes, options: LabelOptions, names: Sequence[str] | None = None
) -> Source:
    """Return several places as one set. Images alone are a set of their own."""
    if not paths:
        raise DatasetError("No images are named. Name at least one.")
    if len(paths) == 1:
        return _open_path(paths[0], classes, options)
    for path in paths:
        if not address_of(path):
            check_exists(path)
    if all(not address_of(path) and not path.is_dir() and is_image(path.name) for path in paths):
        from batch_eval.dataset.sources.listed import list_paths

        return list_paths(paths)
    from batch_eval.dataset.sources.joined import Joined

    names = [Path(name).as_posix().strip("/") for name in names or paths]
    sources = {name: _open_path(path, classes, options) for name, path in zip(names, paths, strict=True)}
    return Joined(" and ".join(path.name or str(path) for path in paths[:3]), ".", sources)


def _open_file(path: Path, wanted: _Set) -> Source:
    """Return the set that a file holds, or the image that it is."""
    file = SetFile.on_disk(path)
    opener = _opener(file)
    if opener is None:
        raise DatasetError(
            f"{printable(str(path))} is no image and holds none. Expected a folder, an image, an archive (zip, tar), "
            "NumPy, IDX or Parquet files, a table of pixels or of encoded images, or a list of images."
        )
    return opener(wanted, [file])


def _sets_in(tree: Source, wanted: _Set, path_of: Callable[[str], Path | None]) -> Source | None:
    """Return the set that the files of a folder or archive without images hold. Return None if they hold none.

    Raises DatasetError where there are sets of several kinds.
    """
    found: dict[Opener, list[SetFile]] = {}
    for name in tree.others:
        file = SetFile(name, path_of(name), partial(tree.read_other, name))
        opener = _opener(file)
        if opener is not None:
            found.setdefault(opener, []).append(file)
    # a table beside another kind of set holds its labels or describes it
    if len(found) > 1:
        found.pop(_open_tables, None)
    if len(found) > 1:
        names = [files[0].name for files in found.values()]
        raise DatasetError(
            f"{printable(tree.name)} holds no images but several sets: {listing(names)}. Name one of them."
        )
    try:
        return next((opener(wanted, files) for opener, files in found.items()), None)
    except UnfitFileError:  # tables about something else
        return None


def _opener(file: SetFile) -> Opener | None:
    """Return what opens a file's kind, by its first bytes. Return None if it holds no images."""
    name = file.name.lower()
    try:
        with file.open() as opened:
            start = opened.read(512)
    except OSError as error:
        raise DatasetError(f"{printable(file.name)} cannot be read: {error.strerror}. Allow reading it.") from error
    # First bytes tell more than suffixes. Tables have none, so that they come last.
    if is_image(name) or is_image_data(start[:LENGTH]):
        return _open_images
    if start.startswith(b"\x93NUMPY") or name.endswith(".npz"):
        return _open_numpy
    if start.startswith(b"PAR1"):
        return _open_parquet
    if start.startswith((ZIP, _EMPTY_ZIP)):
        return _open_tables if suffix(name) in EXCEL else _open_archives
    # The mark of a tar stands within the header of its first file.
    if start[257:262] == b"ustar" or suffix(name) == ".tar":
        return _open_archives
    if start.startswith(_PACKED):
        return _opener_of_packed(name, start)
    if start.startswith(_IDX):
        return _open_idx
    return _open_tables if suffix(name) in TABLES else None


def _opener_of_packed(name: str, start: bytes) -> Opener | None:
    """Return what opens a packed file: an IDX file, or a tar."""
    if start.startswith(GZIP):
        import zlib

        with suppress(zlib.error):  # its own opener says what is wrong
            if zlib.decompressobj(wbits=31).decompress(start, 4).startswith(_IDX):
                return _open_idx
        if suffix(name.removesuffix(PACKED)) in TABLES:
            return _open_packed_tables
    return _open_archives if ".tar" in name or name.endswith((".tgz", ".tbz", ".tbz2", ".txz")) else None


def _open_images(wanted: _Set, files: Sequence[SetFile]) -> Source:
    """Return single images."""
    from batch_eval.dataset.sources.listed import list_paths

    del wanted
    return list_paths([file.path for file in files if file.path])


def _open_archives(wanted: _Set, files: Sequence[SetFile]) -> Source:
    """Return the files of archives as a folder's."""
    from batch_eval.dataset.sources.archives import open_tar, open_zip

    sources: dict[str, Source] = {}
    for file in files:
        if file.path is None:
            raise DatasetError(f"{printable(wanted.name)} holds an archive, {printable(file.name)}. Unpack that one.")
        with file.open() as opened:
            is_zip = opened.read(4) in (ZIP, _EMPTY_ZIP)
        archive = open_zip(file.path) if is_zip else open_tar(file.path)
        found = archive if archive.images else _sets_in(archive, replace(wanted, name=file.name), lambda _: None)
        if found is None:
            raise _no_images(file.path, archive.others)
        sources[file.name] = found
    return _one_or_joined(wanted, sources)


def _open_numpy(wanted: _Set, files: Sequence[SetFile]) -> Source:
    """Return the arrays of NumPy files. Several files are one set."""
    from batch_eval.dataset.sources.arrays import numpy_arrays

    arrays: dict[str, Any] = {}
    for file in files:
        stem = file.name.rpartition(".")[0]
        for key, array in numpy_arrays(file.read(), file.name).items():
            # A .npy file holds one array, which has the name of the file.
            own = stem if key == file.name else f"{stem}/{key}"
            arrays[own if len(files) > 1 else key] = array
    return _of_arrays(wanted, arrays)


def _open_idx(wanted: _Set, files: Sequence[SetFile]) -> Source:
    """Return the images of IDX files. A file of images alone is joined by that of its labels beside it."""
    from batch_eval.dataset.sources.arrays import idx_array

    if len(files) == 1 and files[0].path:
        files = [*files, *_labels_beside(files[0].path)]
    return _of_arrays(wanted, {file.name.removesuffix(".gz"): idx_array(file.read(), file.name) for file in files})


def _labels_beside(images: Path) -> list[SetFile]:
    """Return the IDX file of labels that belongs to one of images, by its name."""
    name = images.name.replace("images", "labels").replace("idx3", "idx1").removesuffix(".gz")
    beside = (images.with_name(name), images.with_name(f"{name}.gz"))
    return [SetFile.on_disk(path) for path in beside if path != images and path.is_file()][:1]


def _of_arrays(wanted: _Set, arrays: Mapping[str, Any]) -> Source:
    from batch_eval.dataset.sources.arrays import Arrays, pair

    parts, notes = pair(arrays, printable(wanted.name))
    return Arrays(wanted.name, [wanted.root], parts, notes)


def _open_parquet(wanted: _Set, files: Sequence[SetFile]) -> Source:
    """Return the images of Parquet files."""
    from batch_eval.dataset.sources.parquet import ParquetImages

    try:
        return ParquetImages(wanted.name, wanted.root, files, wanted.options)
    except ImportError as error:
        from batch_eval.installation import install_command

        raise DatasetError(
            f"{printable(wanted.name)} holds Parquet files, which need pyarrow ({error}). "
            f"Install it with: {install_command('parquet')}"
        ) from error


def _open_tables(wanted: _Set, files: Sequence[SetFile]) -> Source:
    """Return the images that tables hold or name. Files that do neither are left out."""
    found = {file.name: _open_table(file, wanted) for file in files}
    sources = {name: source for name, source in found.items() if source is not None}
    if not sources:
        raise UnfitFileError(
            f"{listing(list(found))} names no images that are there, and holds none. Expected a column of paths, of "
            "encoded images (data:image/png;base64,…), or one for each pixel."
        )
    return _one_or_joined(wanted, sources)


def _open_packed_tables(wanted: _Set, files: Sequence[SetFile]) -> Source:
    """Return the images of tables that are packed with gzip: `train.csv.gz`."""
    from batch_eval.dataset.sources.archives import unpacked

    return _open_tables(wanted, [replace(file, path=None, read=partial(unpacked, file)) for file in files])


def _open_table(file: SetFile, wanted: _Set) -> Source | None:
    """Return the images of one table. Return None if it has none."""
    from batch_eval.dataset.labels.files import LabelFile, contents
    from batch_eval.dataset.sources.cells import encoded_cells, has_pixels, pixel_table
    from batch_eval.dataset.sources.listed import list_of_table

    with file.open() as opened:
        start = opened.read(_START).decode(wanted.options.encoding or "utf-8", "replace")
    if has_pixels(start.removeprefix("\ufeff")):
        return pixel_table(file, wanted.options)
    refusal: DatasetError | None = None
    for found in contents(LabelFile(printable(file.name), "", file.read()), wanted.options):
        content = found if isinstance(found, DatasetError) else as_table(found)
        if isinstance(content, Table):
            encoded = encoded_cells(file, content, wanted.classes, wanted.options)
            listed = list_of_table(file.path, content) if file.path and not encoded else None
            if encoded or listed:
                return encoded or listed
        elif isinstance(content, DatasetError):
            refusal = refusal or content
    if refusal:
        raise refusal
    return None


def _one_or_joined(wanted: _Set, sources: Mapping[str, Source]) -> Source:
    if len(sources) == 1:
        return next(iter(sources.values()))
    from batch_eval.dataset.sources.joined import Joined

    return Joined(wanted.name, wanted.root, sources)


def _no_images(root: Path, others: Sequence[str]) -> DatasetError:
    """Return the error for a folder or archive without images, which says what is there instead."""
    shown = printable(str(root))
    expected = "Expected images (png, jpg, webp, bmp, tiff, gif, avif, heic, …) in it or in its subfolders"
    if not others:
        return DatasetError(f"{shown} holds no files. {expected}.")
    kinds = Counter(suffix(path.rpartition("/")[2]) or "without suffix" for path in others)
    counted = listing([f"{n} {kind}" for kind, n in kinds.most_common()], most=5)
    return DatasetError(f"{shown} holds no images; its files are: {counted}. {expected}.")

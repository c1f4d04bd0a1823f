"""Write pictures of the steps for `batch-eval preprocess`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from batch_eval.errors import UnreadableImageError
from batch_eval.files import read
from batch_eval.imaging.files import encode
from batch_eval.imaging.guard import one_image
from batch_eval.imaging.recipes import Preprocessor
from batch_eval.imaging.steps import Image
from batch_eval.imaging.strip import strip
from batch_eval.publishing import STEPS_ENDING


@dataclass
class StepPictures:
    """Two PNG files an image for the folder ``out``: what the model sees, and the steps.

    `files` appends (path, reason) to ``unreadable`` for each image that cannot be decoded.
    """

    images: Sequence[Path]
    recipe: Preprocessor
    out: Path
    unreadable: list[tuple[Path, str]] = field(default_factory=list)

    def files(self) -> Iterator[tuple[str, str, bytes]]:
        """Yield (title, file name, PNG bytes) for `publish`, two for each readable image."""
        # never replace a photo in the output folder; compare without case, as some file systems do
        taken = {path.name.casefold() for path in self.images if path.resolve().parent == self.out.resolve()}
        for path in self.images:
            try:
                stages = one_image(self._stages, path)
            except UnreadableImageError as error:
                self.unreadable.append((path, str(error)))
                continue
            seen, steps = self._free_names(path.stem, taken)
            yield "what the model sees", seen, encode(stages[-1][1])
            yield "the steps", steps, encode(strip(stages))

    def _stages(self, path: Path) -> list[tuple[str, Image]]:
        image = self.recipe.decode(read(str(path)))
        return [("photo", image), *self.recipe.trace(image)]

    def _free_names(self, stem: str, taken: set[str]) -> tuple[str, str]:
        """Return the names of an image's two files, numbered if needed: ``7.png``, ``7-2.png``, …"""
        numbered = (stem if number == 1 else f"{stem}-{number}" for number in count(1))
        names = ((f"{name}.png", f"{name}{STEPS_ENDING}") for name in numbered)
        found = next(
            pair for pair in names if not (taken & {name.casefold() for name in pair} or self._is_foreign(*pair))
        )
        taken.update(name.casefold() for name in found)
        return found

    def _is_foreign(self, seen: str, steps: str) -> bool:
        """Say whether a file of the first name exists that this command did not write."""
        # this command writes pairs: a picture without its steps is somebody's photo
        return (self.out / seen).exists() and not (self.out / steps).exists()

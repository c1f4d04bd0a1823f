"""Images as a person inspects them: the 28 × 28 result and the strip of steps, as files to write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from batch_eval.errors import UnreadableImageError
from batch_eval.imaging.decode import decode
from batch_eval.imaging.files import encode, read
from batch_eval.imaging.recipes import Preprocessor
from batch_eval.imaging.strip import strip


@dataclass
class Inspection:
    """What came of each image; ``files`` fills ``unreadable`` with (path, reason) as it goes."""

    images: Sequence[Path]
    recipe: Preprocessor
    unreadable: list[tuple[Path, str]] = field(default_factory=list)

    def files(self) -> Iterator[tuple[str, str, bytes]]:
        """Yield (title, file name, PNG bytes), two for each readable image, as `publish` takes them."""
        names: set[str] = set()
        for path in self.images:
            try:
                image = decode(read(str(path)), reduce_to=self.recipe.work_side)
            except UnreadableImageError as error:
                self.unreadable.append((path, str(error)))
                continue
            stages = [("photo", image), *self.recipe.trace(image)]
            name = _unused(path.stem, names)
            yield "what the model sees", f"{name}.png", encode(stages[-1][1])
            yield "the steps", f"{name}-steps.png", encode(strip(stages))


def _unused(stem: str, names: set[str]) -> str:
    """Return the stem, numbered where another image has the same."""
    name, number = stem, 2
    while name in names:
        name, number = f"{stem}-{number}", number + 1
    names.add(name)
    return name

"""Draw the pictures of preprocessing.md and networks.md: `python docs/pictures.py`."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from batch_eval.imaging import preprocessor
from batch_eval.imaging.files import encode
from batch_eval.imaging.steps import colour
from batch_eval.imaging.strip import strip
from batch_eval.models.ink_model import open_ink_model
from batch_eval.training.allographs import ALLOGRAPHS
from batch_eval.training.augment import plate_of_ink
from batch_eval.training.batches import drawn_digits
from batch_eval.training.drawing import write
from batch_eval.training.ink.scene import ink_scene
from batch_eval.training.pens import Nib, ink
from batch_eval.training.scenes import SceneOptions, draw_scene

PICTURES = Path(__file__).with_name("pictures")
SCENES = {
    "squared": (5, "squared", "fountain", "gradient", 1),
    "shadow": (7, "plain", "pencil", "shadow", 2),
    "yellow-pad": (2, "yellow-pad", "felt-tip", "vignette", 3),
    "recycled": (9, "recycled", "crayon", "vignette", 4),
}


SEED = 2024
"""Of scenes and hands that no training draws."""


def main() -> None:
    """Write one strip of steps a scene, the ink maps, and the rarer hands."""
    for name, (label, paper, pen, light, seed) in SCENES.items():
        rng = np.random.default_rng(seed)
        image = draw_scene(rng, label, SceneOptions(paper=paper, pen=pen, light=light, size=384)).image
        stages = [("photo", image), *preprocessor("photo").trace(image)]
        shown = [stage for stage in stages if stage[0] not in ("shrink", "polarity", "crop")]
        PICTURES.joinpath(f"{name}.png").write_bytes(encode(strip(shown)))
    PICTURES.joinpath("ink-maps.jpg").write_bytes(encode(ink_maps(), ".jpg", quality=85))
    PICTURES.joinpath("rare-hands.png").write_bytes(encode(rare_hands()))


def ink_maps() -> NDArray[np.uint8]:
    """Return thirty drawn scenes, six a row, each beside the ink that the network finds at its first look."""
    given = drawn_digits(SEED, 100)
    scenes = np.stack([ink_scene(np.random.default_rng([SEED, number]), given, 128).image for number in range(30)])
    paper = 255 - (255 * open_ink_model().maps(scenes)[..., 0]).astype(np.uint8)
    return _in_rows([np.hstack([scene, colour(light)]) for scene, light in zip(scenes, paper, strict=True)], 6)


def rare_hands() -> NDArray[np.uint8]:
    """Return the rarer ways to write each digit, twelve a row, dark on light."""
    rng = np.random.default_rng(SEED)
    rare = sorted((way for way in ALLOGRAPHS if way.rare), key=lambda way: way.label)
    plates = [plate_of_ink(ink(rng, write(rng, way.label, way), Nib(0.05, 0), 96, height=84)) for way in rare]
    return 255 - _in_rows(plates, 12)


def _in_rows(tiles: list[NDArray[np.uint8]], each: int) -> NDArray[np.uint8]:
    """Put tiles of one shape into rows; what is missing in the last one is black."""
    tiles = [*tiles, *[np.zeros_like(tiles[0])] * (-len(tiles) % each)]
    return np.vstack([np.hstack(tiles[start : start + each]) for start in range(0, len(tiles), each)])


if __name__ == "__main__":
    main()

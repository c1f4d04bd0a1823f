"""Draw the pictures of preprocessing.md: `python docs/pictures.py`."""

from pathlib import Path

import numpy as np

from batch_eval.imaging import preprocessor
from batch_eval.imaging.files import encode
from batch_eval.imaging.strip import strip
from batch_eval.training.scenes import SceneOptions, draw_scene

SCENES = {
    "squared": (5, "squared", "fountain", "gradient", 1),
    "shadow": (7, "plain", "pencil", "shadow", 2),
    "yellow-pad": (2, "yellow-pad", "felt-tip", "vignette", 3),
    "recycled": (9, "recycled", "crayon", "vignette", 4),
}


def main() -> None:
    """Write one strip of steps a scene."""
    for name, (label, paper, pen, light, seed) in SCENES.items():
        rng = np.random.default_rng(seed)
        image = draw_scene(rng, label, SceneOptions(paper=paper, pen=pen, light=light, size=384)).image
        stages = [("photo", image), *preprocessor("photo").trace(image)]
        shown = [stage for stage in stages if stage[0] not in ("shrink", "polarity", "crop")]
        Path(__file__).with_name("pictures").joinpath(f"{name}.png").write_bytes(encode(strip(shown)))


if __name__ == "__main__":
    main()

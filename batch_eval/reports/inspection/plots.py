"""Pictures of a model: its diagrams, its first filters, and feature maps of an image.

The diagrams are SVG and PNG.
"""

from __future__ import annotations

from collections.abc import Iterator

from batch_eval.engines.model_view import LayerMaps, ModelView
from batch_eval.errors import ConfigError
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.reports.inspection.diagram import blocks, graph
from batch_eval.reports.inspection.pictures import enlarged, feature_maps, filters

TITLE = "pictures of the model"
MOST_MAPS = 6
"""Layers whose outputs are shown."""
_CHANGES = ("Normalization", "ReLU", "Activation")
"""Layers that only change the numbers of the one before, which is then not shown."""


def document(view: ModelView, context: ReportContext = NO_CONTEXT) -> bytes:  # noqa: ARG001 - same in all formats
    """Return the blocks as SVG; raises ConfigError where the layers are unknown."""
    if not view.description.layers or view.description.converted is None:
        raise ConfigError(f"the layers of {view.classifier.name} cannot be drawn, as their outputs are unknown.")
    return blocks(view.description.layers, view.classifier.name).svg()


def files(view: ModelView, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:  # noqa: ARG001
    """Yield every picture that the model allows."""
    layers, name = view.description.layers, view.classifier.name
    if view.description.converted is not None:
        for stem, drawing in (("graph", graph(layers, name)), ("blocks", blocks(layers, name))):
            yield f"{stem}.svg", drawing.svg()
            yield f"{stem}.png", drawing.png()
    kernel = view.description.kernel
    picture = None if kernel is None else filters(kernel)
    if picture:
        yield "filters.png", picture
    if view.shown:
        yield "seen.png", enlarged(view.shown.seen)
        for i, maps in enumerate(shown_maps(view), 1):
            yield f"maps-{i}.png", feature_maps(maps.maps)


def shown_maps(view: ModelView) -> list[LayerMaps]:
    """Return the outputs to show: of the first layers, each after its normalization and activation."""
    if not view.shown:
        return []
    maps = [one for one in view.shown.maps if "Dropout" not in one.class_name]
    # Of a convolution, its normalization and its ReLU, only the ReLU's output is shown: the last of the run.
    ends = [i for i in range(len(maps)) if i + 1 == len(maps) or not _is_change(maps[i + 1])]
    return [maps[i] for i in ends[:MOST_MAPS]]


def _is_change(maps: LayerMaps) -> bool:
    return any(part in maps.class_name for part in _CHANGES)

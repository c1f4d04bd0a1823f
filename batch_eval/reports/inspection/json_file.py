"""JSON of a model: its facts and layers."""

# History of `format`:
#   1  the first
from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from batch_eval.engines.model_view import ModelView
from batch_eval.reports.context import NO_CONTEXT, ReportContext
from batch_eval.wording import printable

TITLE = "JSON inspection"
FORMAT = 1
SCHEMA = Path(__file__).with_name("files") / "inspection.schema.json"


def document(view: ModelView, context: ReportContext = NO_CONTEXT) -> bytes:  # noqa: ARG001 - same in all formats
    """Return the document."""
    classifier, description, found = view.classifier, view.description, view.classifier.found
    own = None if view.own is None else {"images": view.own.images, "right": view.own.right}
    content = {
        "format": FORMAT,
        "model": printable(classifier.name),
        "model_sha256": classifier.sha256,
        "kind": description.kind,
        "saved_by": printable(description.saved_by),
        "runtime": classifier.runtime,
        "input_size": list(classifier.size),
        "channels": classifier.channels,
        "convention": {
            part: {"value": printable(value), "found": found.found[part]} for part, value in found.values.items()
        },
        "output_kind": classifier.output_kind,
        "class_names": [printable(name) for name in classifier.class_names],
        "parameters": description.parameters if description.layers else None,
        "untrained": description.untrained if description.layers else None,
        "own_digits": own,
        "notes": [printable(note) for note in classifier.notes],
        "layers": [
            {
                "name": printable(layer.name),
                "class": printable(layer.class_name),
                "output_shape": layer.output_shape,
                "parameters": layer.parameters,
                "untrained": layer.untrained,
                "inputs": [printable(name) for name in layer.inputs],
                "detail": printable(layer.detail),
            }
            for layer in description.layers
        ],
    }
    return (json.dumps(content, indent=2, allow_nan=False) + "\n").encode("ascii")


def files(view: ModelView, context: ReportContext = NO_CONTEXT) -> Iterator[tuple[str, bytes]]:
    """Yield ``inspection.json``."""
    yield "inspection.json", document(view, context)

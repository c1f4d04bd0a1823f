"""The numbers of the recipe `photo` that users may set."""

from batch_eval.imaging import preprocessor

from .tables import code, table

_MEANINGS = {
    "shrink.side": "longest side, in pixels, at which the digit is looked for; JPEGs are decoded to no less",
    "polarity.window": "width of the local median, as a share of the longest side",
    "ink.window": "width of what fills the strokes in, to find the paper's tone, as a share of the longest side: "
    "wider than any stroke",
    "lines.strength": "grey levels by which a printed line stands out from the paper",
    "paper.tone": "share of a stroke's own tone at which it ends: less makes strokes thicker and keeps fainter ink",
    "stroke.thinnest": "width, in MNIST pixels, to which thinner strokes are brought",
    "stroke.thickest": "width, in MNIST pixels, to which thicker strokes are brought",
}


def numbers() -> str:
    """Return a table with default, range and meaning of each."""
    rows = [
        (code(f"{step.name}.{name}"), f"{step.default(name):g}", f"{low:g} to {high:g}")
        for step in preprocessor("photo").steps
        for name, (low, high) in step.numbers.items()
    ]
    return table(["number", "default", "from, to", "meaning"], [(*row, _MEANINGS[row[0].strip("`")]) for row in rows])

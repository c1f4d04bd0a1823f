"""The numbers of the recipe `photo` that users can set."""

from batch_eval.imaging import preprocessor

from .tables import code, table

_MEANINGS = {
    "shrink.side": "longest side, in pixels, at which the digit is searched for; JPEGs are decoded to no less",
    "polarity.window": "width of the local median; unit: the longest side",
    "ink.window": "width of the closing that finds the paper's tone, wider than any stroke; unit: the longest side",
    "lines.strength": "minimum grey levels by which a printed line stands out from the paper",
    "paper.tone": "where a stroke ends; unit: its own tone. Less makes strokes thicker and keeps fainter ink",
    "look.doubt": "log odds of being one digit from which the rules' ink stays; more takes the network's more often",
    "stroke.thinnest": "minimum stroke width, in MNIST pixels",
    "stroke.thickest": "maximum stroke width, in MNIST pixels",
}


def numbers() -> str:
    """Return a table of their defaults, ranges and meanings."""
    rows = [
        (code(f"{step.name}.{name}"), f"{step.default(name):g}", f"{low:g} to {high:g}")
        for step in preprocessor("photo").steps
        for name, (low, high) in step.numbers.items()
    ]
    return table(["number", "default", "from, to", "meaning"], [(*row, _MEANINGS[row[0].strip("`")]) for row in rows])

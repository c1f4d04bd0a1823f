"""The statistics: what the functions that compute them say of their formula and source."""

import inspect
import re

from batch_eval.evaluation import metrics


def of(*names: str) -> str:
    """Return what functions of the module `metrics` say: what they return, formula, source."""
    return "\n" + "\n\n".join(map(_definition, names)) + "\n\n"


def _definition(name: str) -> str:
    text = inspect.cleandoc(getattr(metrics, name).__doc__).split(">>>")[0].replace("``", "`")
    first, *rest = (" ".join(part.split()) for part in text.strip().split("\n\n"))
    lines = [f"`metrics.{name}`: {first[:1].lower()}{first[1:]}", *_paragraphs(" ".join(rest))]
    return "\n>\n".join(f"> {line}" for line in lines)


def _paragraphs(text: str) -> list[str]:
    """Return the text with its formula and its source set apart and named in bold."""
    parts = re.split(r"\s*(?=Formula: |Source: )", text.strip())
    return [re.sub(r"^(Formula|Source):", r"**\1:**", part) for part in parts if part]

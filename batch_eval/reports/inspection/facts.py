"""The facts that text and HTML both list, in words."""

from __future__ import annotations

from batch_eval.engines.model_view import ModelView
from batch_eval.wording import percent, percent_range, printable


def facts(view: ModelView) -> list[tuple[str, str]]:
    """Return name and value of each fact."""
    from batch_eval.evaluation.metrics import wilson_interval

    classifier, description = view.classifier, view.description
    channels = "grey" if classifier.channels == 1 else "colour"
    found = [
        ("File", f"{classifier.name}, {description.kind}"),
        ("Saved by", description.saved_by or "the file does not say"),
        ("Runs on", classifier.runtime),
        ("Input", f"{classifier.size[0]} × {classifier.size[1]} pixels, {channels}"),
        ("Convention", classifier.found.sentence),
        ("Outputs", f"{classifier.output_kind} of {len(classifier.class_names)} classes"),
        ("Classes", ", ".join(classifier.class_names)),
        ("Parameters", _parameters(view)),
    ]
    if view.own:
        interval = percent_range(wilson_interval(view.own.right, view.own.images))
        right = f"{view.own.right} of {view.own.images} right"
        found.append(("Own digits", f"{percent(view.own.share)}, {right}, 95 % interval {interval}"))
    else:
        found.append(("Own digits", "not read, as the classes are not the ten digits"))
    found += [("Note", note) for note in classifier.notes]
    return [(name, printable(value)) for name, value in found]


def _parameters(view: ModelView) -> str:
    description = view.description
    if not description.layers:
        return "not listed for this format"
    untrained = f", of which {description.untrained:,} are not trained" if description.untrained else ""
    return f"{description.parameters:,}{untrained}"

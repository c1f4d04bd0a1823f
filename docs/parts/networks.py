"""The networks that can be trained: their layers and hyperparameters."""

from batch_eval.models.architectures import ARCHITECTURES, Layer
from batch_eval.training.networks import NETWORKS, Hyperparameters

from .tables import code, table

_SHORT = {"Conv2D": "Conv", "MaxPooling2D": "MaxPool"}


def listed() -> str:
    """Return every network with its layers and default hyperparameters."""
    rows = [
        (
            code(name),
            ", ".join(map(_layer, ARCHITECTURES[name])),
            f"{defaults.optimizer}, {defaults.learning_rate:g}",
            defaults.augment,
            f"{defaults.drawn:,}" if defaults.drawn else "none",
            _epochs(defaults),
        )
        for name, defaults in ((name, network.defaults) for name, network in NETWORKS.items())
    ]
    return table(["network", "layers", "optimizer, learning rate", "augmentation", "drawn digits", "epochs"], rows)


def _epochs(defaults: Hyperparameters) -> str:
    stops = f", or {defaults.early_stopping} without a lower loss" if defaults.early_stopping else ""
    return f"{defaults.epochs}{stops}"


def _layer(layer: Layer) -> str:
    name, settings = layer
    size = settings.get("filters") or settings.get("units") or settings.get("rate")
    kernel, stride = settings.get("kernel_size", 3), settings.get("strides", 1)
    words = [
        _SHORT.get(name, name),
        f"{size}" if size else "",
        f"{kernel}×{kernel}" if kernel != 3 else "",
        f"by {stride}" if stride != 1 else "",
        settings.get("padding", ""),
        settings.get("activation", "") if settings.get("activation") not in ("relu", "linear") else "",
    ]
    return " ".join(word for word in words if word)

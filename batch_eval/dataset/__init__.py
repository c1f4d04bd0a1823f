"""Which images, and what they should read."""

from batch_eval.dataset.loading import load_dataset
from batch_eval.dataset.options import LabelOptions, Labels
from batch_eval.dataset.sample import Dataset, Sample
from batch_eval.dataset.sources.core import Content, Source
from batch_eval.dataset.sources.opening import Place

__all__ = ["Content", "Dataset", "LabelOptions", "Labels", "Place", "Sample", "Source", "load_dataset"]

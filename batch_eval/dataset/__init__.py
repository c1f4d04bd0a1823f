"""Which images, and what they should read."""

from batch_eval.dataset.loading import load_dataset
from batch_eval.dataset.options import LabelOptions, Labels
from batch_eval.dataset.sample import Dataset, Sample
from batch_eval.dataset.sources.core import Content, Source

__all__ = ["Content", "Dataset", "LabelOptions", "Labels", "Sample", "Source", "load_dataset"]

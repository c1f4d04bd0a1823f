"""Which images, and what they should read."""

from batch_eval.dataset.loading import load_dataset
from batch_eval.dataset.options import LabelOptions
from batch_eval.dataset.sample import Dataset, Sample

__all__ = ["Dataset", "LabelOptions", "Sample", "load_dataset"]

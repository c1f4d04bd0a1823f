"""Which images, and what they should read."""

from batch_eval.dataset.sample import Dataset, Sample

__all__ = ["Dataset", "Sample"]

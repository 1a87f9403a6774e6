"""What a training loop needs beside tensors, modules and optimizers."""

from microbp.utils import checkpoint, data
from microbp.utils.summary import ModelStatistics, summary

__all__ = ["ModelStatistics", "checkpoint", "data", "summary"]

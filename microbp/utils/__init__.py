"""What a training loop needs beside tensors, modules and optimizers."""

from microbp.utils import data

__all__ = ["data"]

"""What a training loop needs beside tensors, modules and optimizers."""

from microbp.utils import checkpoint, data

__all__ = ["checkpoint", "data"]

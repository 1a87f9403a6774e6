"""Layers that leave values out at random while training."""

from __future__ import annotations

from microbp.errors import OptionError
from microbp.nn import functional
from microbp.nn.module import Module
from microbp.tensor import Tensor

__all__ = ["Dropout"]


class Dropout(Module):
    """In training, set each element to 0 with probability p and scale the others by 1 / (1 - p).

    In evaluation mode (``model.eval()``) it does nothing.

    Parameters
    ----------
    p : float
        The probability, from 0 to 1.
    inplace : bool
        Write the result into the input.

    Examples
    --------
    >>> import microbp
    >>> layer = Dropout(p=0.2).eval()
    >>> layer(microbp.ones(3))
    tensor([1., 1., 1.])
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise OptionError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return functional.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"

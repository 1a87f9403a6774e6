"""Layers that leave values out at random while training."""

from __future__ import annotations

from collections.abc import Callable

from microbp.errors import OptionError
from microbp.nn import functional
from microbp.nn.module import Module
from microbp.tensor import Tensor

__all__ = ["AlphaDropout", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "FeatureAlphaDropout"]


class LeavingOut(Module):
    """Base of all dropout layers.

    Parameters
    ----------
    p : float
        The probability, from 0 to 1, to be left out.
    inplace : bool
        Write the result into the input.
    """

    leave_out: Callable[..., Tensor]

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise OptionError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p = p
        self.inplace = inplace

    def forward(self, input: Tensor) -> Tensor:
        return self.leave_out(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(LeavingOut):
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

    leave_out = staticmethod(functional.dropout)


class Dropout1d(LeavingOut):
    """`Dropout` of whole channels, for (N, C, L) or (C, L): see `microbp.nn.functional.dropout1d`."""

    leave_out = staticmethod(functional.dropout1d)


class Dropout2d(LeavingOut):
    """`Dropout` of whole channels of images, for (N, C, H, W): see `microbp.nn.functional.dropout2d`.

    Examples
    --------
    >>> import microbp
    >>> y = Dropout2d(p=0.75)(microbp.ones(4, 3, 2, 2))
    >>> bool((y == y[:, :, :1, :1]).all())
    True
    """

    leave_out = staticmethod(functional.dropout2d)


class Dropout3d(LeavingOut):
    """`Dropout` of whole channels of volumes, for (N, C, D, H, W): see `microbp.nn.functional.dropout3d`."""

    leave_out = staticmethod(functional.dropout3d)


class AlphaDropout(LeavingOut):
    """Dropout for `SELU`: see `microbp.nn.functional.alpha_dropout`. As in PyTorch, it never works in place.

    Examples
    --------
    >>> import microbp
    >>> AlphaDropout(0.2).eval()(microbp.ones(3))
    tensor([1., 1., 1.])
    """

    leave_out = staticmethod(functional.alpha_dropout)

    def forward(self, input: Tensor) -> Tensor:
        return self.leave_out(input, self.p, self.training)


class FeatureAlphaDropout(AlphaDropout):
    """`AlphaDropout` of whole channels, for (N, C, ...): see `microbp.nn.functional.feature_alpha_dropout`."""

    leave_out = staticmethod(functional.feature_alpha_dropout)

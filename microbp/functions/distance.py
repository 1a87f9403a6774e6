"""How long the difference of two tensors is, and slices made no longer than a limit."""

from __future__ import annotations

from microbp.errors import OptionError, ShapeError
from microbp.functions.dims import as_dim
from microbp.functions.reduction import norm
from microbp.methods import method
from microbp.ops import arithmetic
from microbp.tensor import Tensor, apply

__all__ = ["dist", "renorm"]


@method("dist")
def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of the difference of two tensors.

    Parameters
    ----------
    input, other : Tensor
        Of a floating-point dtype; their shapes are broadcast.
    p : number
        The order of the norm, as for `norm`.

    Returns
    -------
    Tensor
        Of shape ().

    Examples
    --------
    >>> import microbp
    >>> microbp.dist(microbp.tensor([1.0, 5.0]), microbp.tensor([4.0, 1.0]))
    tensor(5.)
    """
    return norm(apply(arithmetic.sub, input, other), p)


@method("renorm")
def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """The tensor with each slice along an axis scaled down, where its p-norm is larger than a limit.

    Parameters
    ----------
    input : Tensor
        Of at least two dimensions and a floating-point dtype.
    p : number
        The order of the norm; positive.
    dim : int
        The axis that numbers the slices.
    maxnorm : number
        The limit.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError
        If there are fewer than two dimensions.
    OptionError
        If the order is not positive, or the limit is negative.

    Examples
    --------
    >>> import microbp
    >>> microbp.renorm(microbp.tensor([[3.0, 4.0], [0.5, 0.0]]), 2, 0, 1.0)
    tensor([[0.6000, 0.8000],
            [0.5000, 0.0000]])
    """
    if input.ndim < 2:
        raise ShapeError(f"renorm needs a tensor of at least 2 dimensions, got shape {input.shape}")
    if p <= 0:
        raise OptionError(f"renorm: the order of the norm must be positive, got p={p}")
    if maxnorm < 0:
        raise OptionError(f"renorm: maxnorm must not be negative, got {maxnorm}")
    axis = as_dim("renorm", dim, input.ndim)
    others = tuple(k for k in range(input.ndim) if k != axis)
    lengths = norm(input, p, others, keepdim=True)
    factor = maxnorm / (lengths + 1e-7)  # the small number is PyTorch's
    scale: Tensor = factor.masked_fill(lengths <= maxnorm, 1.0)
    return apply(arithmetic.mul, input, scale)

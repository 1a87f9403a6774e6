"""Random choices: ones or zeros, and indices, with probabilities given."""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.errors import OptionError, ShapeError
from microbp.functions.generator import Generator, generator_or_default
from microbp.inplace import apply_in_place
from microbp.methods import method
from microbp.mode import look_at_values
from microbp.ops import assignment
from microbp.tensor import Tensor, wrap

__all__ = ["bernoulli", "multinomial"]


@method("bernoulli")
def bernoulli(input: Tensor, p: float | None = None, *, generator: Generator | None = None) -> Tensor:
    """Ones with the probabilities given, else zeros.

    Parameters
    ----------
    input : Tensor
        Probabilities, of a floating-point dtype.
    p : float, optional
        One probability for all, in place of the elements of `input`, which then gives the shape and dtype only.
    generator : Generator, optional
        Where the draws come from.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`; it has no gradient.

    Raises
    ------
    OptionError
        If a number is no probability.

    Examples
    --------
    >>> import microbp
    >>> microbp.bernoulli(microbp.tensor([0.0, 1.0]))
    tensor([0., 1.])
    """
    if p is None and input.array.dtype.kind != "f":
        raise OptionError(f"bernoulli needs probabilities of a floating-point dtype, got {input.array.dtype}")
    return wrap(ones_with("bernoulli", input.array if p is None else p, input.array, generator))


@method("bernoulli_")
def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Draw all elements anew: ones with a probability, else zeros.

    Parameters
    ----------
    p : float or Tensor
        The probability, or one for each element, broadcast to the shape of this tensor.
    generator : Generator, optional
        Where the draws come from.

    Returns
    -------
    Tensor
        This tensor.

    Raises
    ------
    OptionError
        If a number is no probability.

    Examples
    --------
    >>> import microbp
    >>> microbp.zeros(3).bernoulli_(1.0)
    tensor([1., 1., 1.])
    """
    probabilities = p.array if isinstance(p, Tensor) else p
    return apply_in_place(assignment.copy, self, wrap(ones_with("bernoulli_", probabilities, self.array, generator)))


def ones_with(name: str, p: Any, like: Any, generator: Generator | None) -> Any:
    """Ones with the probabilities given, else zeros, in the shape and dtype of an array."""
    p = np.asarray(p)
    look_at_values()
    if not ((p >= 0) & (p <= 1)).all():
        raise OptionError(f"{name}: probabilities must be from 0 to 1")
    return (generator_or_default(generator).numpy.random(like.shape) < p).astype(like.dtype)


@method("multinomial")
def multinomial(
    input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Indices, drawn with probabilities proportional to the weights given.

    Parameters
    ----------
    input : Tensor
        Weights, not negative, of shape (n,) or one set for each row, (m, n); they need not sum to 1.
    num_samples : int
        How many to draw, from each row.
    replacement : bool
        Whether an index can be drawn again.
    generator : Generator, optional
        Where the draws come from.

    Returns
    -------
    Tensor
        Of int64 and shape (num_samples,) or (m, num_samples), in the order drawn.

    Raises
    ------
    OptionError
        If a weight is negative, infinite or NaN, if all are 0, or if without replacement there are fewer weights, or
        fewer that are not 0, than indices to draw.
    ShapeError
        If there are other than one or two dimensions.

    Examples
    --------
    >>> import microbp
    >>> microbp.multinomial(microbp.tensor([0.0, 3.0, 0.0]), 4, replacement=True)
    tensor([1, 1, 1, 1])
    """
    weights = input.array
    if weights.dtype.kind != "f":
        raise OptionError(f"multinomial needs weights of a floating-point dtype, got {weights.dtype}")
    if weights.ndim not in (1, 2) or weights.shape[-1] == 0:
        raise ShapeError(f"multinomial takes weights of shape (n,) or (m, n), got {weights.shape}")
    if num_samples < 1:
        raise OptionError(f"multinomial: num_samples must be positive, got {num_samples}")
    look_at_values()
    if not ((weights >= 0) & np.isfinite(weights)).all():
        raise OptionError("multinomial: weights must be finite, and not negative")
    possible = np.count_nonzero(weights, axis=-1)
    least = int(possible.min(initial=weights.shape[-1]))
    if least == 0 or (not replacement and least < num_samples):
        raise OptionError(
            f"multinomial: cannot draw {num_samples} indices {'with' if replacement else 'without'} replacement where "
            f"{least} of {weights.shape[-1]} weights are not 0"
        )
    source = generator_or_default(generator).numpy
    wide = np.atleast_2d(weights).astype(np.float64)
    if replacement:
        edges = np.cumsum(wide / wide.max(axis=-1, keepdims=True), axis=-1)
        marks = source.random((len(wide), num_samples)) * edges[:, -1:]
        drawn_at = [np.searchsorted(edge, mark, side="right") for edge, mark in zip(edges, marks, strict=True)]
        # A mark that is rounded up to the last edge belongs to the last index that can be drawn.
        last = wide.shape[-1] - 1 - np.argmax(wide[:, ::-1] > 0, axis=-1)
        places = np.minimum(np.reshape(drawn_at, marks.shape), last[:, None])
    else:
        # Of exponential waiting times at these rates, the first comes with probabilities proportional to the rates.
        times = source.standard_exponential(wide.shape)
        waiting = np.divide(times, wide, out=np.full(wide.shape, np.inf), where=wide > 0)
        places = np.argsort(waiting, axis=-1, kind="stable")[:, :num_samples]
    return wrap(places.astype(np.int64).reshape(*weights.shape[:-1], num_samples))

"""Dropout with PyTorch's signatures: values, or whole channels, that are left out at random in training."""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.errors import OptionError, ShapeError, warn
from microbp.functions.generator import generator_or_default
from microbp.inplace import apply_in_place
from microbp.nn.functional.check import number, require_floating, tensor_for
from microbp.ops import activation, arithmetic
from microbp.tensor import Tensor, apply, wrap

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Set each element to 0 with probability p, and scale the others by 1 / (1 - p), so that the mean stays.

    Source: Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting" (2014).

    Parameters
    ----------
    input : Tensor
        Any shape.
    p : float
        The probability, from 0 to 1.
    training : bool
        If False, the input is returned as it is.
    inplace : bool
        Write the result into the input.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    OptionError
        If `p` is not from 0 to 1.
    DtypeError
        If the input is not floating-point.

    Examples
    --------
    >>> import microbp
    >>> generator = microbp.manual_seed(0)
    >>> sorted(set(dropout(microbp.ones(100), p=0.75).tolist()))
    [0.0, 4.0]
    """
    input = prepared("dropout", input, p, training)
    return input if not training or p == 0 else left_out(input, p, input.array.shape, inplace)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels: all of a channel's values become 0, or none.

    Source: Tompson et al., "Efficient Object Localization Using Convolutional Networks" (2015).

    Parameters
    ----------
    input : Tensor
        (N, C, L) or (C, L).
    p, training, inplace
        As for `dropout`.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    OptionError
        If `p` is not from 0 to 1.
    ShapeError
        If the input has not two or three dimensions.

    Examples
    --------
    >>> import microbp
    >>> y = dropout1d(microbp.ones(4, 3, 2), p=0.75)
    >>> bool((y[..., 0] == y[..., 1]).all()), y.shape
    (True, (4, 3, 2))
    """
    input = prepared("dropout1d", input, p, training)
    if input.ndim not in (2, 3):
        raise ShapeError(f"dropout1d: Expected 2D or 3D input, (N, C, L) or (C, L), but received shape {input.shape}")
    return input if not training or p == 0 else left_out(input, p, (*input.array.shape[:-1], 1), inplace)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels of images.

    Parameters
    ----------
    input : Tensor
        (N, C, H, W). Three dimensions are taken to be (N, C, L), and warn, as in PyTorch.
    p, training, inplace
        As for `dropout`.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    OptionError
        If `p` is not from 0 to 1.
    ShapeError
        If there are fewer than two dimensions.

    Examples
    --------
    >>> import microbp
    >>> dropout2d(microbp.ones(2, 3, 4, 4), training=False).shape
    (2, 3, 4, 4)
    """
    return channels_left_out("dropout2d", 4, input, p, training, inplace)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """`dropout` of whole channels of volumes.

    Parameters
    ----------
    input : Tensor
        (N, C, D, H, W). Four dimensions are taken to be (N, C, H, W), and warn.
    p, training, inplace
        As for `dropout`.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    OptionError
        If `p` is not from 0 to 1.
    ShapeError
        If there are fewer than two dimensions.

    Examples
    --------
    >>> import microbp
    >>> dropout3d(microbp.ones(2, 3, 4, 4, 4), training=False).shape
    (2, 3, 4, 4, 4)
    """
    return channels_left_out("dropout3d", 5, input, p, training, inplace)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout for `selu`: elements go to its negative limit, and the result keeps mean 0 and variance 1.

    Source: Klambauer, Unterthiner, Mayr & Hochreiter, "Self-Normalizing Neural Networks" (2017).

    Parameters
    ----------
    input, p, training, inplace
        As for `dropout`.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    OptionError
        If `p` is not from 0 to 1.
    DtypeError
        If the input is not floating-point.

    Examples
    --------
    >>> import microbp
    >>> generator = microbp.manual_seed(0)
    >>> y = alpha_dropout(microbp.randn(10_000), training=True)
    >>> round(y.mean().item(), 1) + 0.0, round(y.std().item(), 1)
    (0.0, 1.0)
    """
    input = prepared("alpha_dropout", input, p, training)
    return input if not training or p == 0 else saturated(input, p, input.array.shape, inplace)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """`alpha_dropout` of whole channels.

    Parameters
    ----------
    input : Tensor
        (N, C, ...).
    p, training, inplace
        As for `dropout`.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    OptionError
        If `p` is not from 0 to 1.
    ShapeError
        If there are fewer than two dimensions.

    Examples
    --------
    >>> import microbp
    >>> feature_alpha_dropout(microbp.ones(2, 3, 4)).shape
    (2, 3, 4)
    """
    input = prepared("feature_alpha_dropout", input, p, training)
    if not training or p == 0:
        return input
    return saturated(input, p, channel_shape("feature_alpha_dropout", input), inplace)


def channels_left_out(name: str, dims: int, input: Any, p: float, training: bool, inplace: bool) -> Tensor:
    """Dropout of the channels of a batch, which has so many dimensions."""
    input = prepared(name, input, p, training)
    if input.ndim != dims:
        layout = ", ".join("NCDHW"[:2] + "DHW"[5 - dims :])
        warn(
            f"{name}: input of shape {input.shape} is taken to be (N, C, ...), for it has not the {dims} dimensions "
            f"({layout}); a single sample needs unsqueeze(0)"
        )
    return input if not training or p == 0 else left_out(input, p, channel_shape(name, input), inplace)


def prepared(name: str, input: Any, p: float, training: bool) -> Tensor:
    """The input as a tensor, after a look at the probability."""
    if not 0.0 <= number(name, "p", p) <= 1.0:
        raise OptionError(f"{name}: dropout probability has to be between 0 and 1, but got {p}")
    given: Tensor = tensor_for(name, input)
    if training and p:
        require_floating(name, given)
    return given


def channel_shape(name: str, input: Tensor) -> tuple[int, ...]:
    """The shape of one value for each channel of each sample."""
    if input.ndim < 2:
        raise ShapeError(f"{name}: Feature dropout requires at least 2 dimensions, (N, C, ...), got {input.shape}")
    return (*input.array.shape[:2], *(1,) * (input.ndim - 2))


def drawn(p: float, shape: tuple[int, ...]) -> Any:
    """What is to stay: True with probability 1 - p."""
    return generator_or_default(None).numpy.random(shape, np.float32) >= p


def left_out(input: Tensor, p: float, shape: tuple[int, ...], inplace: bool) -> Tensor:
    """The input times a mask, which has one element for each group of elements that stay or go together."""
    mask = np.multiply(drawn(p, shape), 0.0 if p == 1 else 1 / (1 - p), dtype=input.array.dtype)
    if inplace:
        return apply_in_place(activation.dropout, input, wrap(mask))
    out: Tensor = apply(activation.dropout, input, wrap(mask))
    return out


LIMIT = -1.7580993408473766  # of selu for small values: -alpha * scale


def saturated(input: Tensor, p: float, shape: tuple[int, ...], inplace: bool) -> Tensor:
    """The input with elements at the limit of `selu` instead of 0, scaled and moved to mean 0 and variance 1."""
    stays = drawn(p, shape)
    factor = 0.0 if p == 1 else ((1 - p) * (1 + p * LIMIT**2)) ** -0.5
    mask = np.multiply(stays, factor, dtype=input.array.dtype)
    offset = (np.where(stays, 0.0, LIMIT * factor) - LIMIT * factor * p).astype(input.array.dtype)
    if inplace:
        return apply_in_place(arithmetic.add, apply_in_place(activation.dropout, input, wrap(mask)), wrap(offset))
    out: Tensor = apply(activation.dropout, input, wrap(mask)) + wrap(offset)
    return out

"""Activation functions with slopes or gates that come from elsewhere: learned, drawn, or from other elements."""

from __future__ import annotations

import math
from typing import Any

from microbp.errors import DtypeError, OptionError, ShapeError
from microbp.functions.dims import as_dim
from microbp.functions.generator import generator_or_default
from microbp.inplace import apply_in_place
from microbp.nn.functional.activation import activate
from microbp.nn.functional.check import number, require_floating, tensor_for
from microbp.ops import activation as rows
from microbp.ops import elementwise, indexing
from microbp.tensor import Tensor, apply, wrap

__all__ = ["glu", "prelu", "rrelu"]


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where x > 0, else weight * x.

    Source: He, Zhang, Ren & Sun, "Delving Deep into Rectifiers" (2015).

    Parameters
    ----------
    input : Tensor
        (N, C, ...) or any shape.
    weight : Tensor
        One slope, or one for each of the C channels.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    ShapeError
        If there are not as many slopes as channels.
    DtypeError
        If input and weight are not of one floating-point dtype.

    Examples
    --------
    >>> import microbp
    >>> prelu(microbp.tensor([[-1.0, -1.0]]), microbp.tensor([0.1, 0.2]))
    tensor([[-0.1000, -0.2000]])
    """
    input, weight = tensor_for("prelu", input), tensor_for("prelu", weight, "weight")
    if input.array.dtype != weight.array.dtype:
        raise DtypeError(
            f"prelu: input of {input.dtype} and weight of {weight.dtype} must have one dtype; convert one of them: "
            "weight.to(input.dtype)"
        )
    slopes: Any = weight
    if weight.numel() == 1:
        slopes = weight.reshape((1,) * input.ndim) if weight.ndim != input.ndim else weight
    else:
        channels = input.shape[1] if input.ndim > 1 else 1
        if weight.ndim != 1 or weight.shape[0] != channels:
            raise ShapeError(
                f"prelu: weight of shape {weight.shape} needs one slope, or as many as input {input.shape} has "
                f"channels ({channels})"
            )
        slopes = weight.reshape((1, channels) + (1,) * (input.ndim - 2))
    out: Tensor = apply(rows.prelu, input, slopes)
    return out


def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """x where x > 0, else a * x with a slope a drawn anew for each element.

    Source: Xu, Wang, Chen & Li, "Empirical Evaluation of Rectified Activations in Convolutional Network" (2015).

    Parameters
    ----------
    input : Tensor
        Any shape.
    lower, upper : float
        Slopes are drawn evenly from between them; if not `training`, all are their mean.
    training : bool
        Whether to draw slopes.
    inplace : bool
        Write the result into the input.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    OptionError
        If `lower` is larger than `upper`, or one of them not finite.
    DtypeError
        If the input is not floating-point.

    Examples
    --------
    >>> import microbp
    >>> rrelu(microbp.tensor([-3.0, 2.0]), 0.25, 0.75)
    tensor([-1.5000,  2.0000])
    """
    lower, upper = number("rrelu", "lower", lower), number("rrelu", "upper", upper)
    if not lower <= upper or not math.isfinite(upper - lower):
        raise OptionError(f"rrelu: lower must not be larger than upper, and both finite, got {lower} and {upper}")
    input = tensor_for("rrelu", input)
    if not training:
        return activate(rows.leaky_relu, input, inplace, negative_slope=(lower + upper) / 2)
    require_floating("rrelu", input)
    slopes = generator_or_default(None).numpy.uniform(lower, upper, input.shape).astype(input.dtype)
    if inplace:
        return apply_in_place(rows.prelu, input, wrap(slopes))
    out: Tensor = apply(rows.prelu, input, wrap(slopes))
    return out


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a * sigmoid(b) for the two halves a and b of the input along a dimension.

    Source: Dauphin, Fan, Auli & Grangier, "Language Modeling with Gated Convolutional Networks" (2017).

    Parameters
    ----------
    input : Tensor
        Any shape with at least one dimension.
    dim : int
        The dimension to halve, of even size.

    Returns
    -------
    Tensor
        Half as large along that dimension.

    Raises
    ------
    ShapeError
        If the dimension is of odd size, or there is none.

    Examples
    --------
    >>> import microbp
    >>> glu(microbp.tensor([2.0, 4.0, 0.0, 100.0]))
    tensor([1., 4.])
    """
    input = tensor_for("glu", input)
    require_floating("glu", input)
    if not input.ndim:
        raise ShapeError("glu does not support scalars because halving size must be even")
    axis = as_dim("glu", dim, input.ndim)
    size = input.shape[axis]
    if size % 2:
        raise ShapeError(
            f"glu: Halving dimension must be even, but dimension {axis} of {input.shape} is of size {size}"
        )
    value, gate = (
        apply(indexing.getitem, input, index=(slice(None),) * axis + (half,))
        for half in (slice(None, size // 2), slice(size // 2, None))
    )
    result: Tensor = value * apply(elementwise.sigmoid, gate)
    return result

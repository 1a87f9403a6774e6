"""Activation functions with PyTorch's signatures."""

from __future__ import annotations

from typing import Any

from microbp.errors import OptionError, ShapeError, warn
from microbp.functions.softmax import normalised
from microbp.inplace import apply_in_place
from microbp.nn.functional.check import require_floating, tensor_for
from microbp.ops import activation as rows
from microbp.ops import elementwise, reduction
from microbp.ops.op import Op
from microbp.tensor import Tensor, apply

__all__ = [
    "celu",
    "elu",
    "gelu",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "log_softmax",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softmin",
    "softplus",
    "softsign",
    "tanh",
    "tanhshrink",
]


TAKE_INTEGERS = frozenset({elementwise.sigmoid, elementwise.tanh, rows.hardtanh, rows.softsign, rows.tanhshrink})


def activate(row: Op, input: Any, inplace: bool, **options: Any) -> Tensor:
    """Apply a row, into the memory of the input if asked to; integers are refused where PyTorch refuses them."""
    if not isinstance(input, Tensor):
        input = tensor_for(row.name, input)
    if input.array.dtype.kind != "f" and row not in TAKE_INTEGERS:
        require_floating(row.name, input)
    return apply_in_place(row, input, **options) if inplace else apply(row, input, **options)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(0, x), element by element.

    Parameters
    ----------
    input : Tensor
        Any shape.
    inplace : bool
        Write the result into the input.

    Examples
    --------
    >>> import microbp
    >>> relu(microbp.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    try:
        return apply_in_place(elementwise.relu, input) if inplace else apply(elementwise.relu, input)
    except (AttributeError, TypeError):
        tensor_for("relu", input)
        raise


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(0, x), 6), element by element.

    Examples
    --------
    >>> import microbp
    >>> relu6(microbp.tensor([-1.0, 2.0, 8.0]))
    tensor([0., 2., 6.])
    """
    return activate(rows.hardtanh, input, inplace, min_val=0.0, max_val=6.0)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where x > 0, else negative_slope * x.

    Source: Maas, Hannun & Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic Models" (2013).

    Examples
    --------
    >>> import microbp
    >>> leaky_relu(microbp.tensor([-1.0, 2.0]), 0.5)
    tensor([-0.5000,  2.0000])
    """
    return activate(rows.leaky_relu, input, inplace, negative_slope=negative_slope)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else alpha * (exp(x) - 1).

    Source: Clevert, Unterthiner & Hochreiter, "Fast and Accurate Deep Network Learning by Exponential Linear Units"
    (2016).

    Examples
    --------
    >>> import microbp
    >>> elu(microbp.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """
    return activate(rows.elu, input, inplace, alpha=alpha)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where x > 0, else alpha * (exp(x / alpha) - 1).

    Source: Barron, "Continuously Differentiable Exponential Linear Units" (2017).

    Examples
    --------
    >>> import microbp
    >>> celu(microbp.tensor([-1.0, 2.0]), alpha=2.0)
    tensor([-0.7869,  2.0000])
    """
    if alpha == 0:
        raise ZeroDivisionError("celu() divides by alpha, which must not be 0")
    return activate(rows.celu, input, inplace, alpha=alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """1.0507 * elu(x, alpha=1.6733), with which activations normalise themselves.

    Source: Klambauer, Unterthiner, Mayr & Hochreiter, "Self-Normalizing Neural Networks" (2017).

    Examples
    --------
    >>> import microbp
    >>> selu(microbp.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """
    return activate(rows.selu, input, inplace)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x * P(X < x) for a standard normal X: x * (1 + erf(x / √2)) / 2.

    Source: Hendrycks & Gimpel, "Gaussian Error Linear Units" (2016).

    Parameters
    ----------
    input : Tensor
        Any shape.
    approximate : {'none', 'tanh'}
        ``'tanh'`` computes x * (1 + tanh(√(2/π) * (x + 0.044715 x³))) / 2 instead.

    Examples
    --------
    >>> import microbp
    >>> gelu(microbp.tensor([-1.0, 2.0]))
    tensor([-0.1587,  1.9545])
    """
    if approximate not in ("none", "tanh"):
        raise OptionError(f"approximate argument must be either none or tanh, got {approximate!r}")
    return activate(rows.gelu if approximate == "none" else rows.gelu_tanh, input, False)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x * sigmoid(x), also called swish.

    Source: Elfwing, Uchibe & Doya, "Sigmoid-Weighted Linear Units" (2017).

    Examples
    --------
    >>> import microbp
    >>> silu(microbp.tensor([-1.0, 2.0]))
    tensor([-0.2689,  1.7616])
    """
    return activate(rows.silu, input, inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x * tanh(softplus(x)).

    Source: Misra, "Mish: A Self Regularized Non-Monotonic Activation Function" (2019).

    Examples
    --------
    >>> import microbp
    >>> mish(microbp.tensor([-1.0, 2.0]))
    tensor([-0.3034,  1.9440])
    """
    return activate(rows.mish, input, inplace)


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-x)).

    Examples
    --------
    >>> import microbp
    >>> sigmoid(microbp.tensor([0.0, 2.0]))
    tensor([0.5000, 0.8808])
    """
    return activate(elementwise.sigmoid, input, False)


def tanh(input: Tensor) -> Tensor:
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x)).

    Examples
    --------
    >>> import microbp
    >>> tanh(microbp.tensor([0.0, 2.0]))
    tensor([0.0000, 0.9640])
    """
    return activate(elementwise.tanh, input, False)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta * x)) / beta, a smooth `relu`; x itself where beta * x > threshold.

    Examples
    --------
    >>> import microbp
    >>> softplus(microbp.tensor([-1.0, 2.0]))
    tensor([0.3133, 2.1269])
    """
    return activate(rows.softplus, input, False, beta=beta, threshold=threshold)


def softsign(input: Tensor) -> Tensor:
    """x / (1 + \\|x\\|).

    Examples
    --------
    >>> import microbp
    >>> softsign(microbp.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """
    return activate(rows.softsign, input, False)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x between min_val and max_val, the nearer of them elsewhere.

    Examples
    --------
    >>> import microbp
    >>> hardtanh(microbp.tensor([-2.0, 0.5]))
    tensor([-1.0000,  0.5000])
    """
    if min_val > max_val:
        raise OptionError(f"min_val cannot be greater than max_val, got {min_val} and {max_val}")
    return activate(rows.hardtanh, input, inplace, min_val=min_val, max_val=max_val)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(0, x + 3), 6) / 6.

    Examples
    --------
    >>> import microbp
    >>> hardsigmoid(microbp.tensor([-4.0, 0.0, 1.5]))
    tensor([0.0000, 0.5000, 0.7500])
    """
    return activate(rows.hardsigmoid, input, inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x * hardsigmoid(x).

    Source: Howard et al., "Searching for MobileNetV3" (2019).

    Examples
    --------
    >>> import microbp
    >>> hardswish(microbp.tensor([-4.0, 1.5]))
    tensor([-0.0000,  1.1250])
    """
    return activate(rows.hardswish, input, inplace)


def logsigmoid(input: Tensor) -> Tensor:
    """log(1 / (1 + exp(-x))), without underflow.

    Examples
    --------
    >>> import microbp
    >>> logsigmoid(microbp.tensor([-1.0, 2.0]))
    tensor([-1.3133, -0.1269])
    """
    return activate(rows.logsigmoid, input, False)


def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x).

    Examples
    --------
    >>> import microbp
    >>> tanhshrink(microbp.tensor([-1.0, 2.0]))
    tensor([-0.2384,  1.0360])
    """
    return activate(rows.tanhshrink, input, False)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where x > 0, else weight * x.

    Source: He, Zhang, Ren & Sun, "Delving Deep into Rectifiers" (2015).

    Parameters
    ----------
    input : Tensor
        (N, C, ...) or any shape.
    weight : Tensor
        One slope, or one for each of the C channels.

    Examples
    --------
    >>> import microbp
    >>> prelu(microbp.tensor([[-1.0, -1.0]]), microbp.tensor([0.1, 0.2]))
    tensor([[-0.1000, -0.2000]])
    """
    input, weight = tensor_for("prelu", input), tensor_for("prelu", weight, "weight")
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


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """exp(x) / sum(exp(x)) along a dimension: positive values that sum to 1.

    Parameters
    ----------
    input : Tensor
        Any shape.
    dim : int
        The dimension along which to normalise. Leaving it out is deprecated in PyTorch, and warns.
    dtype : dtype, optional
        Convert the input first.

    Examples
    --------
    >>> import microbp
    >>> softmax(microbp.tensor([[0.0, 0.0, 0.0, 0.0]]), dim=1)
    tensor([[0.2500, 0.2500, 0.2500, 0.2500]])
    """
    return along(reduction.softmax, input, dim, dtype, "softmax")


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """log(softmax(x)) along a dimension, computed as x - logsumexp(x).

    Parameters
    ----------
    input, dim, dtype
        As for `softmax`.

    Examples
    --------
    >>> import microbp
    >>> log_softmax(microbp.tensor([[0.0, 1.0]]), dim=1)
    tensor([[-1.3133, -0.3133]])
    """
    return along(reduction.log_softmax, input, dim, dtype, "log_softmax")


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """softmax(-x) along a dimension.

    Parameters
    ----------
    input, dim, dtype
        As for `softmax`.

    Examples
    --------
    >>> import microbp
    >>> softmin(microbp.tensor([[0.0, 1.0]]), dim=1)
    tensor([[0.7311, 0.2689]])
    """
    return along(reduction.softmax, -tensor_for("softmin", input), dim, dtype, "softmin")


def along(row: Op, input: Any, dim: int | None, dtype: Any, name: str) -> Tensor:
    """Apply a row that works along a dimension."""
    input = tensor_for(name, input)
    if dim is None:
        warn(
            f"Implicit dimension choice for {name} has been deprecated. "
            "Change the call to include dim=X as an argument."
        )
        dim = 0 if input.ndim in (0, 1, 3) else 1
    return normalised(row, input, dim, dtype)

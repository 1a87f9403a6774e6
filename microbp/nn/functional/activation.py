"""Activation functions with PyTorch's signatures."""

from __future__ import annotations

from typing import Any

from microbp.errors import OptionError
from microbp.inplace import apply_in_place
from microbp.nn.functional.check import number, ordered, require_floating, tensor_for
from microbp.ops import activation as rows
from microbp.ops import elementwise, trigonometry
from microbp.ops.op import Op
from microbp.tensor import Tensor, apply

__all__ = [
    "celu",
    "elu",
    "gelu",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "logsigmoid",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
]


TAKE_INTEGERS = frozenset({elementwise.sigmoid, trigonometry.tanh, rows.softsign, rows.tanhshrink})
TAKE_BOOLS = frozenset({elementwise.sigmoid, trigonometry.tanh})


def activate(row: Op, input: Any, inplace: bool, **options: Any) -> Tensor:
    """Apply a row, into the memory of the input if asked to; integers are refused where PyTorch refuses them."""
    if not isinstance(input, Tensor):
        input = tensor_for(row.name, input)
    kind = input.array.dtype.kind
    if kind != "f" and row not in (TAKE_BOOLS if kind == "b" else TAKE_INTEGERS):
        require_floating(row.name, input)
    for name, value in options.items():
        options[name] = number(row.name, name, value)
    return apply_in_place(row, input, **options) if inplace else apply(row, input, **options)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(0, x), element by element.

    Parameters
    ----------
    input : Tensor
        Any shape.
    inplace : bool
        Write the result into the input.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

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

    Parameters
    ----------
    input : Tensor
        Of any shape; integers are taken too, but no truth values.
    inplace
        As for `relu`.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    DtypeError
        For truth values.

    Examples
    --------
    >>> import microbp
    >>> relu6(microbp.tensor([-1.0, 2.0, 8.0]))
    tensor([0., 2., 6.])
    """
    return clipped("relu6", input, 0, 6, inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where x > 0, else negative_slope * x.

    Source: Maas, Hannun & Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic Models" (2013).

    Parameters
    ----------
    input : Tensor
        Of any shape, floating-point.
    negative_slope : float
        The slope where x < 0.
    inplace
        As for `relu`.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    DtypeError
        If the input is not floating-point.

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

    Parameters
    ----------
    input : Tensor
        Of any shape, floating-point.
    alpha : float
        The function goes to -alpha as x goes to minus infinity.
    inplace
        As for `relu`.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    DtypeError
        If the input is not floating-point.

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

    Parameters
    ----------
    input : Tensor
        Of any shape, floating-point.
    alpha : float
        Not 0; the function goes to -alpha as x goes to minus infinity.
    inplace
        As for `relu`.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    DtypeError
        If the input is not floating-point.
    ZeroDivisionError
        If `alpha` is 0.

    Examples
    --------
    >>> import microbp
    >>> celu(microbp.tensor([-1.0, 2.0]), alpha=2.0)
    tensor([-0.7869,  2.0000])
    """
    if number("celu", "alpha", alpha) == 0:
        raise ZeroDivisionError("celu() divides by alpha, which must not be 0")
    return activate(rows.celu, input, inplace, alpha=alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """1.0507 * elu(x, alpha=1.6733), with which activations normalise themselves.

    Source: Klambauer, Unterthiner, Mayr & Hochreiter, "Self-Normalizing Neural Networks" (2017).

    Parameters
    ----------
    input : Tensor
        Of any shape, floating-point.
    inplace
        As for `relu`.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    DtypeError
        If the input is not floating-point.

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

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    DtypeError
        If the input is not floating-point.
    OptionError
        If `approximate` is something else.

    Examples
    --------
    >>> import microbp
    >>> gelu(microbp.tensor([-1.0, 2.0]))
    tensor([-0.1587,  1.9545])
    """
    if approximate not in ("none", "tanh"):
        raise OptionError(f"gelu: approximate argument must be either none or tanh, got {approximate!r}")
    return activate(rows.gelu if approximate == "none" else rows.gelu_tanh, input, False)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x * sigmoid(x), also called swish.

    Source: Elfwing, Uchibe & Doya, "Sigmoid-Weighted Linear Units" (2017).

    Parameters
    ----------
    input : Tensor
        Of any shape, floating-point.
    inplace
        As for `relu`.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    DtypeError
        If the input is not floating-point.

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

    Parameters
    ----------
    input : Tensor
        Of any shape, floating-point.
    inplace
        As for `relu`.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    DtypeError
        If the input is not floating-point.

    Examples
    --------
    >>> import microbp
    >>> mish(microbp.tensor([-1.0, 2.0]))
    tensor([-0.3034,  1.9440])
    """
    return activate(rows.mish, input, inplace)


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-x)).

    Parameters
    ----------
    input : Tensor
        Of any shape; integers are taken in the default dtype.

    Returns
    -------
    Tensor
        Of the shape of `input` and its floating-point dtype.

    Examples
    --------
    >>> import microbp
    >>> sigmoid(microbp.tensor([0.0, 2.0]))
    tensor([0.5000, 0.8808])
    """
    return activate(elementwise.sigmoid, input, False)


def tanh(input: Tensor) -> Tensor:
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x)).

    Parameters
    ----------
    input : Tensor
        Of any shape; integers are taken in the default dtype.

    Returns
    -------
    Tensor
        Of the shape of `input` and its floating-point dtype.

    Examples
    --------
    >>> import microbp
    >>> tanh(microbp.tensor([0.0, 2.0]))
    tensor([0.0000, 0.9640])
    """
    return activate(trigonometry.tanh, input, False)


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta * x)) / beta, a smooth `relu`; x itself where beta * x > threshold.

    Parameters
    ----------
    input : Tensor
        Of any shape, floating-point.
    beta : float
        How sharp the bend is.
    threshold : float
        From where on the function is taken to be x, which it is but for rounding.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    DtypeError
        If the input is not floating-point.

    Examples
    --------
    >>> import microbp
    >>> softplus(microbp.tensor([-1.0, 2.0]))
    tensor([0.3133, 2.1269])
    """
    return activate(rows.softplus, input, False, beta=beta, threshold=threshold)


def softsign(input: Tensor) -> Tensor:
    """x / (1 + \\|x\\|).

    Parameters
    ----------
    input : Tensor
        Of any shape; integers are taken in the default dtype.

    Returns
    -------
    Tensor
        Of the shape of `input` and its floating-point dtype.

    Raises
    ------
    DtypeError
        For truth values.

    Examples
    --------
    >>> import microbp
    >>> softsign(microbp.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """
    return activate(rows.softsign, input, False)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x between min_val and max_val, the nearer of them elsewhere.

    Parameters
    ----------
    input : Tensor
        Of any shape; integers are taken too, but no truth values.
    min_val, max_val : float
        The bounds; for integers, they are rounded towards 0.
    inplace
        As for `relu`.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    DtypeError
        For truth values.
    OptionError
        If `min_val` is larger than `max_val`, or negative for an unsigned dtype.

    Examples
    --------
    >>> import microbp
    >>> hardtanh(microbp.tensor([-2.0, 0.5]))
    tensor([-1.0000,  0.5000])
    """
    min_val, max_val = number("hardtanh", "min_val", min_val), number("hardtanh", "max_val", max_val)
    if min_val > max_val:
        raise OptionError(f"hardtanh: min_val cannot be greater than max_val, got {min_val} and {max_val}")
    return clipped("hardtanh", input, min_val, max_val, inplace)


def clipped(name: str, input: Any, low: float, high: float, inplace: bool) -> Tensor:
    """`hardtanh`; for integers, the bounds are rounded towards 0, as in PyTorch."""
    input = ordered(name, input)
    kind = input.array.dtype.kind
    if kind != "f":
        low, high = int(low), int(high)
    if kind == "u" and low < 0:
        raise OptionError(f"{name}: {input.dtype} holds no negative numbers, so min_val must not be {low}")
    if inplace:
        return apply_in_place(rows.hardtanh, input, min_val=low, max_val=high)
    return apply(rows.hardtanh, input, min_val=low, max_val=high)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(0, x + 3), 6) / 6.

    Parameters
    ----------
    input : Tensor
        Of any shape, floating-point.
    inplace
        As for `relu`.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    DtypeError
        If the input is not floating-point.

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

    Parameters
    ----------
    input : Tensor
        Of any shape, floating-point.
    inplace
        As for `relu`.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    DtypeError
        If the input is not floating-point.

    Examples
    --------
    >>> import microbp
    >>> hardswish(microbp.tensor([-4.0, 1.5]))
    tensor([-0.0000,  1.1250])
    """
    return activate(rows.hardswish, input, inplace)


def logsigmoid(input: Tensor) -> Tensor:
    """log(1 / (1 + exp(-x))), without underflow.

    Parameters
    ----------
    input : Tensor
        Of any shape, floating-point.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    DtypeError
        If the input is not floating-point.

    Examples
    --------
    >>> import microbp
    >>> logsigmoid(microbp.tensor([-1.0, 2.0]))
    tensor([-1.3133, -0.1269])
    """
    return activate(rows.logsigmoid, input, False)


def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x).

    Parameters
    ----------
    input : Tensor
        Of any shape; integers are taken in the default dtype.

    Returns
    -------
    Tensor
        Of the shape of `input` and its floating-point dtype.

    Raises
    ------
    DtypeError
        For truth values.

    Examples
    --------
    >>> import microbp
    >>> tanhshrink(microbp.tensor([-1.0, 2.0]))
    tensor([-0.2384,  1.0360])
    """
    return activate(rows.tanhshrink, input, False)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where x > threshold, else value.

    Parameters
    ----------
    input : Tensor
        Of any shape; integers are taken too, but no truth values.
    threshold : float
        Up to where x is replaced.
    value : float
        What replaces it.
    inplace
        As for `relu`.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    DtypeError
        For truth values.

    Examples
    --------
    >>> import microbp
    >>> from microbp.nn import functional
    >>> functional.threshold(microbp.tensor([-1.0, 0.5, 2.0]), 0.5, 20.0)
    tensor([20., 20.,  2.])
    """
    input = ordered("threshold", input)
    threshold, value = number("threshold", "threshold", threshold), number("threshold", "value", value)
    if inplace:
        return apply_in_place(rows.threshold, input, threshold=threshold, value=value)
    out: Tensor = apply(rows.threshold, input, threshold=threshold, value=value)
    return out


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """0 where \\|x\\| <= lambd, else x.

    Parameters
    ----------
    input : Tensor
        Of any shape, floating-point.
    lambd : float
        How far from 0 the function is 0.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    DtypeError
        If the input is not floating-point.

    Examples
    --------
    >>> import microbp
    >>> hardshrink(microbp.tensor([-1.0, 0.25, 2.0]))
    tensor([-1.,  0.,  2.])
    """
    return activate(rows.hardshrink, input, False, lambd=lambd)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x moved towards 0 by lambd, and 0 where it would go across.

    Parameters
    ----------
    input : Tensor
        Of any shape, floating-point.
    lambd : float
        How far x is moved; not negative.

    Returns
    -------
    Tensor
        Of the shape and dtype of `input`.

    Raises
    ------
    DtypeError
        If the input is not floating-point.
    OptionError
        If `lambd` is negative.

    Examples
    --------
    >>> import microbp
    >>> softshrink(microbp.tensor([-1.0, 0.25, 2.0]))
    tensor([-0.5000,  0.0000,  1.5000])
    """
    if not number("softshrink", "lambd", lambd) >= 0:
        raise OptionError(f"softshrink: lambd must not be negative, but found {lambd}")
    return activate(rows.softshrink, input, False, lambd=lambd)

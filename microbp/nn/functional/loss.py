"""Loss functions with PyTorch's signatures.

Each computes a loss per element or sample and then, by `reduction`, their ``'mean'``, their
``'sum'``, or ``'none'`` of the two. ``size_average`` and ``reduce``, PyTorch's deprecated ways
of asking for that, are refused.
"""

from __future__ import annotations

from microbp.errors import DtypeError, OptionError, RangeError, ShapeError, warn
from microbp.mode import look_at_values
from microbp.nn.functional.check import (
    alike,
    both_tensors,
    check_reduction,
    mean_over,
    number,
    reduced,
    require_floating,
    rescaled,
    weighted,
)
from microbp.ops import activation
from microbp.ops import loss as rows
from microbp.tensor import Tensor, apply

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "mse_loss",
    "smooth_l1_loss",
]


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Squared error, (input - target)².

    Parameters
    ----------
    input, target : Tensor
        Of one shape.
    reduction : {'mean', 'sum', 'none'}
        What to make of the errors.
    weight : Tensor, optional
        A factor for each element; the mean is then over the sum of the weights.
    size_average, reduce : None
        PyTorch's older names for what `reduction` says; they are refused.

    Returns
    -------
    Tensor
        0-d, or of the input's shape for ``'none'``.

    Raises
    ------
    OptionError
        If there is no such reduction, or `size_average` or `reduce` is given.
    DtypeError
        If there is no floating-point number among them.

    Warns
    -----
    BroadcastWarning
        If the shapes differ.

    Examples
    --------
    >>> import microbp
    >>> mse_loss(microbp.tensor([1.0, 2.0]), microbp.tensor([1.0, 4.0]))
    tensor(2.)
    """
    check_reduction("mse_loss", reduction, size_average, reduce)
    input, target = alike(*both_tensors("mse_loss", input, target), "mse_loss")
    size, dtype = input.array.size, input.array.dtype
    if weight is None and reduction != "none" and size and dtype.kind == "f" and dtype.itemsize > 2:
        loss: Tensor = apply(rows.mse_loss, input, target, n=size if reduction == "mean" else 1)
        return loss
    require_floating("mse_loss", input, target)
    losses = (input - target).square()
    if weight is not None:
        return weighted(losses, weight, reduction, "mse_loss")
    return reduced(losses, reduction, "mse_loss")


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Absolute error, \\|input - target\\|.

    Parameters
    ----------
    input, target, reduction, weight
        As for `mse_loss`.
    size_average, reduce
        As for `mse_loss`.

    Returns
    -------
    Tensor
        0-d, or of the shape of `input` for ``'none'``.

    Examples
    --------
    >>> import microbp
    >>> l1_loss(microbp.tensor([1.0, 2.0]), microbp.tensor([1.0, 4.0]))
    tensor(1.)
    """
    check_reduction("l1_loss", reduction, size_average, reduce)
    input, target = alike(*both_tensors("l1_loss", input, target), "l1_loss")
    if reduction == "mean":
        require_floating("l1_loss", input, target)
    losses = (input - target).abs()
    if weight is not None:
        return weighted(losses, weight, reduction, "l1_loss")
    return reduced(losses, reduction, "l1_loss")


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Absolute error with a parabola for a tip: d² / (2 beta) where \\|d\\| < beta, else \\|d\\| - beta / 2.

    Source: Girshick, "Fast R-CNN" (2015).

    Parameters
    ----------
    input, target, reduction
        As for `mse_loss`.
    beta : float
        Where the parabola ends; 0 gives `l1_loss`.
    size_average, reduce
        As for `mse_loss`.

    Returns
    -------
    Tensor
        0-d, or of the shape of `input` for ``'none'``.

    Raises
    ------
    OptionError
        If `beta` is negative.

    Examples
    --------
    >>> import microbp
    >>> smooth_l1_loss(microbp.tensor([1.0, 2.0]), microbp.tensor([2.0, 4.0]), reduction="none")
    tensor([0.5000, 1.5000])
    """
    beta = number("smooth_l1_loss", "beta", beta)
    if not beta >= 0:
        raise OptionError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    if beta == 0:
        return l1_loss(input, target, size_average, reduce, reduction)
    check_reduction("smooth_l1_loss", reduction, size_average, reduce)
    input, target = alike(*both_tensors("smooth_l1_loss", input, target), "smooth_l1_loss")
    require_floating("smooth_l1_loss", input, target)
    losses = apply(rows.huber, input - target, delta=beta) / beta
    return reduced(losses, reduction, "smooth_l1_loss")


def huber_loss(
    input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None
) -> Tensor:
    """Half the squared error d² / 2 where \\|d\\| < delta, else delta * (\\|d\\| - delta / 2).

    Source: Huber, "Robust Estimation of a Location Parameter" (1964).

    Parameters
    ----------
    input, target, reduction
        As for `mse_loss`.
    delta : float
        Where the parabola ends; positive.
    weight : Tensor, optional
        A factor for each element; the mean is over the number of elements, as in PyTorch.

    Returns
    -------
    Tensor
        0-d, or of the shape of `input` for ``'none'``.

    Raises
    ------
    OptionError
        If `delta` is not positive.

    Examples
    --------
    >>> import microbp
    >>> huber_loss(microbp.tensor([1.0, 2.0]), microbp.tensor([2.0, 5.0]), reduction="none", delta=2.0)
    tensor([0.5000, 4.0000])
    """
    delta = number("huber_loss", "delta", delta)
    if not delta > 0:
        raise OptionError(f"huber_loss does not support non-positive values for delta, got {delta}")
    check_reduction("huber_loss", reduction, None, None)
    input, target = alike(*both_tensors("huber_loss", input, target), "huber_loss")
    require_floating("huber_loss", input, target)
    losses = apply(rows.huber, input - target, delta=delta)
    if weight is not None:
        return weighted(losses, weight, reduction, "huber_loss", over_weights=False)
    return reduced(losses, reduction, "huber_loss")


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
) -> Tensor:
    """-(t log p + (1 - t) log(1 - p)) for probabilities p and targets t.

    The logarithms end at -100. `binary_cross_entropy_with_logits` is the steadier one.

    Parameters
    ----------
    input : Tensor
        Probabilities, between 0 and 1.
    target : Tensor
        Of the same shape, between 0 and 1.
    weight : Tensor, optional
        A factor for each element, broadcast.
    reduction : {'mean', 'sum', 'none'}
        What to make of the losses.
    size_average, reduce
        As for `mse_loss`.

    Returns
    -------
    Tensor
        0-d, or of the shape of `input` for ``'none'``.

    Raises
    ------
    ShapeError
        If the shapes differ.
    RangeError
        If an input or target is not between 0 and 1.
    DtypeError
        If the dtypes differ, or are not floating-point.

    Examples
    --------
    >>> import microbp
    >>> binary_cross_entropy(microbp.tensor([0.5, 0.5]), microbp.tensor([0.0, 1.0]))
    tensor(0.6931)
    """
    check_reduction("binary_cross_entropy", reduction, size_average, reduce)
    input, target = both_tensors("binary_cross_entropy", input, target)
    if input.shape != target.shape:
        raise ShapeError(
            f"binary_cross_entropy: target {target.shape} and input {input.shape} must have the same size; "
            "bring them to one shape first, as with target.view_as(input)"
        )
    if input.dtype != target.dtype or input.dtype.kind != "f":
        raise DtypeError(
            f"binary_cross_entropy: input of {input.dtype} and target of {target.dtype} must have one floating-point "
            "dtype; convert the target: target.to(input.dtype)"
        )
    look_at_values()
    for name, p in (("input", input.array), ("target", target.array)):
        if p.size and not (p.min() >= 0 and p.max() <= 1):
            worst = p[~((p >= 0) & (p <= 1))][0]
            raise RangeError(f"binary_cross_entropy: all elements of {name} should be between 0 and 1, got {worst}")
    losses = apply(rows.binary_cross_entropy, input, target)
    if weight is not None:
        losses = rescaled("binary_cross_entropy", losses, weight)
    return reduced(losses, reduction, "binary_cross_entropy")


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """-(t log σ(x) + (1 - t) log(1 - σ(x))) for logits x and targets t, exact for logits of any size.

    Parameters
    ----------
    input : Tensor
        Logits.
    target : Tensor
        Of the same shape, between 0 and 1.
    weight : Tensor, optional
        A factor for each element, broadcast.
    reduction : {'mean', 'sum', 'none'}
        What to make of the losses.
    pos_weight : Tensor, optional
        A factor for the first term, so that positive examples weigh more; broadcast.
    size_average, reduce
        As for `mse_loss`.

    Returns
    -------
    Tensor
        0-d, or of the shape of `input` for ``'none'``.

    Raises
    ------
    ShapeError
        If the shapes differ.
    DtypeError
        If input or target are no floating-point tensors.

    Examples
    --------
    >>> import microbp
    >>> binary_cross_entropy_with_logits(microbp.tensor([0.0, 100.0]), microbp.tensor([0.0, 0.0]), reduction="none")
    tensor([  0.6931, 100.0000])
    """
    check_reduction("binary_cross_entropy_with_logits", reduction, size_average, reduce)
    input, target = both_tensors("binary_cross_entropy_with_logits", input, target)
    if input.shape != target.shape:
        raise ShapeError(
            f"binary_cross_entropy_with_logits: target {target.shape} must be the same size as input {input.shape}; "
            "bring them to one shape first, as with target.view_as(input)"
        )
    if input.dtype.kind != "f" or target.dtype.kind != "f":
        raise DtypeError(
            f"binary_cross_entropy_with_logits: input and target must be floating point, got {input.dtype} and "
            f"{target.dtype}; convert the target: target.to(input.dtype)"
        )
    if pos_weight is None:
        losses = apply(rows.binary_cross_entropy_with_logits, input, target)
    else:
        log_yes, log_no = apply(activation.logsigmoid, input), apply(activation.logsigmoid, -input)
        positive = rescaled("binary_cross_entropy_with_logits", target * log_yes, pos_weight, "pos_weight")
        losses = -(positive + (1 - target) * log_no)
    if weight is not None:
        losses = rescaled("binary_cross_entropy_with_logits", losses, weight)
    return reduced(losses, reduction, "binary_cross_entropy_with_logits")


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """Kullback-Leibler divergence of log-probabilities from a target, t * (log t - input).

    Parameters
    ----------
    input : Tensor
        Log-probabilities.
    target : Tensor
        Probabilities, or log-probabilities if `log_target`, of the same shape.
    reduction : {'mean', 'sum', 'none', 'batchmean'}
        ``'batchmean'`` divides the sum by the first dimension, as the definition asks; ``'mean'`` divides it by the
        number of elements, and warns.
    log_target : bool
        Whether `target` holds log-probabilities.
    size_average, reduce
        As for `mse_loss`.

    Returns
    -------
    Tensor
        0-d, or of the shape of `input` for ``'none'``.

    Raises
    ------
    DtypeError
        If the target is not floating-point.

    Examples
    --------
    >>> import microbp
    >>> p = microbp.tensor([[0.5, 0.5]])
    >>> kl_div(p.log(), microbp.tensor([[0.25, 0.75]]), reduction="batchmean")
    tensor(0.1308)
    """
    check_reduction("kl_div", reduction, size_average, reduce, more=("batchmean",))
    if reduction == "mean":
        warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size. 'batchmean' divides "
            "only by the batch size, and aligns with the KL div math definition."
        )
    input, target = both_tensors("kl_div", input, target)
    batch = len(input) if input.ndim else 1
    input, target = alike(input, target, "kl_div")
    if target.dtype.kind != "f":
        raise DtypeError(f"kl_div: the target holds probabilities, floating point, got {target.dtype}; t.float()")
    losses = target.exp() * (target - input) if log_target else apply(rows.xlogx, target) - target * input
    if reduction != "batchmean":
        return reduced(losses, reduction, "kl_div")
    return mean_over(losses.sum(), batch, "kl_div")

"""How variables vary together: covariances and correlations."""

from __future__ import annotations

from typing import Any

from microbp.errors import DtypeError, RangeError, ShapeError, warn
from microbp.methods import method
from microbp.mode import look_at_values
from microbp.tensor import Tensor

__all__ = ["corrcoef", "cov"]


@method("cov")
def cov(
    input: Tensor, *, correction: int = 1, fweights: Tensor | None = None, aweights: Tensor | None = None
) -> Tensor:
    """Covariances of variables, sum_k w_k (x_ik - mean(x_i)) (x_jk - mean(x_j)) / (sum_k w_k - correction).

    Parameters
    ----------
    input : Tensor
        Of shape (variables, observations), or (observations,) for one variable.
    correction : int
        What to take off the number of observations; 1 by default.
    fweights : Tensor, optional
        How often each observation was made: integers of shape (observations,).
    aweights : Tensor, optional
        How much each observation counts: numbers of shape (observations,).

    Returns
    -------
    Tensor
        Of shape (variables, variables), () for one variable.

    Raises
    ------
    ShapeError
        If there are more than two dimensions, or the weights do not fit.
    DtypeError
        For truth values, and for `fweights` that are no integers or `aweights` that are no real numbers.
    RangeError
        If a weight is negative, or all are zero.

    Examples
    --------
    >>> import microbp
    >>> microbp.cov(microbp.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if input.ndim > 2:
        raise ShapeError(f"cov takes a tensor of at most 2 dimensions, got shape {input.shape}")
    if input.dtype.kind == "b":
        raise DtypeError("cov is not for truth values")
    table: Any = input if input.ndim == 2 else input.reshape(1, -1)
    table = table if table.dtype.kind == "f" else table.float()
    count = table.shape[1]
    weights: Any = None
    for name, kinds, given in (("fweights", "iu", fweights), ("aweights", "f", aweights)):
        if given is not None:
            check_weights(name, kinds, given, count)
            weights = given if weights is None else weights * given
    total: Any = count if weights is None else weights.sum()
    look_at_values()
    if weights is not None and float(total) == 0:
        raise RangeError("cov: the weights sum to zero")
    counted = table if weights is None else table * weights
    distance = table - counted.sum(1, keepdim=True) / total
    if aweights is not None and correction != 0:
        freedom = total - correction * (weights * aweights).sum() / total
    else:
        freedom = total - correction
    if float(freedom) <= 0:
        warn(f"cov: {count} observations leave no degrees of freedom with correction={correction}")
        freedom = freedom * 0
    other = distance if weights is None else distance * weights
    found: Tensor = (distance @ other.T) / freedom
    return found.squeeze()


def check_weights(name: str, kinds: str, given: Tensor, count: int) -> None:
    """Refuse weights that do not fit the observations."""
    if given.dtype.kind not in kinds:
        raise DtypeError(f"cov: {name} must be {'integers' if 'i' in kinds else 'floating-point'}, got {given.dtype}")
    if given.shape != (count,):
        raise ShapeError(f"cov: {name} {given.shape} must have one entry for each of the {count} observations")
    look_at_values()
    if (given.array < 0).any():
        raise RangeError(f"cov: {name} must not be negative, got {given.array.min()}")


@method("corrcoef")
def corrcoef(input: Tensor) -> Tensor:
    """Correlations of variables: their covariances over the product of their standard deviations.

    Parameters
    ----------
    input : Tensor
        Of shape (variables, observations), or (observations,) for one variable.

    Returns
    -------
    Tensor
        Of shape (variables, variables), from -1 to 1; NaN for what does not vary.

    Raises
    ------
    ShapeError
        If there are more than two dimensions.

    Examples
    --------
    >>> import microbp
    >>> microbp.corrcoef(microbp.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    found: Any = cov(input)
    if found.ndim == 0:
        return found / found  # type: ignore[no-any-return]
    deviation = found.diagonal().sqrt()
    scaled: Tensor = (found / deviation[:, None] / deviation).clamp(-1, 1)
    return scaled

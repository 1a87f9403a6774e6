"""The name that tensors with a history had in old scripts."""

from __future__ import annotations

from microbp.tensor import Tensor

__all__ = ["Variable"]


def Variable(data: Tensor, requires_grad: bool = False) -> Tensor:
    """The tensor itself, on the same memory, as a leaf that may require grad.

    Tensors do all that variables did; new scripts have no need of this.

    Parameters
    ----------
    data : Tensor
        The values.
    requires_grad : bool
        Record what is computed from it.

    Returns
    -------
    Tensor

    Raises
    ------
    TypeError
        If `data` is no tensor.

    Examples
    --------
    >>> import microbp
    >>> Variable(microbp.tensor([1.0]), requires_grad=True)
    tensor([1.], requires_grad=True)
    """
    if not isinstance(data, Tensor):
        raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
    return data.detach().requires_grad_(requires_grad)

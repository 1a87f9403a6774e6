"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable

from microbp.errors import ShapeError
from microbp.functions.joining import cat
from microbp.nn.utils.clipping import listed_tensors
from microbp.tensor import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters in one vector, each flattened; recorded, so that its gradient reaches them.

    Parameters
    ----------
    parameters : iterable of Tensor
        At least one.

    Returns
    -------
    Tensor
        1-d.

    Raises
    ------
    ShapeError
        If there is no parameter.

    Examples
    --------
    >>> import microbp
    >>> parameters_to_vector([microbp.tensor([[1.0, 2.0], [3.0, 4.0]]), microbp.tensor(5.0)])
    tensor([1., 2., 3., 4., 5.])
    """
    listed = listed_tensors(parameters)
    if not listed:
        raise ShapeError("parameters_to_vector needs at least one tensor (a generator can be used only once)")
    return cat([parameter.reshape(-1) for parameter in listed])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Give parameters the values of a vector, as `parameters_to_vector` arranges them.

    As in PyTorch, the parameters look at the memory of the vector from then on; give a ``vec.clone()`` if it is to be
    changed later.

    Parameters
    ----------
    vec : Tensor
        1-d. What the parameters leave over is not used.
    parameters : iterable of Tensor
        Those to change.

    Raises
    ------
    TypeError
        If `vec` is no tensor, or `parameters` a single one.
    ShapeError
        If the vector is too short; no parameter was changed then.

    Examples
    --------
    >>> import microbp
    >>> layer = microbp.nn.Linear(2, 1)
    >>> vector_to_parameters(microbp.tensor([1.0, 2.0, 3.0]), layer.parameters())
    >>> layer.weight, layer.bias
    (Parameter containing:
    tensor([[1., 2.]], requires_grad=True), Parameter containing:
    tensor([3.], requires_grad=True))
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"vector_to_parameters: vec must be a Tensor, got {type(vec).__name__}")
    if isinstance(parameters, Tensor):
        raise TypeError("vector_to_parameters takes an iterable of tensors, got a single Tensor; put it in a list")
    listed = list(parameters)
    needed = sum(parameter.numel() for parameter in listed)
    if vec.ndim != 1 or vec.numel() < needed:
        raise ShapeError(f"vector_to_parameters: the parameters take a vector of {needed} values, got {vec.shape}")
    values, start = vec.detach(), 0
    for parameter in listed:
        end = start + parameter.numel()
        parameter.data = values[start:end].reshape(parameter.shape)
        start = end

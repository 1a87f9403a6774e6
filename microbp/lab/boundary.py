"""What a model says about every point of a plane, with weights that it had earlier.

The recorder does not run the model on a grid at every step, which would cost more than the
step itself. It has the weights of each recorded step, and from these the picture can be made
when it is asked for: the model is run with them in place of its own, and left as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from microbp.errors import ShapeError
from microbp.functions.generator import get_rng_state, set_rng_state
from microbp.lab.plane import Plane
from microbp.mode import no_grad
from microbp.nn.module import Module
from microbp.tensor import Tensor, wrap
from microbp.version import Version

__all__ = ["borrowed", "evaluate", "plane_of"]

Array = np.ndarray[Any, Any]


def plane_of(data: Any, grid: int) -> Plane:
    """Where to draw the boundary of a model with these data.

    Parameters
    ----------
    data : Tensor, array, or pair of them
        The inputs, of shape (N, 2), alone or with their labels: N values, or (N, 1).
    grid : int
        How many points the grid has in each direction.

    Raises
    ------
    ShapeError
        If the inputs are not two-dimensional, or there are not as many labels.
    """
    is_pair = isinstance(data, tuple | list) and len(data) == 2 and isinstance(data[0], Tensor | np.ndarray)
    points, labels = data if is_pair else (data, None)
    points = np.array(points.array if isinstance(points, Tensor) else points)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ShapeError(
            f"watch(data=...) draws the boundary of a model with 2 inputs and takes points of shape (N, 2), "
            f"got {points.shape}; leave data out for other models"
        )
    if points.dtype.kind != "f":
        points = points.astype(np.float32)
    if labels is not None:
        labels = np.array(labels.array if isinstance(labels, Tensor) else labels)
        if labels.size != len(points):
            raise ShapeError(f"watch(data=...) has {len(points)} points, but labels of shape {labels.shape}")
        labels = labels.reshape(-1)
    return Plane(points, labels, grid)


def evaluate(model: Module, plane: Plane, values: Mapping[str, Array]) -> Array:
    """The output of a model on the grid of a plane, in evaluation mode, with these parameters and buffers.

    Returns
    -------
    array (grid, grid) or (grid, grid, outputs)
        Row by row, the second coordinate growing with the row.

    Raises
    ------
    ShapeError
        If the model does not put out one row of numbers for each point.
    """
    with borrowed(model, values):
        output = model(wrap(plane.positions()))
    count = plane.grid**2
    if not isinstance(output, Tensor) or output.array.ndim not in (1, 2) or len(output.array) != count:
        got = output.shape if isinstance(output, Tensor) else type(output).__name__
        raise ShapeError(f"a boundary needs a model that puts out (N,) or (N, outputs) for N points, got {got}")
    array = output.array.reshape(plane.grid, plane.grid, -1)
    return array[:, :, 0].copy() if array.shape[2] == 1 else array.copy()


@contextmanager
def borrowed(model: Module, values: Mapping[str, Array]) -> Iterator[None]:
    """A block in which a model is in evaluation mode and has other parameters and buffers, unrecorded.

    Afterwards it is as before, with whatever its modules have noted on themselves meanwhile undone, and so is
    the generator of random numbers. The model works on copies, so that what it writes in place, as a counter does,
    changes neither these values nor its own; the very arrays are put back, and no graph sees a write.
    """
    modules = list(model.modules())
    attributes = [(module, dict(module.__dict__), dict(module._buffers)) for module in modules]
    tensors = dict([*model.named_parameters(), *model.named_buffers()])
    memory = [(tensor, tensor.array, tensor._version) for tensor in tensors.values()]
    random = get_rng_state()
    try:
        for name, tensor in tensors.items():
            tensor.array, tensor._version = values.get(name, tensor.array).copy(), Version()
        model.eval()
        with no_grad():
            yield
    finally:
        for tensor, array, version in memory:
            tensor.array, tensor._version = array, version
        for module, fields, buffers in attributes:
            module.__dict__.clear()
            module.__dict__.update(fields)
            module._buffers.clear()
            module._buffers.update(buffers)
        set_rng_state(random)

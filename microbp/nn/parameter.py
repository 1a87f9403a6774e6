"""The tensor that a module learns."""

from __future__ import annotations

from typing import Any

import numpy as np

from microbp.dtypes import get_default_dtype
from microbp.tensor import Tensor, wrap

__all__ = ["Parameter"]


class Parameter(Tensor):
    """A tensor that, as an attribute of a `Module`, is one of the module's parameters.

    Parameters
    ----------
    data : Tensor, optional
        The values; the memory is shared. Empty by default.
    requires_grad : bool
        Whether it gets a gradient.

    Raises
    ------
    TypeError
        If `data` is no tensor.
    DtypeError
        If `data` is of integers and `requires_grad` is not switched off.

    Examples
    --------
    >>> import microbp
    >>> Parameter(microbp.tensor([1.0, 2.0]))
    Parameter containing:
    tensor([1., 2.], requires_grad=True)
    """

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        if data is None:
            data = wrap(np.empty(0, get_default_dtype()))
        if not isinstance(data, Tensor):
            raise TypeError(
                f"a Parameter is made of a Tensor, got {type(data).__name__}; make one first: microbp.tensor(...)"
            )
        self.array = data.array
        self._version = data._versioned()
        self.requires_grad = requires_grad

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        """A parameter of its own with the same values; the gradient stays behind."""
        if id(self) not in memo:
            copied = type(self)(wrap(self.array.copy()), self.requires_grad)
            copied.name = self.name
            memo[id(self)] = copied
        found: Parameter = memo[id(self)]
        return found

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"

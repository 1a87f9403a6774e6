"""NumPy's questions about arrays on tensors: ``np.allclose(t, u)``, ``np.result_type(t)``, ``np.save(file, t)``.

Their answers have no gradient, so NumPy itself gives them, from the values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from microbp.functions.interop import implements
from microbp.tensor import Tensor, wrap

__all__: list[str] = []


def bare(value: Any) -> Any:
    """A value, or values in a list or tuple, with arrays in place of tensors."""
    if isinstance(value, list | tuple):
        return type(value)(bare(item) for item in value)
    return value.array if isinstance(value, Tensor) else value


def asks(function: Callable[..., Any]) -> None:
    """Enter a function that is answered by NumPy; arrays in the answer become tensors."""

    def answer(*arguments: Any, **options: Any) -> Any:
        found = function(*bare(arguments), **{name: bare(value) for name, value in options.items()})
        return wrap(found) if isinstance(found, np.ndarray) else found

    implements(function)(answer)


for _function in (
    np.allclose,
    np.array2string,
    np.array_equal,
    np.array_equiv,
    np.array_repr,
    np.array_str,
    np.can_cast,
    np.digitize,
    np.iscomplex,
    np.iscomplexobj,
    np.isclose,
    np.isin,
    np.isneginf,
    np.isposinf,
    np.isreal,
    np.isrealobj,
    np.may_share_memory,
    np.min_scalar_type,
    np.result_type,
    np.save,
    np.savetxt,
    np.savez,
    np.savez_compressed,
    np.shares_memory,
):
    asks(_function)

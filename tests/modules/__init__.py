"""The one table of modules that ``tests/nn/test_modules.py`` compares with PyTorch's.

Each family has a file here with a list ``cases``: the name of a module, the arguments of its
constructor, and what it is called with.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np

from tests.referee import to_tensor


class Case:
    """A module, how it is made, and what it is called with.

    Parameters
    ----------
    kind : str
        The name of its class.
    *args, **options
        The arguments of its constructor; arrays become tensors.

    Examples
    --------
    ``Case("Linear", 4, 2).on(normal(5, 4))``
    """

    def __init__(self, kind: str, *args: Any, **options: Any) -> None:
        self.kind = kind
        self.args = args
        self.options = options
        self.inputs: tuple[Any, ...] = ()
        self.named: dict[str, Any] = {}
        self.without_gradient: tuple[int, ...] = ()
        self.is_random = False
        self.rtol = 1e-10

    def on(self, *inputs: Any, without_gradient: tuple[int, ...] = (), **named: Any) -> Case:
        """What the module is called with; floating-point arrays get a gradient, but for those at some positions."""
        self.inputs = inputs
        self.named = named
        self.without_gradient = without_gradient
        return self

    def random(self) -> Case:
        """In training, the module computes with numbers that it draws, so that only evaluation can be compared."""
        self.is_random = True
        return self

    def rough(self, rtol: float) -> Case:
        """PyTorch's own result is not exact."""
        self.rtol = rtol
        return self

    def make(self, lib: Any) -> Any:
        """The module, of either library."""
        args = [to_tensor(lib, value, requires_grad=False) for value in self.args]
        options = {name: to_tensor(lib, value, requires_grad=False) for name, value in self.options.items()}
        return getattr(lib.nn, self.kind)(*args, **options)

    def tensors(self, lib: Any) -> list[Any]:
        """What it is called with, as tensors of either library."""
        return [to_tensor(lib, value, k not in self.without_gradient) for k, value in enumerate(self.inputs)]

    def __str__(self) -> str:
        def shown(value: Any) -> str:
            return f"array{value.shape}" if isinstance(value, np.ndarray) else repr(value)

        made = [*map(shown, self.args), *(f"{name}={shown(value)}" for name, value in self.options.items())]
        called = [*map(shown, self.inputs), *(f"{name}={shown(value)}" for name, value in self.named.items())]
        return f"{self.kind}({', '.join(made)}) on {', '.join(called)}"


def all_cases() -> list[Case]:
    """The cases of all families."""
    return [case for module in iter_modules(__path__) for case in import_module(f"{__name__}.{module.name}").cases]

"""Networks that differ in one thing: depth, width, activation, initialisation, skip connections, normalisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from microbp.errors import OptionError
from microbp.nn import Linear, Module, Sequential
from microbp.nn import init as initialisation
from microbp.tensor import Tensor

__all__ = ["Block", "layered_network"]

Maker = Callable[..., Module]


class Block(Module):
    """One layer: linear, then perhaps normalised, then through an activation, and perhaps added to its own input.

    Parameters
    ----------
    inputs, outputs : int
        Features.
    activation : callable, optional
        Makes the activation, as ``nn.ReLU`` does; None for a layer that stays linear.
    norm : callable, optional
        Makes the normalisation of so many features, as ``nn.LayerNorm`` does.
    skip : bool
        Add the input: x + f(x). Only where it has as many features as the output.
    """

    def __init__(
        self, inputs: int, outputs: int, activation: Maker | None = None, norm: Maker | None = None, skip: bool = False
    ) -> None:
        super().__init__()
        self.linear = Linear(inputs, outputs)
        self.norm = None if norm is None else norm(outputs)
        self.activation = None if activation is None else activation()
        self.skip = skip and inputs == outputs

    def forward(self, x: Tensor) -> Any:
        y = self.linear(x)
        if self.norm is not None:
            y = self.norm(y)
        if self.activation is not None:
            y = self.activation(y)
        return x + y if self.skip else y

    def extra_repr(self) -> str:
        return "skip=True" if self.skip else ""


def layered_network(
    depth: int,
    width: int = 16,
    *,
    inputs: int | None = None,
    outputs: int | None = None,
    activation: Maker | None = None,
    init: Callable[[Tensor], Any] | None = None,
    skip: bool = False,
    norm: Maker | None = None,
) -> Sequential:
    """A network of `depth` linear layers, all alike but for the sizes at its ends.

    Parameters
    ----------
    depth : int
        The number of linear layers, of which the last has no activation.
    width : int
        The features between them.
    inputs, outputs : int, optional
        The features at the ends; by default as `width`.
    activation : callable, optional
        Makes the activation, such as ``nn.Tanh``; without one, the network is a linear map however deep it is.
    init : callable, optional
        Fills a weight in place, such as ``nn.init.kaiming_normal_``; biases are then 0. By default as `nn.Linear` does.
    skip : bool
        Add to each layer but the last its own input, where it has as many features as the output.
    norm : callable, optional
        Makes a normalisation before each activation, such as ``nn.LayerNorm`` or ``nn.BatchNorm1d``.

    Returns
    -------
    Sequential
        Of (..., inputs) to (..., outputs).

    Raises
    ------
    OptionError
        If `depth` is less than 1.

    Examples
    --------
    >>> from microbp import nn
    >>> layered_network(3, 16, inputs=2, outputs=1, activation=nn.ReLU, skip=True)
    Sequential(
      (0): Block(
        (linear): Linear(in_features=2, out_features=16, bias=True)
        (activation): ReLU()
      )
      (1): Block(
        skip=True
        (linear): Linear(in_features=16, out_features=16, bias=True)
        (activation): ReLU()
      )
      (2): Linear(in_features=16, out_features=1, bias=True)
    )
    """
    if depth < 1:
        raise OptionError(f"a network has at least one layer, got depth={depth}")
    sizes = [inputs or width, *[width] * (depth - 1)]
    blocks = [Block(size, width, activation, norm, skip) for size in sizes[:-1]]
    model = Sequential(*blocks, Linear(sizes[-1], outputs or width))
    if init is not None:
        for module in model.modules():
            if isinstance(module, Linear):
                init(module.weight)
                initialisation.zeros_(module.bias)
    return model

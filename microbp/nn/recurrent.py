"""Recurrent layers: the same cell at every step of a sequence, with what it remembers as its second input.

With the input x and the memory h (and c), sigmoid σ and elementwise product ∘, the cells compute

    RNN     h' = tanh(W x + b + U h + d)

    LSTM    (i, f, g, o) = (σ, σ, tanh, σ)(W x + b + U h + d)
            c' = f ∘ c + i ∘ g,     h' = o ∘ tanh(c')

    GRU     (r, z) = σ(W x + b + U h + d),     n = tanh(W x + b + r ∘ (U h + d))
            h' = (1 - z) ∘ n + z ∘ h

where W x + b is split into one part for each gate, and so is U h + d.

The layers `LSTM` and `GRU` go through a whole sequence in one row (`microbp.ops.recurrent`). All else
is composed of the steps that are written out below, as is an LSTM whose memory is projected.

Sources: Elman, "Finding Structure in Time" (1990); Hochreiter & Schmidhuber, "Long Short-Term
Memory" (1997), with the forget gate of Gers et al. (2000); Cho et al., "Learning Phrase
Representations using RNN Encoder-Decoder" (2014).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from microbp.errors import DtypeError, OptionError, ShapeError, warn
from microbp.functions.arithmetic import lerp
from microbp.functions.creation import empty
from microbp.functions.indexing import narrow, select
from microbp.functions.joining import cat, stack
from microbp.functions.shape import transpose, unsqueeze
from microbp.functions.splitting import chunk
from microbp.nn import functional
from microbp.nn.functional.check import tensor_for
from microbp.nn.init import uniform_
from microbp.nn.module import Module
from microbp.nn.parameter import Parameter
from microbp.ops import elementwise, linalg, rearrange, recurrent, trigonometry
from microbp.tensor import Tensor, apply, wrap

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]

State = tuple[Tensor, ...]  # (h,), or (h, c) of an LSTM
Step = Callable[[Tensor, Tensor, State], State]  # from W x + b, U h + d and the state to the next state


# The cells


def tanh_step(of_input: Tensor, of_memory: Tensor, state: State) -> State:
    """One step of an RNN."""
    return (apply(trigonometry.tanh, of_input + of_memory),)


def relu_step(of_input: Tensor, of_memory: Tensor, state: State) -> State:
    """One step of an RNN with relu in place of tanh."""
    return (apply(elementwise.relu, of_input + of_memory),)


def lstm_step(of_input: Tensor, of_memory: Tensor, state: State) -> State:
    """One step of an LSTM."""
    i, f, g, o = chunk(of_input + of_memory, 4, dim=-1)
    c = apply(elementwise.sigmoid, f) * state[1] + apply(elementwise.sigmoid, i) * apply(trigonometry.tanh, g)
    return apply(elementwise.sigmoid, o) * apply(trigonometry.tanh, c), c


def gru_step(of_input: Tensor, of_memory: Tensor, state: State) -> State:
    """One step of a GRU."""
    (r_x, z_x, n_x), (r_h, z_h, n_h) = chunk(of_input, 3, dim=-1), chunk(of_memory, 3, dim=-1)
    r, z = apply(elementwise.sigmoid, r_x + r_h), apply(elementwise.sigmoid, z_x + z_h)
    n = apply(trigonometry.tanh, n_x + r * n_h)
    return (lerp(n, state[0], z),)


STEPS: dict[str, tuple[Step, int]] = {
    "RNN_TANH": (tanh_step, 1),
    "RNN_RELU": (relu_step, 1),
    "LSTM": (lstm_step, 4),
    "GRU": (gru_step, 3),
}
"""By the mode: the step, and the number of gates."""


@lru_cache(maxsize=64)
def zero_state(shape: tuple[int, ...], dtype: Any) -> Tensor:
    """The state before anything was read. It is shared, so that a call is the same each time, and only read."""
    zeros = np.zeros(shape, dtype)
    zeros.flags.writeable = False
    return wrap(zeros)


def mode_of(nonlinearity: str) -> str:
    """The mode of an RNN."""
    if nonlinearity not in ("tanh", "relu"):
        raise OptionError(f"unknown nonlinearity {nonlinearity!r}; it is 'tanh' or 'relu'")
    return f"RNN_{nonlinearity.upper()}"


class RNNCellBase(Module):
    """What the cells share: their parameters, and the checks of their inputs.

    Parameters
    ----------
    input_size, hidden_size : int
        The numbers of features.
    bias : bool
        Whether there are b and d.
    num_chunks : int
        The number of gates.
    device, dtype
        Of the parameters.

    Attributes
    ----------
    weight_ih, weight_hh : Parameter
        W (gates * hidden_size, input_size) and U (gates * hidden_size, hidden_size).
    bias_ih, bias_hh : Parameter or None
        b and d (gates * hidden_size,).
    """

    mode = ""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        size = num_chunks * hidden_size
        self.weight_ih = Parameter(empty(size, input_size, device=device, dtype=dtype))
        self.weight_hh = Parameter(empty(size, hidden_size, device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(empty(size, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters anew, uniformly between ±1/√hidden_size."""
        draw_all(self, self.hidden_size)

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias else ", bias=False")

    def next_state(self, input: Tensor, hx: State | None) -> State:
        """One step, for a batch (N, input_size) or a single input (input_size,); the state has the same form."""
        x = tensor_for(str(self), input)
        if x.ndim not in (1, 2):
            raise ShapeError(f"{self} expects an input of 1 or 2 dimensions, got shape {x.shape}")
        if x.shape[-1] != self.input_size:
            raise ShapeError(f"{self} expects {self.input_size} features, got an input of shape {x.shape}")
        shape = (*x.shape[:-1], self.hidden_size)
        if hx is None:
            hx = (zero_state(shape, x.dtype),) * (2 if self.mode == "LSTM" else 1)
        for state in hx:
            if tensor_for(str(self), state, "hx").shape != shape:
                raise ShapeError(
                    f"{self}: the input of shape {x.shape} needs a state of shape {shape}, got {state.shape}"
                )
        of_input = apply(linalg.linear, x, self.weight_ih, self.bias_ih)
        of_memory = apply(linalg.linear, hx[0], self.weight_hh, self.bias_hh)
        return STEPS[self.mode][0](of_input, of_memory, hx)


class RNNCell(RNNCellBase):
    """One step of an RNN, h' = tanh(W x + b + U h + d).

    Parameters
    ----------
    input_size, hidden_size : int
        The number of features of the input and of the memory.
    bias : bool
        Whether there are b and d.
    nonlinearity : {'tanh', 'relu'}
        What is applied.
    device, dtype : optional
        As for `microbp.empty`.

    Raises
    ------
    OptionError
        If `nonlinearity` is something else.

    Examples
    --------
    >>> import microbp
    >>> RNNCell(3, 4)(microbp.ones(5, 3)).shape
    (5, 4)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        self.__dict__["mode"] = mode_of(nonlinearity)
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def extra_repr(self) -> str:
        return super().extra_repr() + ("" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}")

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self.next_state(input, None if hx is None else (hx,))[0]


class GRUCell(RNNCellBase):
    """One step of a gated recurrent unit; see the equations above.

    Parameters
    ----------
    input_size, hidden_size, bias, device, dtype
        As for `RNNCell`.

    Examples
    --------
    >>> import microbp
    >>> GRUCell(3, 4)(microbp.ones(5, 3)).shape
    (5, 4)
    """

    mode = "GRU"

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self.next_state(input, None if hx is None else (hx,))[0]


class LSTMCell(RNNCellBase):
    """One step of a long short-term memory; see the equations above.

    Parameters
    ----------
    input_size, hidden_size, bias, device, dtype
        As for `RNNCell`.

    Examples
    --------
    >>> import microbp
    >>> h, c = LSTMCell(3, 4)(microbp.ones(5, 3))
    >>> h.shape, c.shape
    ((5, 4), (5, 4))
    """

    mode = "LSTM"

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        if hx is not None and not (isinstance(hx, tuple | list) and len(hx) == 2):
            raise TypeError(f"{self} needs its state as a pair (h, c), got {type(hx).__name__}")
        h, c = self.next_state(input, hx)
        return h, c


# Layers of cells over sequences


class RNNBase(Module):
    """What the recurrent layers share: layers of cells, in one or both directions, over whole sequences.

    Parameters
    ----------
    mode : {'RNN_TANH', 'RNN_RELU', 'LSTM', 'GRU'}
        The cell.
    input_size, hidden_size : int
        The number of features of the input and of the memory.
    num_layers : int
        How many layers; each reads the outputs of the one before.
    bias : bool
        Whether there are biases.
    batch_first : bool
        Whether sequences are (N, L, features) rather than (L, N, features).
    dropout : float
        The part of the outputs between layers that is left out in training.
    bidirectional : bool
        Whether each layer has a second cell that reads backwards; the outputs are put side by side.
    proj_size : int
        For an LSTM: project h to this size with a matrix of its own; 0 does not.
    device, dtype : optional
        As for `microbp.empty`.

    Attributes
    ----------
    weight_ih_l[k], weight_hh_l[k], bias_ih_l[k], bias_hh_l[k], weight_hr_l[k] : Parameter
        W, U, b and d of layer k, and its projection; with ``_reverse`` those of the second direction.

    Raises
    ------
    OptionError
        If an option makes no sense.
    """

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if mode not in STEPS:
            raise OptionError(f"unknown mode {mode!r}; it is one of {', '.join(STEPS)}")
        for name, value in (("hidden_size", hidden_size), ("num_layers", num_layers)):
            if not isinstance(value, int):
                raise TypeError(f"{name} must be an int, got {type(value).__name__}")
            if value < 1:
                raise OptionError(f"{name} must be at least 1, got {value}")
        if isinstance(dropout, bool) or not isinstance(dropout, int | float) or not 0 <= dropout <= 1:
            raise OptionError(f"dropout must be a number from 0 to 1, the part that is left out, got {dropout!r}")
        if dropout > 0 and num_layers == 1:
            warn(f"dropout={dropout} is between layers, and has no effect with num_layers=1")
        if not 0 <= proj_size < hidden_size:
            raise OptionError(f"proj_size must be from 0 to less than hidden_size {hidden_size}, got {proj_size}")
        if proj_size and mode != "LSTM":
            raise OptionError("proj_size is only for LSTM")
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        gates = STEPS[mode][1] * hidden_size
        for layer in range(num_layers):
            features = input_size if layer == 0 else self.output_size * self.directions
            shapes: dict[str, tuple[int, ...]] = {
                "weight_ih": (gates, features),
                "weight_hh": (gates, self.output_size),
            }
            if bias:
                shapes.update(bias_ih=(gates,), bias_hh=(gates,))
            if proj_size:
                shapes["weight_hr"] = (proj_size, hidden_size)
            for suffix in self.suffixes(layer):
                for name, shape in shapes.items():
                    self.register_parameter(name + suffix, Parameter(empty(*shape, device=device, dtype=dtype)))
        self.reset_parameters()

    @property
    def directions(self) -> int:
        """1, or 2 if the sequences are also read backwards."""
        return 2 if self.bidirectional else 1

    @property
    def output_size(self) -> int:
        """The number of features of h, for one direction."""
        return self.proj_size or self.hidden_size

    def suffixes(self, layer: int) -> list[str]:
        """What the names of a layer's parameters end with, for each direction."""
        return [f"_l{layer}", f"_l{layer}_reverse"][: self.directions]

    def reset_parameters(self) -> None:
        """Draw all parameters anew, uniformly between ±1/√hidden_size."""
        draw_all(self, self.hidden_size)

    def flatten_parameters(self) -> None:
        """Nothing to be done here: it arranges the memory of PyTorch's parameters for the GPU."""

    def extra_repr(self) -> str:
        shown = [f"{self.input_size}, {self.hidden_size}"]
        if self.proj_size:
            shown.append(f"proj_size={self.proj_size}")
        defaults = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0.0, "bidirectional": False}
        shown += [f"{name}={getattr(self, name)}" for name, value in defaults.items() if getattr(self, name) != value]
        return ", ".join(shown)

    def run(self, input: Tensor, hx: State | None) -> tuple[Tensor, State]:
        """Read sequences.

        Parameters
        ----------
        input : Tensor
            (L, N, input_size), or (N, L, input_size) if `batch_first`, or (L, input_size).
        hx : tuple of Tensor or None
            The states at the beginning, (layers * directions, N, size) each; zeros by default.

        Returns
        -------
        output : Tensor
            h of the last layer at every step, (L, N, directions * output_size), in the form of the input.
        state : tuple of Tensor
            The states at the end, in the form of `hx`.
        """
        x, hx, batched = self.checked(input, hx)
        finals: list[State] = []
        for layer in range(self.num_layers):
            if layer and self.dropout and self.training:
                x = functional.dropout(x, self.dropout)
            outputs = []
            for direction, suffix in enumerate(self.suffixes(layer)):
                start = tuple(select(state, 0, len(finals)) for state in hx)
                output, final = self.read(x, start, suffix, backwards=direction == 1)
                outputs.append(output)
                finals.append(final)
            x = outputs[0] if len(outputs) == 1 else cat(outputs, dim=-1)
        states = tuple(stack(list(parts), dim=0) for parts in zip(*finals, strict=True))
        if not batched:
            return select(x, 1, 0), tuple(select(state, 1, 0) for state in states)
        return (transpose(x, 0, 1) if self.batch_first else x), states

    def read(self, x: Tensor, state: State, suffix: str, backwards: bool) -> tuple[Tensor, State]:
        """One cell over a sequence (L, N, features): h at every step, and the last state."""
        parts = self._parameters
        w, b = parts[f"weight_ih{suffix}"], parts.get(f"bias_ih{suffix}")
        u, d = parts[f"weight_hh{suffix}"], parts.get(f"bias_hh{suffix}")
        projection = parts.get(f"weight_hr{suffix}")
        if self.mode in ("LSTM", "GRU") and projection is None:
            if backwards:
                x = apply(rearrange.flip, x, dims=(0,))
            if self.mode == "GRU":
                output = apply(recurrent.gru, apply(linalg.linear, x, w, b), u, d, *state)
                state = (select(output, 0, -1),)
            else:
                of_inputs = apply(linalg.linear, x, w, b if b is None else b + d)
                found = apply(recurrent.lstm, of_inputs, u, *state)
                output = narrow(found, 0, 0, len(x.array))
                state = (select(output, 0, -1), select(found, 0, -1))
            return (apply(rearrange.flip, output, dims=(0,)) if backwards else output), state
        step = STEPS[self.mode][0]
        of_inputs = apply(linalg.linear, x, w, b)  # of all steps at once
        order = range(len(x.array))
        outputs: list[Any] = [None] * len(order)
        for t in reversed(order) if backwards else order:
            state = step(select(of_inputs, 0, t), apply(linalg.linear, state[0], u, d), state)
            if projection is not None:
                state = (apply(linalg.linear, state[0], projection, None), *state[1:])
            outputs[t] = state[0]
        return stack(outputs, dim=0), state

    def checked(self, input: Tensor, hx: State | None) -> tuple[Tensor, State, bool]:
        """The input as (L, N, features), the states, and whether there was a batch."""
        if hasattr(input, "batch_sizes"):
            raise NotImplementedError(f"{self} takes no packed sequences; pad them to one length")
        x = tensor_for(str(self), input)
        if x.ndim not in (2, 3):
            raise ShapeError(f"{self} expects an input of 2 dimensions, or 3 with a batch, got shape {x.shape}")
        if x.shape[-1] != self.input_size:
            raise ShapeError(f"{self} expects {self.input_size} features, got an input of shape {x.shape}")
        weight = self._parameters["weight_ih_l0"]
        if weight is not None and x.dtype != weight.dtype:
            raise DtypeError(
                f"{self}: the input is {x.dtype} and the weights are {weight.dtype}; convert one of them, as with "
                f"input.to(microbp.{weight.dtype}) or model.to(microbp.{x.dtype})"
            )
        batched = x.ndim == 3
        if not batched:
            x = unsqueeze(x, 1)
        elif self.batch_first:
            x = transpose(x, 0, 1)
        if not len(x.array):
            raise ShapeError(f"{self} expects sequences of at least one step, got an input of shape {input.shape}")
        sizes = (self.output_size, self.hidden_size) if self.mode == "LSTM" else (self.output_size,)
        count = self.num_layers * self.directions
        if hx is None:
            return x, tuple(zero_state((count, x.shape[1], size), x.dtype) for size in sizes), batched
        for name, state, size in zip("hc", hx, sizes, strict=False):
            expected = (count, x.shape[1], size) if batched else (count, size)
            if tensor_for(str(self), state, name).shape != expected:
                raise ShapeError(
                    f"{self}: an input of shape {input.shape} needs a state {name} of shape {expected}, "
                    f"got {state.shape}"
                )
        return x, hx if batched else tuple(unsqueeze(state, 1) for state in hx), batched


class RNN(RNNBase):
    """Layers of RNN cells, h' = tanh(W x + b + U h + d).

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype
        As for `RNNBase`.
    nonlinearity : {'tanh', 'relu'}
        What is applied.

    Raises
    ------
    OptionError
        If `nonlinearity` is something else, or a number makes no sense.

    Examples
    --------
    >>> import microbp
    >>> output, h = RNN(3, 4, num_layers=2)(microbp.ones(7, 5, 3))  # 7 steps, 5 sequences
    >>> output.shape, h.shape
    ((7, 5, 4), (2, 5, 4))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        mode = mode_of(nonlinearity)
        super().__init__(
            mode, input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> tuple[Tensor, Tensor]:
        output, (h,) = self.run(input, None if hx is None else (hx,))
        return output, h


class GRU(RNNBase):
    """Layers of gated recurrent units; see the equations above.

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype
        As for `RNNBase`.

    Examples
    --------
    >>> import microbp
    >>> output, h = GRU(3, 4, batch_first=True, bidirectional=True)(microbp.ones(5, 7, 3))
    >>> output.shape, h.shape
    ((5, 7, 8), (2, 5, 4))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            "GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype
        )

    def forward(self, input: Tensor, hx: Tensor | None = None) -> tuple[Tensor, Tensor]:
        output, (h,) = self.run(input, None if hx is None else (hx,))
        return output, h


class LSTM(RNNBase):
    """Layers of long short-term memories; see the equations above.

    Parameters
    ----------
    input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size, device, dtype
        As for `RNNBase`.

    Examples
    --------
    >>> import microbp
    >>> output, (h, c) = LSTM(3, 4)(microbp.ones(7, 5, 3))
    >>> output.shape, h.shape, c.shape
    ((7, 5, 4), (1, 5, 4), (1, 5, 4))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            "LSTM",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device,
            dtype,
        )

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        if hx is not None and not (isinstance(hx, tuple | list) and len(hx) == 2):
            raise TypeError(f"{self} needs its state as a pair (h, c), got {type(hx).__name__}")
        output, (h, c) = self.run(input, None if hx is None else tuple(hx))
        return output, (h, c)


def draw_all(module: Module, hidden_size: int) -> None:
    """Draw all parameters of a recurrent module, uniformly between ±1/√hidden_size."""
    bound = 1 / math.sqrt(hidden_size) if hidden_size > 0 else 0
    for parameter in module.parameters():
        uniform_(parameter, -bound, bound)

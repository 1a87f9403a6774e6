"""What a model is made of, in a table: layers, shapes, parameters, memory.

The names, the options and the table are those of torchinfo, https://github.com/TylerYep/torchinfo.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from microbp.device import Device
from microbp.dtypes import as_dtype, get_default_dtype
from microbp.errors import OptionError, SummaryError
from microbp.functions.creation import zeros
from microbp.functions.random import rand
from microbp.label import describe
from microbp.mode import no_grad
from microbp.nn.module import Module
from microbp.tensor import Tensor
from microbp.utils.call_tree import CallTree, Layer, unchanged
from microbp.utils.summary_table import COLUMNS, NEEDS_INPUT, ROW_SETTINGS, Table, readable

__all__ = ["ModelStatistics", "summary"]


class ModelStatistics:
    """The layers of a model and their totals; printed, it is the table.

    Attributes
    ----------
    summary_list : list of Layer
        The rows, from top to bottom, also those that are not shown.
    input_size : list of tuple of int
        The shapes of the inputs; empty if there were none.
    total_params, trainable_params : int
        The number of parameters, each counted once, and of those that require grad.
    total_mult_adds : int
        The multiplications and additions with weights and biases in one forward pass.
    total_input, total_output_bytes, total_param_bytes : int
        The memory of the inputs, of the outputs of all layers with parameters together with their gradients, and of
        the parameters, in bytes.
    """

    def __init__(self, table: Table, inputs: Sequence[Any]) -> None:
        root = table.root
        self.table = table
        self.summary_list: list[Layer] = list(root.walk())
        self.input_size: list[tuple[int, ...]] = [tuple(x.shape) for x in inputs]
        self.total_input: int = sum(x.nbytes for x in inputs)
        self.total_params = root.num_params
        self.trainable_params = root.trainable_params
        self.total_param_bytes = root.param_bytes
        self.total_mult_adds = sum(row.macs for row in self.summary_list)
        self.total_output_bytes = 2 * sum(
            row.output_bytes for row in self.summary_list if row.is_leaf_layer and row.num_params
        )

    def __repr__(self) -> str:
        divider = self.table.divider
        lines = [
            *self.table.lines(),
            divider,
            f"Total params: {self.total_params:,}",
            f"Trainable params: {self.trainable_params:,}",
            f"Non-trainable params: {self.total_params - self.trainable_params:,}",
        ]
        if self.table.root.executed:
            total = self.total_input + self.total_output_bytes + self.total_param_bytes
            lines += [
                readable("Total mult-adds", self.total_mult_adds),
                divider,
                readable("Input size", self.total_input, "B"),
                readable("Forward/backward pass size", self.total_output_bytes, "B"),
                readable("Params size", self.total_param_bytes, "B"),
                readable("Estimated Total Size", total, "B"),
            ]
        return "\n".join([*lines, divider])


def summary(
    model: Module,
    input_size: Sequence[Any] | None = None,
    input_data: Any = None,
    batch_dim: int | None = None,
    cache_forward_pass: bool | None = None,
    col_names: Iterable[str] | None = None,
    col_width: int = 25,
    depth: int = 3,
    device: Any = None,
    dtypes: Sequence[Any] | None = None,
    mode: str = "same",
    row_settings: Iterable[str] | None = None,
    verbose: int | None = None,
    **kwargs: Any,
) -> ModelStatistics:
    """Call a model once, and tell of its layers: shapes, parameters, memory.

    The model, the gradients and the random numbers that follow are as they were before.

    Parameters
    ----------
    model : Module
        The model.
    input_size : tuple of int, or list of such, optional
        The shape of the input, with the size of the batch, or those of several inputs; or what `input_data` takes, so
        that ``summary(model, x)`` does what it says. Without it and without
        `input_data`, the model is not called, and the table has no shapes.
    input_data : Tensor, array, list, tuple or dict, optional
        The input itself, the list of inputs, or the dict of inputs by name.
    batch_dim : int, optional
        Where `input_size` lacks the dimension of the batch, which then has size 1.
    cache_forward_pass : optional
        For torchinfo's scripts; nothing is cached.
    col_names : iterable of str, optional
        The columns: "input_size", "output_size", "num_params", "params_percent", "kernel_size", "groups",
        "mult_adds" and "trainable"; by default "output_size" and "num_params".
    col_width : int
        The width of a column.
    depth : int
        How far into nested layers the table goes.
    device : optional
        Only ``"cpu"``.
    dtypes : list of dtype, optional
        The dtypes of the inputs of `input_size`; by default that of the model's parameters. Inputs of floating point
        are random, others zeros.
    mode : {'same', 'train', 'eval'}
        The mode in which the model is called.
    row_settings : iterable of str, optional
        Of "depth", "var_names", "ascii_only" and "hide_recursive_layers"; by default "depth".
    verbose : {0, 1, 2}, optional
        1 prints the table, 2 also every parameter, 0 nothing; by default 1, but 0 at Python's prompt and in notebooks,
        which show the result by themselves.
    **kwargs
        More arguments for the model.

    Returns
    -------
    ModelStatistics
        Its ``str()`` is the table.

    Raises
    ------
    SummaryError
        If the model fails; the text names the layer.
    OptionError
        If an option is unknown, or options contradict each other.

    Notes
    -----
    A parameter that is shared counts once. "(recursive)" stands for a layer whose parameters are counted in a row
    above, and a number in parentheses for a frozen layer. Multiplications and additions are those with weights and
    biases: products of activations, as in attention, are not among them.

    Examples
    --------
    >>> from microbp import nn
    >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> statistics = summary(model, input_size=(16, 4), col_width=16)
    ========================================================================
    Layer (type:depth-idx)                   Output Shape     Param #
    ========================================================================
    Sequential                               [16, 2]          --
    ├─Linear: 1-1                            [16, 8]          40
    ├─ReLU: 1-2                              [16, 8]          --
    ├─Linear: 1-3                            [16, 2]          18
    ========================================================================
    Total params: 58
    Trainable params: 58
    Non-trainable params: 0
    Total mult-adds: 928
    ========================================================================
    Input size (B): 256
    Forward/backward pass size (kB): 1.28
    Params size (B): 232
    Estimated Total Size (kB): 1.77
    ========================================================================
    >>> statistics.total_params
    58
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary needs a Module, got {type(model).__name__}")
    if device is not None:
        Device(device)
    if input_size is not None and input_data is not None:
        raise OptionError("summary takes input_size or input_data, not both")
    if has_tensors(input_size):
        input_size, input_data = None, input_size
    called = input_size is not None or input_data is not None
    columns = chosen("col_names", col_names, COLUMNS, ("output_size", "num_params") if called else ("num_params",))
    settings = chosen("row_settings", row_settings, ROW_SETTINGS, ("depth",))
    if not called and NEEDS_INPUT.intersection(columns):
        missing = ", ".join(column for column in columns if column in NEEDS_INPUT)
        raise OptionError(f"summary needs input_size or input_data for the columns {missing}")
    if mode not in ("same", "train", "eval"):
        raise OptionError(f"mode must be 'same', 'train' or 'eval', got {mode!r}")
    if verbose not in (None, 0, 1, 2):
        raise OptionError(f"verbose must be 0, 1 or 2, got {verbose!r}")
    if col_width <= 0:
        raise OptionError(f"col_width must be positive, got {col_width}")

    tree = CallTree(model)
    inputs: list[Any] = []
    if not called:
        tree.list_modules()
    else:
        with unchanged(model), no_grad():
            if input_size is None:
                args, named = arguments(input_data)
            else:
                args, named = made(input_size, batch_dim, dtypes, model), {}
            if mode != "same":
                model.train(mode == "train")
            run(model, tree, args, {**named, **kwargs})
        inputs = [x for x in (*args, *named.values()) if isinstance(x, Tensor | np.ndarray)]
    if verbose is None:
        verbose = 0 if hasattr(sys, "ps1") else 1
    statistics = ModelStatistics(Table(tree.root, columns, col_width, depth, settings, verbose == 2), inputs)
    if verbose:
        print(statistics)
    return statistics


def run(model: Module, tree: CallTree, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Call the model and watch it; a failure names the layer."""
    try:
        with tree.watching():
            model(*args, **kwargs)
    except Exception as error:
        where = "before it called anything"
        if tree.running:
            layer = tree.running[-1]
            name = f"its layer {layer.path!r}, {layer.class_name}" if layer.path else "its own forward"
            where = f"in {name}, whose input had shape {layer.input_size}"
        given = ", ".join([kind_of(x) for x in args] + [f"{name}={kind_of(x)}" for name, x in kwargs.items()])
        done = ", ".join(f"{row.path or row.class_name} {row.output_size}" for row in tree.root.walk() if row.executed)
        raise SummaryError(
            f"summary called {type(model).__name__}({given}), and it failed {where}: {type(error).__name__}: {error}"
            + (f"\nLayers that ran before: {done}" if done else "")
        ) from error


def kind_of(value: Any) -> str:
    """An input by its shape and dtype, or by its type."""
    return describe(value) if hasattr(value, "dtype") else type(value).__name__


def chosen(option: str, names: Iterable[str] | None, known: Collection[str], default: tuple[str, ...]) -> Sequence[str]:
    """The names of an option, all of them known."""
    if names is None:
        return default
    if isinstance(names, str):
        raise OptionError(f"{option} must be a list of names, got {names!r}; put it in a list")
    listed = list(names)
    for name in listed:
        if name not in known:
            raise OptionError(f"{option} has no {name!r}; it has {', '.join(known)}")
    return listed


def has_tensors(given: Any) -> bool:
    """Whether these are inputs, and not the sizes of inputs."""
    listed = given if isinstance(given, list | tuple) else [given]
    return any(isinstance(part, Tensor | np.ndarray | Mapping) for part in listed)


def arguments(data: Any) -> tuple[list[Any], dict[str, Any]]:
    """Inputs by position and by name."""
    if isinstance(data, Mapping):
        return [], dict(data)
    return (list(data), {}) if isinstance(data, list | tuple) else ([data], {})


def made(sizes: Sequence[Any], batch_dim: int | None, dtypes: Sequence[Any] | None, model: Module) -> list[Tensor]:
    """Inputs of these sizes."""
    if not isinstance(sizes, list | tuple):
        raise TypeError(f"input_size must be a tuple of int, or a list of such, got {type(sizes).__name__}")
    several = [sizes] if all(isinstance(size, int) for size in sizes) else list(sizes)
    floating = (p.dtype for p in model.parameters() if p.dtype.kind == "f")
    usual = next(floating, get_default_dtype())
    if dtypes is not None and len(dtypes) != len(several):
        raise OptionError(f"input_size has {len(several)} inputs, but dtypes {len(dtypes)}")
    found = []
    for k, size in enumerate(several):
        shape = list(size) if isinstance(size, list | tuple) else [size]
        if not all(isinstance(length, int) and length > 0 for length in shape):
            raise OptionError(f"input_size must have positive integers, got {size!r}")
        if batch_dim is not None:
            shape.insert(batch_dim, 1)
        dtype = usual if dtypes is None else as_dtype(dtypes[k])
        found.append(rand(*shape, dtype=dtype) if dtype.kind == "f" else zeros(*shape, dtype=dtype))
    return found

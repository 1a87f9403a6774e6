"""Activation functions of `nn.functional`, and the softmax family."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.parity import Calls, Dtype, Values, call, operation

KINKS = np.array([-7.0, -3.0, -2.0, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 2.0, 3.0, 6.0, 7.0])
FAR = np.array([-1e4, -800.0, -100.0, -30.0, 30.0, 100.0, 800.0, 1e4])
NO_NUMBERS = np.array([-np.inf, np.inf, np.nan])


def activation(
    name: str,
    *options: dict[str, Any],
    in_place: bool = False,
    integers: bool = False,
    special: Any = (*FAR, *NO_NUMBERS),
    **traits: Any,
) -> None:
    """Enter an activation function, with the options that it is to be called with."""

    @operation(f"nn.functional.{name}", **traits)
    def calls(make: Values) -> Calls:
        for each in options or ({},):
            for shape in ((3, 4), (), (0, 3), (2, 1, 3)):
                yield call(make.uniform(-4, 4, *shape), **each)
            yield call(make.laid_out(KINKS), **each)
            yield call(make.laid_out(special), **each)
            if in_place:
                yield call(make.normal(3, 4), **each, inplace=True, constants=(0,), written=(0,))
        if integers:
            yield call(make.integers(-4, 5, 3, 4))


def hardsigmoid(lib: Any, x: Any, inplace: bool = False) -> Any:
    """PyTorch has no second derivative of its own."""
    return lib.nn.functional.hardsigmoid(x, inplace) if inplace else lib.nn.functional.relu6(x + 3) / 6


activation("relu", in_place=True, integers=True)
activation("relu6", in_place=True, integers=True)
activation("leaky_relu", {}, {"negative_slope": 0.3}, {"negative_slope": -0.5}, {"negative_slope": 0.0})
activation("elu", {}, {"alpha": 0.5}, {"alpha": -1.5}, in_place=True)
activation("celu", {}, {"alpha": 0.5}, {"alpha": -2.0}, in_place=True)
activation("selu", in_place=True)
activation("gelu", {}, {"approximate": "tanh"})
activation("silu", in_place=True)
activation("mish", in_place=True, special=(-1e4, -100.0, 100.0))  # PyTorch has NaN for '' at 800
activation("sigmoid", integers=True)
activation("tanh", integers=True)
activation("softplus", {}, {"beta": 2.0, "threshold": 1.0}, {"beta": -0.5}, {"threshold": 2})
activation("softsign", integers=True, special=(*FAR, np.nan))  # infinity over infinity
activation("hardtanh", {}, {"min_val": -0.5, "max_val": 2.0}, {"min_val": 1.0, "max_val": 1.0}, in_place=True)
activation("hardsigmoid", in_place=True, special=(*FAR, -np.inf, np.inf), torch=hardsigmoid)
activation("hardswish", in_place=True)
activation("logsigmoid")
activation("tanhshrink", integers=True)
activation("hardshrink", {}, {"lambd": 1.0}, {"lambd": 0.0})
activation("softshrink", {}, {"lambd": 1.0}, {"lambd": 0.0})


@operation("nn.functional.threshold")
def threshold(make: Values) -> Calls:
    for shape in ((3, 4), (), (0, 3)):
        yield call(make.normal(*shape), 0.2, 20.0)
    yield call(make.laid_out(KINKS), 0.5, -1)
    yield call(make.laid_out(NO_NUMBERS), -3, 7.5)
    yield call(make.integers(-3, 4, 3, 4), 1, 9)
    yield call(make.normal(3, 4), 0.0, 1.5, inplace=True, constants=(0,), written=(0,))


@operation("nn.functional.prelu")
def prelu(make: Values) -> Calls:
    for shape in ((3, 4), (2, 4, 3), (2, 4, 3, 2), (0, 4)):
        yield call(make.away_from_zero(*shape), make.normal(4))
    for shape in ((), (5,), (3, 4), (2, 3, 2, 2)):
        yield call(make.away_from_zero(*shape), make.normal(1))
    # At 0 the derivative is w, but PyTorch's derivative of that is not 1, so these are tried one by one.
    yield call(make.tied(3, 4), make.normal(1), constants=(0,))
    yield call(make.tied(3, 4), make.normal(1), constants=(1,))
    yield call(make.normal(3, 4), make.normal())
    yield call(make.laid_out(FAR), make.normal(1))


@operation("nn.functional.rrelu")
def rrelu(make: Values) -> Calls:
    for shape in ((3, 4), (), (0, 3)):
        yield call(make.normal(*shape))
    yield call(make.laid_out(KINKS), 0.25, 0.5)
    yield call(make.normal(3, 4), lower=-0.5, upper=0.0, training=False)
    yield call(make.normal(3, 4), lower=0.25, upper=0.25, training=True)  # there is only one slope to draw
    yield call(make.normal(3, 4), inplace=True, constants=(0,), written=(0,))


@operation("nn.functional.glu", no_scalar="there is nothing to halve")
def glu(make: Values) -> Calls:
    yield call(make.normal(3, 4))
    yield call(make.normal(4, 3), dim=0)
    yield call(make.normal(2, 6, 3), -2)
    yield call(make.normal(0, 2))
    yield call(make.normal(2, 0, 3), dim=1)
    yield call(make.laid_out([1.0, -2.0, 3.0, 1e4, -1e4, 0.0]))


def softmax_family(name: str) -> None:
    """Enter a function along a dimension."""

    @operation(f"nn.functional.{name}")
    def calls(make: Values) -> Calls:
        yield call(make.normal(3, 4), dim=1)
        yield call(make.normal(3, 4), 0)
        yield call(make.normal(2, 3, 4), dim=-3)
        yield call(make.normal(2, 3, 4), dim=-2)
        yield call(make.normal(), dim=0)
        yield call(make.normal(0, 3), dim=1)
        yield call(make.normal(2, 0), dim=-1)
        yield call(make.tied(3, 4), dim=1)
        yield call(make.laid_out(FAR[:, None]), dim=0)
        yield call(make.laid_out([[-np.inf, 0.0, 1.0], [1e4, -np.inf, 1e4], [0.0, np.nan, 1.0]]), dim=1)
        yield call(make.laid_out(make.normal(3, 4).astype(np.float32)), dim=1, dtype=Dtype("float64"))
        yield call(make.integers(-2, 3, 3, 4), dim=1, dtype=Dtype("float32"))
        for shape in ((), (3,), (3, 2), (2, 3, 2), (2, 2, 3, 2)):
            yield call(make.normal(*shape))  # without a dimension, which is deprecated


softmax_family("softmax")
softmax_family("log_softmax")
softmax_family("softmin")


@operation("nn.functional.gumbel_softmax", no_scalar="PyTorch looks for the class along a dimension")
def gumbel_softmax(make: Values) -> Calls:
    """Where there is only one class, or one that is far more likely than all others, chance has no say."""
    for hard in (False, True):
        yield call(make.normal(3, 1), hard=hard)
        yield call(make.normal(1, 4), tau=0.5, hard=hard, dim=0)
        yield call(make.laid_out([[1e9, 0.0, -1e9], [-1e9, -1e9, 0.0]]), hard=hard)
        yield call(make.laid_out([1e9, 0.0]), 0.1, hard)
        yield call(make.normal(0, 3), 1.0, hard, dim=1)


def dropout(name: str, *shapes: tuple[int, ...], in_place: bool = True, **traits: Any) -> None:
    """Enter a dropout, where it is certain what goes: nothing or everything."""

    @operation(f"nn.functional.{name}", **traits)
    def calls(make: Values) -> Calls:
        for shape in shapes:
            yield call(make.normal(*shape), training=False)
            yield call(make.normal(*shape), 0.0, True)
            yield call(make.normal(*shape), p=1.0, training=True)
        if in_place:
            yield call(make.normal(*shapes[0]), p=1, training=True, inplace=True, constants=(0,), written=(0,))


dropout("dropout", (3, 4), (), (0, 3))
dropout("dropout1d", (2, 3, 4), (3, 4), (0, 3, 4), no_scalar="PyTorch wants two or three dimensions")
dropout("dropout2d", (2, 3, 4, 2), (0, 3, 4, 2), (3, 4, 2), no_scalar="PyTorch wants channels")
dropout("dropout3d", (2, 3, 4, 2, 2), (0, 3, 4, 2, 2), (3, 4, 2, 2), no_scalar="PyTorch wants channels")
dropout("alpha_dropout", (3, 4), (), (0, 3))
dropout("feature_alpha_dropout", (2, 3, 4), (2, 3), (0, 3, 4), no_scalar="PyTorch wants channels")

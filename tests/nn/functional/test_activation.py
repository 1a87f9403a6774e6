"""Activation functions: what the catalogue of comparisons with PyTorch does not show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import DtypeError, OptionError
from microbp.nn import functional as F
from tests.referee import compare, torch
from tests.samples import away_from_zero

KINKS = np.array([-7.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0, 7.0])

OPTIONS: dict[str, dict[str, float]] = {
    "relu": {},
    "relu6": {},
    "leaky_relu": {"negative_slope": 0.25},
    "elu": {"alpha": 0.5},
    "celu": {"alpha": 0.5},
    "selu": {},
    "gelu": {},
    "silu": {},
    "mish": {},
    "sigmoid": {},
    "tanh": {},
    "softplus": {"beta": 2.0, "threshold": 5.0},
    "softsign": {},
    "hardtanh": {"min_val": -0.5, "max_val": 0.5},
    "hardsigmoid": {},
    "hardswish": {},
    "logsigmoid": {},
    "tanhshrink": {},
    "threshold": {"threshold": 0.5, "value": 2.0},
    "hardshrink": {"lambd": 0.25},
    "softshrink": {"lambd": 0.25},
}
IN_PLACE = [
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "celu",
    "selu",
    "silu",
    "mish",
    "hardtanh",
    "hardsigmoid",
    "hardswish",
    "threshold",
]


def test_every_activation_is_tried_here() -> None:
    assert OPTIONS.keys() == set(microbp.nn.functional.activation.__all__)


@pytest.mark.parametrize("name", OPTIONS)
def test_activation_passes_nan_on(name: str) -> None:
    assert np.isnan(getattr(F, name)(microbp.tensor([float("nan")]), **OPTIONS[name]).item())


@pytest.mark.parametrize("name", OPTIONS)
def test_large_numbers_give_no_warning_and_finite_derivatives(name: str) -> None:
    values = [-3e38, -1e20, -1e4, -104.0, -88.0, 88.0, 104.0, 1e4, 1e20, 3e38]
    x = microbp.tensor(values, requires_grad=True)
    y = getattr(F, name)(x, **OPTIONS[name])
    (slope,) = microbp.autograd.grad(y.sum(), x, create_graph=True)
    assert slope.dtype == y.dtype == np.float32
    assert np.isfinite(slope.detach().array).all()
    exact = getattr(F, name)(microbp.tensor(np.float64(np.float32(values))), **OPTIONS[name]).array
    np.testing.assert_allclose(y.detach().array, exact, rtol=1e-6, atol=1e-37)


@pytest.mark.parametrize("name", IN_PLACE)
def test_activation_in_place_records_itself_as_pytorch_does(name: str) -> None:
    def run(lib: Any, x: Any) -> Any:
        hidden = x * 2
        out = getattr(lib.nn.functional, name)(hidden, **OPTIONS[name], inplace=True)
        assert out is hidden
        return out, hidden * 3

    compare(run, away_from_zero(3, 4), rtol=1e-7 if name == "hardsigmoid" else 1e-10)


def test_hardsigmoid_agrees_with_pytorch_at_its_kinks() -> None:
    compare(lambda lib, x: lib.nn.functional.hardsigmoid(x), KINKS, rtol=1e-7)  # PyTorch has a float32 constant


@pytest.mark.parametrize("name", OPTIONS)
def test_input_stays_as_it_is(name: str) -> None:
    x = microbp.tensor(KINKS, requires_grad=True)
    getattr(F, name)(x, **OPTIONS[name]).sum().backward()
    np.testing.assert_array_equal(x.detach().array, KINKS)


# -- what is taken and what is refused -----------------------------------------------------


@pytest.mark.parametrize("name", [name for name, options in OPTIONS.items() if options])
def test_numbers_of_numpy_and_0d_tensors_are_numbers(name: str) -> None:
    x = microbp.tensor([-1.0, 0.1, 2.0])
    expected = getattr(F, name)(x, **OPTIONS[name])
    for convert in (np.float64, microbp.tensor):
        options = {key: convert(value) for key, value in OPTIONS[name].items()}
        found = getattr(F, name)(x, **options)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found.array, expected.array)


@pytest.mark.parametrize("name", [name for name, options in OPTIONS.items() if options])
@pytest.mark.parametrize("bad", ["0.5", None, [0.5]])
def test_what_is_no_number_is_refused_by_its_name(name: str, bad: Any) -> None:
    argument = next(iter(OPTIONS[name]))
    with pytest.raises(TypeError, match=f"{name}: {argument} must be a number, got {type(bad).__name__}"):
        getattr(F, name)(microbp.ones(2), **{**OPTIONS[name], argument: bad})


def test_a_learned_option_is_refused_as_it_would_get_no_gradient() -> None:
    with pytest.raises(TypeError, match="leaky_relu: negative_slope must be a number, got Tensor"):
        F.leaky_relu(microbp.ones(2), microbp.tensor(0.1, requires_grad=True))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("kind", ["int64", "bool"])
def test_integers_and_truth_values_are_refused_where_pytorch_refuses_them(name: str, kind: str) -> None:
    if (name, kind) == ("relu", "bool"):
        return  # max(x, 0) of a truth value is that value
    options = {key: 2.0 * value for key, value in OPTIONS[name].items()}
    try:
        expected = getattr(torch().nn.functional, name)(torch().ones(2).to(getattr(torch(), kind)), **options)
    except (NotImplementedError, RuntimeError):
        with pytest.raises(DtypeError, match=rf"{name} needs .*, got {kind}; convert it first: t\.float\(\)"):
            getattr(F, name)(microbp.ones(2).to(getattr(microbp, kind)), **options)
    else:
        found = getattr(F, name)(microbp.ones(2).to(getattr(microbp, kind)), **options)
        assert str(found.dtype) == str(expected.dtype).removeprefix("torch.")


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: F.gelu(x, approximate="fast"), OptionError, "gelu: .* either none or tanh, got 'fast'"),
        (lambda x: F.celu(x, alpha=0), ZeroDivisionError, r"celu\(\) divides by alpha, which must not be 0"),
        (lambda x: F.hardtanh(x, 2, 1), OptionError, "hardtanh: min_val cannot be greater than max_val, got 2 and 1"),
        (lambda x: F.hardtanh(x.to(microbp.uint8), -1), OptionError, "hardtanh: uint8 holds no negative numbers"),
        (lambda x: F.softshrink(x, -1), OptionError, "softshrink: lambd must not be negative, but found -1"),
        (lambda x: F.softshrink(x, float("nan")), OptionError, "but found nan"),
    ],
)
def test_options_that_make_no_sense_are_refused(call: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call(microbp.ones(2))


def test_integers_are_clipped_as_integers() -> None:
    x = np.array([-3, 0, 2, 9])
    compare(lambda lib, x: lib.nn.functional.hardtanh(x, -2.5, 2.7), x)
    compare(lambda lib, x: lib.nn.functional.relu6(x), x.astype(np.uint8))


def test_in_place_on_a_leaf_that_requires_grad_is_refused() -> None:
    x = microbp.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        F.elu(x, inplace=True)

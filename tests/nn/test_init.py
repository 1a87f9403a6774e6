"""`microbp.nn.init`: the distributions are what their formulas say, and PyTorch's."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import DtypeError, OptionError, ShapeError
from microbp.nn import init
from tests.referee import torch

SHAPE = (300, 100)
FANS = {"fan_in": 100, "fan_out": 300}


def filled(function: Callable[..., Any], *args: Any, shape: tuple[int, ...] = SHAPE, **options: Any) -> Any:
    """A weight after its initialisation, in float64; it must stay the same leaf, unrecorded."""
    weight = microbp.nn.Parameter(microbp.zeros(shape, dtype=microbp.float64))
    generator = microbp.Generator().manual_seed(1)
    version = weight.version
    if function not in (init.constant_, init.ones_, init.zeros_, init.eye_, init.dirac_):
        options["generator"] = generator
    assert function(weight, *args, **options) is weight
    assert weight.is_leaf
    assert weight.requires_grad
    assert weight.version > version
    return weight.detach().array


def assert_uniform(values: Any, low: float, high: float) -> None:
    """Kolmogorov and Smirnov's distance to the uniform distribution is small."""
    assert low <= values.min()
    assert values.max() <= high
    assert_distribution(values, lambda x: (x - low) / (high - low))


def assert_normal(values: Any, mean: float, std: float) -> None:
    assert_distribution(values, np.vectorize(lambda x: 0.5 * math.erfc(-(x - mean) / std / math.sqrt(2))))


def assert_distribution(values: Any, cdf: Callable[[Any], Any]) -> None:
    ordered = np.sort(values.reshape(-1))
    distance = np.abs(cdf(ordered) - np.arange(0.5, len(ordered)) / len(ordered)).max()
    assert distance < 1.95 / math.sqrt(len(ordered))  # exceeded by chance once in 1000


def test_uniform_and_normal() -> None:
    assert_uniform(filled(init.uniform_), 0, 1)
    assert_uniform(filled(init.uniform_, -2.0, 3.0), -2, 3)
    assert_normal(filled(init.normal_), 0, 1)
    assert_normal(filled(init.normal_, 3.0, 0.1), 3, 0.1)


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [(0.0, 1.0, -2.0, 2.0), (0.0, 0.02, -2.0, 2.0), (1.0, 2.0, 0.0, 1.5), (0.0, 1.0, 1.5, 4.0)],
)
def test_truncated_normal(mean: float, std: float, a: float, b: float) -> None:
    values = filled(init.trunc_normal_, mean, std, a, b)
    assert a <= values.min()
    assert values.max() <= b
    phi = np.vectorize(lambda x: 0.5 * math.erfc(-(x - mean) / std / math.sqrt(2)))
    assert_distribution(values, lambda x: (phi(x) - phi(a)) / (phi(b) - phi(a)))


def test_truncated_normal_far_from_its_mean_warns() -> None:
    with pytest.warns(UserWarning, match="more than 2 std"):
        values = filled(init.trunc_normal_, 0.0, 1.0, 3.0, 4.0)
    assert ((values >= 3) & (values <= 4)).all()


def test_constants() -> None:
    assert (filled(init.constant_, 0.3) == 0.3).all()
    assert (filled(init.ones_) == 1).all()
    assert (filled(init.zeros_) == 0).all()
    np.testing.assert_array_equal(filled(init.eye_, shape=(2, 3)), np.eye(2, 3))
    with pytest.raises(ShapeError, match="2 dimensions"):
        init.eye_(microbp.ones(3))


@pytest.mark.parametrize("gain", [1.0, 2.0])
def test_xavier(gain: float) -> None:
    bound = gain * math.sqrt(6 / 400)
    assert_uniform(filled(init.xavier_uniform_, gain), -bound, bound)
    assert_normal(filled(init.xavier_normal_, gain), 0, gain * math.sqrt(2 / 400))


@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
@pytest.mark.parametrize(("nonlinearity", "a"), [("relu", 0), ("leaky_relu", 0.5), ("tanh", 0), ("linear", 0)])
def test_kaiming(mode: str, nonlinearity: str, a: float) -> None:
    std = torch().nn.init.calculate_gain(nonlinearity, a) / math.sqrt(FANS[mode])
    assert_normal(filled(init.kaiming_normal_, a, mode, nonlinearity), 0, std)
    bound = math.sqrt(3) * std
    assert_uniform(filled(init.kaiming_uniform_, a, mode, nonlinearity), -bound, bound)


def test_fans_count_the_receptive_field() -> None:
    bound = math.sqrt(6 / (4 * 25))
    assert_uniform(filled(init.kaiming_uniform_, shape=(40, 4, 5, 5)), -bound, bound)
    for function in (init.kaiming_uniform_, init.kaiming_normal_, init.xavier_uniform_, init.xavier_normal_):
        with pytest.raises(ShapeError, match="fewer than 2 dimensions"):
            function(microbp.ones(3))
    with pytest.raises(OptionError, match="Mode fan not supported"):
        init.kaiming_uniform_(microbp.ones(3, 3), mode="fan")


@pytest.mark.parametrize("function", [init.kaiming_uniform_, init.kaiming_normal_])
def test_nothing_to_fill_warns(function: Callable[..., Any]) -> None:
    with pytest.warns(UserWarning, match="zero-element"):
        function(microbp.ones(3, 0))


@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (5, 3), (2, 3, 4)])
@pytest.mark.parametrize("gain", [1.0, 2.0])
def test_orthogonal(shape: tuple[int, ...], gain: float) -> None:
    flat = filled(init.orthogonal_, gain, shape=shape).reshape(shape[0], -1)
    product = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
    np.testing.assert_allclose(product, gain**2 * np.eye(len(product)), atol=1e-12)
    with pytest.raises(ShapeError, match="2 or more dimensions"):
        init.orthogonal_(microbp.ones(3))


def test_orthogonal_is_uniform_among_rotations() -> None:
    microbp.manual_seed(0)
    corners = np.array([init.orthogonal_(microbp.empty(2, 2)).array[0, 0] for _ in range(2000)])
    assert_distribution(corners, lambda x: 1 - np.arccos(np.clip(x, -1, 1)) / np.pi)  # the cosine of a uniform angle


@pytest.mark.parametrize(
    "name",
    [
        "linear",
        "conv1d",
        "conv2d",
        "conv3d",
        "conv_transpose1d",
        "conv_transpose2d",
        "conv_transpose3d",
        "sigmoid",
        "tanh",
        "relu",
        "selu",
    ],
)
def test_gain(name: str) -> None:
    assert init.calculate_gain(name) == torch().nn.init.calculate_gain(name)


def test_gain_of_leaky_relu() -> None:
    for slope in (None, 0, 0.2, math.sqrt(5)):
        assert init.calculate_gain("leaky_relu", slope) == torch().nn.init.calculate_gain("leaky_relu", slope)
    with pytest.raises(ValueError, match="Unsupported nonlinearity swish"):
        init.calculate_gain("swish")
    with pytest.raises(ValueError, match="not a valid number"):
        init.calculate_gain("leaky_relu", "steep")  # type: ignore[arg-type]


def test_the_default_generator_is_used_and_can_be_seeded() -> None:
    found = []
    for _ in range(2):
        microbp.manual_seed(3)
        found.append(init.normal_(microbp.empty(4)).array.copy())
    np.testing.assert_array_equal(*found)
    assert found[0].dtype == np.float32


@pytest.mark.parametrize(
    ("shape", "groups"),
    [((3, 2, 5), 1), ((2, 3, 4), 1), ((4, 2, 3, 5), 2), ((6, 4, 2, 3), 3), ((2, 2, 3, 2, 1), 1), ((4, 0, 3), 2)],
)
def test_dirac(shape: tuple[int, ...], groups: int) -> None:
    expected = torch().nn.init.dirac_(torch().empty(shape, dtype=torch().float64), groups).numpy()
    np.testing.assert_array_equal(filled(init.dirac_, groups, shape=shape), expected)


def test_dirac_refuses_what_is_no_weight_of_a_convolution() -> None:
    for shape in ((2, 2), (1,) * 6):
        with pytest.raises(ShapeError, match="3, 4, or 5 dimensions"):
            init.dirac_(microbp.ones(shape))
    for groups in (2, 0):
        with pytest.raises(ShapeError, match="divisible by groups"):
            init.dirac_(microbp.ones(3, 3, 3), groups)


@pytest.mark.parametrize("sparsity", [0.0, 0.1, 0.5, 1.0])
def test_sparse(sparsity: float) -> None:
    values = filled(init.sparse_, sparsity, 0.5)
    expected = torch().nn.init.sparse_(torch().empty(SHAPE), sparsity).numpy()
    np.testing.assert_array_equal((values == 0).sum(0), (expected == 0).sum(0))
    if sparsity < 1:
        assert_normal(values[values != 0], 0, 0.5)
    if sparsity == 0.5:  # the rows are drawn anew for each column
        assert 20 < (values == 0).sum(1).min() < (values == 0).sum(1).max() < 80


def test_sparse_refuses_what_makes_no_sense() -> None:
    with pytest.raises(ShapeError, match="2 dimensions"):
        init.sparse_(microbp.ones(3), 0.5)
    with pytest.raises(OptionError, match=r"from 0 to 1, got 1\.5"):
        init.sparse_(microbp.ones(3, 3), 1.5)


@pytest.mark.parametrize(
    "call",
    [
        init.uniform_,
        init.normal_,
        init.trunc_normal_,
        init.orthogonal_,
        init.xavier_uniform_,
        init.xavier_normal_,
        init.kaiming_uniform_,
        init.kaiming_normal_,
        lambda t: init.sparse_(t, 0.5),
    ],
)
def test_real_numbers_are_not_drawn_into_integers(call: Callable[..., Any]) -> None:
    integers = microbp.ones(3, 3, dtype=microbp.int64)
    with pytest.raises(DtypeError, match="needs a floating-point tensor, got int64"):
        call(integers)
    assert integers.tolist() == [[1] * 3] * 3


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda t: init.uniform_(t, 1.0, 0.0), r"finite range.*a=1\.0, b=0\.0"),
        (lambda t: init.uniform_(t, 0.0, float("inf")), "finite range"),
        (lambda t: init.normal_(t, 0.0, -1.0), "at least 0, got std=-1.0"),
        (lambda t: init.normal_(t, 0.0, float("nan")), "at least 0, got std=nan"),
        (lambda t: init.trunc_normal_(t, std=0.0), "std > 0"),
        (lambda t: init.trunc_normal_(t, a=1.0, b=-1.0), "a <= b"),
    ],
)
def test_distributions_that_make_no_sense_are_refused(call: Callable[..., Any], text: str) -> None:
    with pytest.raises(OptionError, match=text):
        call(microbp.ones(2, 2))


def test_the_functions_of_pytorch_are_all_there_with_its_arguments() -> None:
    theirs = torch().nn.init
    names = [name for name in theirs.__all__ if name == "calculate_gain" or name.endswith("_")]
    assert sorted(init.__all__) == sorted(names)
    for name in names:
        ours, expected = (inspect.signature(getattr(module, name)).parameters for module in (init, theirs))
        assert list(ours) == list(expected), name
        for argument, parameter in ours.items():
            assert parameter.default == expected[argument].default, (name, argument)


def test_fans_have_pytorchs_name_too() -> None:
    weight = microbp.ones(6, 4, 3, 2)
    expected = torch().nn.init._calculate_fan_in_and_fan_out(torch().ones(6, 4, 3, 2))
    assert init._calculate_fan_in_and_fan_out(weight) == expected == (24, 36)

"""The functions of `microbp.nn.functional` against PyTorch, over their options; what they refuse."""

from __future__ import annotations

import itertools
import re
import warnings
from typing import Any

import numpy as np
import pytest

import microbp
from microbp.errors import BroadcastWarning, DtypeError, OptionError, RangeError, ShapeError
from microbp.nn import functional as F
from tests.referee import compare
from tests.samples import away_from_zero, normal, positive

REDUCTIONS = ("mean", "sum", "none")
KINKS = np.array([-7.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0, 7.0])
ROUGH = {"hardsigmoid": 1e-7}  # where PyTorch computes with a float32 constant


# -- activations ---------------------------------------------------------------------------

PLAIN = [
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "celu",
    "selu",
    "gelu",
    "silu",
    "mish",
    "sigmoid",
    "tanh",
    "softplus",
    "softsign",
    "hardtanh",
    "hardsigmoid",
    "hardswish",
    "logsigmoid",
    "tanhshrink",
]
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
]


@pytest.mark.parametrize("name", PLAIN)
def test_activation_agrees_with_pytorch_at_its_kinks_too(name: str) -> None:
    compare(lambda lib, x: getattr(lib.nn.functional, name)(x), KINKS, rtol=ROUGH.get(name, 1e-10))


@pytest.mark.parametrize("name", PLAIN)
def test_activation_passes_nan_on(name: str) -> None:
    assert np.isnan(getattr(F, name)(microbp.tensor([float("nan")])).item())


@pytest.mark.parametrize("name", IN_PLACE)
def test_activation_in_place_agrees_with_pytorch(name: str) -> None:
    def run(lib: Any, x: Any) -> Any:
        hidden = x * 2
        out = getattr(lib.nn.functional, name)(hidden, inplace=True)
        assert out is hidden
        return out, hidden * 3

    compare(run, away_from_zero(3, 4), rtol=ROUGH.get(name, 1e-10))
    with microbp.no_grad():
        x = microbp.tensor([-1.0, 2.0])
        expected = getattr(F, name)(x.clone())
        assert getattr(F, name)(x, inplace=True) is x
        np.testing.assert_array_equal(x.array, expected.array)


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu(approximate: str) -> None:
    compare(lambda lib, x: lib.nn.functional.gelu(x, approximate=approximate), normal(4, 5), second_order=True)
    with pytest.raises(OptionError, match="either none or tanh"):
        F.gelu(microbp.ones(2), approximate="fast")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("leaky_relu", {"negative_slope": 0.3}),
        ("elu", {"alpha": 0.5}),
        ("celu", {"alpha": 0.5}),
        ("softplus", {"beta": 2.0, "threshold": 1.0}),
        ("hardtanh", {"min_val": -0.5, "max_val": 2.0}),
    ],
)
def test_activation_options(name: str, options: dict[str, float]) -> None:
    compare(lambda lib, x: getattr(lib.nn.functional, name)(x, **options), away_from_zero(3, 4))


@pytest.mark.parametrize(
    ("shape", "slopes"), [((3, 4), 4), ((2, 4, 3), 4), ((2, 4, 3, 2), 4), ((5,), 1), ((3, 4), 1), ((), 1)]
)
def test_prelu(shape: tuple[int, ...], slopes: int) -> None:
    compare(
        lambda lib, x, w: lib.nn.functional.prelu(x, w), away_from_zero(*shape), positive(slopes), second_order=True
    )


def test_prelu_refuses_slopes_that_do_not_fit() -> None:
    with pytest.raises(ShapeError, match=r"weight of shape \(3,\).*\(2, 4\)"):
        F.prelu(microbp.ones(2, 4), microbp.ones(3))


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
@pytest.mark.parametrize(("shape", "dim"), [((3, 4), 1), ((3, 4), 0), ((2, 3, 4), -1), ((2, 3, 4), -3), ((5,), 0)])
def test_softmax_family(name: str, shape: tuple[int, ...], dim: int) -> None:
    compare(lambda lib, x: getattr(lib.nn.functional, name)(x, dim=dim), normal(*shape), second_order=True)


@pytest.mark.parametrize("shape", [(3,), (3, 4), (2, 3, 4), (2, 3, 2, 2)])
def test_softmax_without_dim_warns_and_chooses_as_pytorch(shape: tuple[int, ...]) -> None:
    def run(lib: Any, x: Any) -> Any:
        with pytest.warns(UserWarning, match="Implicit dimension choice for softmax"):
            return lib.nn.functional.softmax(x)

    compare(run, normal(*shape))


def test_softmax_options() -> None:
    assert F.softmax(microbp.ones(2, 3), dim=1, dtype=microbp.float64).dtype == np.float64
    with pytest.raises(IndexError, match="2"):
        F.softmax(microbp.ones(2, 3), dim=2)


# -- layers --------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 3), (3,), (2, 4, 3), (0, 3)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear(shape: tuple[int, ...], bias: bool) -> None:
    arrays = (normal(*shape), normal(2, 3), *([normal(2)] if bias else []))
    compare(lambda lib, *values: lib.nn.functional.linear(*values), *arrays, second_order=bool(np.prod(shape)))


def test_linear_with_a_single_output() -> None:
    compare(lambda lib, x, w: lib.nn.functional.linear(x, w), normal(5, 3), normal(3))


@pytest.mark.parametrize("shape", [(5,), (), (2, 4)])
def test_bilinear(shape: tuple[int, ...]) -> None:
    arrays = normal(*shape, 3), normal(*shape, 4), normal(2, 3, 4), normal(2)
    compare(lambda lib, *values: lib.nn.functional.bilinear(*values), *arrays, second_order=True)


def test_bilinear_refuses_what_does_not_fit() -> None:
    with pytest.raises(ShapeError, match=r"bilinear: inputs \(5, 3\) and \(5, 4\) do not fit weight \(2, 4, 3\)"):
        F.bilinear(microbp.ones(5, 3), microbp.ones(5, 4), microbp.ones(2, 4, 3))


def test_dropout_keeps_the_mean_and_scales_gradients_alike() -> None:
    microbp.manual_seed(0)
    x = microbp.ones(100, 100, requires_grad=True)
    y = F.dropout(x, p=0.3)
    assert set(np.unique(y.detach().array)) == {np.float32(0), np.float32(1 / 0.7)}
    assert abs(y.detach().array.mean() - 1) < 0.02
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.array, y.detach().array)


def test_dropout_at_its_limits() -> None:
    x = microbp.ones(4, requires_grad=True)
    assert F.dropout(x, p=0.0) is x
    assert F.dropout(x, p=0.9, training=False) is x
    gone = F.dropout(x, p=1.0)
    assert not gone.array.any()
    gone.sum().backward()
    assert not x.grad.array.any()
    for p in (-0.1, 1.1, float("nan")):
        with pytest.raises(OptionError, match="between 0 and 1"):
            F.dropout(x, p=p)


def test_dropout_in_place_and_reproducible() -> None:
    microbp.manual_seed(7)
    first = F.dropout(microbp.ones(50))
    microbp.manual_seed(7)
    x = microbp.ones(50)
    assert F.dropout(x, inplace=True) is x
    np.testing.assert_array_equal(x.array, first.array)


@pytest.mark.parametrize("classes", [-1, 5])
def test_one_hot(classes: int) -> None:
    compare(lambda lib, t: lib.nn.functional.one_hot(t, classes), np.array([[0, 2], [1, 3]]))


def test_one_hot_refuses_bad_labels() -> None:
    with pytest.raises(RangeError, match="non-negative, got -1"):
        F.one_hot(microbp.tensor([0, -1]), 3)
    with pytest.raises(RangeError, match="smaller than num_classes 3, got 3"):
        F.one_hot(microbp.tensor([0, 3]), 3)
    with pytest.raises(DtypeError, match="integers"):
        F.one_hot(microbp.tensor([0.0]), 3)


@pytest.mark.parametrize("options", [{}, {"p": 1.0}, {"dim": 0}, {"p": 3.0, "dim": -1}, {"eps": 10.0}])
def test_normalize(options: dict[str, Any]) -> None:
    compare(lambda lib, x: lib.nn.functional.normalize(x, **options), normal(3, 4))


# -- pointwise losses ----------------------------------------------------------------------

POINTWISE = [
    ("mse_loss", {}),
    ("l1_loss", {}),
    ("smooth_l1_loss", {}),
    ("smooth_l1_loss", {"beta": 0.3}),
    ("smooth_l1_loss", {"beta": 0.0}),
    ("huber_loss", {}),
    ("huber_loss", {"delta": 0.3}),
]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(("name", "options"), POINTWISE)
@pytest.mark.parametrize("shape", [(4, 3), (5,), ()])
def test_pointwise_loss(name: str, options: dict[str, float], reduction: str, shape: tuple[int, ...]) -> None:
    def run(lib: Any, x: Any, t: Any) -> Any:
        return getattr(lib.nn.functional, name)(x, t, reduction=reduction, **options)

    compare(run, np.asarray(2 * normal(*shape)), normal(*shape, seed=1), second_order=True)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "huber_loss"])
def test_weighted_pointwise_loss(name: str, reduction: str) -> None:
    def run(lib: Any, x: Any, t: Any, w: Any) -> Any:
        return getattr(lib.nn.functional, name)(x, t, reduction=reduction, weight=w.detach())

    compare(run, 2 * normal(4, 3), normal(4, 3, seed=1), positive(4, 3))


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"])
def test_loss_warns_of_shapes_that_broadcast(name: str) -> None:
    x, t = microbp.ones(5, requires_grad=True), microbp.zeros(5, 1)
    with pytest.warns(BroadcastWarning, match=re.escape("input (5,) and target (5, 1)")) as caught:
        loss = getattr(F, name)(x, t)
    assert caught[0].filename == __file__

    def run(lib: Any, x: Any, t: Any) -> Any:
        with pytest.warns(UserWarning, match="broadcast"):
            return getattr(lib.nn.functional, name)(x, t)

    compare(run, normal(5), normal(5, 1))
    loss.backward()
    assert x.grad.shape == (5,)


@pytest.mark.parametrize("name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "kl_div"])
@pytest.mark.filterwarnings("ignore:reduction")
def test_loss_refuses_shapes_that_do_not_fit(name: str) -> None:
    with pytest.raises(ShapeError, match=re.escape(f"{name}: input (5,) and target (4,)")):
        getattr(F, name)(microbp.ones(5), microbp.ones(4))


@pytest.mark.parametrize(
    "name", ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "cross_entropy", "kl_div", "nll_loss"]
)
def test_loss_refuses_unknown_reductions(name: str) -> None:
    with pytest.raises(OptionError, match="average is not a valid value for reduction"):
        getattr(F, name)(microbp.ones(5, 2), microbp.ones(5, 2), reduction="average")


def test_deprecated_ways_of_reducing_are_refused() -> None:
    with pytest.raises(OptionError, match="use reduction="):
        F.mse_loss(microbp.ones(2), microbp.ones(2), size_average=False)  # type: ignore[arg-type]


def test_options_of_robust_losses_are_checked() -> None:
    with pytest.raises(OptionError, match="negative values for beta"):
        F.smooth_l1_loss(microbp.ones(2), microbp.ones(2), beta=-1.0)
    with pytest.raises(OptionError, match="non-positive values for delta"):
        F.huber_loss(microbp.ones(2), microbp.ones(2), delta=0.0)


EMPTY = {
    "mse_loss": (np.zeros((0, 3)), np.zeros((0, 3))),
    "l1_loss": (np.zeros((0, 3)), np.zeros((0, 3))),
    "smooth_l1_loss": (np.zeros((0, 3)), np.zeros((0, 3))),
    "huber_loss": (np.zeros((0, 3)), np.zeros((0, 3))),
    "binary_cross_entropy": (np.zeros((0, 3)), np.zeros((0, 3))),
    "binary_cross_entropy_with_logits": (np.zeros((0, 3)), np.zeros((0, 3))),
    "cross_entropy": (np.zeros((0, 3)), np.zeros(0, int)),
    "nll_loss": (np.zeros((0, 3)), np.zeros(0, int)),
}


@pytest.mark.parametrize("name", EMPTY)
def test_mean_over_an_empty_batch_is_nan_and_warns(name: str) -> None:
    x, t = (microbp.tensor(array) for array in EMPTY[name])
    x.requires_grad_()
    with pytest.warns(UserWarning, match=f"{name}: the mean over an empty batch is nan") as caught:
        loss = getattr(F, name)(x, t)
    assert caught[0].filename == __file__
    assert np.isnan(loss.item())
    loss.backward()
    assert x.grad.shape == (0, 3)
    assert getattr(F, name)(x, t, reduction="sum").item() == 0


# -- binary cross entropy ------------------------------------------------------------------


def uniform(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng([seed, *shape, 3]).uniform(0.05, 0.95, size=shape)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [None, positive(3), positive(4, 3)], ids=["plain", "class", "element"])
def test_binary_cross_entropy(reduction: str, weight: Any) -> None:
    def run(lib: Any, p: Any, t: Any) -> Any:
        w = None if weight is None else lib.tensor(weight)
        return lib.nn.functional.binary_cross_entropy(p, t, weight=w, reduction=reduction)

    compare(run, uniform(4, 3), uniform(4, 3, seed=1))


def test_binary_cross_entropy_ends_at_100_as_pytorch() -> None:
    compare(
        lambda lib, p: lib.nn.functional.binary_cross_entropy(
            p, lib.tensor(np.array([0.0, 1.0, 1.0, 0.0])), reduction="none"
        ),
        np.array([1.0, 0.0, 1.0, 0.0]),
        rtol=1e-8,  # PyTorch has 1e-12 in float32
    )


def test_binary_cross_entropy_refuses_what_is_no_probability() -> None:
    for bad in (1.5, -0.25, float("nan")):
        with pytest.raises(RangeError, match=f"between 0 and 1, got {bad}"):
            F.binary_cross_entropy(microbp.tensor([0.5, bad]), microbp.tensor([1.0, 1.0]))
    with pytest.raises(ValueError, match=re.escape("target (5, 1) and input (5,)")):
        F.binary_cross_entropy(microbp.full((5,), 0.5), microbp.ones(5, 1))


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weight", [None, positive(3), positive(4, 3)], ids=["plain", "class", "element"])
@pytest.mark.parametrize("pos_weight", [None, positive(3, seed=5)], ids=["even", "positive"])
def test_binary_cross_entropy_with_logits(reduction: str, weight: Any, pos_weight: Any) -> None:
    def run(lib: Any, x: Any, t: Any) -> Any:
        w, p = (None if value is None else lib.tensor(value) for value in (weight, pos_weight))
        return lib.nn.functional.binary_cross_entropy_with_logits(x, t, w, reduction=reduction, pos_weight=p)

    compare(run, 3 * normal(4, 3), uniform(4, 3, seed=1), second_order=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("pos_weight", [None, 3.0])
def test_binary_cross_entropy_with_large_logits_is_exact(dtype: Any, pos_weight: float | None) -> None:
    x = microbp.tensor(np.array([1e4, 100.0, 15.0, -15.0, -100.0, -1e4] * 2, dtype), requires_grad=True)
    t = microbp.tensor(np.repeat([0.0, 1.0], 6).astype(dtype))
    p = None if pos_weight is None else microbp.tensor(np.array([pos_weight], dtype))
    loss = F.binary_cross_entropy_with_logits(x, t, reduction="none", pos_weight=p)
    values = x.detach().array.astype(np.float64)
    expected = np.where(t.array == 0, np.logaddexp(0, values), (pos_weight or 1) * np.logaddexp(0, -values))
    np.testing.assert_allclose(loss.detach().array, expected, rtol=1e-6, atol=1e-40)
    loss.sum().backward()
    assert np.isfinite(x.grad.array).all()
    with pytest.raises(ValueError, match=re.escape("target (5, 1) must be the same size as input (5,)")):
        F.binary_cross_entropy_with_logits(microbp.ones(5), microbp.ones(5, 1))


# -- Kullback-Leibler ----------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:reduction")
@pytest.mark.parametrize("reduction", [*REDUCTIONS, "batchmean"])
@pytest.mark.parametrize("log_target", [True, False])
def test_kl_div(reduction: str, log_target: bool) -> None:
    compare(
        lambda lib, x, t: lib.nn.functional.kl_div(x, t, reduction=reduction, log_target=log_target),
        normal(4, 3),
        positive(4, 3),
        second_order=True,
    )


def test_kl_div_takes_a_target_of_0() -> None:
    compare(
        lambda lib, x: lib.nn.functional.kl_div(x, lib.tensor(np.array([[0.0, 1.0]])), reduction="batchmean"),
        normal(1, 2),
    )


def test_kl_div_warns_of_mean() -> None:
    with pytest.warns(UserWarning, match="'batchmean' divides only by the batch size"):
        F.kl_div(microbp.zeros(2, 2), microbp.ones(2, 2))


# -- classes -------------------------------------------------------------------------------

LAYOUTS = {
    "batch": ((6, 4), (6,)),
    "image": ((2, 4, 3, 2), (2, 3, 2)),
    "single": ((4,), ()),
    "sequence": ((2, 4, 3), (2, 3)),
}


def labels(shape: tuple[int, ...], seed: int = 0) -> Any:
    return np.asarray(np.random.default_rng([seed, *shape]).integers(0, 4, size=shape))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("reduction", "weight", "ignore_index", "label_smoothing"),
    list(itertools.product(REDUCTIONS, [None, positive(4)], [-100, 1], [0.0, 0.1])),
)
@pytest.mark.filterwarnings("ignore:cross_entropy. the mean over an empty")
def test_cross_entropy_of_labels(
    layout: str, reduction: str, weight: Any, ignore_index: int, label_smoothing: float
) -> None:
    shape, label_shape = LAYOUTS[layout]

    def run(lib: Any, x: Any, t: Any) -> Any:
        w = None if weight is None else lib.tensor(weight)
        return lib.nn.functional.cross_entropy(
            x, t, weight=w, ignore_index=ignore_index, reduction=reduction, label_smoothing=label_smoothing
        )

    compare(run, 3 * normal(*shape), labels(label_shape), second_order=True)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("reduction", "weight", "label_smoothing"), list(itertools.product(REDUCTIONS, [None, positive(4)], [0.0, 0.1]))
)
def test_cross_entropy_of_probabilities(layout: str, reduction: str, weight: Any, label_smoothing: float) -> None:
    shape, _ = LAYOUTS[layout]

    def run(lib: Any, x: Any, t: Any) -> Any:
        w = None if weight is None else lib.tensor(weight)
        return lib.nn.functional.cross_entropy(x, t, weight=w, reduction=reduction, label_smoothing=label_smoothing)

    compare(run, 3 * normal(*shape), positive(*shape), second_order=True)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("reduction", "weight", "ignore_index"), list(itertools.product(REDUCTIONS, [None, positive(4)], [-100, 1]))
)
def test_nll_loss(layout: str, reduction: str, weight: Any, ignore_index: int) -> None:
    shape, label_shape = LAYOUTS[layout]

    def run(lib: Any, x: Any, t: Any) -> Any:
        w = None if weight is None else lib.tensor(weight)
        return lib.nn.functional.nll_loss(x, t, weight=w, ignore_index=ignore_index, reduction=reduction)

    compare(run, normal(*shape), labels(label_shape, seed=3))


def test_plain_cross_entropy_is_one_operation() -> None:
    x = microbp.tensor(normal(6, 4), requires_grad=True)
    for reduction in ("mean", "sum"):
        loss = F.cross_entropy(x, microbp.tensor(labels((6,))), reduction=reduction)
        assert loss.grad_fn.name() == "cross_entropy"
        assert loss.grad_fn.next_functions[0][0] is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_cross_entropy_is_stable(dtype: Any, reduction: str) -> None:
    x = microbp.tensor(np.array([[1e4, -1e4, 0], [-1e4, 1e4, 1e4], [0, -np.inf, 0]], dtype), requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss = F.cross_entropy(x, microbp.tensor([1, 1, 0]), reduction=reduction)
        loss.sum().backward()
    expected = np.array([2e4, np.log(2), np.log(2)])
    expected = {"mean": expected.mean(), "sum": expected.sum(), "none": expected}[reduction]
    np.testing.assert_allclose(loss.detach().array, expected, rtol=1e-6)
    gradient = np.array([[1, -1, 0], [0, -0.5, 0.5], [-0.5, 0, 0.5]]) / (3 if reduction == "mean" else 1)
    np.testing.assert_allclose(x.grad.array, gradient, atol=1e-7)


def test_ignored_samples_do_not_count_even_at_infinity() -> None:
    x = microbp.tensor([[-np.inf, 0.0], [1.0, 2.0]], requires_grad=True)
    for smoothing in (0.0, 0.1):
        loss = F.cross_entropy(x, microbp.tensor([-100, 1]), label_smoothing=smoothing)
        alone = F.cross_entropy(x[1:], microbp.tensor([1]), label_smoothing=smoothing)
        assert loss.item() == pytest.approx(alone.item(), rel=1e-6)
    F.cross_entropy(x, microbp.tensor([-100, 1])).backward()
    assert not x.grad.array[0].any()


def test_all_samples_ignored_is_nan_and_warns() -> None:
    with pytest.warns(UserWarning, match="the mean over an empty batch is nan"):
        loss = F.cross_entropy(microbp.ones(2, 3), microbp.tensor([-100, -100]))
    assert np.isnan(loss.item())


@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_bad_labels_are_refused_with_value_and_position(name: str) -> None:
    function, x = getattr(F, name), microbp.zeros(4, 3)
    with pytest.raises(IndexError, match="label 3 at position 2 is out of range for 3 classes"):
        function(x, microbp.tensor([0, 1, 3, 0]))
    with pytest.raises(RangeError, match="label -1 at position 1 is out of range for 3 classes"):
        function(x, microbp.tensor([0, -1, 2, 0]))
    with pytest.raises(RangeError, match=re.escape("label 7 at position (1, 0) is out of range")):
        function(microbp.zeros(2, 3, 2), microbp.tensor([[0, 1], [7, 0]]))
    with pytest.raises(RangeError, match="label 3 is out of range"):
        function(microbp.zeros(3), microbp.tensor(3))
    for shape in ((5,), (4, 1), (3,)):
        with pytest.raises(
            ValueError, match=re.escape(f"expected class labels of shape (4,) for this input, got shape {shape}")
        ):
            function(x, microbp.zeros(shape, dtype=microbp.int64))
    with pytest.raises(DtypeError, match="must be integers, got bool"):
        function(x, microbp.zeros(4, dtype=microbp.bool))


def test_float_labels_are_refused() -> None:
    with pytest.raises(ShapeError, match=re.escape("must have the shape of the input (4, 3), got (4,); class labels")):
        F.cross_entropy(microbp.zeros(4, 3), microbp.zeros(4))
    with pytest.raises(DtypeError, match="must be integers, got float32"):
        F.nll_loss(microbp.zeros(4, 3), microbp.zeros(4))


def test_other_bad_arguments_of_cross_entropy() -> None:
    x, t = microbp.zeros(4, 3), microbp.zeros(4, dtype=microbp.int64)
    with pytest.raises(OptionError, match="label_smoothing must be between"):
        F.cross_entropy(x, t, label_smoothing=1.5)
    with pytest.raises(OptionError, match="ignore_index is not supported"):
        F.cross_entropy(x, microbp.zeros(4, 3), ignore_index=1)
    with pytest.raises(ShapeError, match="one entry for each of the 3 classes"):
        F.cross_entropy(x, t, weight=microbp.ones(4))
    with pytest.raises(DtypeError, match="weight must have the dtype of the input, float32, got float64"):
        F.cross_entropy(x, t, weight=microbp.ones(3, dtype=microbp.float64))
    with pytest.raises(NotImplementedError, match="no gradient for its weight"):
        F.cross_entropy(x, t, weight=microbp.ones(3, requires_grad=True))
    with pytest.raises(DtypeError, match="logits, floating point, got int64"):
        F.cross_entropy(microbp.zeros(4, 3, dtype=microbp.int64), t)
    with pytest.raises(ShapeError, match="dimension of classes"):
        F.cross_entropy(microbp.tensor(1.0), microbp.tensor(0))


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.int64])
def test_labels_may_be_of_any_integer_dtype(kind: Any) -> None:
    x, t = microbp.tensor(normal(4, 3)), np.array([0, 2, 1, 0])
    assert F.cross_entropy(x, t.astype(kind)).item() == F.cross_entropy(x, t).item()


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_changing_the_labels_later_does_not_change_the_gradient(reduction: str) -> None:
    array = np.array([0, 2, 1, 0])
    gradients = []
    for change in (False, True):
        x, t = microbp.tensor(normal(4, 3), requires_grad=True), microbp.from_numpy(array.copy())
        loss = F.cross_entropy(x, t, reduction=reduction)
        if change:
            t.array[:] = 1
        loss.sum().backward()
        gradients.append(x.grad.array)
    np.testing.assert_array_equal(*gradients)


def test_half_precision_losses_do_not_overflow() -> None:
    x = microbp.zeros(4, 3, dtype=microbp.float16)
    assert F.cross_entropy(x, microbp.zeros(4, dtype=microbp.int64)).dtype == np.float16
    assert F.mse_loss(x, x + 1).item() == 1

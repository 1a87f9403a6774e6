"""What all functions and losses check alike: tensors, reductions, shapes, empty batches, labels."""

from __future__ import annotations

import inspect
import re
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import nn
from microbp.errors import BroadcastWarning, OptionError, RangeError, ShapeError
from microbp.nn import functional as F
from microbp.nn.functional.check import broadcast_shape, class_labels, number
from tests.parity import Dtype, Operation, Values, catalogue

FUNCTIONS = {name: one for name, one in catalogue().items() if name.startswith("nn.functional.")}

# -- what is no tensor ---------------------------------------------------------------------


def calls_of(operation: Operation) -> dict[str, dict[str, Any]]:
    """For each argument that takes a tensor a call that has it, its arguments by name."""
    signature = inspect.signature(getattr(F, operation.name.removeprefix("nn.functional.")))
    found: dict[str, dict[str, Any]] = {}
    for one in operation.generate(Values("contiguous", operation.name)):
        given = signature.bind(*one.arguments, **one.options).arguments
        for argument, value in given.items():
            if isinstance(value, np.ndarray):
                found.setdefault(argument, given)
    return found


def as_tensor(value: Any) -> Any:
    """What stands for a tensor or a dtype in the catalogue."""
    if isinstance(value, Dtype):
        return getattr(microbp, value.name)
    return microbp.tensor(value) if isinstance(value, np.ndarray) else value


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_tensor_argument_refuses_what_is_none_by_its_name(name: str) -> None:
    function = getattr(F, name.removeprefix("nn.functional."))
    calls = calls_of(FUNCTIONS[name])
    assert calls
    for argument, given in calls.items():
        for wrong in ([1.0], "text"):
            text = f"{function.__name__}: {argument} must be a Tensor, got {type(wrong).__name__}"
            with pytest.raises(TypeError, match=f"^{re.escape(text)}.*make a tensor of it first"):
                function(**{key: wrong if key == argument else as_tensor(value) for key, value in given.items()})


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_arrays_of_numpy_are_taken_for_tensors(name: str) -> None:
    function = getattr(F, name.removeprefix("nn.functional."))
    operation = FUNCTIONS[name]
    calls = operation.generate(Values("contiguous", name))
    one = next(one for one in calls if not one.written and (one.constants != (1, 2) or "_norm" not in name))
    arguments, options = one.rebuilt(microbp, one.arrays())
    found, expected = (
        function(*given, **named)
        for given, named in (
            (arguments, options),
            one.rebuilt(microbp, [microbp.tensor(array) for array in one.arrays()]),
        )
    )
    for a, b in zip(*(r if isinstance(r, tuple) else (r,) for r in (found, expected)), strict=True):
        if b is not None:
            np.testing.assert_array_equal(a.array, b.array)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: nn.Linear(2, 1)([[1.0, 2.0]]), "Linear(in_features=2, out_features=1, bias=True): input"),
        (lambda: nn.Linear(2, 1)(1), "Linear(in_features=2, out_features=1, bias=True): input"),
        (lambda: nn.Linear(2, 1)(None), "Linear(in_features=2, out_features=1, bias=True): input"),
        (lambda: nn.Flatten()([1.0]), "Flatten: input"),
        (lambda: nn.ReLU()(None), "relu: input"),
        (lambda: nn.Dropout()([1.0]), "dropout: input"),
    ],
)
def test_layers_refuse_what_is_no_tensor(call: Any, name: str) -> None:
    with pytest.raises(TypeError, match=re.escape(f"{name} must be a Tensor, got ")):
        call()


# -- losses --------------------------------------------------------------------------------

FLOATS = (microbp.ones(3), microbp.ones(3))
SHARES = (microbp.full((3,), 0.5), microbp.full((3,), 0.5))
LOSSES: dict[str, tuple[Any, ...]] = {
    "mse_loss": FLOATS,
    "l1_loss": FLOATS,
    "smooth_l1_loss": FLOATS,
    "huber_loss": FLOATS,
    "kl_div": FLOATS,
    "poisson_nll_loss": FLOATS,
    "soft_margin_loss": FLOATS,
    "hinge_embedding_loss": FLOATS,
    "gaussian_nll_loss": (*FLOATS, microbp.ones(3)),
    "margin_ranking_loss": (*FLOATS, microbp.ones(3)),
    "binary_cross_entropy": SHARES,
    "binary_cross_entropy_with_logits": SHARES,
    "multilabel_soft_margin_loss": (microbp.ones(3, 2), microbp.ones(3, 2)),
    "multilabel_margin_loss": (microbp.ones(3, 2), microbp.zeros(3, 2, dtype=microbp.int64)),
    "multi_margin_loss": (microbp.ones(3, 2), microbp.zeros(3, dtype=microbp.int64)),
    "cross_entropy": (microbp.ones(3, 2), microbp.zeros(3, dtype=microbp.int64)),
    "nll_loss": (microbp.ones(3, 2), microbp.zeros(3, dtype=microbp.int64)),
    "cosine_embedding_loss": (microbp.ones(3, 2), microbp.ones(3, 2), microbp.ones(3)),
    "triplet_margin_loss": (microbp.ones(3, 2),) * 3,
    "triplet_margin_with_distance_loss": (microbp.ones(3, 2),) * 3,
}


def test_every_loss_is_tried_here() -> None:
    named = {name for name in vars(F) if "loss" in name or "entropy" in name or name == "kl_div"}
    assert named - {"loss", "margin_loss", "ranking_loss"} == LOSSES.keys()


@pytest.mark.parametrize("name", LOSSES)
def test_unknown_reductions_are_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(OptionError, match=f"^{name}: average is not a valid value .* one of 'mean', 'sum', 'none'"):
        getattr(F, name)(*LOSSES[name], reduction="average")


@pytest.mark.parametrize(
    "name", [name for name in LOSSES if "size_average" in inspect.signature(getattr(F, name)).parameters]
)
def test_deprecated_ways_of_reducing_are_refused(name: str) -> None:
    for old in ({"size_average": False}, {"reduce": True}):
        with pytest.raises(OptionError, match=f"{name}: size_average and reduce are deprecated; use reduction="):
            getattr(F, name)(*LOSSES[name], **old)


@pytest.mark.filterwarnings("ignore:reduction")
@pytest.mark.parametrize("name", LOSSES)
def test_mean_over_an_empty_batch_is_nan_and_warns_at_the_users_line(name: str) -> None:
    inputs = [t[:0].clone() for t in LOSSES[name]]
    inputs[0].requires_grad_()
    with pytest.warns(UserWarning, match=f"{name}: the mean over an empty batch is nan") as caught:
        loss = getattr(F, name)(*inputs)
    assert caught[0].filename == __file__
    assert np.isnan(loss.item())
    loss.backward()
    assert inputs[0].grad.shape == inputs[0].shape
    assert getattr(F, name)(*inputs, reduction="sum").item() == 0


@pytest.mark.filterwarnings("ignore:reduction")
@pytest.mark.parametrize("name", LOSSES)
def test_targets_of_another_length_are_refused_by_the_name_of_the_loss(name: str) -> None:
    *inputs, last = LOSSES[name]
    longer = microbp.cat([last, last])
    named = "pairwise_distance" if name == "triplet_margin_with_distance_loss" else name
    with pytest.raises(ShapeError, match=rf"^{named}.*\(6,") as error:
        getattr(F, name)(*inputs, longer)
    assert "3" in str(error.value)


WARN = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "kl_div", "poisson_nll_loss", "soft_margin_loss")


@pytest.mark.filterwarnings("ignore:reduction")
@pytest.mark.parametrize("name", [*WARN, "hinge_embedding_loss", "gaussian_nll_loss"])
def test_n_against_n_1_warns_with_both_shapes(name: str) -> None:
    x, t, *rest = LOSSES[name]
    with pytest.warns(BroadcastWarning, match=re.escape(f"{name}: input (3,) and target (3, 1)")) as caught:
        losses = getattr(F, name)(x, t.unsqueeze(1), *rest, reduction="none")
    assert losses.shape == (3, 3)
    assert caught[0].filename == __file__


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", LOSSES)
def test_inputs_stay_as_they_are_and_float32(name: str) -> None:
    inputs = [t.clone() for t in LOSSES[name]]
    inputs[0].requires_grad_()
    before = [t.detach().array.copy() for t in inputs]
    loss = getattr(F, name)(*inputs)
    loss.backward()
    assert inputs[0].grad.dtype == loss.dtype == np.float32
    for t, array in zip(inputs, before, strict=True):
        np.testing.assert_array_equal(t.detach().array, array)


# -- the checks themselves -----------------------------------------------------------------


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.int64(2), np.array(2.0), microbp.tensor(2), True + 1])
def test_numbers_in_all_their_forms(value: Any) -> None:
    assert number("f", "p", value) == 2
    assert type(number("f", "p", value)) in (int, float)


@pytest.mark.parametrize(
    "bad", ["2", None, [2], (2,), microbp.ones(2), microbp.tensor(2.0, requires_grad=True), object]
)
def test_what_is_no_number_is_refused(bad: Any) -> None:
    with pytest.raises(TypeError, match=r"^f: p must be a number, got"):
        number("f", "p", bad)


def test_shapes_that_do_not_broadcast_are_all_named() -> None:
    ones = microbp.ones
    assert broadcast_shape("f", a=ones(3, 1), b=ones(4), c=ones(1, 1, 1)) == (1, 3, 4)
    with pytest.raises(ShapeError, match=re.escape("f: a (3,), b (4,) and c (1,) do not fit each other")):
        broadcast_shape("f", a=ones(3), b=ones(4), c=ones(1))


def test_labels_become_a_checked_copy() -> None:
    target = np.array([0, 2, -100])
    labels, ignored = class_labels(target, (3,), 3, -100, "f")
    assert labels.tolist() == [0, 2, -1]
    assert ignored
    assert not np.shares_memory(labels, target)
    labels, ignored = class_labels(target[:2], (2,), 3, -100, "f")
    assert not np.shares_memory(labels, target)
    assert not ignored


@pytest.mark.parametrize(("ignore_index", "text"), [(None, r"\(0 to 2\)"), (7, r"\(0 to 2; 7 is ignored\)")])
def test_a_wrong_label_is_told_with_its_position(ignore_index: int | None, text: str) -> None:
    with pytest.raises(RangeError, match=f"^f: label 3 at position 1 is out of range for 3 classes {text}$"):
        class_labels(np.array([0, 3]), (2,), 3, ignore_index, "f")

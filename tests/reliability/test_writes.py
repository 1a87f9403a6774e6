"""Every way of writing to a tensor through the library is counted, and no array of the user's is locked or shared."""

from __future__ import annotations

import gc
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import Tensor, errors, nn, optim
from microbp.autograd import Function, detect_mutation, grad
from microbp.nn import functional as F
from tests.leaves import leaf
from tests.samples import Samples, table

# -- writes ----------------------------------------------------------------------------------

SQUARE = np.array([[0.5, -0.3], [0.2, 0.7]])


def square(requires_grad: bool = False) -> Any:
    return microbp.tensor(SQUARE, requires_grad=requires_grad)


mask, places = SQUARE > 0, microbp.tensor([[0, 1], [1, 0]])
GIVEN: dict[str, tuple[Any, ...]] = {
    **dict.fromkeys(("add_", "sub_", "subtract_", "mul_", "multiply_", "div_", "divide_", "copy_"), (square() + 2.0,)),
    **dict.fromkeys(
        ("pow_", "atan2_", "copysign_", "hypot_", "fmod_", "remainder_", "floor_divide_"), (-square() - 1.0,)
    ),
    **dict.fromkeys(("addcmul_", "addcdiv_"), (square(), square())),
    **dict.fromkeys(("clamp_", "clip_"), (0.0, 0.1)),
    **dict.fromkeys(("atan2_", "arctan2_", "heaviside_", "xlogy_", "float_power_", "true_divide_"), (square() + 2.0,)),
    **dict.fromkeys(("eq_", "ge_", "gt_", "le_", "lt_", "ne_", "greater_", "greater_equal_"), (0.1,)),
    **dict.fromkeys(("less_", "less_equal_", "not_equal_"), (0.1,)),
    **dict.fromkeys(("logical_and_", "logical_or_", "logical_xor_"), (square(),)),
    **dict.fromkeys(("cumsum_", "cumprod_"), (0,)),
    "addbmm_": (square()[None], square()[None]),
    "addmm_": (square(), square()),
    "addr_": (square()[0], square()[1]),
    "renorm_": (2, 0, 0.1),
    "scatter_reduce_": (0, places, square() + 1.0, "sum"),
    "acosh_": (),
    "clamp_max_": (0.0,),
    "clamp_min_": (0.6,),
    "fill_": (3.0,),
    "lerp_": (square() + 1.0, 0.5),
    "masked_fill_": (microbp.tensor(mask), 9.0),
    "masked_scatter_": (microbp.tensor(mask), square() + 1.0),
    "index_add_": (0, microbp.tensor([0, 1]), square() + 1.0),
    "index_copy_": (0, microbp.tensor([0, 1]), square() + 1.0),
    "index_fill_": (0, microbp.tensor([0]), 9.0),
    "index_put_": ((microbp.tensor([0]),), microbp.tensor([9.0, 9.0], dtype=microbp.float64)),
    "scatter_": (0, places, square() + 1.0),
    "scatter_add_": (0, places, square() + 1.0),
}
NO_WRITE = {"requires_grad_", "detach_"}
NO_SQUARE = {"addmv_", "baddbmm_", "bitwise_and_", "bitwise_not_", "bitwise_or_", "bitwise_xor_"}
"""Methods of vectors, stacks and integers; ``tests/functions/test_inplace_computed.py`` tries them."""
METHODS = [
    name for name in dir(Tensor) if name.endswith("_") and not name.startswith("_") and name not in NO_WRITE | NO_SQUARE
]


@pytest.mark.parametrize("name", METHODS)
def test_every_method_in_place_is_counted(name: str) -> None:
    """Recorded or not, on the tensor itself, on a view of it, on its data."""
    for recorded in (True, False):
        for of in (lambda t: t, lambda t: t[...], lambda t: t.data, lambda t: t.T, lambda t: t.detach()):
            y = square(requires_grad=True) * 1.0
            loss = (y * y).sum()
            before = y.version
            with microbp.set_grad_enabled(recorded):
                getattr(of(y), name)(*GIVEN.get(name, ()))
            assert y.version > before, name
            with pytest.raises(errors.MutationError, match=rf"^mul \(recorded at .*at version {y.version}\."):
                loss.backward()


OPERATORS: dict[str, Callable[[Any], Any]] = {
    "+=": lambda t: t.__iadd__(1.0),
    "-=": lambda t: t.__isub__(1.0),
    "*=": lambda t: t.__imul__(2.0),
    "/=": lambda t: t.__itruediv__(2.0),
    "**=": lambda t: t.__ipow__(2.0),
    "a slice": lambda t: t.__setitem__(slice(0, 1), 7.0),
    "an element": lambda t: t.__setitem__((0, 1), 7.0),
    "a mask": lambda t: t.__setitem__(mask, 7.0),
    "an array": lambda t: t.__setitem__([1], np.ones(2)),
    "a row of a row": lambda t: t[0].__setitem__(1, 7.0),
    "a view of a view": lambda t: t.T[0][1:].fill_(7.0),
    "a flat view": lambda t: t.view(-1)[2:].mul_(3.0),
    "unbound": lambda t: t.unbind(0)[1].zero_(),
    "split": lambda t: t.split(1, 1)[0].zero_(),
    "the diagonal": lambda t: t.diagonal().zero_(),
    "clip_grad_norm_": lambda t: nn.utils.clip_grad_norm_([with_gradient(t)], 0.1),
    "clip_grads_with_norm_": lambda t: nn.utils.clip_grads_with_norm_([with_gradient(t)], 0.1, 5.0),
    "clip_grad_value_": lambda t: nn.utils.clip_grad_value_([with_gradient(t)], 0.1),
    "zero_grad": lambda t: optim.SGD([with_gradient(t)], lr=0.1).zero_grad(set_to_none=False),
    "backward that accumulates": lambda t: (with_gradient(t) * 2.0).sum().backward(),
    "max_norm": lambda t: F.embedding(microbp.tensor([0, 1]), t, max_norm=0.1),
    "running_mean": lambda t: F.batch_norm(microbp.ones(3, 2, 4).double(), t[0], t[1].detach().clone(), training=True),
    "load_state_dict": lambda t: module_of(t).load_state_dict({"weight": SQUARE + 1.0}),
}
for name, function in inspect.getmembers(nn.init, inspect.isfunction):
    if name.endswith("_"):
        given = {"constant_": (3.0,), "sparse_": (0.5,)}.get(name, ())
        OPERATORS[f"init.{name}"] = lambda t, f=function, given=given: f(t, *given)  # type: ignore[misc]
OPERATORS["init.dirac_"] = lambda t: nn.init.dirac_(t.unsqueeze(2))  # which takes weights of convolutions
for name, function in inspect.getmembers(F, inspect.isfunction):
    if "inplace" in inspect.signature(function).parameters:
        given = {
            "hardtanh": (-0.1, 0.1),
            "threshold": (0.3, 9.0),
            "dropout": (0.9,),
            "dropout1d": (0.9,),
            "alpha_dropout": (0.9, True),
        }.get(name, ())
        if name in {"dropout2d", "dropout3d", "feature_alpha_dropout", "relu6", "rrelu"}:
            continue  # they make nothing of these values; the others share their way of writing
        OPERATORS[f"F.{name}"] = lambda t, f=function, given=given: f(t, *given, inplace=True)  # type: ignore[misc]


def with_gradient(t: Any) -> Any:
    """A parameter whose gradient a tensor is."""
    parameter = microbp.zeros_like(t).requires_grad_()
    parameter.grad = t
    return parameter


def module_of(t: Any) -> Any:
    """A module whose weight a tensor is."""
    module = nn.Linear(2, 2, bias=False)
    module.weight = nn.Parameter(t)
    return module


@pytest.mark.parametrize("name", OPERATORS)
def test_every_other_way_to_write_is_counted(name: str) -> None:
    w, t = square(requires_grad=True), square()
    loss = (w * t).sum()
    OPERATORS[name](t)
    assert not np.array_equal(t.array, SQUARE)
    with pytest.raises(errors.MutationError, match="needs its argument 'b'"):
        loss.backward()
    assert w.grad is None


OPTIMIZERS = [
    kind
    for _, kind in inspect.getmembers(optim, inspect.isclass)
    if issubclass(kind, optim.Optimizer) and "lr" in inspect.signature(kind).parameters
]


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_the_step_of_every_optimizer_between_two_backwards_is_refused(kind: Any) -> None:
    w = leaf(1.0, 2.0)
    w.name = "w"
    loss = (w * w).sum()
    loss.backward(retain_graph=True)
    optimizer = kind([w], lr=0.1)

    def closure() -> Any:
        optimizer.zero_grad()
        anew = (w * w).sum()
        anew.backward()
        return anew

    optimizer.step(closure)
    with pytest.raises(errors.MutationError) as caught:
        loss.backward()
    said = str(caught.value)
    kept, written = loss.grad_fn.inputs[0].number, w.version
    assert f"mul (recorded at {__file__}:" in said
    assert f"needs its argument 'a' (w, (2,) float64) as it was at version {kept}, " in said
    assert f"changed in place since, at version {written}. Call backward() before the change" in said
    assert kept < written


def test_the_error_names_the_parameter_and_the_line_of_the_modules_call() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    loss = model(microbp.ones(4, 2)).sum()
    line = inspect.currentframe().f_lineno - 1  # type: ignore[union-attr]
    with microbp.no_grad():
        model[2].weight.add_(1.0)
    with pytest.raises(errors.MutationError) as caught:
        loss.backward()
    assert f"linear (recorded at {__file__}:{line}) needs its argument 'w' (2.weight, (1, 3) float32)" in str(
        caught.value
    )


def test_the_error_says_what_computed_the_tensor_that_was_changed() -> None:
    y = leaf(1.0, 2.0).exp()
    loss = (y * y).sum()
    y.add_(1.0)
    with pytest.raises(errors.MutationError, match=r"'a' \(the output of exp \(recorded at .*\), \(2,\) float64\)"):
        loss.backward()


def test_a_saved_tensor_of_a_function_is_named_with_both_versions() -> None:
    class Square(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return 2.0 * g * ctx.saved_tensors[0]

    x = leaf(1.0, 2.0)
    x.name = "velocity"
    y = Square.apply(x)
    x.data.add_(1.0)
    kept, written = y.grad_fn.number, x.version
    with pytest.raises(errors.MutationError) as caught:
        y.sum().backward()
    said = str(caught.value)
    assert f"Square (recorded at {__file__}:" in said
    assert "saved its argument 'x' (velocity, (2,) float64)" in said
    assert f"at version {kept}, but it was changed in place since, at version {written}." in said


def test_other_data_is_right_and_for_second_derivatives_refused_by_name() -> None:
    w = leaf(1.0, 2.0)
    w.name = "w"
    loss = (w * w).sum()
    w.data = leaf(5.0, 6.0)
    assert grad(loss, w, retain_graph=True)[0].tolist() == [2.0, 4.0]
    with pytest.raises(errors.MutationError, match=r"mul .* needs its argument 'a' \(w, .*other data"):
        grad(loss, w, create_graph=True)


def test_a_refused_pass_changes_no_gradient() -> None:
    w, v = leaf(1.0, 2.0), leaf(3.0, 4.0)
    y = w * 1.0
    loss = (v * 2.0).sum() + (y * y).sum()
    y.add_(1.0)
    with pytest.raises(errors.MutationError):
        loss.backward()
    assert w.grad is v.grad is None


# -- what belongs to the user ----------------------------------------------------------------


def test_what_tensor_is_given_is_copied() -> None:
    for source_of in (np.array, list, lambda values: microbp.tensor(values, dtype=microbp.float64)):
        for make in (microbp.tensor, leaf(0.0).new_tensor, lambda given: nn.Parameter(microbp.tensor(given))):
            source: Any = source_of([1.0, 2.0])
            w = make(source).double().detach().requires_grad_()
            loss = (w * w).sum()
            source[0] = 9.0
            loss.backward()
            assert w.tolist() == [1.0, 2.0]
            assert w.grad.tolist() == [2.0, 4.0]


def test_arrays_of_the_user_stay_writeable() -> None:
    """After forward, backward, a second derivative, a hook, a Function, an error, the debug mode and a copy out."""

    class Passes(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * 1.0

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g

    arrays = {name: np.array([1.0, 2.0]) for name in ("leaf", "constant", "operand", "start", "index")}
    arrays["index"] = np.array([0, 1])
    for guarded in (False, True):
        if guarded:
            context: Any = detect_mutation()
            context.__enter__()
        w = microbp.from_numpy(arrays["leaf"]).requires_grad_()
        constant = microbp.from_numpy(arrays["constant"])
        start = microbp.from_numpy(arrays["start"])
        y = Passes.apply(w * constant * arrays["operand"])[arrays["index"]]
        y.register_hook(lambda g: g)
        y.backward(start, retain_graph=True)
        grad(y, w, start, create_graph=True)
        w.detach().numpy()
        np.asarray(constant)
        y.sum().item()
        constant.add_(1.0)
        with pytest.raises(errors.MutationError):
            y.backward(start)
        with pytest.raises(errors.ShapeError):
            w + microbp.ones(3)
        if guarded:
            context.__exit__(None, None, None)
        assert all(array.flags.writeable for array in arrays.values())
        assert w.grad.array.flags.writeable
        assert w.array.flags.writeable
        assert y.array.flags.writeable
        w.grad.zero_()
    del w, y
    gc.collect()
    assert all(array.flags.writeable for array in arrays.values())


def test_a_gradient_shares_no_memory_with_what_the_user_gave() -> None:
    w = leaf(1.0, 2.0)
    start = np.array([1.0, 1.0])
    (w * 1.0).backward(microbp.from_numpy(start))
    w.backward(microbp.from_numpy(start))
    start[:] = 9.0
    assert w.grad.tolist() == [2.0, 2.0]


# -- rows ------------------------------------------------------------------------------------

ROWS = table()


@pytest.mark.parametrize("name", ROWS)
def test_only_rows_that_say_so_share_memory_with_an_argument(name: str) -> None:
    """A view shares the record of its writes with what it is a view of; nothing else may look at the same memory."""
    samples: Samples = ROWS[name]
    row = microbp.ops.op.registry[name]
    for inputs, options in samples.cases():
        arrays = [np.array(value) if isinstance(value, np.ndarray) else value for value in inputs]
        with np.errstate(all="ignore"):
            results = row.forward(*arrays, **options)
        results = results if row.handed_on else (results,)
        for number, result in enumerate(results):
            for position, array in enumerate(arrays):
                if isinstance(array, np.ndarray) and isinstance(result, np.ndarray) and array.size:
                    allowed = (row.view and number == position == 0) or name == "copy"  # written into a tensor at once
                    assert allowed or not np.may_share_memory(result, array)

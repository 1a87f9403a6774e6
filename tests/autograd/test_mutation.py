"""The debug mode that sees writes past the Tensor API."""

from __future__ import annotations

import gc
import inspect
import threading
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import errors, nn, optim
from microbp.autograd import Function, detect_anomaly, detect_mutation, grad, observe
from microbp.autograd.mutation import Copy
from microbp.ops.op import registry
from microbp.tensor import apply
from tests.leaves import leaf

# -- what is seen ----------------------------------------------------------------------------


def through_the_array(array: Any, t: Any) -> None:
    t.array[1] = 9.0


def through_an_alias(array: Any, t: Any) -> None:
    array[1] = 9.0


def through_a_numpy_view(array: Any, t: Any) -> None:
    array[::-1][0:1] += 1.0


def through_a_memoryview(array: Any, t: Any) -> None:
    memoryview(array)[0] = 9.0


def through_a_buffer(array: Any, t: Any) -> None:
    np.frombuffer(memoryview(array), np.uint8)[3] ^= 1


def as_the_output_of_a_ufunc(array: Any, t: Any) -> None:
    np.multiply(array, 2.0, out=t.array)


def by_sorting(array: Any, t: Any) -> None:
    array.sort()


def through_another_tensor(array: Any, t: Any) -> None:
    microbp.from_numpy(array).mul_(2.0)


def through_a_copy_of_the_handle(array: Any, t: Any) -> None:
    np.copyto(t.detach().array, 0.0)


WAYS = [
    through_the_array,
    through_an_alias,
    through_a_numpy_view,
    through_a_memoryview,
    through_a_buffer,
    as_the_output_of_a_ufunc,
    by_sorting,
    through_another_tensor,
    through_a_copy_of_the_handle,
]


@pytest.mark.parametrize("write", WAYS)
def test_every_way_to_write_to_the_memory_is_seen(write: Callable[[Any, Any], None]) -> None:
    for requires_grad in (True, False):
        array = np.array([3.0, 2.0, 1.0])
        t = microbp.from_numpy(array).requires_grad_(requires_grad)
        w = leaf(1.0, 2.0, 3.0)
        with detect_mutation():
            loss = (w * t).sum()
        write(array, t)
        with pytest.raises(errors.MutationError, match="past the Tensor API"):
            loss.backward()
        assert w.grad is None


def test_the_error_names_operation_line_argument_tensor_version_and_element() -> None:
    array = np.array([1.0, 2.0, 3.0])
    t = microbp.from_numpy(array)
    t.name = "prices"
    w = leaf(1.0, 2.0, 3.0)
    with detect_mutation():
        y = w * t
    line = inspect.currentframe().f_lineno - 1  # type: ignore[union-attr]
    array[1:] = 7.0
    with pytest.raises(errors.MutationError) as caught:
        y.sum().backward()
    said = str(caught.value)
    assert f"mul (recorded at {__file__}:{line}) needs its argument 'b' (prices, (3,) float64) " in said
    assert f"as it was at version {y.grad_fn.number}, but its memory was written to since, past the Tensor API" in said
    assert "t.clone() or array.copy()" in said
    assert said.endswith("The first of 2 changed elements is [1]: 2.0 became 7.0")


def test_inside_a_module_the_error_names_the_parameter_and_the_line_of_the_call() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    with detect_mutation():
        loss = model(microbp.ones(4, 2)).sum()
        line = inspect.currentframe().f_lineno - 1  # type: ignore[union-attr]
    model[2].weight.array[0, 1] += 1.0
    with pytest.raises(errors.MutationError) as caught:
        loss.backward()
    assert f"linear (recorded at {__file__}:{line}) needs its argument 'w' (2.weight, (1, 3) float32)" in str(
        caught.value
    )
    assert "The first of 1 changed elements is [0, 1]" in str(caught.value)


def test_a_kept_output_is_seen() -> None:
    x = leaf(1.0, 2.0)
    with detect_mutation():
        y = x.exp()
    y.array[0] = 0.0
    with pytest.raises(errors.MutationError, match=r"exp .* needs its output \(\(2,\) float64\)"):
        y.sum().backward()


def test_an_index_in_the_options_is_seen() -> None:
    """Functions copy it, so that only one who applies a row himself can change it."""
    x, index = leaf(1.0, 2.0), np.array([0, 0])
    with detect_mutation():
        y = apply(registry["getitem"], x, index=(index,))
    index[0] = 1
    with pytest.raises(errors.MutationError, match=r"getitem .* needs its option 'index'.*0 became 1"):
        y.sum().backward()


def test_what_the_forward_handed_on_is_seen() -> None:
    x = leaf(1.0, 2.0)
    with detect_mutation():
        y = nn.functional.gelu(x)
    y.grad_fn.kept[-1][0] += 1.0
    with pytest.raises(
        errors.MutationError, match=r"gelu .* needs its 'p' \(\(2,\) float64\), which the forward computed"
    ):
        y.sum().backward()


class Product(Function):
    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        ctx.save_for_backward(a, None, b)
        return a * b

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        a, _, b = ctx.saved_tensors
        return g * b, g * a


class ProductAndSum(Product):
    @staticmethod
    def forward(ctx: Any, a: Any, b: Any) -> Any:
        ctx.save_for_backward(a, None, b)
        return a * b, a + b

    @staticmethod
    def backward(ctx: Any, g: Any, h: Any) -> Any:
        a, _, b = ctx.saved_tensors
        return g * b + h, g * a + h


def test_what_a_function_saved_is_seen() -> None:
    for kind, use in ((Product, lambda y: y), (ProductAndSum, sum)):
        for position, name in enumerate("ab"):
            args = [leaf(1.0, 2.0), leaf(3.0, 4.0)]
            with detect_mutation():
                y = use(kind.apply(*args)).sum()
            args[position].array[1] = 9.0
            with pytest.raises(
                errors.MutationError, match=f"{kind.__name__} .* saved its argument '{name}' .* past the"
            ):
                y.backward()


def test_a_change_of_shape_is_seen() -> None:
    x = leaf(1.0, 2.0)
    with detect_mutation():
        loss = (x * x).sum()
    x.array.resize((1, 2), refcheck=False)
    with pytest.raises(errors.MutationError, match=r"The array was \(2,\) float64 and is \(1, 2\) float64"):
        loss.backward()


# -- what a copy compares --------------------------------------------------------------------


def test_every_bit_counts_and_equal_bits_are_no_change() -> None:
    signs = np.array([0.0, 1.0])
    copy = Copy(signs)
    signs[0] = -0.0
    assert copy.change() == "The first of 1 changed elements is [0]: 0.0 became -0.0"
    signs[0] = 0.0
    assert copy.change() is None
    nan = np.array([np.nan, 1.0])
    copy = Copy(nan)
    assert copy.change() is None
    nan.view(np.uint64)[0] ^= 1  # another NaN
    assert copy.change() is not None


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12.0).reshape(3, 4)[:, ::-1],
        np.arange(12.0).reshape(3, 4).T,
        np.arange(12.0)[1::5],
        np.array(1.5),
        np.array([True, False]),
        np.arange(3, dtype=np.int8),
        np.arange(3, dtype=np.float16),
    ],
    ids=["backwards", "transposed", "apart", "0-d", "truth values", "int8", "float16"],
)
def test_any_layout_and_dtype_is_compared(array: Any) -> None:
    copy = Copy(array)
    assert copy.change() is None
    array[(-1,) * array.ndim] = 1 - array[(-1,) * array.ndim]
    assert copy.change() is not None


def test_an_empty_array_never_changes() -> None:
    for shape in ((0,), (3, 0), (0, 3)):
        assert Copy(np.empty(shape)).change() is None


def test_what_a_broadcast_repeats_is_copied_once() -> None:
    row = np.arange(3.0)
    copy = Copy(np.broadcast_to(row, (1000, 3)))
    assert copy.then.shape == (1, 3)
    row[2] = 7.0
    assert copy.change() == "The first of 1 changed elements is [0, 2]: 2.0 became 7.0"


def test_what_several_operations_keep_is_copied_once() -> None:
    w = leaf(1.0, 2.0)
    with detect_mutation():
        y = w * 2.0
        first, second = y * y, y * y
        y.array[0] = 5.0
        third = y * y
        second.sum()
    copies = {id(copy) for z in (first, second) for _, copy in z.grad_fn.kept.copies}
    assert len(copies) == 1
    assert copies.isdisjoint(id(copy) for _, copy in third.grad_fn.kept.copies)
    third.sum().backward()
    with pytest.raises(errors.MutationError):
        first.sum().backward()


# -- what is let pass ------------------------------------------------------------------------


def test_what_no_rule_needs_may_be_written_to() -> None:
    x = leaf(1.0, 2.0)
    with detect_mutation():
        y = x * 2.0
        loss = (y + 1.0).sum()
    y.array[...] = 0.0
    x.array[...] = 0.0
    loss.backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_what_was_put_back_is_no_change() -> None:
    x = leaf(1.0, 2.0)
    with detect_mutation():
        loss = (x * x).sum()
    x.array[0] = 9.0
    x.array[0] = 1.0
    loss.backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_writes_before_and_after_do_no_harm() -> None:
    x = leaf(1.0, 2.0)
    with detect_mutation():
        x.array[0] = 3.0
        loss = (x * x).sum()
        loss.backward()
        x.array[0] = 9.0
    assert x.grad.tolist() == [6.0, 4.0]


def test_training_gives_the_same_numbers() -> None:
    def train() -> Any:
        microbp.manual_seed(1)
        model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        for _ in range(5):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(microbp.randn(6, 3)), microbp.tensor([0, 1, 0, 1, 1, 0]))
            loss.backward()
            optimizer.step()
        return [p.tolist() for p in model.parameters()]

    plain = train()
    with detect_mutation():
        assert train() == plain


def test_a_write_through_the_api_is_reported_as_such() -> None:
    x = leaf(1.0, 2.0)
    with detect_mutation():
        loss = (x * x).sum()
    x.data.add_(1.0)
    with pytest.raises(errors.MutationError, match="changed in place since, at version"):
        loss.backward()


# -- when ------------------------------------------------------------------------------------


def written_after(record: Callable[[Any], Any]) -> bool:
    """Whether a raw write after recording is seen."""
    x = leaf(1.0, 2.0)
    loss = record(x)
    x.array[0] = 9.0
    try:
        loss.backward()
    except errors.MutationError:
        return True
    return False


def squares(x: Any) -> Any:
    return (x * x).sum()


def test_outside_the_block_nothing_is_copied() -> None:
    with detect_mutation():
        assert written_after(squares)
    assert not written_after(squares)
    with pytest.raises(KeyError), detect_mutation():
        raise KeyError
    assert not written_after(squares)
    x = leaf(1.0)
    y = x * x
    assert type(y.grad_fn.kept) is tuple
    assert y.grad_fn.plan is (x * x).grad_fn.plan
    assert microbp.mode.current.get().observer is None


def test_the_graph_is_guarded_wherever_its_backward_runs() -> None:
    guarded = detect_mutation()(squares)
    assert written_after(guarded)
    with detect_mutation():
        x = leaf(1.0, 2.0)
        inside = squares(x)
        x.array[0] = 9.0
        with pytest.raises(errors.MutationError):
            inside.backward()


def test_every_pass_and_every_order_is_guarded() -> None:
    x = leaf(1.0, 2.0)
    with detect_mutation():
        loss = (x * x * x).sum()
        loss.backward(retain_graph=True)
        (slope,) = grad(loss, x, create_graph=True)
        assert slope.tolist() == [3.0, 12.0]
        (second,) = grad(slope.sum(), x, retain_graph=True)
        assert second.tolist() == [6.0, 12.0]
    x.array[0] = 9.0
    for attempt in (
        lambda: loss.backward(retain_graph=True),
        lambda: grad(loss, x, create_graph=True),
        lambda: grad(slope.sum(), x),
    ):
        with pytest.raises(errors.MutationError, match="past the Tensor API"):
            attempt()
    x.array[0] = 1.0
    assert grad(loss, x)[0].tolist() == [3.0, 12.0]


def test_blocks_nest_and_go_with_other_observers_and_modes() -> None:
    class Recorder:
        def __init__(self) -> None:
            self.told: list[str] = []

        def forward(self, node: Any, output: Any) -> None:
            self.told.append(node.op.name)

        def backward(self, step: Any) -> None:
            self.told.append(f"{step.node.op.name} backward")

    recorder = Recorder()
    with observe(recorder), detect_mutation(), detect_anomaly(), detect_mutation():
        assert written_after(squares)
        with pytest.raises(errors.AnomalyError):
            (leaf(0.0).sqrt() * 0.0).backward()
        with microbp.no_grad(), microbp.enable_grad():
            assert written_after(squares)
        x = leaf(2.0)
        y = x * x
        assert type(y.grad_fn.plan).__name__ == "GuardedPlan"
        assert type(y.grad_fn.plan.plan).__name__ == "Plan"
    assert recorder.told.count("mul") == 4
    assert not written_after(squares)


def test_each_thread_has_its_own_mode() -> None:
    found = []
    with detect_mutation():
        thread = threading.Thread(target=lambda: found.append(written_after(squares)))
        thread.start()
        thread.join()
        assert written_after(squares)
    assert found == [False]


def test_one_block_object_serves_several_threads() -> None:
    mode, failures = detect_mutation(), []

    def work() -> None:
        try:
            with mode:
                for _ in range(30):
                    assert written_after(squares)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


# -- memory ----------------------------------------------------------------------------------


def test_copies_are_freed_with_what_the_graph_keeps() -> None:
    gc.disable()
    try:
        mode = detect_mutation()
        with mode:
            x = leaf(1.0, 2.0)
            loss = sum(ProductAndSum.apply(x * x, x)).exp().sum()
            node = weakref.ref(loss.grad_fn.inputs[0])
            assert mode.observer.copies
            loss.backward()
            assert not mode.observer.copies
            assert node() is not None
            del loss
            assert node() is None
            dropped = (x * x).exp().sum()
            assert mode.observer.copies
            del dropped
            assert not mode.observer.copies
            assert not mode.observer.nodes
    finally:
        gc.enable()

"""NaN in the backward pass is reported where it arises, with the rule, the numbers and the user's line."""

from __future__ import annotations

import inspect
import threading
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import errors, nn
from microbp.autograd import Function, detect_anomaly, grad, observe, set_detect_anomaly
from microbp.mode import Step
from tests.leaves import leaf
from tests.referee import torch

nan, inf = float("nan"), float("inf")


def report(program: Callable[[], Any], **options: Any) -> str:
    """What is said about a program that runs in the mode."""
    with detect_anomaly(**options), pytest.raises(errors.AnomalyError) as caught:
        program()
    assert isinstance(caught.value, RuntimeError)
    return str(caught.value)


def line_of(function: Callable[..., Any], text: str) -> str:
    """``file:line`` of the line of a function that contains a text."""
    lines, first = inspect.getsourcelines(function)
    number = next(first + k for k, line in enumerate(lines) if text in line)
    return f"{inspect.getsourcefile(function)}:{number}"


# -- what the report says --------------------------------------------------------------------


def test_the_report_names_operation_argument_rule_shapes_element_and_line() -> None:
    x, w = leaf(1.0, 0.0, 0.0), leaf(2.0)
    x.name = "x"

    def program() -> None:
        y = x / (x * w)
        y.sum().backward()

    said = report(program)
    assert said.splitlines()[0].startswith(f"div (recorded at {line_of(program, 'y = x /')}) gave nan ")
    assert "gradient of its argument 'b' (the output of mul (recorded at " in said
    assert "rule:    dL/db = -g * y / b\n" in said
    assert "values:  g (3,) float64, y (3,) float64 with 2 nan, b (3,) float64\n" in said
    assert "element: [1], the first of 2 of 3: g = 1.0, y = nan, b = 0.0\n" in said
    assert "The forward had NaN there, in y" in said


def test_log_of_zero_is_an_infinite_gradient() -> None:
    x = leaf(1.0, 0.0)
    said = report(lambda: x.log().sum().backward(), check_inf=True)
    assert "log (recorded" in said
    assert "gave inf as the gradient of its argument 'a' ((2,) float64)" in said
    assert "dL/da = g / a" in said
    assert "[1], the only one of 2: g = 1.0, a = 0.0" in said
    assert "The derivative of log is not finite there" in said
    with detect_anomaly():
        microbp.log(x).sum().backward()
    assert x.grad.tolist() == [1.0, inf]  # as in PyTorch, infinity is no anomaly unless asked for


@pytest.mark.parametrize("name", ["sqrt", "log", "reciprocal", "rsqrt", "asin", "acosh"])
def test_a_masked_result_of_an_infinite_derivative_is_explained(name: str) -> None:
    """The trap of where: the untaken branch sends 0 back, and 0 times infinity is NaN."""
    at = {"asin": 1.0, "acosh": 1.0}.get(name, 0.0)
    x = leaf(at, 0.5 if name == "asin" else 4.0)
    function = getattr(microbp, name)

    def masked_after() -> Any:
        return microbp.where(x != at, function(x), 0.0).sum()

    def masked_before() -> Any:
        safe = microbp.where(x != at, x, x.detach() * 0.5 + 1.0 if name != "asin" else 0.0)
        return microbp.where(x != at, function(safe), 0.0).sum()

    said = report(lambda: masked_after().backward())
    assert f"{name} (recorded" in said
    assert "[0], the only one of 2: g = 0.0" in said or "[0], the only one of 2: g = -0.0" in said
    assert "exactly 0 there" in said
    assert "Replace the value before the operation" in said
    assert f"where(mask, {name}(where(mask, a, 1)), 0)" in said
    with detect_anomaly(check_inf=True):
        masked_before().backward()
    assert x.grad[0].item() == 0.0
    assert np.isfinite(x.grad.numpy()).all()


def test_zero_divided_by_zero_and_masked_is_the_same_trap() -> None:
    x = leaf(0.0, 1.0)
    said = report(lambda: microbp.where(x > 0, x / x, 0.0).sum().backward())
    assert "exactly 0 there" in said
    assert "Replace the value before the operation, not only its result after it" in said.replace("\n", " ")


def test_an_upstream_of_zero_everywhere_is_told_where_elements_do_not_correspond() -> None:
    w = microbp.tensor([[inf, 1.0], [1.0, 1.0]], dtype=microbp.float64)
    x = microbp.ones(2, 2, dtype=microbp.float64, requires_grad=True)
    said = report(lambda: ((x @ w).clamp(max=0.0) * 1.0).sum().backward())
    assert "matmul (recorded" in said
    assert "exactly 0 everywhere" in said
    assert "b (2, 2) float64 with 1 inf" in said
    assert "[0, 0], the first of 2 of 4\n" in said


def test_a_hook_that_brings_nan_is_to_blame() -> None:
    x = leaf(1.0, 2.0)

    def program() -> None:
        y = x * 2.0
        y.register_hook(lambda g: g * nan)
        y.sum().backward()

    said = report(program)
    assert "mul (recorded" in said
    assert "a hook on its output put it there" in said


def test_a_starting_gradient_that_is_nan_is_to_blame() -> None:
    x = leaf(1.0, 2.0)
    start = microbp.tensor([1.0, nan], dtype=microbp.float64)
    assert "the starting gradient" in report(lambda: (x * 2.0).backward(start))
    assert "the starting gradient" in report(lambda: grad(x * 2.0, x, grad_outputs=start))


def test_infinite_gradients_that_cancel_are_found_where_they_are_summed() -> None:
    def from_two_uses() -> None:
        x = leaf(1.0)
        (x * inf).backward(retain_graph=True)
        (x * inf - x * inf).backward()

    def over_a_broadcast_axis() -> None:
        (leaf(1.0) * microbp.tensor([inf, -inf], dtype=microbp.float64)).sum().backward()

    assert "the sum of those from several uses" in report(from_two_uses)
    assert "sum over the axes along which the argument was broadcast" in report(over_a_broadcast_axis)


def test_an_infinite_upstream_points_to_where_it_became_so() -> None:
    def program() -> None:
        x = leaf(0.0)
        (x * x).sqrt().sum().backward()

    said = report(program)
    assert "mul (recorded" in said
    assert "detect_anomaly(check_inf=True) finds the operation" in said
    assert "sqrt (recorded" in report(program, check_inf=True)


# -- where it looks --------------------------------------------------------------------------


def test_a_library_layer_is_reported_with_the_line_of_its_call_and_the_parameters_name() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 1))
    model[2].weight.data.fill_(1e38)

    def program() -> None:
        y = model(microbp.ones(3, 2))
        (y * 1e38).sum().backward()

    said = report(program, check_inf=True)
    assert f"linear (recorded at {line_of(program, 'y = model')}) gave inf" in said
    assert "gradient of its argument 'a' (the output of tanh (recorded at" in said
    flat = nn.Sequential(nn.Flatten(), nn.Linear(2, 1))
    said = report(lambda: flat(microbp.full((3, 2), nan)).sum().backward())
    assert "argument 'w' (1.weight, (1, 2) float32)" in said
    assert "NaN already, in a" in said


def test_a_function_of_the_users_own_is_reported() -> None:
    class Bad(Function):
        @staticmethod
        def forward(ctx: Any, a: Any, b: Any) -> Any:
            return a * b

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g, g * nan

    class Two(Bad):
        @staticmethod
        def forward(ctx: Any, a: Any, b: Any) -> Any:
            return a * b, a + b

        @staticmethod
        def backward(ctx: Any, g: Any, h: Any) -> Any:
            return g * nan, h

    def program() -> None:
        Bad.apply(leaf(1.0), leaf(2.0)).backward()

    said = report(program)
    assert f"Bad (recorded at {line_of(program, 'Bad.apply')}) gave nan as the gradient of its argument 'b'" in said
    assert "rule:    dL/db = Bad.backward(ctx, g)[1]" in said
    assert "the rule made it" in said
    said = report(lambda: sum(Two.apply(leaf(1.0), leaf(2.0))).backward())
    assert "dL/da = Two.backward(ctx, g)[0]" in said
    assert "g[0] (1,) float64, g[1] (1,) float64" in said


def test_the_second_derivative_is_looked_at_too() -> None:
    x = leaf(0.0, 1.0)

    def program() -> None:
        (slope,) = grad((x.abs() ** 1.5).sum(), x, create_graph=True)
        (slope * 0.0).sum().backward()

    said = report(program)
    assert "pow (recorded" in said or "mul (recorded" in said

    def within_the_recorded_pass() -> None:
        grad(microbp.where(x > 0, x.sqrt(), 0.0).sum(), x, create_graph=True)

    said = report(within_the_recorded_pass)
    assert f"sqrt (recorded at {line_of(within_the_recorded_pass, 'x.sqrt()')})" in said
    assert "g = 0.0, y = 0.0" in said


def test_forward_values_are_looked_at_on_request() -> None:
    x = leaf(-1.0, 1.0)

    def program() -> Any:
        return x.log() * 0.0

    said = report(program, check_forward=True)
    assert f"log (recorded at {line_of(program, 'x.log()')}) gave nan in its forward" in said
    assert "formula: y = log(a)" in said
    assert "[0], the only one of 2, a = -1.0" in said
    said = report(lambda: leaf(nan) * x, check_forward=True)
    assert "NaN was in a already" in said
    with detect_anomaly(check_inf=True):
        program()
    assert "gave inf in its forward" in report(lambda: leaf(0.0).reciprocal(), check_forward=True, check_inf=True)
    assert program().tolist()[1] == 0.0


def test_infinite_values_that_were_given_are_no_anomaly_of_the_forward() -> None:
    x, mask = leaf(1.0, 2.0), microbp.tensor([True, False])
    with detect_anomaly(check_inf=True, check_forward=True):
        y = x.masked_fill(mask, -inf) * 2.0
        assert y.softmax(0).tolist() == [0.0, 1.0]
        (x + microbp.tensor([-inf, 0.0], dtype=microbp.float64)).logsumexp(0).backward()
        assert nn.functional.pad(x, (1, 0), value=inf).tolist() == [inf, 1.0, 2.0]
        with pytest.raises(errors.AnomalyError, match=r"mul .* gave nan in its forward"):
            y * 0.0
        with pytest.raises(errors.AnomalyError, match=r"where .* gave nan in its forward"):
            microbp.where(mask, x, nan)
        with pytest.raises(errors.AnomalyError, match=r"exp .* gave inf in its forward"):
            (x * 1000.0).exp()


def test_what_a_rule_masks_itself_is_no_anomaly_of_the_forward() -> None:
    """The rules of std and pow, as they are recorded, have infinite numbers in between."""
    x = leaf(1.0, 2.0, 4.0)
    with detect_anomaly(check_inf=True, check_forward=True):
        for result in (x.std(), x.norm(), (leaf(0.0) ** x).sum()):
            (slope,) = grad(result, x, create_graph=True)
            assert np.isfinite(slope.detach().numpy()).all()


def test_a_starting_gradient_that_is_infinite_is_to_blame() -> None:
    start = microbp.tensor([1.0, inf], dtype=microbp.float64)
    assert "infinite there: the starting gradient" in report(
        lambda: (leaf(1.0, 2.0) * 2.0).backward(start), check_inf=True
    )


def test_a_refused_pass_leaves_gradients_alone_and_can_be_repeated_with_the_mode_off() -> None:
    x = leaf(0.0, 1.0)
    loss = (x.sqrt() * 0.0).sum() + (x * 2.0).sum()
    with detect_anomaly(), pytest.raises(errors.AnomalyError):
        loss.backward(retain_graph=True)
    assert x.grad is None
    loss.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [nan, 2.0])


# -- when it looks ---------------------------------------------------------------------------


def bad_loss() -> Any:
    return (leaf(0.0).sqrt() * 0.0).sum()


def is_on() -> bool:
    """Whether anomalies are looked for here and now."""
    try:
        bad_loss().backward()
    except errors.AnomalyError:
        return True
    return False


def test_the_backward_pass_decides_as_in_pytorch() -> None:
    with detect_anomaly():
        loss = bad_loss()
    loss.backward()
    loss = bad_loss()
    with detect_anomaly(), pytest.raises(errors.AnomalyError, match="recorded at"):
        loss.backward()


def test_the_mode_ends_with_the_block_also_after_an_error() -> None:
    assert not is_on()
    with detect_anomaly():
        assert is_on()
        assert is_on()
    assert not is_on()
    with pytest.raises(KeyError), detect_anomaly():
        raise KeyError
    assert not is_on()
    report(lambda: bad_loss().backward())
    assert not is_on()


def test_blocks_nest_and_the_innermost_holds() -> None:
    mode = detect_anomaly()
    with mode:
        with detect_anomaly(check_nan=False):
            assert not is_on()
            with mode:
                assert is_on()
            assert not is_on()
        assert is_on()
        with set_detect_anomaly(False):
            assert not is_on()
        assert is_on()
    assert not is_on()


def test_check_nan_false_looks_for_nothing() -> None:
    with detect_anomaly(check_nan=False):
        assert not is_on()
        assert microbp.mode.current.get().observer is None
    with set_detect_anomaly(True, check_nan=False):
        assert not is_on()
    with detect_anomaly(check_nan=False, check_inf=True):
        assert not is_on()
        with pytest.raises(errors.AnomalyError):
            leaf(0.0).log().sum().backward()


def test_set_detect_anomaly_holds_from_the_call_on() -> None:
    set_detect_anomaly(True)
    assert is_on()
    with microbp.no_grad():
        x = leaf(1.0) * 2.0
    assert not x.requires_grad
    assert is_on()
    set_detect_anomaly(False)
    assert not is_on()
    with microbp.no_grad():
        set_detect_anomaly(True)  # in PyTorch too, this is another switch than no_grad's
        assert not microbp.is_grad_enabled()
    assert microbp.is_grad_enabled()
    assert is_on()
    with detect_anomaly():
        set_detect_anomaly(False)
        assert not is_on()
    assert is_on()
    with set_detect_anomaly(False):
        assert not is_on()
    assert is_on()
    set_detect_anomaly(False)
    assert microbp.mode.current.get().observer is None
    assert microbp.is_grad_enabled()


def test_switches_of_recording_do_not_switch_the_mode() -> None:
    with detect_anomaly(), microbp.no_grad():
        assert not microbp.is_grad_enabled()
        with microbp.enable_grad():
            assert is_on()
        with microbp.set_grad_enabled(True):
            assert is_on()
    with microbp.no_grad(), detect_anomaly():
        assert not microbp.is_grad_enabled()
        with microbp.enable_grad():
            assert is_on()
    assert not is_on()


def test_the_switches_do_what_pytorchs_do() -> None:
    lib = torch()

    def story(lib: Any) -> list[bool]:
        def on() -> bool:
            try:
                x = lib.zeros(1, requires_grad=True)
                (x.sqrt() * 0.0).sum().backward()
            except RuntimeError:
                return True
            return False

        told = [on()]
        with lib.autograd.detect_anomaly():
            told.append(on())
            with lib.autograd.detect_anomaly(check_nan=False):
                told.append(on())
            with lib.autograd.set_detect_anomaly(False):
                told.append(on())
            told.append(on())
        told.append(on())
        with lib.no_grad():
            lib.autograd.set_detect_anomaly(True)
        told.append(on())
        with lib.autograd.detect_anomaly():
            lib.autograd.set_detect_anomaly(False)
            told.append(on())
        told.append(on())
        lib.autograd.set_detect_anomaly(True, check_nan=False)
        told.append(on())
        lib.autograd.set_detect_anomaly(False)
        told.append(on())
        return told

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's, that the mode is slow
        theirs = story(lib)
    assert story(microbp) == theirs


def test_the_mode_is_a_decorator_too() -> None:
    assert detect_anomaly()(is_on)()
    assert not is_on()
    assert set_detect_anomaly(True)(is_on)()
    assert not is_on()


def test_each_thread_has_its_own_mode() -> None:
    found: dict[str, bool] = {}
    entered, leave = threading.Event(), threading.Event()

    def other() -> None:
        found["in a new thread"] = is_on()
        with detect_anomaly():
            found["in its block"] = is_on()
            entered.set()
            leave.wait(20)

    with detect_anomaly():
        thread = threading.Thread(target=other)
        thread.start()
        entered.wait(20)
        assert is_on()
    assert not is_on()
    leave.set()
    thread.join()
    assert found == {"in a new thread": False, "in its block": True}


# -- observers -------------------------------------------------------------------------------


class Recorder:
    def __init__(self) -> None:
        self.told: list[str] = []

    def forward(self, node: Any, output: Any) -> None:
        self.told.append(f"{node.op.name} forward")

    def backward(self, step: Step) -> None:
        self.told.append(f"{step.node.op.name} backward {step.position}")


def test_several_observers_are_told_each_once() -> None:
    outer, inner = Recorder(), Recorder()
    with observe(outer):
        with detect_anomaly(), observe(inner), observe(inner), microbp.enable_grad():
            y = leaf(3.0) * 2.0
            y.backward()
        seen = len(outer.told)
        assert outer.told == inner.told
        assert outer.told[:2] == ["mul forward", "mul backward 0"]
        (leaf(3.0) * 2.0).backward()
        assert outer.told[seen:] == ["mul forward", "mul backward 0"]
        assert len(inner.told) == seen
        with detect_anomaly():
            assert is_on()
        assert not is_on()


def test_an_error_in_a_rule_says_where_the_forward_ran() -> None:
    class Bad(Function):
        @staticmethod
        def forward(ctx: Any, a: Any) -> Any:
            return a * 2.0

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            raise KeyError("lost")

    def program() -> None:
        y = Bad.apply(leaf(1.0))
        (y * 2.0).backward()

    with pytest.raises(KeyError) as caught:
        program()
    where = line_of(program, "Bad.apply")
    note = f"in the backward pass of Bad (recorded at {where}), for dL/da = Bad.backward(ctx, g)[0]"
    assert caught.value.__notes__ == [note]

"""The checkers, tried with wrong rules: each is refused, and the text says which element of what is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp.autograd import Function, gradcheck, gradgradcheck
from microbp.errors import GradcheckError
from microbp.ops.op import Op, registry
from microbp.tensor import apply
from tests.leaves import leaf
from tests.referee import torch

DISAGREEMENT = re.compile(
    r"the gradient of (.+?) \(element (\(.*?\))\) with respect to (.+?) \(element (\(.*?\))\) is (\S+) by the backward "
    r"pass \(analytical\), but (\S+) by central differences \(numerical\); (\d+) of (\d+) derivatives differ(.*)\. The "
)


def row(forward: Callable[..., Any], **rules: str) -> Any:
    """A function of tensors made of a row that is not in the registry."""
    made = Op(forward, "as the test says")
    for argument, formula in rules.items():
        made.grad(argument, formula)
    return lambda *tensors: apply(made, *tensors)


def times(a: Any, b: Any) -> Any:
    """A product with a bend, so that it has second derivatives by each argument."""
    return a * a * b


def parts(error: pytest.ExceptionInfo[GradcheckError]) -> Any:
    """What the text says: output and its element, input and its element, both values, how many differ, a pattern."""
    found = DISAGREEMENT.search(str(error.value))
    assert found, str(error.value)
    output, of_output, position, of_input, analytical, numerical, wrong, count, pattern = found.groups()
    return (
        output,
        of_output,
        position,
        of_input,
        float(analytical),
        float(numerical),
        (int(wrong), int(count)),
        pattern,
    )


A, B = leaf(1.0, -2.0, 3.0), leaf(0.5, 4.0, -1.0)
RIGHT = {"a": "g * 2 * a * b", "b": "g * a * a"}


def test_the_tests_leave_no_rows_behind() -> None:
    row(times, **RIGHT)
    assert "times" not in registry


# -- first derivatives -------------------------------------------------------------------


def test_right_rules_pass() -> None:
    function = row(times, **RIGHT)
    assert gradcheck(function, (A, B)) is True
    assert gradgradcheck(function, (A, B)) is True


def test_a_wrong_factor_is_named() -> None:
    with pytest.raises(GradcheckError) as error:
        gradcheck(row(times, a="g * a * b", b=RIGHT["b"]), (A, B))
    output, of_output, position, of_input, analytical, numerical, counts, pattern = parts(error)
    assert (output, of_output, position, of_input) == ("output 0", "(1,)", "input 0", "(1,)")  # where they differ most
    assert (analytical, numerical) == (pytest.approx(-8), pytest.approx(-16))
    assert counts == (3, 9)
    assert pattern == ", the analytical being 0.5 times the numerical throughout"


def test_a_wrong_sign_is_named() -> None:
    with pytest.raises(GradcheckError) as error:
        gradcheck(row(times, a=RIGHT["a"], b="-g * a * a"), (A, B))
    output, _, position, of_input, analytical, numerical, _, pattern = parts(error)
    assert (output, position, of_input) == ("output 0", "input 1", "(2,)")
    assert (analytical, numerical) == (pytest.approx(-9), pytest.approx(9))
    assert pattern == ", the analytical having the wrong sign throughout"


def test_a_gradient_for_the_wrong_argument_is_named() -> None:
    with pytest.raises(GradcheckError) as error:
        gradcheck(row(times, a=RIGHT["b"], b=RIGHT["a"]), (A, B))
    _, _, position, _, _, _, _, pattern = parts(error)
    assert position == "input 0"
    assert pattern == ""
    with pytest.raises(GradcheckError) as error:
        gradcheck(row(times, a=RIGHT["b"], b=RIGHT["a"]), (A.detach(), B))
    assert parts(error)[2] == "input 1"  # the input, counted among all


def test_a_value_that_is_wrong_at_one_element_only_is_named() -> None:
    x = microbp.tensor(np.arange(6.0).reshape(2, 3) / 7, requires_grad=True)
    with pytest.raises(GradcheckError) as error:
        gradcheck(row(lambda a: np.sin(a), a="g * (cos(a) + 1e-3 * (arange(6).reshape(2, 3) == 4))"), x)
    output, of_output, position, of_input, analytical, numerical, counts, _ = parts(error)
    assert (output, of_output, position, of_input) == ("output 0", "(1, 1)", "input 0", "(1, 1)")
    assert (analytical, numerical) == (pytest.approx(np.cos(4 / 7) + 1e-3), pytest.approx(np.cos(4 / 7)))
    assert counts == (1, 36)


def test_a_missing_gradient_is_named() -> None:
    with pytest.raises(GradcheckError) as error:
        gradcheck(lambda a, b: a.detach() * b, (A, B))
    assert parts(error)[2:5] == ("input 0", "(1,)", 0.0)


def test_of_several_outputs_the_wrong_one_is_named() -> None:
    wrong = row(lambda a: np.exp(a), a="2 * g * y")
    with pytest.raises(GradcheckError, match=r"output 1 .* input 0 .*The output was computed by <<lambda> #\d+>"):
        gradcheck(lambda a: (a * 2, wrong(a)), A)


def test_nan_in_one_of_the_two_is_a_difference() -> None:
    with pytest.raises(GradcheckError) as error:
        gradcheck(row(lambda a: a * 1, a="g * nan"), A)
    assert np.isnan(parts(error)[4])
    nothing = microbp.tensor([np.nan], dtype=microbp.float64, requires_grad=True)
    assert gradcheck(lambda a: a * a, nothing)  # NaN by both


# -- second derivatives --------------------------------------------------------------------


def cube_with(second: str) -> Any:
    """A cube whose first derivative is right, by a row whose own derivative is a formula."""
    slope = Op(lambda a: 3 * a * a, "3 * a * a")
    slope.grad("a", second)
    slope.name = "slope"

    class Cube(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return g * apply(slope, x)

    return Cube.apply


def test_a_wrong_second_derivative_only_is_found_by_gradgradcheck_only() -> None:
    assert gradgradcheck(cube_with("g * 6 * a"), A)
    wrong = cube_with("g * 5 * a")
    assert gradcheck(wrong, A)
    with pytest.raises(GradcheckError) as error:
        gradgradcheck(wrong, A)
    output, of_output, position, of_input, analytical, numerical, _, pattern = parts(error)
    assert (output, of_output, position, of_input) == ("the gradient of input 0", "(1,)", "input 0", "(1,)")
    assert analytical == pytest.approx(numerical * 5 / 6, rel=1e-6)
    assert pattern == ", the analytical being 0.8333 times the numerical throughout"


def test_a_second_derivative_that_was_cut_off_is_found() -> None:
    class Cut(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.x = x.detach()
            return x * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 2 * ctx.x

    assert gradcheck(Cut.apply, A)
    with pytest.raises(GradcheckError, match=r"with respect to input 0 .* is 0 by the backward pass"):
        gradgradcheck(Cut.apply, A)


def test_a_wrong_derivative_by_the_upstream_gradient_is_named() -> None:
    class Bent(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return Bend.apply(g)

    class Bend(Function):
        @staticmethod
        def forward(ctx: Any, g: Any) -> Any:
            return g * 1

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * 2

    assert gradcheck(Bent.apply, A)
    with pytest.raises(GradcheckError) as error:
        gradgradcheck(lambda n, a: Bent.apply(a), (3, A))
    assert parts(error)[:3:2] == ("the gradient of input 1", "the starting gradient of output 0")


def test_gradgradcheck_takes_the_gradients_to_start_with() -> None:
    start = microbp.tensor([1.0, 0.0, 2.0], dtype=microbp.float64)
    assert gradgradcheck(lambda a: a.exp(), A, start)
    assert gradgradcheck(lambda a: (a.exp(), a * 2), A, [start, start])
    assert not start.requires_grad
    assert gradgradcheck(lambda a: a.exp(), A, gen_non_contig_grad_outputs=True)


def test_gradgradcheck_of_a_linear_function_is_right_though_its_gradient_is_no_function_of_the_input() -> None:
    assert gradgradcheck(lambda a: a * 3, A)


# -- functions that are not the same each time -------------------------------------------


def test_a_function_that_gives_other_values_each_time_is_refused() -> None:
    def noisy(a: Any) -> Any:
        return a * (1 + 1e-4 * microbp.rand(3, dtype=microbp.float64))

    with pytest.raises(
        GradcheckError, match=r"output 0 differs between two runs .* by up to .*seed its random numbers"
    ):
        gradcheck(noisy, A)

    def seeded(a: Any) -> Any:
        microbp.manual_seed(0)
        return noisy(a)

    assert gradcheck(seeded, A)


class Unsteady(Function):
    """A backward that is not the same each time."""

    calls = 0
    size = 1e-7

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x * 2

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        Unsteady.calls += 1
        return g * (2 + Unsteady.size * Unsteady.calls)


def test_a_backward_that_is_not_the_same_each_time_is_refused() -> None:
    with pytest.raises(GradcheckError, match=r"gives input 0 another gradient when it runs again .*nondet_tol is 0\)"):
        gradcheck(Unsteady.apply, A)
    assert gradcheck(Unsteady.apply, A, nondet_tol=1e-4)


# -- gradients that are None ---------------------------------------------------------------


class TwoOutputs(Function):
    """Fails, or is wrong, if one of its outputs has no gradient."""

    wrong: Any = None

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.set_materialize_grads(False)
        return x * 2, x * 3

    @staticmethod
    def backward(ctx: Any, g: Any, h: Any) -> Any:
        if g is None or h is None:
            return TwoOutputs.wrong(g, h)
        return g * 2 + h * 3


def test_a_backward_that_cannot_do_without_a_gradient_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TwoOutputs, "wrong", staticmethod(lambda g, h: g * 2 + h * 3))
    with pytest.raises(GradcheckError, match=r"from output 0 alone, where functions find None .* raised TypeError: "):
        gradcheck(TwoOutputs.apply, A)
    assert gradcheck(TwoOutputs.apply, A, check_undefined_grad=False)


def test_a_backward_that_takes_a_missing_gradient_for_something_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TwoOutputs, "wrong", staticmethod(lambda g, h: g * 2 if h is None else h * 3 + 1))
    with pytest.raises(GradcheckError, match=r"gradient of output 1 with respect to input 0 is another one if"):
        gradcheck(TwoOutputs.apply, A)


def test_a_backward_that_knows_what_to_do_without_a_gradient_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TwoOutputs, "wrong", staticmethod(lambda g, h: g * 2 if h is None else h * 3))
    assert gradcheck(TwoOutputs.apply, A)


# -- what PyTorch's checkers do ----------------------------------------------------------


@pytest.mark.parametrize("checker", [gradcheck, gradgradcheck])
def test_without_raise_exception_the_answer_is_false(checker: Any) -> None:
    wrong = cube_with("g * 5 * a")
    assert checker(lambda a: wrong(a).detach() + a * 0 + wrong(a) * 2, A, raise_exception=False) is False
    assert checker(lambda a: a.exp(), A, raise_exception=False) is True


@pytest.mark.parametrize("name", ["gradcheck", "gradgradcheck"])
def test_an_input_of_another_dtype_warns(name: str) -> None:
    checker = {"gradcheck": gradcheck, "gradgradcheck": gradgradcheck}[name]
    x = leaf(1.0, 2.0, dtype=microbp.float32)
    with pytest.warns(UserWarning, match=rf"{name}\(\) is only accurate in float64, and input 1 is float32"):
        assert checker(lambda a, b: a * 2 + b.double().sum(), (A, x), eps=1e-2, atol=1e-2)
    theirs = torch()
    with pytest.warns(UserWarning, match="not a double precision"):
        theirs.autograd.gradcheck(lambda a: a * 2, theirs.ones(2, requires_grad=True), eps=1e-2, atol=1e-2)


@pytest.mark.parametrize("checker", [gradcheck, gradgradcheck])
def test_without_an_input_that_requires_grad_there_is_nothing_to_check(checker: Any) -> None:
    with pytest.raises(ValueError, match="at least one input"):
        checker(lambda a: a * 2, A.detach())
    with pytest.raises(ValueError, match="at least one input"):
        checker(lambda a: a * 2, A.detach(), raise_exception=False)
    theirs = torch()
    with pytest.raises(ValueError, match="at least one input"):
        theirs.autograd.gradcheck(lambda a: a * 2, theirs.ones(2), raise_exception=False)


def test_arguments_that_are_no_tensors_and_outputs_that_are_no_floats_are_passed_by() -> None:
    assert gradcheck(lambda a, n, labels: (a**n, labels + 1, a > 0, "text"), (A, 3, microbp.tensor([1, 2])))
    assert gradgradcheck(lambda a, n: (a**n, a > 0), (A, 3))


def test_outputs_that_need_no_gradient_are_not_checked() -> None:
    assert gradcheck(lambda a: (a * 2, a.detach()), A)
    constant = microbp.ones(2, dtype=microbp.float64)
    assert gradcheck(lambda a: constant * 2, A)  # no gradient, and none by differences


def test_a_function_whose_outputs_all_lost_their_gradient_is_refused() -> None:
    with pytest.raises(GradcheckError, match=r"is 0 by the backward pass .*is not connected with the inputs"):
        gradcheck(lambda a: (a * 2).detach(), A)


def test_inputs_of_every_shape_and_layout() -> None:
    matrix = microbp.tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    values = np.arange(6.0).reshape(2, 3)
    turned = microbp.from_numpy(values.T[::-1]).requires_grad_()
    scalar = microbp.tensor(2.0, dtype=microbp.float64, requires_grad=True)
    empty = microbp.zeros(0, 3, dtype=microbp.float64, requires_grad=True)
    assert gradcheck(lambda a, b, c, d: (a @ b * c, d.exp()), (matrix, turned, scalar, empty))
    assert gradgradcheck(lambda a, b, c, d: (a @ b * c, d.exp()), (matrix, turned, scalar, empty))


def test_inputs_that_are_not_leaves_are_checked_where_they_are() -> None:
    x = A * 2
    assert gradcheck(lambda t: t.exp(), x)
    assert A.grad is None


def test_a_kink_fails() -> None:
    with pytest.raises(GradcheckError) as error:
        gradcheck(microbp.relu, leaf(1.0, 0.0))
    assert parts(error)[3:6] == ("(1,)", 0.0, pytest.approx(0.5))


def test_tolerances_are_those_that_are_asked_for() -> None:
    off = row(lambda a: a * 1, a="g * 1.01")
    assert not gradcheck(off, A, raise_exception=False)
    assert gradcheck(off, A, atol=0.02)
    assert gradcheck(off, A, rtol=0.02)
    with pytest.raises(GradcheckError) as error:
        gradcheck(lambda a: a**3, A, eps=0.5)
    assert parts(error)[5] - parts(error)[4] == pytest.approx(0.25)  # h², what differences with such a step are off


def test_inputs_are_left_as_they_were() -> None:
    before = A.array.copy()
    gradcheck(lambda a: a.exp(), A)
    gradgradcheck(lambda a: a.exp(), A)
    np.testing.assert_array_equal(A.array, before)
    assert A.grad is None


@pytest.mark.parametrize(
    "option", [{"fast_mode": True}, {"check_forward_ad": True}, {"check_batched_grad": True}, {"masked": True}]
)
def test_options_that_are_not_supported_are_refused(option: dict[str, bool]) -> None:
    (name,) = option
    with pytest.raises(NotImplementedError, match=rf"{name}=True is not supported"):
        gradcheck(lambda a: a * 2, A, **option)


def test_a_check_that_would_check_nothing_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="check_backward_ad=False is not supported"):
        gradcheck(lambda a: a * 2, A, check_backward_ad=False)
    with pytest.raises(NotImplementedError, match="check_rev_over_rev=False is not supported"):
        gradgradcheck(lambda a: a * 2, A, check_rev_over_rev=False)

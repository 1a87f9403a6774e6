"""Every row of the registry: documented, its formulas true, its gradients right to second order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import microbp
from microbp.autograd import gradcheck, gradgradcheck
from microbp.ops.formula import vocabulary
from microbp.ops.op import Op, registry
from microbp.ops.rule import Rule
from microbp.tensor import apply, wrap
from tests.referee import compare, to_array
from tests.samples import Samples, table

SAMPLES = table()
ROWS = sorted(registry)
CASES = [
    pytest.param(name, number, id=f"{name}-{number}")
    for name in ROWS
    for number in range(len(SAMPLES[name].inputs) if name in SAMPLES else 0)
]
DIFFERENTIABLE = [case for case in CASES if registry[case.values[0]].rules]


def case(name: str, number: int) -> tuple[Op, Samples, tuple[Any, ...], dict[str, Any]]:
    """A row with one of its samples."""
    inputs, options = SAMPLES[name].cases()[number]
    return registry[name], SAMPLES[name], inputs, options


def leaves(row: Op, inputs: tuple[Any, ...], dtype: Any = None) -> list[Any]:
    """The inputs as tensors; those with a rule require grad."""
    found = []
    for position, value in enumerate(inputs):
        if isinstance(value, np.ndarray):
            floating = value.dtype.kind == "f"
            array = value.astype(dtype or value.dtype) if floating else value
            found.append(wrap(array.copy(order="K")).requires_grad_(floating and takes_gradient(row, position)))
        else:
            found.append(value)
    return found


def takes_gradient(row: Op, position: int) -> bool:
    """Whether an argument has a rule."""
    return bool(row.differentiable >> position & 1)


@pytest.mark.parametrize("name", ROWS)
def test_row_is_documented_and_sampled(name: str) -> None:
    row = registry[name]
    assert row.__doc__, "a row has a docstring"
    assert row.__doc__.split("\n\n")[0].strip().endswith("."), "its first paragraph is a sentence"
    assert row.formula, "a row has a formula"
    assert len(SAMPLES[name].inputs) >= 3, "a row has at least three samples"
    assert SAMPLES[name].torch is not None or SAMPLES[name].why, "a row has a counterpart in PyTorch, or says why not"


def test_no_samples_without_a_row() -> None:
    assert not SAMPLES.keys() - registry.keys()


def values_of_letters(row: Op, inputs: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
    """What the letters of a row stand for at a sample, in NumPy."""
    result = row.forward(*inputs, **options)
    y, *handed_on = result if row.handed_on else (result,)
    g = np.asarray(np.cos(np.arange(np.size(y)).reshape(np.shape(y))) + 1.5)
    letters = {"g": g, "y": np.asarray(y), **dict(zip(row.arguments, inputs, strict=False)), **options}
    letters.update(zip(row.handed_on, handed_on, strict=True))
    letters.update({f"{name}_shape": np.shape(value) for name, value in zip(row.arguments, inputs, strict=False)})
    return letters


def evaluate(rule: Rule, letters: dict[str, Any]) -> Any:
    """A formula, computed with NumPy."""
    function = rule.from_formula()
    names = function.__code__.co_varnames[: function.__code__.co_argcount + function.__code__.co_kwonlyargcount]
    positional = names[: function.__code__.co_argcount]
    return function(*(letters.get(n) for n in positional), **{n: letters[n] for n in names[len(positional) :]})


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("name", "number"), DIFFERENTIABLE)
def test_formula_is_what_the_rule_computes(name: str, number: int) -> None:
    row, _, inputs, options = case(name, number)
    letters = values_of_letters(row, inputs, options)
    for position, value in enumerate(inputs):
        if value is None or not takes_gradient(row, position):
            continue
        rule = row.rule(position)
        letters["k"] = position  # which of any number of arguments
        computed = rule.at(position)(
            letters["g"], *(letters[n] for n in rule.letters), **{n: letters[n] for n in rule.options}
        )
        np.testing.assert_allclose(computed, evaluate(rule, letters), rtol=1e-9, atol=1e-9, err_msg=rule.formula)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("name", "number"), CASES)
def test_handed_on_values_are_what_their_formulas_say(name: str, number: int) -> None:
    row, _, inputs, options = case(name, number)
    letters = values_of_letters(row, inputs, options)
    for letter in row.handed_on:
        np.testing.assert_allclose(letters[letter], evaluate(row.letters[letter], letters), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("name", "number"), DIFFERENTIABLE)
def test_gradients_agree_with_central_differences(name: str, number: int) -> None:
    row, samples, inputs, options = case(name, number)
    if not samples.smooth:
        return
    tensors = leaves(row, inputs)
    if any(isinstance(t, microbp.Tensor) and t.requires_grad for t in tensors):
        assert gradcheck(lambda *values: apply(row, *values, **options), tensors, atol=1e-6, rtol=1e-5)
        assert gradgradcheck(lambda *values: apply(row, *values, **options), tensors, atol=1e-5, rtol=1e-4)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("name", "number"), CASES)
def test_agrees_with_pytorch(name: str, number: int) -> None:
    row, samples, inputs, options = case(name, number)
    if samples.torch is None:
        assert samples.why
        return
    counterpart = samples.torch

    def run(lib: Any, *tensors: Any) -> Any:
        return apply(row, *tensors, **options) if lib is microbp else counterpart(lib, *tensors, **options)

    compare(run, *inputs, second_order=bool(row.rules))


@pytest.mark.parametrize(("name", "number"), CASES)
def test_float32_stays_float32(name: str, number: int) -> None:
    row, _, inputs, options = case(name, number)
    tensors = leaves(row, inputs, np.float32)
    options = {
        key: np.dtype("float32") if key == "source" and value == np.float64 else value for key, value in options.items()
    }
    out = apply(row, *tensors, **options)
    if not row.rules or not out.requires_grad:
        return
    if row.name != "cast":
        assert out.dtype == np.float32
    out.backward(wrap(np.ones(out.shape, out.dtype)))
    for t in tensors:
        if isinstance(t, microbp.Tensor) and t.requires_grad:
            assert t.grad is not None
            assert t.grad.dtype == np.float32
            assert t.grad.shape == t.shape


@pytest.mark.parametrize(("name", "number"), CASES)
def test_inputs_are_left_as_they_were(name: str, number: int) -> None:
    row, _, inputs, options = case(name, number)
    tensors = leaves(row, inputs)
    before = [to_array(t).copy() if isinstance(t, microbp.Tensor) else t for t in tensors]
    out = apply(row, *tensors, **options)
    if out.requires_grad:
        start = wrap(np.ones(out.shape, out.dtype))
        out.backward(start)
        assert (start.array == 1).all()
    for t, array in zip(tensors, before, strict=True):
        if isinstance(t, microbp.Tensor):
            np.testing.assert_array_equal(t.array, array)


def test_vocabulary_refuses_unknown_names() -> None:
    with pytest.raises(NameError, match="flugel"):
        vocabulary("flugel")

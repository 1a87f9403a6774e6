"""The backward pass as steps: the numbers of backward(), nothing changed, and every rule explained."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import Tensor, nn, viz
from microbp.autograd import Function
from microbp.engine import collect
from microbp.errors import GraphError, ShapeError, StaleGraphError
from microbp.mode import observe
from microbp.ops.op import Op, registry
from microbp.tensor import apply, wrap
from microbp.utils.checkpoint import checkpoint
from microbp.viz.step import Step
from microbp.viz.sums import terms
from microbp.viz.trace import trace, trace_backward
from tests.samples import table
from tests.viz.networks import alive, counting, examples, settle

SAMPLES = table()
CASES = [
    pytest.param(name, number, id=f"{name}-{number}")
    for name in sorted(registry)
    if registry[name].rules
    for number in range(len(SAMPLES[name].inputs))
]


class Scale(Function):
    """A function of one's own with two outputs and a number among its arguments."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(x)
        ctx.factor = factor
        return x * factor, x * x

    @staticmethod
    def backward(ctx: Any, g: Tensor, h: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        return g * ctx.factor + 2 * h * x, None


def own_function() -> Tensor:
    x = alive(microbp.tensor([1.0, -2.0, 0.5], requires_grad=True))
    first, second = Scale.apply(x, 3.0)
    return (first * second + first).sum()


def fan_out() -> Tensor:
    x = alive(microbp.tensor([[0.5, -1.0], [2.0, 0.25]], requires_grad=True))
    return (x * x + x.tanh() + x @ x).mean()


def scalars() -> Tensor:
    x = alive(microbp.tensor(1.5, requires_grad=True))
    return (2.0 / x + x**2).exp() - x


def unrolled() -> Tensor:
    lstm = settle(nn.LSTM(2, 3))
    return lstm(counting(4, 2, 2))[0].square().mean()


def through_softmax() -> Tensor:
    x = alive((counting(3, 4) * 2).requires_grad_())
    return (x.softmax(1).log() * counting(3, 4)).sum() + x.max()


def sixty_four_bits() -> Tensor:
    model = settle(nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))).double()
    return model(alive(counting(3, 2).double())).square().mean()


GRAPHS: dict[str, Callable[[], Tensor]] = {
    **{name: examples[name] for name in ("expression", "perceptron", "recurrent")},
    "residual": lambda: settle(nn.Sequential(Residual(2), Residual(2)))(counting(3, 2)).sum(),
    "broadcast": lambda: ((counting(5, 4) + leaf(4)) * leaf(5, 1) * leaf()).exp().sum(),
    "own_function": own_function,
    "fan_out": fan_out,
    "scalars": scalars,
    "unrolled": unrolled,
    "softmax": through_softmax,
    "float64": sixty_four_bits,
}


class Residual(nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.inner = nn.Linear(features, features)

    def forward(self, x: Tensor) -> Any:
        return x + self.inner(x).tanh()


def leaf(*shape: int) -> Tensor:
    values = counting(*shape) / 2 if shape else microbp.tensor(0.3)
    return alive((values + 0.1).requires_grad_())


def leaves_of(loss: Tensor) -> list[Tensor]:
    edges = {edge for node in collect([loss.node]) for edge in node.inputs if isinstance(edge, Tensor)}
    return [edge for edge in edges if edge.requires_grad]


class Traced:
    """A trace in which the steps of a tensor can be found, whatever it is called."""

    def __init__(self, loss: Tensor, grad: Tensor | None = None) -> None:
        self.steps, self.boxes = trace(loss, grad, None, "trace_backward")

    def gradient(self, tensor: Tensor) -> Any:
        """What a tensor had received in the end."""
        box = self.boxes[tensor.grad_fn or tensor]
        return [s for s in self.steps if s.nodes[1:2] == (box,) and s.accumulated is not None][-1].accumulated


@pytest.mark.parametrize("name", GRAPHS)
def test_the_last_accumulated_value_is_the_gradient_of_backward(name: str) -> None:
    loss = GRAPHS[name]()
    traced = Traced(loss)
    loss.backward()
    leaves = leaves_of(loss)
    assert leaves
    for tensor in leaves:
        assert tensor.grad is not None
        np.testing.assert_array_equal(traced.gradient(tensor), tensor.grad.array)
        assert traced.gradient(tensor).dtype == tensor.dtype


@pytest.mark.parametrize("name", GRAPHS)
def test_gradients_of_results_are_those_of_the_engine(name: str) -> None:
    """An observer of the pass sees the same contributions, in the same order."""
    loss = GRAPHS[name]()
    trace = trace_backward(loss)
    seen: list[tuple[Any, Any]] = []

    class Watch:
        def forward(self, node: Any, output: Any) -> None:
            pass

        def backward(self, step: Any) -> None:
            seen.append((step.contribution, step.received))

    with observe(Watch()):
        loss.backward()
    arrived = [step for step in trace[1:] if step.accumulated is not None]
    assert len(seen) == len(arrived)
    for (contribution, received), step in zip(seen, arrived, strict=True):
        if isinstance(received, np.ndarray | np.generic):
            np.testing.assert_array_equal(contribution, step.contribution)
            np.testing.assert_array_equal(received, step.accumulated)


@pytest.mark.parametrize("name", GRAPHS)
def test_gradients_agree_with_central_differences(name: str) -> None:
    build = GRAPHS[name]
    loss = build()
    traced = Traced(loss)
    positions = [(tensor, traced.gradient(tensor)) for tensor in leaves_of(loss)]
    rerun = run_again(loss)
    for tensor, gradient in positions:
        for index in np.ndindex(tensor.shape):
            values = {tensor: tensor.array.astype(np.float64)}
            step = np.zeros(tensor.shape)
            step[index] = 1e-5
            above, below = (rerun({tensor: values[tensor] + sign * step}) for sign in (1, -1))
            tolerance = 1e-5 if tensor.dtype == microbp.float32 else 1e-8
            assert gradient[index] == pytest.approx((above - below) / 2e-5, rel=tolerance, abs=tolerance)


def run_again(loss: Tensor) -> Callable[[dict[Tensor, Any]], float]:
    """The loss as a function of its leaves, by the forwards of its rows, in float64."""
    nodes = collect([loss.node])[::-1]

    def widened(value: Any) -> Any:
        return value.astype(np.float64) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value

    def run(changed: dict[Tensor, Any]) -> float:
        values: dict[Any, Any] = {}

        def value(edge: Any) -> Any:
            if edge in changed:
                return changed[edge]
            return widened(edge.array) if isinstance(edge, Tensor) else values.get(edge, edge)

        for node in nodes:
            inputs = [value(edge) for edge in node.inputs]
            if node.op.name == "Scale":
                values[node] = (inputs[0] * inputs[1], inputs[0] * inputs[0])
            elif node.op.name.startswith("Scale["):
                values[node] = inputs[0][int(node.op.name[len("Scale[") : -1])]
            else:
                options = {k: np.float64 if k == "dtype" else v for k, v in node.options.items()}
                result = node.op.forward(*inputs, **options)
                values[node] = result[0] if node.op.handed_on else result
        return float(np.asarray(values[loss.node]).sum())

    return run


def state(loss: Tensor) -> list[Any]:
    """Everything that a trace must leave alone, bit for bit."""
    found: list[Any] = [microbp.get_rng_state().array.tobytes()]
    for node in collect([loss.node]):
        found.append((node, node.kept, node.inputs, node.hooks, node.retain, node.number, node._version))
        for edge in node.inputs:
            if isinstance(edge, Tensor):
                grad = edge.grad
                found.append((edge, edge.array.tobytes(), edge.version, None if grad is None else grad.array.tobytes()))
    return found


@pytest.mark.parametrize("when", ["before", "retained", "after"])
@pytest.mark.parametrize("name", GRAPHS)
def test_nothing_is_changed(name: str, when: str) -> None:
    loss = GRAPHS[name]()
    if when != "before":
        loss.backward(retain_graph=when == "retained")
    before = state(loss)
    number = next(microbp.version.numbers)
    if when == "after" and name in {"own_function", "unrolled"}:  # ctx, zeros to begin with
        with pytest.raises(GraphError, match=r"freed by backward\(\)"):
            trace_backward(loss)
    else:
        trace_backward(loss)
    assert state(loss) == before
    if name != "own_function":
        assert next(microbp.version.numbers) == number + 1, "no node was made, nothing was written"


@pytest.mark.parametrize("name", ["expression", "recurrent", "residual", "fan_out", "scalars", "float64"])
def test_after_backward_the_values_are_computed_again(name: str) -> None:
    loss = GRAPHS[name]()
    before = trace_backward(loss)
    loss.backward()
    after = trace_backward(loss)
    assert len(before) == len(after)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one.contribution, other.contribution)
        assert one.named == other.named


def test_what_backward_freed_for_good_is_said_with_the_way_out() -> None:
    loss = GRAPHS["unrolled"]()
    loss.backward()
    with pytest.raises(GraphError, match=r"freed by backward\(\).*retain_graph=True"):
        trace_backward(loss)


def test_inside_no_grad_and_with_an_observer_nothing_else_happens() -> None:
    loss = examples["expression"]()

    class Refuse:
        def forward(self, node: Any, output: Any) -> None:
            raise AssertionError("an operation was recorded")

        def backward(self, *_: Any) -> None:
            raise AssertionError("a backward pass was run")

    with microbp.no_grad(), observe(Refuse()):
        assert len(trace_backward(loss)) == len(trace_backward(loss))
        assert not microbp.is_grad_enabled()


def test_hooks_are_not_called_and_a_step_says_so() -> None:
    x = microbp.ones(2, requires_grad=True)
    x.name = "x"
    x.register_hook(lambda g: pytest.fail("a hook was called"))
    trace = trace_backward((x * 2 + x).sum())
    warned = ["The hooks of x are not called here" in str(step) for step in trace if step.input == "x"]
    assert warned == [False, True]
    assert "hooks" not in str(trace[1])


@pytest.mark.parametrize("step", [lambda p: p.sub_(0.1), lambda p: setattr(p, "data", p.data - 0.1)])
@pytest.mark.parametrize("backward", [False, True])
def test_a_changed_parameter_is_refused_by_its_name(step: Callable[[Any], Any], backward: bool) -> None:
    model = settle(nn.Sequential(nn.Linear(2, 3), nn.Tanh()))
    loss = model(counting(4, 2)).sum()
    if backward:
        loss.backward()
    with microbp.no_grad():
        step(model[0].weight)
    with pytest.raises(StaleGraphError, match=r"^0\.weight changed after this forward \(optimizer\.step\(\)\?\); "):
        trace_backward(loss)
    with pytest.raises(StaleGraphError, match=r"call stepper\(loss\) before step\(\)$"):
        viz.stepper(loss)


def test_an_optimizer_step_makes_a_graph_stale() -> None:
    model = settle(nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 3), nn.Linear(3, 1)))
    loss = model(counting(4, 2)).sum()
    loss.backward(retain_graph=True)
    microbp.optim.SGD(model.parameters(), lr=0.1).step()
    with pytest.raises(StaleGraphError, match=r"0\.weight, 0\.bias, 2\.weight, 2\.bias and 2 more changed"):
        trace_backward(loss)


def test_a_result_that_was_overwritten_is_computed_again_from_the_leaves() -> None:
    x = microbp.tensor([0.5, 1.0], requires_grad=True)
    y = x.exp()
    loss = (y * y).sum()
    y.data.zero_()
    np.testing.assert_allclose(Traced(loss).gradient(x), 2 * np.exp(2 * x.array), rtol=1e-6)


def test_a_result_that_was_given_other_data_has_those_of_the_forward_in_a_trace() -> None:
    x = microbp.tensor([0.5, 1.0], requires_grad=True)
    first, _ = Scale.apply(x, 2.0)  # whose values are nowhere but in what the product kept
    loss = (first * first).sum()
    first.data = microbp.zeros(2)
    first.data.add_(5.0)
    np.testing.assert_allclose(Traced(loss).gradient(x), 8 * x.array)


def test_a_result_that_was_overwritten_and_cannot_be_computed_again_is_refused() -> None:
    first, _ = Scale.apply(microbp.ones(3, requires_grad=True), 2.0)
    loss = (first * first).sum()
    first.data.zero_()
    with pytest.raises(StaleGraphError, match=r"^Scale\[0\]_1 changed"):
        trace_backward(loss)


def test_steps_stay_as_they_are_when_parameters_change() -> None:
    model = settle(nn.Sequential(nn.Linear(2, 3), nn.Tanh()))
    trace = trace_backward(model(counting(4, 2)).sum())
    before = [copy.deepcopy((step.contribution, step.factors, step.operands)) for step in trace]
    with microbp.no_grad():
        for parameter in model.parameters():
            parameter.fill_(7.0)
    for step, held in zip(trace, before, strict=True):
        np.testing.assert_equal((step.contribution, step.factors, step.operands), held)
        with pytest.raises(ValueError, match="read-only"):
            step.contribution[...] = 0


def test_a_loss_of_several_elements_needs_a_gradient() -> None:
    x = microbp.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    with pytest.raises(ShapeError, match="needs a tensor of one element"):
        trace_backward(y)
    with pytest.raises(ShapeError, match="starting gradient of shape"):
        trace_backward(y, microbp.ones(3))
    traced = Traced(y, microbp.tensor([1.0, 10.0]))
    assert traced.gradient(x).tolist() == [2.0, 40.0]
    assert "the gradient that was given" in traced.steps[0].named


def test_what_has_no_graph_is_refused() -> None:
    with pytest.raises(GraphError, match="does not require grad"):
        trace_backward(microbp.ones(1))
    with pytest.raises(TypeError, match="got ndarray"):
        trace_backward(np.ones(1))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"takes names from model=, a module; got list"):
        trace_backward(microbp.ones(1, requires_grad=True), model=[])


def test_a_leaf_alone_has_only_the_seed() -> None:
    (step,) = trace_backward(microbp.tensor(2.0, requires_grad=True))
    assert step.kind == "seed"
    assert step.accumulated == 1.0


def test_contributions_are_counted() -> None:
    x = microbp.tensor([1.0, 2.0], requires_grad=True)
    x.name = "x"
    trace = trace_backward((x * x * x + x).sum())
    arrivals = [step for step in trace if step.input == "x"]
    assert [(step.received, step.expected) for step in arrivals] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    for before, after in pairwise(arrivals):
        np.testing.assert_array_equal(before.accumulated, after.earlier)
        np.testing.assert_array_equal(after.earlier + after.contribution, after.accumulated)
    assert arrivals[0].earlier is None


@pytest.mark.parametrize("name", GRAPHS)
def test_an_operation_passes_on_only_when_its_gradient_is_complete(name: str) -> None:
    complete: Counter[str] = Counter()
    for step in trace_backward(GRAPHS[name]()):
        if step.kind != "seed":
            assert complete[step.nodes[2]], f"{step.output} passed on what was not complete"
        if step.received == step.expected and step.accumulated is not None:
            complete[step.nodes[1] if len(step.nodes) > 1 else step.nodes[0]] += 1


def test_a_broadcast_is_undone_in_a_step_of_its_own() -> None:
    b = microbp.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
    b.name = "b"
    trace = trace_backward((counting(5, 4) * b).sum())
    wide, narrow = (step for step in trace if step.input == "b")
    assert wide.kind == "local"
    assert wide.contribution.shape == (5, 4)
    assert wide.accumulated is None
    assert narrow.kind == "broadcast"
    assert narrow.reduce_axes == (0,)
    assert "summed over axis 0: (5, 4) → (4,)" in str(narrow)
    np.testing.assert_array_equal(narrow.upstream, wide.contribution)
    np.testing.assert_allclose(narrow.contribution, wide.contribution.sum(axis=0))


def test_stretched_and_added_axes_are_both_summed() -> None:
    b = microbp.ones(3, 1, requires_grad=True)
    b.name = "b"
    trace = trace_backward((counting(2, 3, 4) * b).sum())
    (narrow,) = (step for step in trace if step.kind == "broadcast")
    assert narrow.reduce_axes == (0, 2)
    assert narrow.contribution.shape == (3, 1)
    check_terms(narrow)


def test_steps_say_where_they_are() -> None:
    loss = examples["perceptron"]()
    step = next(step for step in trace_backward(loss) if step.input == "fc1.weight")
    assert (step.op, step.module, step.output, step.input_index) == ("linear", "fc1", "linear_1", 1)
    assert step.file == "networks.py"
    assert step.line is not None
    assert step.formula == "dL/dw = as_matrix(g).T @ as_matrix(a)"
    assert step.named == "∂L/∂fc1.weight = (∂L/∂linear_1)ᵀ · x"
    assert step.shaped == "(4, 3) = (4, 4)ᵀ · (4, 3)"


def test_through_a_checkpoint() -> None:
    model = settle(nn.Sequential(nn.Linear(2, 3), nn.Tanh()))
    x = counting(4, 2)
    loss = checkpoint(model, x, use_reentrant=False).square().sum()
    traced = Traced(loss)
    loss.backward()
    np.testing.assert_array_equal(traced.gradient(model[0].weight), model[0].weight.grad.array)


def test_dropout_is_as_it_was_drawn() -> None:
    layer = alive(nn.Dropout(0.5))
    x = microbp.ones(50, requires_grad=True)
    loss = layer(x).sum()
    traced = Traced(loss)
    loss.backward()
    assert x.grad is not None
    np.testing.assert_array_equal(traced.gradient(x), x.grad.array)


@pytest.mark.parametrize(
    ("exponent", "named", "shaped"),
    [
        (2, "∂L/∂pow_1 × 2 × x", "(2,) = (2,) × 2 × (2,)"),
        (3.0, "∂L/∂pow_1 × 3 × x²", "(2,) = (2,) × 3 × (2,)²"),
        (0.5, "∂L/∂pow_1 × 0.5 × x ** (-0.5)", "(2,) = (2,) × 0.5 × (2,) ** (-0.5)"),
        (0, "0", "(2,) = 0"),
    ],
)
def test_a_rule_says_what_it_is_at_the_number_that_is_in_it(exponent: float, named: str, shaped: str) -> None:
    x = microbp.tensor([2.0, 3.0], requires_grad=True)
    x.name = "x"
    step = trace_backward((x**exponent).sum())[-1]
    assert step.formula == "dL/da = where(b == 0, 0, g * b * a ** (b - 1))"
    assert (step.named, step.shaped) == (f"∂L/∂x = {named}", shaped)
    np.testing.assert_allclose(step.contribution, exponent * np.array([2.0, 3.0]) ** (exponent - 1), rtol=1e-6)


def test_a_graph_of_5000_operations() -> None:
    x = microbp.ones(2, requires_grad=True)
    y = x
    for _ in range(2500):
        y = (y * 1.0001).tanh()
    trace = trace_backward(y.sum())
    assert len(trace) == 5002
    explanation = viz.explain(x, y.sum())
    assert explanation.count == 1
    np.testing.assert_array_equal(explanation.paths[0].gradient, explanation.gradient)


# -- every row of the registry -----------------------------------------------------------------


def steps_of(name: str, number: int) -> Iterator[tuple[Op, tuple[Any, ...], dict[str, Any], list[Any], Step]]:
    """The steps of a row at one of its samples, its inputs in float64."""
    row = registry[name]
    inputs, options = SAMPLES[name].cases()[number]
    tensors: list[Any] = []
    for position, value in enumerate(inputs):
        if isinstance(value, np.ndarray):
            needs = value.dtype.kind == "f" and bool(row.differentiable >> position & 1)
            tensors.append(wrap(value.copy(order="K")).requires_grad_(needs))
        else:
            tensors.append(value)
    y = apply(row, *tensors, **options)
    if y.requires_grad:
        start = np.cos(np.arange(y.array.size)).reshape(y.shape) + 1.5
        for step in trace_backward(y, wrap(start.astype(y.array.dtype))):
            if step.kind not in {"seed", "broadcast"}:
                yield row, inputs, options, tensors, step


def check_terms(step: Step) -> bool:
    """The products that are written out for an element add up to it; False if none are."""
    found = 0
    for index in list(np.ndindex(step.contribution.shape))[:40]:
        products = terms(step, index)
        if products is not None:
            total = sum(left * right for left, right in products)
            scale = sum(abs(left * right) for left, right in products)
            np.testing.assert_allclose(total, step.contribution[index], rtol=1e-6, atol=1e-9 + 1e-6 * scale)
            found += 1
    return bool(found)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("name", "number"), CASES)
def test_every_rule_is_explained_and_its_local_derivative_is_that_of_differences(name: str, number: int) -> None:
    for row, inputs, options, tensors, step in steps_of(name, number):
        assert step.formula.endswith(row.rule(step.input_index).formula)
        assert step.kind in {"local", "product", "sum", "rule"}
        assert str(step)
        if np.isfinite(step.contribution).all() and np.isfinite(step.upstream).all():
            written_out = check_terms(step)
            assert written_out or step.kind == "rule" or not step.contribution.size
        if step.local is None:
            continue
        np.testing.assert_allclose(
            np.broadcast_to(step.upstream.item() if step.upstream.size == 1 else step.upstream, step.local.shape)
            * step.local,
            step.contribution,
            rtol=1e-6,
            atol=1e-12,
        )
        if SAMPLES[name].smooth and step.contribution.size:
            compare_with_differences(row, inputs, options, step)
        assert tensors


def compare_with_differences(row: Op, inputs: tuple[Any, ...], options: dict[str, Any], step: Step) -> None:
    """The local derivative, element by element, against central differences of the forward."""
    position = step.input_index
    x = inputs[position]
    eps = 1e-6

    def forward(moved: Any) -> Any:
        result = row.forward(*inputs[:position], moved, *inputs[position + 1 :], **options)
        return np.asarray(result[0] if row.handed_on else result)

    if step.upstream.size > 1:  # element by element: all may be moved at once
        difference = (forward(x + eps) - forward(x - eps)) / (2 * eps)
        np.testing.assert_allclose(step.local, difference, rtol=1e-5, atol=1e-6)
        return
    for index in np.ndindex(x.shape):
        way = np.zeros(x.shape)
        way[index] = eps
        difference = (forward(x + way) - forward(x - way)) / (2 * eps)
        local = step.local.sum(axis=tuple(range(step.local.ndim - x.ndim))) if step.local.ndim > x.ndim else step.local
        np.testing.assert_allclose(local[index], difference.item(), rtol=1e-5, atol=1e-6)


# -- the lesson in a terminal ------------------------------------------------------------------


def test_a_printed_step_teaches() -> None:
    text = str(next(s for s in trace_backward(examples["perceptron"]()) if s.input == "fc2.weight"))
    for part in (
        "linear_2 → fc2.weight   in fc2   networks.py:",
        "∂L/∂fc2.weight = (∂L/∂linear_2)ᵀ · tanh_1",
        "(2, 4) = (4, 2)ᵀ · (4, 4)",
        "upstream ∂L/∂linear_2 (4, 2)",
        "factor tanh_1 (4, 4)",
        "for example ∂L/∂fc2.weight[",
        "1 of 1 received",
    ):
        assert part in text


def test_a_printed_trace_holds_every_step() -> None:
    trace = trace_backward(examples["expression"]())
    text = str(trace)
    assert [line.split(":")[0] for line in text.split("\n") if line.startswith("step ")] == [
        f"step {k}" for k in range(len(trace))
    ]
    assert "all 2 received, ∂L/∂a is complete" in text

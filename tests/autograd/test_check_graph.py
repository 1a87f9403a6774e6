"""`check_graph` names the first wrong rule of a recorded graph, and nothing where all are right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import nn
from microbp.autograd import Function, check_graph
from microbp.errors import GradcheckError, GraphError
from microbp.nn import functional as F
from microbp.ops.op import op, registry
from microbp.tensor import apply
from microbp.utils.checkpoint import checkpoint
from tests.spoil import spoiled

HERE = Path(__file__).name
Spoil = Callable[[str, str, Callable[..., Any]], None]


@pytest.fixture
def spoil() -> Iterator[Spoil]:
    """Gives a row a wrong rule, for the time of the test."""
    with ExitStack() as stack:
        yield lambda name, argument, wrong: stack.enter_context(spoiled(registry[name], argument, wrong))


def doubled(g: Any) -> Any:
    """A gradient with a wrong factor."""
    return 2 * g


def at_one_element(*index: int) -> Callable[[Any], Any]:
    """A gradient with one wrong element."""

    def wrong(g: Any) -> Any:
        changed = np.array(g)
        changed[index] += 0.5
        return changed

    return wrong


def network(dtype: Any = microbp.float32) -> Any:
    """The loss of a small network on a batch."""
    model = nn.Sequential(nn.Linear(20, 16), nn.Tanh(), nn.Linear(16, 5)).to(dtype)
    return F.cross_entropy(model(microbp.randn(8, 20, dtype=dtype)), microbp.arange(8) % 5)


def convolutional() -> Any:
    """The loss of a network with convolutions, batch normalisation, pooling and dropout."""
    weights = [microbp.randn(*shape).requires_grad_() for shape in ((4, 1, 3, 3), (6, 4, 2, 2), (5, 24))]
    scale, shift = microbp.ones(4, requires_grad=True), microbp.zeros(4, requires_grad=True)
    x = F.conv2d(microbp.randn(3, 1, 10, 10), weights[0])
    x = F.relu(F.batch_norm(x, microbp.zeros(4), microbp.ones(4), scale, shift, training=True))
    x = F.max_pool2d(F.dropout(x, 0.3), 2)
    x = F.avg_pool2d(F.conv2d(x, weights[1], padding=1), 2)
    return F.cross_entropy(F.linear(x.flatten(1), weights[2]), microbp.tensor([0, 3, 1]))


def masked_attention() -> Any:
    """Attention, by hand and as a function, with scores of minus infinity."""
    q, k, v = (microbp.randn(2, 5, 4, requires_grad=True) for _ in range(3))
    later = microbp.ones(5, 5).triu(1) == 1
    by_hand = (q @ k.mT / 2).masked_fill(later, float("-inf")).softmax(-1) @ v
    return F.layer_norm(by_hand, (4,)).std() + F.scaled_dot_product_attention(q, k, v, is_causal=True).square().mean()


def factorised() -> Any:
    """Decompositions, some of which read one triangle of a matrix only."""
    a = microbp.randn(4, 4, requires_grad=True)
    p = a @ a.T + 4 * microbp.eye(4)
    vectors = microbp.linalg.eigh(p)[1]
    return microbp.linalg.cholesky(p).sum() + microbp.linalg.eigvalsh(p).log().sum() + vectors.sum() + a.det()


def written() -> Any:
    """Recorded writes into tensors and views."""
    x = microbp.randn(4, requires_grad=True)
    y = microbp.zeros(3, 4)
    for k in range(3):
        y[k] = x * (k + 1)
    y[:, 1].mul_(y[:, 2].exp())
    z = y * 2
    z.view(12)[::3].sub_(x)
    return z.tanh().sum()


def joined() -> Any:
    """Rows with any number of arguments, with numbers, and with broadcasting."""
    x, w = microbp.randn(3, 2, requires_grad=True), microbp.randn(2, requires_grad=True)
    together = microbp.cat([x, 2 / (w * w + 1) - x, x], dim=1)
    return (microbp.stack([together, together.flip(1)]) ** 3).mean()


GRAPHS = [network, convolutional, masked_attention, factorised, written, joined]


@pytest.mark.parametrize("graph", GRAPHS)
def test_finds_nothing_where_all_rules_are_right(graph: Callable[[], Any]) -> None:
    found = check_graph(graph())
    assert found
    assert found.wrong is None
    assert found.unchecked == found.remarks == ()
    assert found.rules > 3


@pytest.mark.parametrize("dtype", [microbp.float32, microbp.float64])
def test_names_the_wrong_rule_of_a_network(spoil: Spoil, dtype: Any) -> None:
    spoil("tanh", "a", doubled)
    with pytest.raises(GradcheckError) as error:
        check_graph(network(dtype))
    text = str(error.value)
    line = next(
        k for k, line in enumerate(Path(__file__).read_text().splitlines(), 1) if "F.cross_entropy(model" in line
    )
    assert text.startswith(f"tanh (recorded at {__file__}:{line}) has a wrong rule dL/da = g * (1 - y * y): ")
    assert "for a random gradient g of its output, the gradient of element (0, 0) of 'a' is " in text
    assert "It is operation 2 of 4; the rules of the 1 before it are right" in text
    analytical, numerical = numbers_in(text)
    assert analytical == pytest.approx(2 * numerical, rel=1e-5)


def numbers_in(text: str) -> tuple[float, float]:
    """The two values in a message."""
    analytical = text.split(" is ")[1].split(" by the rule (analytical), but ")
    return float(analytical[0]), float(analytical[1].split(" by central differences")[0])


def test_names_the_one_wrong_element_of_a_convolution(spoil: Spoil) -> None:
    spoil("convolve", "w", at_one_element(3, 0, 2, 1))
    found = check_graph(convolutional(), raise_exception=False)
    assert not found
    assert found.wrong is not None
    assert f"{HERE}:" in found.wrong
    assert "the gradient of element (3, 0, 2, 1) of 'w'" in found.wrong
    assert "operation 1 of " in found.wrong
    analytical, numerical = numbers_in(found.wrong)
    assert analytical - numerical == pytest.approx(0.5, abs=1e-5)


def test_names_the_first_wrong_rule_of_several(spoil: Spoil) -> None:
    for name, argument in (("cross_entropy", "a"), ("max_pool", "a"), ("affine", "b")):
        spoil(name, argument, doubled)
    found = check_graph(convolutional(), raise_exception=False)
    assert found.wrong is not None
    assert found.wrong.startswith("affine ")
    assert "has a wrong rule dL/db = sum(g, dim=dim, keepdim=False).reshape(b_shape)" in found.wrong


def test_finds_one_wrong_element_among_a_hundred_thousand(spoil: Spoil) -> None:
    spoil("linear", "w", at_one_element(77, 501))
    w = microbp.randn(128, 784, requires_grad=True)
    found = check_graph(F.linear(microbp.randn(16, 784), w), raise_exception=False)
    assert found.wrong is not None
    assert "the gradient of element (77, 501) of 'w'" in found.wrong


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (lambda g: -g, "the gradient of element"),
        (lambda g: g.T, "the gradient of element (0, 1)"),
        (lambda g: g * g, "the gradient of element"),
        (lambda g: g[:1], r"it gives a gradient of shape (1, 3) for an argument of shape (3, 3)"),
        (lambda g: g.missing, "it raised AttributeError: "),
        (lambda g: g * np.nan, "is nan by the rule (analytical)"),
    ],
)
def test_finds_what_a_rule_can_do_wrong(spoil: Spoil, wrong: Any, why: str) -> None:
    spoil("matmul", "b", wrong)
    found = check_graph(microbp.randn(3, 3) @ microbp.randn(3, 3, requires_grad=True), raise_exception=False)
    assert found.wrong is not None
    assert why in found.wrong
    assert "dL/db = a.mT @ g" in found.wrong


def test_names_the_argument_of_a_row_with_any_number_of_them(spoil: Spoil) -> None:
    spoil("cat", "a", lambda g: g * (1 + (g.shape[0] == 3)))
    x, y = microbp.randn(2, requires_grad=True), microbp.randn(3, requires_grad=True)
    found = check_graph(microbp.cat([x, y]), raise_exception=False)
    assert found.wrong is not None
    assert "dL/da[1] = " in found.wrong
    assert "of 'a[1]'" in found.wrong


@pytest.fixture
def own_row() -> Iterator[Any]:
    """A row of the user's own with a mistake in its formula, which leaves the registry again."""

    @op("a * a * b")
    def squared_times(a: Any, b: Any) -> Any:
        """A square, times something."""
        return a * a * b

    squared_times.grad("a", "g * a * b")
    squared_times.grad("b", "g * a * a")
    yield squared_times
    del registry["squared_times"]


def test_finds_the_mistake_in_a_row_of_the_users_own(own_row: Any) -> None:
    x = microbp.tensor([[1.0, 2.0]], requires_grad=True)
    found = check_graph(own_row(x, microbp.tensor([[3.0], [4.0]])).sum(), raise_exception=False)
    assert found.wrong is not None
    assert found.wrong.startswith("squared_times ")
    assert "dL/da = g * a * b" in found.wrong
    analytical, numerical = numbers_in(found.wrong)
    assert numerical == pytest.approx(2 * analytical, rel=1e-6)


# -- kinks ---------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3, 3000])
def test_anything_between_the_two_sides_of_a_kink_is_right(count: int) -> None:
    x = microbp.zeros(count, 2, requires_grad=True)
    loss = F.relu(x).sum() + x.abs().sum() + x.amax() + x.norm() + F.max_pool1d(F.relu(x)[None], 2).sum()
    found = check_graph(loss)
    assert found.unchecked == ()


def test_what_is_not_between_the_two_sides_of_a_kink_is_wrong(spoil: Spoil) -> None:
    spoil("relu", "a", lambda g: g + 5 * (g == 0))
    found = check_graph(F.relu(microbp.tensor([1.0, 0.0, 2.0], requires_grad=True)), raise_exception=False)
    assert found.wrong is not None
    assert "the gradient of element (1,) of 'a' is 5 by the rule" in found.wrong


def test_a_wrong_rule_is_found_beside_many_kinks(spoil: Spoil) -> None:
    spoil("relu", "a", lambda g: 1.5 * g)
    found = check_graph(F.relu(microbp.zeros(3000, requires_grad=True)), raise_exception=False)
    assert found.wrong is not None
    assert "(near the values of the forward, where it has too many kinks)" in found.wrong


def test_values_near_a_singularity_are_checked_with_smaller_steps(spoil: Spoil) -> None:
    x = microbp.tensor([1e-9, 1e-5, 0.5, 1e6], dtype=microbp.float64, requires_grad=True)
    assert check_graph(x.log().sum() + (1 / x).sum() + x.sqrt().sum()).rules == 10
    spoil("log", "a", lambda g: g * [1.001, 1, 1, 1])
    found = check_graph(x.log(), raise_exception=False)
    assert found.wrong is not None
    assert "the gradient of element (0,) of 'a'" in found.wrong


def test_the_border_of_a_domain_is_left_out() -> None:
    x = microbp.tensor([0.0, 1.0], requires_grad=True)
    assert check_graph(x.sqrt().sum() + x.acos().sum() + x.log().sum())


# -- functions of the user's own -------------------------------------------------------------


class Scaled(Function):
    """Two outputs, of which one is changed in place by what comes after."""

    factor = 3.0

    @staticmethod
    def forward(ctx: Any, x: Any, power: int) -> Any:
        ctx.save_for_backward(x)
        ctx.power = power
        return x**power, 3 * x, microbp.tensor([1, 2])

    @staticmethod
    def backward(ctx: Any, g: Any, h: Any, _: Any) -> Any:
        (x,) = ctx.saved_tensors
        return g * ctx.power * x ** (ctx.power - 1) + h * Scaled.factor, None


def call_scaled() -> Any:
    """A graph with a call of it in the middle."""
    x = microbp.randn(2, 3, requires_grad=True)
    first, second, _ = Scaled.apply(x.sigmoid(), 3)
    return (first * second.exp()).sum()


def test_the_backward_of_a_function_is_checked() -> None:
    found = check_graph(call_scaled())
    assert found.rules == 6
    assert found.unchecked == ()


def test_the_wrong_backward_of_a_function_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scaled, "factor", 2.0)
    found = check_graph(call_scaled(), raise_exception=False)
    assert found.wrong is not None
    assert found.wrong.startswith("Scaled (recorded at ")
    assert "dL/dx = Scaled.backward(ctx, g)[0]" in found.wrong
    assert "element (0, 0) of 'x'" in found.wrong


class Noisy(Function):
    """Random factors, and a change in place."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        noise = microbp.rand(x.shape, dtype=x.dtype)
        ctx.save_for_backward(noise)
        ctx.mark_dirty(x)
        return x.mul_(noise)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        (noise,) = ctx.saved_tensors
        return g * noise


def test_a_function_that_draws_random_numbers_gets_the_same_ones_each_time() -> None:
    x = microbp.randn(3, requires_grad=True)
    loss = Noisy.apply(x * 2).exp().sum()
    before = microbp.get_rng_state()
    assert check_graph(loss).unchecked == ()
    assert microbp.equal(microbp.get_rng_state(), before)


class Rounded(Function):
    """Rounds, and hands the gradient on as if it did not."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x.round()

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g


def test_a_gradient_that_is_none_on_purpose_can_be_left_out() -> None:
    loss = Rounded.apply(microbp.randn(3, requires_grad=True) * 2).sum()
    assert not check_graph(loss, raise_exception=False)
    found = check_graph(loss, surrogates=["Rounded"])
    assert found.rules == 2
    (line,) = found.unchecked
    assert line.startswith(f"Rounded (recorded at {__file__}:")
    assert line.endswith("its gradient is not the derivative of its values, on purpose")


def test_a_row_says_itself_that_its_gradient_is_none() -> None:
    table = microbp.randn(4, 2, requires_grad=True)
    out = F.embedding(microbp.tensor([1, 1, 3]), table, scale_grad_by_freq=True)
    (line,) = check_graph(out.sum()).unchecked
    assert line.startswith("temper ")


def test_a_gradient_that_padding_keeps_back_is_not_called_wrong(spoil: Spoil) -> None:
    table = microbp.randn(4, 2, requires_grad=True)
    out = F.embedding(microbp.tensor([1, 0, 3]), table, padding_idx=0).sum()
    assert check_graph(out).unchecked == ()
    spoil("embedding", "w", doubled)
    assert not check_graph(F.embedding(microbp.tensor([1]), table, padding_idx=0), raise_exception=False)


class Particular(Function):
    """Cannot be run in float64."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        if x.dtype != microbp.float32:
            raise TypeError("float32 only")
        return 2 * x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return 2 * g


class Silent(Function):
    """Has no gradient for one of its arguments."""

    @staticmethod
    def forward(ctx: Any, x: Any, y: Any) -> Any:
        return x * 2 + y

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * 2, None


def test_says_what_cannot_be_checked_and_why() -> None:
    x = microbp.randn(3, requires_grad=True)
    found = check_graph(Silent.apply(x, x.exp()).sum() + Particular.apply(x.tanh()).sin().sum())
    assert found
    assert [line.split(" (")[0] for line in found.unchecked] == ["Silent", "Particular", "sin", "sum", "add"]
    assert "its backward gives no gradient for 'y'" in found.unchecked[0]
    assert "run again on tensors of float64, it raised TypeError: float32 only" in found.unchecked[1]
    assert "Particular (recorded at" in found.unchecked[2]
    assert found.unchecked[2].endswith("could not be run again")
    assert str(found).startswith("4 rules agree with differences\nnot checked: Silent ")


# -- what it leaves alone ------------------------------------------------------------------


def test_leaves_tensors_gradients_and_random_numbers_alone() -> None:
    x = microbp.randn(3, 2, requires_grad=True)
    y = microbp.randn(3, 2)
    loss = ((x * y).relu() * microbp.rand(2)).exp().sum()
    expected = microbp.autograd.grad(loss, x, retain_graph=True)[0].array
    state, values, versions = microbp.get_rng_state(), (x.array.copy(), y.array.copy()), (x.version, y.version)

    class Watcher:
        def forward(self, node: Any, output: Any) -> None:
            raise AssertionError("an operation was recorded")

        backward = forward

    with microbp.autograd.observe(Watcher()):
        assert check_graph(loss)
    assert x.grad is None
    assert y.grad is None
    np.testing.assert_array_equal(x.array, values[0])
    np.testing.assert_array_equal(y.array, values[1])
    assert (x.version, y.version) == versions
    assert microbp.equal(microbp.get_rng_state(), state)
    assert microbp.is_grad_enabled()
    loss.backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.array, expected)


def test_a_graph_that_was_freed_or_never_recorded_is_refused() -> None:
    x = microbp.randn(3, requires_grad=True)
    loss = x.exp().sum()
    loss.backward()
    with pytest.raises(GraphError, match=r"freed by a backward pass, at exp \(recorded at .*check it before"):
        check_graph(loss)
    for nothing in (x, microbp.ones(2)):
        with pytest.raises(GraphError, match="no graph to check"):
            check_graph(nothing)
    loss = x.exp().sum()
    loss.backward(retain_graph=True)
    assert check_graph([loss, x.tanh()]).rules == 3


def test_a_leaf_that_was_changed_since_is_checked_as_it_is_now() -> None:
    w = microbp.randn(3, requires_grad=True)
    loss = (w * 2).exp().sum()
    with microbp.no_grad():
        w.sub_(1)
    (line,) = check_graph(loss).remarks
    assert line.startswith("mul (recorded at ")
    assert "its argument 'a' has now; it was changed since the forward" in line
    w.data = microbp.ones(2, 5)
    assert check_graph(loss)


def test_a_graph_as_deep_as_no_recursion_could_go() -> None:
    x = microbp.ones(2, requires_grad=True)
    y = x
    for _ in range(3000):
        y = y * 1.0001
    assert check_graph(y).rules == 3000


def test_the_bad_end_of_a_deep_graph_is_found(spoil: Spoil) -> None:
    y = microbp.ones(2, requires_grad=True)
    for _ in range(1500):
        y = y * 1.0001
    spoil("exp", "a", doubled)
    found = check_graph(y.exp(), raise_exception=False)
    assert found.wrong is not None
    assert "operation 1501 of 1501; the rules of the 1500 before it are right" in found.wrong


def test_empty_tensors_have_nothing_wrong() -> None:
    assert check_graph(microbp.zeros(0, 3, requires_grad=True).exp().sum())


def test_apply_records_what_is_checked() -> None:
    x = microbp.tensor([1.0, -2.0], requires_grad=True)
    assert check_graph(apply(registry["abs"], x)).rules == 1


def test_a_checkpoint_is_not_run_again_and_what_it_let_go_is_said() -> None:
    runs = []

    def part(x: Any) -> Any:
        runs.append(x)
        return F.dropout((x * 2).exp(), 0.5).sum() + Scaled.apply(x, 2)[0].sum()

    x = microbp.randn(3, requires_grad=True)
    found = check_graph(checkpoint(part, x.tanh(), use_reentrant=False) * 2)
    assert len(runs) == 1
    assert found.rules == 3
    assert "dropout" in found.unchecked[0]
    assert "its argument 'm', a constant in a checkpoint, is gone" in found.unchecked[0]
    assert any("Scaled" in line and "does not keep what was called" in line for line in found.unchecked)

"""`compile`: when a function is replayed, when it is not, and that one cannot tell the difference."""

from __future__ import annotations

import copy
import pickle
import random
import types

import numpy as np
import pytest

import microbp
from microbp import autograd, lab, nn, optim
from microbp.errors import CompileError, GraphError, MutationError, RangeError

x = microbp.tensor(np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32))
labels = microbp.tensor([0, 1, 2, 0, 1, 2])


def network(*more):
    microbp.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), *more, nn.Linear(8, 3))


def compiled_loss(model, **options):
    criterion = nn.CrossEntropyLoss()
    return microbp.compile(lambda x, t: criterion(model(x), t), **options)


def warmed(function, *arguments):
    """A compiled function after the calls in which it is recorded."""
    for _ in range(2):
        function(*arguments)
    return function


def trained(model, loss, steps=8):
    optimizer = optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    losses = []
    for step in range(steps):
        optimizer.zero_grad()
        value = loss(x * (step + 1.0), labels)
        value.backward()
        optimizer.step()
        losses.append(value.item())
    return losses, [p.tolist() for p in model.parameters()]


def test_training_is_the_same_bit_by_bit():
    eager, replayed = network(), network()
    compiled = compiled_loss(replayed)
    assert trained(replayed, compiled) == trained(eager, lambda x, t: nn.functional.cross_entropy(eager(x), t))
    assert compiled.replayed == 6


def test_a_replayed_call_is_one_operation_of_the_graph():
    loss = warmed(compiled_loss(network()), x, labels)
    value = loss(x, labels)
    assert value.grad_fn.name() == "<lambda>"
    assert [edge for edge, _ in value.grad_fn.next_functions] == [None] * 6


def test_the_source_names_the_parameters_and_the_formulas():
    loss = warmed(compiled_loss(network()), x, labels)
    assert "linear_1 = linear(x, weight_0, bias_0)" in loss.source
    assert (
        "d_weight_2 = own(linear_dw(d_linear_3, tanh_2), d_linear_3)  # dw = as_matrix(g).T @ as_matrix(a)"
        in loss.source
    )


def test_another_shape_is_recorded_by_itself():
    loss = warmed(compiled_loss(network()), x, labels)
    for _ in range(3):
        loss(x[:4], labels[:4])
    loss(x, labels)
    assert loss.replayed == 2


def test_gradients_of_arguments_and_through_what_they_were_computed_from():
    model = network()
    square = microbp.compile(lambda h: (model(h) ** 2).sum())
    for _ in range(3):
        mine = x.clone().requires_grad_()
        square(mine * 2.0).backward()
        theirs = x.clone().requires_grad_()
        (model(theirs * 2.0) ** 2).sum().backward()
        assert mine.grad.tolist() == theirs.grad.tolist()
    assert square.replayed == 1


def test_keyword_arguments_and_python_values():
    scaled = microbp.compile(lambda x, *, by, shift=0.0: (x * by + shift).sum())
    w = microbp.ones(4, requires_grad=True)
    for _ in range(3):
        assert scaled(x * w, by=2.0, shift=1.0).item() == (x * w * 2.0 + 1.0).sum().item()
        assert scaled(x * w, by=3.0).item() == (x * w * 3.0).sum().item()
    assert scaled.replayed == 2


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: nn.functional.dropout(x, 0.5).sum(), "random numbers"),
        (lambda x: (x * microbp.ones(4)).sum(), "makes anew each time"),
        (lambda x: x.sum() if x.sum() > 0 else -x.sum(), "looks at values"),
        (lambda x: x.sum() / max(x.sum().item(), 1.0), "looks at values"),
        (lambda x: x.clone().mul_(2.0).sum(), "writes to tensors"),
        (lambda x: (x, x.sum()), "returns tuple"),
        (lambda x: x.T, "returns a view"),
        (lambda x: x[np.array([0, 1])].sum(), "depends on more than its operands"),
        (lambda x: nn.functional.embedding(microbp.tensor([0, 1]), x, max_norm=1.0).sum(), "looks at values"),
        (lambda x: nn.functional.embedding(microbp.tensor([0, 1]), x).sum(), "makes anew each time"),
        (lambda x: (x * autograd.grad((x * x).sum(), x)[0]).sum(), "computes gradients"),
    ],
)
def test_what_cannot_be_replayed_runs_as_it_is_and_says_why(function, reason):
    compiled = microbp.compile(function)
    for _ in range(5):
        microbp.manual_seed(1)
        given = x.clone().requires_grad_()
        mine = compiled(given)
        microbp.manual_seed(1)
        theirs = function(x.clone().requires_grad_())
        if not isinstance(mine, tuple):
            assert mine.tolist() == theirs.tolist()
            assert mine.requires_grad == theirs.requires_grad
    assert compiled.replayed == 0
    assert reason in compiled.reason
    strict = microbp.compile(function, fullgraph=True)
    with pytest.raises(CompileError, match=reason):
        [strict(x.clone().requires_grad_()) for _ in range(4)]


def test_batch_normalisation_in_training_runs_as_it_is():
    model, twin = network(nn.BatchNorm1d(8)), network(nn.BatchNorm1d(8))
    loss = compiled_loss(model)
    assert trained(model, loss) == trained(twin, lambda x, t: nn.functional.cross_entropy(twin(x), t))
    assert model[2].running_mean.tolist() == twin[2].running_mean.tolist()
    assert model[2].num_batches_tracked.item() == 8
    assert loss.replayed == 0


def test_a_number_that_changes_between_the_first_calls_is_found():
    numbers = types.SimpleNamespace(count=-1)

    def counted():
        name = str.lower("COUNT")  # what has a computed name is not found
        setattr(numbers, name, getattr(numbers, name) + 1)
        return getattr(numbers, name)

    drifting = microbp.compile(lambda x: (x * float(counted())).sum())
    assert [drifting(x).item() for _ in range(5)] == [(x * float(k)).sum().item() for k in range(5)]
    assert "was not given the same in two calls" in drifting.reason


def test_modes_and_attributes_of_modules_count():
    model = network(nn.Dropout(0.5))
    loss = compiled_loss(model)
    model.eval()
    for _ in range(4):
        loss(x, labels)
    assert loss.replayed == 2
    model.train()
    assert len({loss(x, labels).item() for _ in range(4)}) == 4
    model.eval()
    expected = nn.functional.cross_entropy(model(x), labels).item()
    assert loss(x, labels).item() == expected
    model[1] = nn.ReLU()
    assert loss(x, labels).item() == nn.functional.cross_entropy(model(x), labels).item() != expected


def test_an_attribute_of_a_layer_counts():
    model = nn.Sequential(nn.Linear(4, 3), nn.LeakyReLU(0.1))
    loss = compiled_loss(model)
    for slope in (0.1, 0.5):
        model[1].negative_slope = slope
        for _ in range(4):
            assert loss(x, labels).item() == nn.functional.cross_entropy(model(x), labels).item()
    assert loss.replayed == 4


@pytest.mark.parametrize("before", [False, True])
def test_hooks_of_modules_are_called_each_time(before):
    model = network()
    if before:
        model[0].register_forward_hook(lambda module, args, output: None).remove()
    loss = warmed(compiled_loss(model), x, labels)
    loss(x, labels)
    assert loss.replayed == 1
    seen = []
    model[0].register_forward_hook(lambda module, args, output: seen.append(output.shape))
    for _ in range(4):
        loss(x, labels)
    assert seen == [(6, 8)] * 4
    assert loss.reason == "a module that it calls has hooks"


def test_a_recorder_sees_every_step():
    model = network()
    loss = compiled_loss(model)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    with lab.watch(model, optimizer) as rec:
        for _ in range(5):
            optimizer.zero_grad()
            value = loss(x, labels)
            value.backward()
            rec.step(value)
            optimizer.step()
    assert len(rec.history["acts/0"]) == len(rec.history["loss"]) == 5
    assert len({tuple(a.ravel()) for a in rec.history["acts/0"]}) == 5


def test_new_parameters_and_frozen_ones_count():
    model = network()
    loss = warmed(compiled_loss(model), x, labels)
    model[0].weight = nn.Parameter(microbp.ones(8, 4))
    assert loss(x, labels).item() == nn.functional.cross_entropy(model(x), labels).item()
    for _ in range(3):
        loss(x, labels)
    model[0].requires_grad_(False)
    loss(x, labels).backward()
    assert model[0].weight.grad is None
    assert model[2].weight.grad is not None


def test_other_data_in_a_parameter_is_seen():
    model = network()
    loss = warmed(compiled_loss(model), x, labels)
    model[0].weight.data = microbp.ones(8, 4)
    assert loss(x, labels).item() == nn.functional.cross_entropy(model(x), labels).item()
    model.double()
    assert loss(x.double(), labels).dtype == microbp.float64


def test_a_parameter_written_to_before_backward_is_refused():
    model = network()
    loss = warmed(compiled_loss(model), x, labels)
    value = loss(x, labels)
    with microbp.no_grad():
        model[2].weight.mul_(2.0)
    with pytest.raises(MutationError, match="needs weight_2"):
        value.backward()
    value = loss(x, labels)
    with microbp.no_grad():
        model[0].weight.mul_(2.0)  # of the first layer no gradient uses the weight, as its input needs none
    value.backward()


def test_a_second_backward_needs_the_graph():
    loss = warmed(compiled_loss(network()), x, labels)
    value = loss(x, labels)
    value.backward(retain_graph=True)
    value.backward()
    with pytest.raises(GraphError, match="retain_graph"):
        value.backward()


@pytest.mark.parametrize("cut", [lambda y: y.detach(), lambda y: y.detach_(), lambda y: y.data])
def test_a_result_that_is_cut_off_from_its_history_stays_so(cut):
    compiled = microbp.compile(lambda h: cut(h * 2.0))
    for _ in range(4):
        assert not compiled(microbp.ones(3, requires_grad=True)).requires_grad
    assert compiled.reason == "it returns a result that was cut off from its history"


def test_second_derivatives_are_those_of_the_function():
    model = network()

    def penalty(function):
        given = x.clone().requires_grad_()
        (slope,) = autograd.grad(function(given), given, create_graph=True)
        model.zero_grad()
        (slope**2).sum().backward()
        return [None if p.grad is None else p.grad.tolist() for p in model.parameters()]

    compiled = microbp.compile(lambda h: (model(h) ** 2).sum())
    expected = penalty(lambda h: (model(h) ** 2).sum())
    assert [penalty(compiled) for _ in range(4)] == [expected] * 4
    assert compiled.replayed == 2


def test_inside_no_grad_and_under_observers_the_function_itself_runs():
    loss = warmed(compiled_loss(network()), x, labels)
    with microbp.no_grad():
        assert not loss(x, labels).requires_grad
    with autograd.detect_anomaly(check_nan=True):
        loss(x, labels).backward()
    assert loss.replayed == 0


def test_errors_are_those_of_the_function():
    loss = warmed(compiled_loss(network()), x, labels)
    with pytest.raises(RangeError, match="label 7 at position 0 is out of range"):
        loss(x, microbp.tensor([7, 1, 2, 0, 1, 2]))
    ignored = microbp.tensor([-100, 1, 2, 0, 1, 2])
    assert loss(x, ignored).item() == pytest.approx(loss(x[1:], labels[1:]).item())
    with pytest.raises(microbp.errors.ShapeError, match="4 features"):
        loss(x[:, :3], labels)


def test_a_function_that_fails_at_first_is_recorded_later():
    ready = []

    def hesitant(h):
        if not ready:
            raise ValueError("not yet")
        return (h * 2.0).sum()

    compiled = microbp.compile(hesitant)
    w = microbp.ones(3, requires_grad=True)
    with pytest.raises(ValueError, match="not yet"):
        compiled(w)
    ready.append(True)
    for _ in range(3):
        compiled(w)
    assert compiled.replayed == 1


def test_the_same_tensor_twice_runs_as_it_is():
    product = microbp.compile(lambda a, b: (a * b).sum())
    w, v = microbp.ones(3, requires_grad=True), microbp.full((3,), 2.0, requires_grad=True)
    for _ in range(3):
        assert product(w, w).item() == 3.0
    assert product.replayed == 0
    assert [product(w, v).item() for _ in range(3)] == [6.0] * 3


def test_an_argument_that_is_also_found_elsewhere_is_told_apart():
    w = microbp.ones(3, requires_grad=True)
    product = microbp.compile(lambda a: (a * w).sum())
    for _ in range(3):
        product(w)
    for _ in range(3):
        assert product(microbp.full((3,), 5.0, requires_grad=True)).item() == 15.0
    assert product.replayed == 1
    twice = product(w)
    twice.backward()
    assert w.grad.tolist() == [2.0] * 3
    assert product.replayed == 2


def test_a_leaf_that_gets_two_contributions_has_its_own_memory():
    a, b = microbp.ones(3, requires_grad=True), microbp.ones(3, requires_grad=True)
    added = warmed(microbp.compile(lambda h: ((a + b) * h + a).sum()), microbp.ones(3))
    added(microbp.ones(3)).backward()
    assert (a.grad.tolist(), b.grad.tolist()) == ([2.0] * 3, [1.0] * 3)
    assert not np.may_share_memory(a.grad.array, b.grad.array)


def test_a_model_is_compiled_whole():
    model = network()
    compiled = microbp.compile(model)
    assert isinstance(compiled, nn.Module)
    assert [p is q for p, q in zip(compiled.parameters(), model.parameters(), strict=True)] == [True] * 4
    for _ in range(3):
        assert compiled(x).tolist() == model(x).tolist()
    assert compiled.compiled.replayed == 1
    assert compiled._orig_mod is model
    assert compiled.eval().training is model.training is False


def test_a_decorator_with_options_and_switched_off():
    @microbp.compile(fullgraph=True)
    def double(h):
        return (h * 2.0).sum()

    w = microbp.ones(3, requires_grad=True)
    assert [double(w).item() for _ in range(3)] == [6.0] * 3
    assert double.replayed == 1
    assert double.__name__ == "double"
    assert microbp.compile(len, disable=True) is len
    with pytest.raises(TypeError, match="a function or a module"):
        microbp.compile(3)


def test_copies_and_pickles_start_anew():
    compiled = warmed(microbp.compile(network()), x)
    compiled(x)
    for other in (copy.deepcopy(compiled), pickle.loads(pickle.dumps(compiled))):
        assert other.compiled.replayed == 0
        assert [other(x).tolist() for _ in range(3)] == [compiled(x).tolist()] * 3
        assert other.compiled.replayed == 1
        assert next(other.parameters()) is not next(compiled.parameters())


def test_the_graph_of_a_replayed_call_can_be_drawn_and_checked():
    model = network()
    loss = warmed(compiled_loss(model), x, labels)
    value = loss(x, labels)
    assert "lambda" in microbp.viz.make_dot(value, model=model).source
    assert microbp.viz.trace_backward(value)


def test_chance_of_other_makers_is_noticed():
    for draw in (random.random, np.random.rand):
        stochastic = microbp.compile(lambda h, draw=draw: (h * 2.0).sum() if draw() < 2 else h.sum())
        w = microbp.ones(3, requires_grad=True)
        for _ in range(3):
            stochastic(w)
        assert stochastic.replayed == 0
        assert "random numbers" in stochastic.reason


def test_names_that_are_code_stay_names():
    evil = "x): raise SystemExit #\n    raise SystemExit"
    holder = nn.Module()
    holder.register_parameter(evil.replace(".", ""), nn.Parameter(microbp.ones(3)))
    (w,) = holder.parameters()
    holder.forward = lambda **given: (w * given[evil] * 2.0).sum()
    compiled = microbp.compile(holder)
    tensor = microbp.ones(3)
    tensor.name = evil
    assert [compiled(**{evil: tensor}).item() for _ in range(3)] == [6.0] * 3
    assert compiled.compiled.replayed == 1
    assert "raise SystemExit" not in compiled.compiled.source


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_rules_that_share_work_do_so_within_one_pass_only(kind):
    microbp.manual_seed(0)
    layer = getattr(nn, kind)(4, 5)
    given = [x.reshape(3, 2, 4), *(microbp.zeros(1, 2, 5) for _ in range(2 if kind == "LSTM" else 1))]

    def outputs(h, *state):
        return layer(h, state if kind == "LSTM" else state[0])[0] * 2.0

    compiled = warmed(microbp.compile(outputs), *given)
    output, start = compiled(*given), microbp.ones(3, 2, 5)
    assert compiled.replayed == 1
    assert compiled.source.count("_once = ") == 1
    for scale in (1.0, 3.0):
        start.fill_(scale)
        layer.zero_grad()
        output.backward(start, retain_graph=True)
        mine = [p.grad.tolist() for p in layer.parameters()]
        layer.zero_grad()
        outputs(*given).backward(start)
        assert mine == [p.grad.tolist() for p in layer.parameters()]


def test_the_gradients_of_the_parts_of_a_sequence_are_added_up_as_the_engine_does():
    def loss(x, w):
        h = x.mean()
        for part in x * w:
            h = (part * h).tanh().sum()
        return h + x[1:3].sum() + (x * w)[0].sum()

    a, w = (x.clone().requires_grad_() for _ in range(2))
    compiled, found = microbp.compile(loss), []
    for function in (loss, warmed(compiled, a, w)):
        a.grad = w.grad = None
        function(a, w).backward()
        found.append((a.grad.numpy().tobytes(), w.grad.numpy().tobytes()))
    assert found[0] == found[1]
    assert compiled.source.count("getitem_adds(") == 5

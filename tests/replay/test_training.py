"""Whole training steps compiled: they are what they would be without, and what cannot be replayed runs as it is."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

import microbp
from microbp import autograd, lab, nn, optim
from microbp.errors import CompileError, GraphError, OptionError, RangeError

rng = np.random.default_rng(0)
x = microbp.tensor(rng.normal(size=(6, 4)).astype(np.float32))
labels = microbp.tensor([0, 1, 2, 0, 1, 2])


def network():
    microbp.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


def trainer(make=optim.SGD, *, first="optimizer", returns="loss", **options):
    """A model, its optimizer, and a training step."""
    model = network()
    criterion = nn.CrossEntropyLoss()
    optimizer = make(model.parameters(), **{"lr": 0.1, **options})

    def step(x, t):
        if first == "optimizer":
            optimizer.zero_grad()
        elif first == "zeros":
            optimizer.zero_grad(set_to_none=False)
        elif first == "module":
            model.zero_grad()
        loss = criterion(model(x), t)
        if first == "between":
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if returns == "detached":
            return loss.detach()
        return loss if returns == "loss" else None

    return model, optimizer, step


def state_of(model, optimizer):
    """Everything that training changes."""
    held = [[p.tolist(), None if p.grad is None else p.grad.tolist()] for p in model.parameters()]
    return held, repr(optimizer.state_dict())


def followed(make_one, steps=7, change=None):
    """Compare compiled training with training, step by step; the compiled step is returned."""
    model, optimizer, step = make_one()
    twin, its_optimizer, reference = make_one()
    compiled = microbp.compile(step)
    for number in range(steps):
        if change is not None:
            change(number, model, optimizer)
            change(number, twin, its_optimizer)
        batch = x * (number + 1.0)
        mine, theirs = compiled(batch, labels), reference(batch, labels)
        assert (mine is None) == (theirs is None)
        if mine is not None:
            assert (mine.item(), mine.requires_grad) == (theirs.item(), theirs.requires_grad)
        assert state_of(model, optimizer) == state_of(twin, its_optimizer), f"at step {number}"
    return compiled


# -- what is the same ----------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["optimizer", "zeros", "module", "between", "never"])
@pytest.mark.parametrize("returns", ["loss", "detached", "nothing"])
def test_training_is_the_same_bit_by_bit(first, returns):
    compiled = followed(lambda: trainer(first=first, returns=returns, momentum=0.9))
    assert compiled.replayed == 5, compiled.reason


@pytest.mark.parametrize(
    "make", [optim.SGD, optim.Adam, optim.AdamW, optim.RMSprop, optim.Adagrad, optim.Adadelta, optim.Rprop]
)
def test_any_optimizer_will_do(make):
    assert followed(lambda: trainer(make)).replayed == 5


def test_an_optimizer_of_ones_own_may_work_with_tensors():
    class SignDescent(optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        @microbp.no_grad()
        def step(self, closure=None):
            for group, parameters in self.ready():
                for p, g in parameters:
                    p -= group["lr"] * np.sign(g)

    assert followed(lambda: trainer(SignDescent)).replayed == 5


@pytest.mark.parametrize("clip", [nn.utils.clip_grad_norm_, nn.utils.clip_grad_value_])
def test_gradients_are_clipped(clip):
    def make_one():
        model, optimizer, _ = trainer()

        def step(x, t):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), t)
            loss.backward()
            clip(model.parameters(), 0.01)
            optimizer.step()
            return loss

        return model, optimizer, step

    assert followed(make_one).replayed == 5


def test_a_scheduler_goes_on():
    def make_one():
        model, optimizer, step = trainer()
        scheduler = optim.lr_scheduler.StepLR(optimizer, 2)

        def scheduled(x, t):
            loss = step(x, t)
            scheduler.step()
            return loss

        return model, optimizer, scheduled

    assert followed(make_one).replayed == 5


def test_options_and_groups_are_those_of_now():
    def change(number, model, optimizer):
        if number == 4:
            optimizer.param_groups[0]["lr"] = 0.5
        if number == 5:
            microbp.manual_seed(1)
            extra = microbp.randn(3, requires_grad=True)
            extra.grad = microbp.ones(3)
            optimizer.add_param_group({"params": [extra], "lr": 1.0})

    assert followed(trainer, change=change).replayed == 5


def test_frozen_parameters_and_other_data_count():
    def change(number, model, optimizer):
        if number == 3:
            model[0].weight.requires_grad_(False)
        if number == 6:
            model[0].weight.requires_grad_(True)
        if number == 7:
            model[2].bias.data = microbp.ones(3)

    assert followed(trainer, steps=9, change=change).replayed == 5  # with what was recorded first at 2 and 6 to 8


def test_hooks_of_leaves_see_and_replace_gradients():
    seen = []

    def change(number, model, optimizer):
        if number == 3:
            model[0].bias.register_hook(lambda g: (seen.append(g.tolist()), g * 2)[1])
            model[2].bias.register_post_accumulate_grad_hook(lambda p: seen.append(p.grad.tolist()))

    compiled = followed(trainer, change=change)
    assert compiled.replayed == 5
    assert len(seen) == 2 * 2 * 4
    assert seen[0::4] == seen[2::4]
    assert seen[1::4] == seen[3::4]


def test_gradients_have_memory_of_their_own():
    w = microbp.tensor([1.0, 2.0], requires_grad=True)
    b = microbp.tensor([0.0, 0.0], requires_grad=True)

    @microbp.compile
    def step(x):
        (w + b + x).sum().backward()

    for number in range(4):
        w.grad = b.grad = None
        step(microbp.ones(2))
        assert step.replayed == max(0, number - 1)
        w.grad.array[0] = 7
        assert b.grad.tolist() == [1.0, 1.0]


# -- what it returns -------------------------------------------------------------------------------


def test_results_on_the_way_can_be_returned_too():
    def make_one():
        model, optimizer, _ = trainer()

        def step(x, t):
            optimizer.zero_grad()
            logits = model(x)
            right = (logits.argmax(1) == t).float().mean()
            loss = nn.functional.cross_entropy(logits, t)
            loss.backward()
            optimizer.step()
            wrong = 1 - (logits.argmax(1) == t).float().mean()
            return {"loss": loss, "detached": loss.detach(), "more": [logits, right, wrong, None, 3]}

        return model, optimizer, step

    (model, optimizer, step), (twin, its_optimizer, reference) = make_one(), make_one()
    compiled = microbp.compile(step)
    for number in range(5):
        mine, theirs = compiled(x * (number + 1.0), labels), reference(x * (number + 1.0), labels)
        assert list(mine) == list(theirs)
        assert mine["more"][3:] == theirs["more"][3:] == [None, 3]
        pairs = [(mine["loss"], theirs["loss"]), (mine["detached"], theirs["detached"])]
        for one, other in pairs + list(zip(mine["more"][:3], theirs["more"][:3], strict=True)):
            assert one.tolist() == other.tolist()
            assert (one.dtype, one.requires_grad) == (other.dtype, other.requires_grad)
        assert state_of(model, optimizer) == state_of(twin, its_optimizer)
    assert compiled.replayed == 3
    with pytest.raises(GraphError, match="a second time"):
        mine["more"][0].sum().backward()
    mine["detached"].zero_()
    assert mine["loss"].item() == 0


def replayed(**options):
    """A model, its optimizer, and its training step, after so many calls that the next is replayed."""
    model, optimizer, step = trainer(**options)
    compiled = microbp.compile(step)
    for _ in range(2):
        compiled(x, labels)
    return model, optimizer, compiled


def test_the_loss_has_a_graph_that_backward_was_run_through():
    _, _, compiled = replayed()
    loss = compiled(x, labels)
    assert compiled.replayed == 1
    assert loss.grad_fn.name() == "step"
    with pytest.raises(GraphError, match="a second time"):
        loss.backward()


def test_the_graph_holds_no_arguments():
    _, _, compiled = replayed()
    batch = x * 2.0
    ref = weakref.ref(batch)
    loss = compiled(batch, labels)
    del batch
    assert ref() is None
    assert loss.item() > 0


def test_the_source_tells_the_whole_step():
    _, _, compiled = replayed()
    assert compiled.source.startswith("def training_step(x, t, weight_0, bias_0, weight_2, bias_2):\n")
    assert compiled.source.rstrip().endswith(
        "# before: SGD.zero_grad()\n# then: the gradients go to their leaves\n# then: SGD.step()"
    )
    assert "    d_weight_2 = own(linear_dw(d_linear_3, tanh_2), d_linear_3)" in compiled.source


def test_nothing_outlives_the_compiled_step():
    model, optimizer, compiled = replayed()
    refs = [weakref.ref(model), weakref.ref(optimizer), weakref.ref(compiled)]
    gc.collect()
    gc.disable()
    try:
        loss = compiled(x, labels)
        del model, optimizer, compiled, loss
    finally:
        gc.enable()
    gc.collect()
    assert [ref() for ref in refs] == [None] * 3


# -- what cannot be replayed -----------------------------------------------------------------------

model, optimizer, _ = trainer()
parameters = list(model.parameters())
criterion = nn.CrossEntropyLoss()
plateau = optim.lr_scheduler.ReduceLROnPlateau(optimizer)


def loss_of(x, t):
    return criterion(model(x), t)


def with_closure(x, t):
    def closure():
        loss = loss_of(x, t)
        loss.backward()
        return loss

    return optimizer.step(closure)


def twice(x, t):
    loss_of(x, t).backward()
    loss_of(x * 2.0, t).backward()


def step_first(x, t):
    optimizer.step()
    loss_of(x, t).backward()


def forgetting_alone(x, t):
    optimizer.zero_grad()
    return loss_of(x, t)


def stepping_alone(x, t):
    optimizer.step()


def keeping(x, t):
    loss_of(x, t).backward(retain_graph=True)


def differentiable(x, t):
    loss_of(x, t).backward(create_graph=True)


def some_only(x, t):
    loss_of(x, t).backward(inputs=parameters[:1])


def scaled(x, t):
    loss_of(x, t).backward(microbp.tensor(2.0))


def several(x, t):
    autograd.backward([loss_of(x, t), loss_of(x, t)])


def by_grad(x, t):
    loss = loss_of(x, t)
    loss.backward(retain_graph=False)
    return autograd.grad(loss_of(x, t), parameters)[0].sum()


def looking(x, t):
    loss = loss_of(x, t)
    loss.backward()
    return loss.item()


def something_else(x, t):
    loss = loss_of(x, t)
    loss.backward()
    return x


def another_head(x, t):
    logits = model(x)
    criterion(logits, t).backward()
    return logits.exp()


def changed_before(x, t):
    loss = loss_of(x, t)
    loss.backward()
    optimizer.step()
    return model(x).detach()


def counting_objects(x, t):
    loss = loss_of(x, t)
    loss.backward()
    return loss, object()


def with_metric(x, t):
    loss = loss_of(x, t)
    loss.backward()
    plateau.step(loss)


def clipped_argument(x, t):
    loss_of(x, t).backward()
    nn.utils.clip_grad_norm_(x, 1.0)


def fresh_optimizer(x, t):
    loss_of(x, t).backward()
    optim.SGD(parameters, lr=0.1).step()


def averaged(x, t):
    loss_of(x, t).backward()
    optimizer.step()
    with microbp.no_grad():
        parameters[0].mul_(0.5)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (with_closure, "it calls SGD.step() with more than numbers and parameters"),
        (twice, "computes gradients more than once"),
        (step_first, "it calls SGD.step() before it computes gradients"),
        (forgetting_alone, "it calls SGD.zero_grad() without computing gradients"),
        (stepping_alone, "it calls SGD.step() without computing gradients"),
        (keeping, "other than by loss.backward()"),
        (differentiable, "other than by loss.backward()"),
        (some_only, "other than by loss.backward()"),
        (scaled, "other than by loss.backward()"),
        (several, "other than by loss.backward()"),
        (by_grad, "other than by loss.backward()"),
        (looking, "it looks at values"),
        (something_else, "it returns a view, or what it was given or found"),
        (another_head, "it returns what no backward pass has gone through"),
        (changed_before, "comes after parameters were changed"),
        (counting_objects, "it returns object, not tensors and numbers"),
        (with_metric, "it calls ReduceLROnPlateau.step() with more than numbers and parameters"),
        (clipped_argument, "it calls clip_grad_norm_() with more than numbers and parameters"),
        (fresh_optimizer, "was done to other objects"),
        (averaged, "it writes to tensors"),
    ],
)
@pytest.mark.filterwarnings("ignore:Using backward")
def test_what_cannot_be_replayed_runs_as_it_is_and_says_why(function, reason):
    compiled = microbp.compile(function)
    start = [p.array.copy() for p in parameters]

    def outcome(step):
        for p, array in zip(parameters, start, strict=True):
            p.array[...] = array
            p.grad = None
        for number in range(4):
            step(x * (number + 1.0), labels)
        return [(p.tolist(), None if p.grad is None else p.grad.tolist()) for p in parameters]

    assert outcome(compiled) == outcome(function)
    assert compiled.replayed == 0
    assert reason in compiled.reason
    strict = microbp.compile(function, fullgraph=True)
    with pytest.raises(CompileError):
        outcome(strict)


def test_gradients_of_arguments_are_computed_by_the_function_itself():
    _, _, step = trainer()
    compiled = microbp.compile(step)
    for _ in range(3):
        attacked = microbp.tensor(x.array, requires_grad=True)
        compiled(attacked, labels)
        assert attacked.grad.array.any()
    assert compiled.replayed == 0
    assert "gradients of an argument" in compiled.reason


# -- errors, observers, threads ----------------------------------------------------------------------


def test_errors_are_those_of_the_function_and_leave_what_it_leaves():
    model, optimizer, compiled = replayed()
    twin, its_optimizer, reference = trainer()
    for _ in range(2):
        reference(x, labels)
    bad = labels + 5
    for step in (compiled, reference):
        with pytest.raises(RangeError, match="out of range for 3 classes"):
            step(x, bad)
    assert state_of(model, optimizer) == state_of(twin, its_optimizer)


def test_a_refused_step_of_the_optimizer_is_refused():
    model, optimizer, compiled = replayed()
    before = [p.tolist() for p in model.parameters()]
    optimizer.param_groups[0]["lr"] = -1.0
    with pytest.raises(OptionError, match="lr"):
        compiled(x, labels)
    assert compiled.replayed == 0
    assert [p.tolist() for p in model.parameters()] == before


def test_under_observers_the_function_itself_runs():
    _, _, compiled = replayed()
    with autograd.detect_anomaly():
        loss = compiled(x, labels)
    assert compiled.replayed == 0
    assert loss.grad_fn.name() == "cross_entropy"


def test_what_another_thread_writes_meanwhile_is_noticed(monkeypatch):
    model, _, compiled = replayed()
    ((replay,),) = compiled._programs.values()
    program = replay.program
    honest = program.step

    def disturbed(*arrays):
        found = honest(*arrays)
        with microbp.no_grad():
            model[2].weight.zero_()
        return found

    monkeypatch.setattr(program, "step", disturbed)
    compiled(x, labels)
    assert compiled.replayed == 0  # the function itself ran, after the write
    assert model[0].weight.grad.tolist() == np.zeros((8, 4)).tolist()


def test_a_step_that_is_recorded_by_a_recorder_runs_as_it_is():
    model, optimizer, step = trainer()
    with lab.watch(model, optimizer, log="weights") as rec:

        @microbp.compile
        def recorded(x, t):
            loss = step(x, t)
            rec.step(loss)
            return loss

        for _ in range(5):
            recorded(x, labels)
    assert len(rec.run.steps) == 5
    assert recorded.replayed == 0

"""What a compiled function finds elsewhere: whatever of it changes, the function's own result is what one gets."""

from __future__ import annotations

import array
import contextvars
import functools
import gc
import threading
import types
import weakref

import numpy as np
import pytest

import microbp
from microbp import autograd, func, nn
from microbp.errors import CompileError, MutationError

SCALE = 2.0


class Settings:
    shared = 1.0

    def __init__(self):
        self.scale = 2.0

    def scaled(self, h):
        return (h * self.scale * self.shared).sum()


def scaled(h):
    return h * SCALE


def weights(*shape):
    return microbp.ones(*shape or (3,), requires_grad=True)


def follows(function, change, *, calls=4):
    """Whether a compiled function is replayed, and after a change still what the function itself is."""
    compiled = microbp.compile(function)
    for _ in range(calls):
        assert compiled(weights()).tolist() == function(weights()).tolist()
    inner = getattr(compiled, "compiled", compiled)  # of a module
    replayed, before = inner.replayed, function(weights()).tolist()
    change()
    assert function(weights()).tolist() != before
    for _ in range(calls):
        assert compiled(weights()).tolist() == function(weights()).tolist()
    return 0 < replayed < inner.replayed


def test_a_variable_of_the_function_around_that_is_bound_anew():
    target = microbp.ones(3)

    def change():
        nonlocal target
        target = microbp.full((3,), 5.0)

    assert follows(lambda h: (h * target).sum(), change)


def test_a_global_of_a_function_that_it_calls(monkeypatch):
    assert follows(lambda h: scaled(h).sum(), lambda: monkeypatch.setitem(globals(), "SCALE", 3.0))


def test_a_function_that_it_calls(monkeypatch):
    assert follows(lambda h: scaled(h).sum(), lambda: monkeypatch.setitem(globals(), "scaled", lambda h: h * 7.0))


@pytest.mark.parametrize("namespace", [Settings(), types.SimpleNamespace(scale=2.0), types.ModuleType("mine")])
def test_an_attribute_of_an_object_a_namespace_or_a_python_module(namespace):
    namespace.scale = 2.0
    assert follows(lambda h: (h * namespace.scale).sum(), lambda: setattr(namespace, "scale", 3.0))


def test_an_attribute_of_the_object_whose_method_it_is():
    mine = Settings()
    assert follows(mine.scaled, lambda: setattr(mine, "scale", 3.0))


def test_an_attribute_that_an_object_gets_over_its_class():
    mine = Settings()
    assert follows(mine.scaled, lambda: setattr(mine, "shared", 3.0))


def test_an_attribute_of_a_class(monkeypatch):
    assert follows(Settings().scaled, lambda: monkeypatch.setattr(Settings, "shared", 3.0))


@pytest.mark.parametrize(
    ("held", "change"),
    [
        ([2.0, 1.0], lambda held: held.__setitem__(0, 3.0)),
        ({0: 2.0}, lambda held: held.__setitem__(0, 3.0)),
        ([[2.0]], lambda held: held[0].__setitem__(0, 3.0)),
    ],
)
def test_what_lists_and_dicts_hold(held, change):
    def first(value):
        return first(value[0]) if isinstance(value, list | dict) else value

    assert follows(lambda h: (h * first(held)).sum(), lambda: change(held))


def test_a_list_that_grows():
    terms = [1.0]
    assert follows(lambda h: sum((h * term).sum() for term in terms), lambda: terms.append(2.0))


def test_a_default_and_a_partial_argument():
    held = [2.0]
    assert follows(functools.partial(lambda h, by: (h * by[0]).sum(), by=held), lambda: held.__setitem__(0, 3.0))


def test_a_module_in_a_variable_that_is_replaced():
    layer = nn.Linear(3, 1)

    def change():
        nonlocal layer
        layer = nn.Linear(3, 1)

    assert follows(lambda h: layer(h).sum(), change)


def test_a_layer_whose_call_leaves_no_operation():
    drop = nn.Dropout(1.0).eval()
    assert drop(weights()).sum().item() == 3.0
    compiled = microbp.compile(lambda h: drop(h).sum())
    for _ in range(4):
        assert compiled(weights()).item() == 3.0
    assert compiled.replayed == 2
    drop.train()
    assert compiled(weights()).item() == 0.0


def test_a_container_that_a_module_holds():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.scales = {"all": 2.0}

        def forward(self, h):
            return (h * self.scales["all"]).sum()

    model = Scaled()
    assert follows(model, lambda: model.scales.update(all=3.0))


def test_parameters_in_lists_and_dicts_that_are_replaced():
    class Listed(nn.Module):
        def __init__(self):
            super().__init__()
            self.some = nn.ParameterList([microbp.ones(3)])
            self.more = nn.ParameterDict({"a": microbp.ones(3)})

        def forward(self, h):
            return (h * self.some[0] * self.more["a"]).sum()

    model = Listed()
    assert follows(model, lambda: model.some.__setitem__(0, nn.Parameter(microbp.full((3,), 2.0))))
    assert follows(model, lambda: model.more.update({"a": nn.Parameter(microbp.full((3,), 2.0))}))


def test_the_default_dtype():
    counts = microbp.tensor([1, 2, 3])
    compiled = microbp.compile(lambda t: (t / 2).sum())
    for _ in range(3):
        assert compiled(counts).dtype == microbp.float32
    microbp.set_default_dtype(microbp.float64)
    try:
        assert compiled(counts).dtype == (counts / 2).sum().dtype
    finally:
        microbp.set_default_dtype(microbp.float32)


def test_attributes_are_not_taken_for_globals_of_the_same_name(monkeypatch):
    mine = Settings()
    compiled = microbp.compile(lambda h: (h * mine.scale).sum())
    for step in range(5):
        monkeypatch.setitem(globals(), "scale", step)
        compiled(weights())
    assert compiled.replayed == 3


def test_more_than_can_be_compared_is_not_replayed():
    many = [float(k) for k in range(5000)]
    compiled = microbp.compile(lambda h: (h * many[0]).sum())
    for _ in range(3):
        compiled(weights())
    assert compiled.replayed == 0
    assert "too many objects" in compiled.reason


# -- what a function does besides -------------------------------------------------------------


def test_what_it_appends_to_a_list_is_there_after_each_call():
    seen = []

    def logged(h):
        seen.append(h.shape)
        return h.sum()

    compiled = microbp.compile(logged)
    for _ in range(5):
        compiled(weights())
    assert len(seen) == 5


def test_what_a_module_sets_on_itself_is_there_after_each_call():
    class Remembering(nn.Module):
        def forward(self, h):
            self.last = h * 2.0
            return self.last.sum()

    model = Remembering()
    compiled = microbp.compile(model)
    for value in (1.0, 2.0, 3.0, 4.0):
        compiled(microbp.full((3,), value))
        assert model.last.tolist() == [2.0 * value] * 3
        assert not model.last.requires_grad
    assert compiled.compiled.reason == "it changes modules"


@pytest.mark.parametrize(
    "effect",
    [
        lambda h, seen: h.register_hook(lambda g: seen.append(1)),
        lambda h, seen: h.retain_grad(),
        lambda h, seen: h.data.mul_(2.0),
        lambda h, seen: setattr(h, "data", microbp.full((3,), 2.0)),
        lambda h, seen: setattr(h, "grad", microbp.ones(3)),
    ],
)
@pytest.mark.parametrize("leaf", [True, False])
def test_what_it_does_to_its_arguments_is_done_each_time(effect, leaf):
    def outcome(function):
        seen.clear()
        w = weights()
        h = w if leaf else w * 1.0
        function(h).backward()
        return w.grad.tolist(), h.tolist(), h.retains_grad, len(seen)

    def touching(h):
        effect(h, seen)
        return (h * h).sum()

    seen = []
    compiled = microbp.compile(touching)
    expected = outcome(touching)
    assert [outcome(compiled) for _ in range(4)] == [expected] * 4


def test_what_is_a_view_for_some_memory_layouts_is_one():
    compiled = microbp.compile(lambda h: h.reshape(-1))
    for _ in range(3):
        compiled(microbp.ones(3, 3).T)
    h = microbp.ones(3, 3)
    compiled(h)[0] = 5.0
    assert h[0, 0].item() == 5.0
    assert h.version > 0


def test_requires_grad_set_inside_is_set():
    def needing(h):
        h.requires_grad_()
        return (h * h).sum()

    compiled = microbp.compile(needing)
    for _ in range(4):
        h = microbp.ones(3)
        compiled(h).backward()
        assert h.grad.tolist() == [2.0] * 3


def test_a_branch_on_requires_grad_is_taken_as_it_is():
    compiled = microbp.compile(lambda h: (h * 2.0).sum() if h.requires_grad else (h * 3.0).sum())
    for _ in range(4):
        assert compiled(microbp.ones(3)).item() == 9.0
        assert compiled(weights()).item() == 6.0
    assert compiled.replayed == 4


def test_arguments_that_need_no_gradient_are_what_they_are_while_it_is_recorded():
    kept = {}

    def looking(h):
        kept["same"] = h
        kept["array"] = (h * 2.0).numpy()
        return (h + 1.0).sum()

    h = microbp.ones(3)
    looking(h)
    compiled = microbp.compile(looking)
    for _ in range(4):
        assert not compiled(h).requires_grad
        assert kept["same"] is h


def test_an_error_while_it_is_recorded_is_raised_once():
    calls = []

    def failing(h):
        calls.append(microbp.rand(1).item())
        raise ValueError("never")

    with pytest.raises(ValueError, match="never"):
        microbp.compile(failing)(weights())
    assert len(calls) == 1


def test_gradients_that_it_uses_are_those_of_now():
    w = microbp.ones(3, requires_grad=True)
    (w * 2.0).sum().backward()
    compiled = microbp.compile(lambda h: (h * w.grad).sum())
    for value in (1.0, 1.0, 1.0, 5.0):
        w.grad = w.grad if value == 1.0 else microbp.full((3,), value)
        assert compiled(weights()).item() == 3.0 * w.grad[0].item()


# -- second derivatives, memory, threads --------------------------------------------------------


def test_second_derivatives_of_what_was_changed_since_are_refused():
    scale = 2.0
    compiled = microbp.compile(lambda h, b: (((h + b) * scale) ** 3).sum())
    b = microbp.ones(3)
    for _ in range(3):
        h = weights()
        value = compiled(h, b)
    assert compiled.replayed == 1
    with microbp.no_grad():
        b.mul_(2.0)
    with pytest.raises(MutationError, match="needs b"):
        autograd.grad(value, h, create_graph=True, retain_graph=True)
    value = compiled(h, b)
    scale = 3.0
    with pytest.raises(MutationError, match="something that it uses was changed"):
        autograd.grad(value, h, create_graph=True)


def test_numbers_that_count_up_do_not_fill_the_memory():
    compiled = microbp.compile(lambda h, step: (h * step).sum())
    for step in range(300):
        assert compiled(weights(), step).item() == 3.0 * step
    assert len(compiled._tries) + len(compiled._first) < 300
    assert "more than 64 kinds" in compiled.reason


def test_a_kind_of_argument_that_is_no_tensor_is_said():
    compiled = microbp.compile(lambda pair: (pair[0] * pair[1]).sum())
    assert compiled((weights(), weights())).item() == 3.0
    assert "an argument is neither" in compiled.reason
    with pytest.raises(CompileError, match="an argument is neither"):
        microbp.compile(lambda pair: pair[0].sum(), fullgraph=True)((weights(),))


def test_nothing_outlives_the_compiled_function_and_its_graphs():
    gc.collect()
    gc.disable()
    try:
        model: nn.Linear | None = nn.Linear(3, 2)
        compiled = microbp.compile(lambda h: (model(h) ** 2).sum())
        for _ in range(4):
            h = weights()
            compiled(h).backward()
        assert compiled.replayed == 2
        watched = weakref.ref(model.weight), weakref.ref(h), weakref.ref(compiled)
        model = None
        del compiled, h
        assert [reference() for reference in watched] == [None] * 3
    finally:
        gc.enable()


def test_threads_share_a_compiled_function():
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    compiled = microbp.compile(lambda h: (model(h) ** 2).sum())
    inputs = [microbp.tensor(np.random.default_rng(k).normal(size=(5, 4)).astype(np.float32)) for k in range(8)]
    expected = [(model(h) ** 2).sum().item() for h in inputs]
    wrong = []

    def work(k):
        for _ in range(50):
            if compiled(inputs[k]).item() != expected[k]:
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert compiled.replayed > 300


def test_parameters_that_functional_call_puts_in():
    model = nn.Linear(3, 2)
    compiled = microbp.compile(model)
    h = microbp.ones(1, 3)
    for _ in range(3):
        compiled(h)
    assert compiled.compiled.replayed == 1
    other = {name: parameter.detach() * 2.0 for name, parameter in model.named_parameters()}
    expected = func.functional_call(model, other, (h,)).tolist()
    named = {f"_orig_mod.{name}": tensor for name, tensor in other.items()}
    assert func.functional_call(compiled, named, (h,)).tolist() == expected
    assert compiled(h).tolist() == model(h).tolist() != expected


# -- what is no attribute, list or dict ------------------------------------------------------------


class Slotted:
    __slots__ = ("scale", "unset")


def test_an_attribute_in_a_slot():
    mine = Slotted()
    mine.scale = 2.0
    assert follows(lambda h: (h * mine.scale).sum(), lambda: setattr(mine, "scale", 3.0))


def test_an_attribute_of_a_function():
    def by(h):
        return h * by.scale

    by.scale = 2.0
    assert follows(lambda h: by(h).sum(), lambda: setattr(by, "scale", 3.0))


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("__defaults__", (3.0,)),
        ("__kwdefaults__", {"more": 3.0}),
        ("__code__", (lambda h, by=2.0, *, more=1.0: h * by * more * 2.0).__code__),
    ],
)
def test_the_definition_of_a_function(name, other):
    def scaled_by(h, by=2.0, *, more=1.0):
        return h * by * more

    assert follows(lambda h: scaled_by(h).sum(), lambda: setattr(scaled_by, name, other))


def test_a_default_that_is_replaced_in_its_dict():
    def scaled_by(h, *, by=2.0):
        return h * by

    assert follows(lambda h: scaled_by(h).sum(), lambda: scaled_by.__kwdefaults__.update(by=3.0))


def test_a_context_variable():
    scale = contextvars.ContextVar("scale", default=2.0)
    assert follows(lambda h: (h * scale.get()).sum(), lambda: scale.set(3.0))


def test_what_a_weak_reference_leads_to():
    mine = Settings()
    reference = weakref.ref(mine)
    assert follows(lambda h: (h * reference().scale).sum(), lambda: setattr(mine, "scale", 3.0))


def test_what_a_method_of_the_standard_library_may_look_at():
    event = threading.Event()
    assert follows(lambda h: (h * (2.0 if event.is_set() else 1.0)).sum(), event.set)


@pytest.mark.parametrize("make", [lambda: array.array("f", [2.0]), lambda: bytearray([2])])
def test_memory_that_cannot_be_compared_is_not_replayed(make):
    held = make()

    def change():
        held[0] = 3

    assert not follows(lambda h: (h * held[0]).sum(), change)


def test_small_arrays_are_compared_and_large_ones_are_too_much():
    for size, is_replayed in ((5, True), (10_000, False)):
        held = np.full(size, 2.0)
        assert follows(lambda h, held=held: (h * held[0]).sum(), lambda held=held: held.fill(3.0)) == is_replayed


@pytest.mark.parametrize(
    ("ask", "change"),
    [
        (lambda t: t.requires_grad, lambda t: t.requires_grad_()),
        (lambda t: t.grad is not None, lambda t: setattr(t, "grad", microbp.ones(2))),
        (lambda t: t.name == "changed", lambda t: setattr(t, "name", "changed")),
        (lambda t: t.shape == (3,), lambda t: setattr(t, "data", microbp.ones(3))),
        (lambda t: len(t) == 3, lambda t: setattr(t, "data", microbp.ones(3))),
    ],
)
def test_what_is_asked_of_a_tensor_that_takes_part_in_no_operation(ask, change):
    other = microbp.ones(2)
    assert follows(lambda h: (h * (2.0 if ask(other) else 1.0)).sum(), lambda: change(other))


@pytest.mark.parametrize(
    ("ask", "change"),
    [
        (lambda t: t.grad is not None, lambda t: setattr(t, "grad", microbp.ones(3))),
        (lambda t: t.name == "changed", lambda t: setattr(t, "name", "changed")),
    ],
)
def test_what_is_asked_of_an_argument(ask, change):
    compiled = microbp.compile(lambda h: (h * (2.0 if ask(h) else 1.0)).sum())
    for _ in range(3):
        assert compiled(weights()).item() == 3.0
    assert compiled.replayed == 1
    other = weights()
    change(other)
    assert compiled(other).item() == 6.0
    assert compiled(weights()).item() == 3.0


def test_the_layout_of_memory_is_asked_each_time():
    compiled = microbp.compile(lambda h: (h * (2.0 if h.is_contiguous() else 1.0)).sum())
    for _ in range(3):
        compiled(microbp.ones(3, 2, requires_grad=True))
    assert compiled(microbp.ones(2, 3).T.detach().requires_grad_()).item() == 6.0
    assert "laid out" in compiled.reason


@pytest.mark.parametrize(
    "ask", [lambda it: getattr(it, "double", False), lambda it: hasattr(it, "double"), lambda it: "double" in vars(it)]
)
@pytest.mark.parametrize("make", [Settings, lambda: type("Other", (), {})()])
def test_an_attribute_that_is_not_there_yet(ask, make):
    mine = make()
    assert follows(lambda h: (h * (2.0 if ask(mine) else 1.0)).sum(), lambda: setattr(mine, "double", True))


class Implicit:
    """Gives its scale in many ways, whose names no caller needs."""

    def __init__(self):
        self.scale_of_mine = 2.0

    def __getitem__(self, key):
        return self.scale_of_mine

    def __rmul__(self, h):
        return h.mul(self.scale_of_mine)

    def __float__(self):
        return self.scale_of_mine

    def __get__(self, instance, owner):
        return self.scale_of_mine

    def __iter__(self):
        return iter([self.scale_of_mine])


@pytest.mark.parametrize(
    "scaled_by",
    [
        lambda h, it: h * it["scale"],
        lambda h, it: h * float(it),
        lambda h, it: h * next(iter(it)),
        lambda h, it: it.__rmul__(h),
    ],
)
def test_methods_that_are_called_without_their_names(scaled_by):
    mine = Implicit()
    assert follows(lambda h: scaled_by(h, mine).sum(), lambda: setattr(mine, "scale_of_mine", 3.0))


def test_a_descriptor():
    held = Implicit()
    mine = type("Owner", (), {"scale": held})()
    assert follows(lambda h: (h * mine.scale).sum(), lambda: setattr(held, "scale_of_mine", 3.0))


@pytest.mark.parametrize("base", [list, dict, set])
def test_an_attribute_of_a_container_of_ones_own(base):
    mine = type("Container", (base,), {"scale": 2.0})()
    assert follows(lambda h: (h * mine.scale).sum(), lambda: setattr(mine, "scale", 3.0))

"""Memory: graphs die by reference counting, failures and dropped work leave nothing behind.

What ``tests/test_lifetime.py`` shows in the small is tried here over many programs, and long.
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import microbp
from microbp.nn import functional as F
from tests.leaves import leaf
from tests.reliability.alone import run

TEN_THOUSAND_STEPS = """
import gc, sys
import microbp

def resident():
    with open("/proc/self/statm") as status:
        return int(status.read().split()[1]) * 4096

model = microbp.nn.Sequential(microbp.nn.Linear(8, 16), microbp.nn.Tanh(), microbp.nn.Linear(16, 3))
optimizer = microbp.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
x, target = microbp.randn(32, 8), microbp.randint(0, 3, (32,))
criterion = microbp.nn.CrossEntropyLoss()

def step():
    optimizer.zero_grad()
    loss = criterion(model(x), target)
    loss.backward()
    optimizer.step()
    model(x)
    try:
        model(x) @ x
    except RuntimeError:
        pass
    with microbp.no_grad():
        model(x)

gc.collect()
gc.disable()
for _ in range(500):
    step()
gc.collect()  # also empties the lists of free objects
objects, blocks, memory = len(gc.get_objects()), sys.getallocatedblocks(), resident()
for _ in range(10_000):
    step()
grown = len(gc.get_objects()) - objects, resident() - memory
gc.collect()
print(grown[0], sys.getallocatedblocks() - blocks, grown[1])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the resident memory where Linux shows it")
def test_ten_thousand_steps_with_the_collector_off_do_not_grow() -> None:
    objects, blocks, memory = map(int, run(TEN_THOUSAND_STEPS).split())
    assert objects < 20
    assert blocks < 200
    assert memory < 2 * 2**20


class Doubled(microbp.autograd.Function):
    """y = 2 a, by hand."""

    @staticmethod
    def forward(ctx: Any, a: Any) -> Any:
        ctx.save_for_backward(a)
        return a * 2

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * 2


W = microbp.ones(3, 3, dtype=microbp.float64).requires_grad_()
X = microbp.ones(2, 3, dtype=microbp.float64)


def second_derivatives() -> None:
    (g,) = microbp.autograd.grad((X @ W).tanh().sum(), W, create_graph=True)
    microbp.autograd.grad((g * g).sum(), W)


def accumulated_second_derivatives() -> None:
    w = leaf(1.0, 2.0)
    (w * w * w).sum().backward(create_graph=True)
    assert w.grad is not None
    w.grad.sum().backward()
    w.grad = None  # as in PyTorch, a recorded gradient and its leaf hold each other


def writes_into_views() -> None:
    y = microbp.zeros(3, 3, dtype=microbp.float64)
    for k in range(3):
        y[:, k] = (X @ W)[0] * k
    y[0].mul_(2.0)
    y.sum().backward()


def hooks() -> None:
    y = X @ W
    y.retain_grad()
    handle = y.register_hook(lambda g: g * 2)
    y.sum().backward()
    handle.remove()
    handle = W.register_hook(lambda g: g * 1)
    (X @ W).sum().backward()
    handle.remove()


def dropped_forwards() -> None:
    y = (X @ W).exp()
    z = y[0] + y[1]
    z.reshape(3, 1).expand(3, 3).sum()


def functions_of_ones_own() -> None:
    Doubled.apply(W).sum().backward()
    Doubled.apply(W)


def transforms() -> None:
    microbp.func.grad(lambda w: (X @ w).exp().sum())(W.detach())
    microbp.autograd.functional.jacobian(lambda w: (w * w).sum(0), W.detach())


def modes() -> None:
    with microbp.no_grad(), microbp.enable_grad(), microbp.inference_mode():
        X @ W
    microbp.set_grad_enabled(True)


def retained_graphs() -> None:
    y = (X @ W).sum()
    y.backward(retain_graph=True)
    y.backward()


def through_numpy() -> None:
    np.exp(np.asarray(X) @ W).sum().backward()
    np.concatenate([W, X])


def copies_and_data() -> None:
    w = W.clone().detach().requires_grad_()
    w.data = microbp.zeros(3, 3, dtype=microbp.float64)
    w.data += 1.0
    w.detach().mul_(2.0)


PROGRAMS = [
    accumulated_second_derivatives,
    copies_and_data,
    dropped_forwards,
    functions_of_ones_own,
    hooks,
    modes,
    retained_graphs,
    second_derivatives,
    through_numpy,
    transforms,
    writes_into_views,
]


@pytest.fixture
def collector_off() -> Iterator[None]:
    """Only reference counting frees anything."""
    gc.disable()
    yield
    gc.enable()


def growth(program: Callable[[], Any], times: int = 200) -> tuple[int, int]:
    """By how many objects, collector off, and how many blocks of memory the process grows over many runs.

    The smallest growth of three rounds counts: a leak shows in each, but NumPy and the interpreter, too, remember
    things now and then. Blocks are counted after a collection, which empties the interpreter's lists of free objects.
    """
    found = []
    for _ in range(3):
        gc.collect()
        objects, blocks = len(gc.get_objects()), sys.getallocatedblocks()
        for _ in range(times):
            program()
        W.grad = None
        grown = len(gc.get_objects()) - objects
        gc.collect()
        found.append((grown, sys.getallocatedblocks() - blocks))
    return min(objects for objects, _ in found), min(blocks for _, blocks in found)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_no_program_needs_the_collector(program: Callable[[], Any], collector_off: None) -> None:
    objects, blocks = growth(program)
    assert objects < 20
    assert blocks < 50


FAILURES: list[Callable[[], Any]] = [
    lambda: W @ microbp.ones(2),
    lambda: (W * 2) + microbp.ones(7),
    lambda: (W * 2).reshape(5),
    lambda: (W * 2).backward(),
    lambda: (W * 2).sum().backward(microbp.ones(2, dtype=microbp.float64)),
    lambda: W.mul_(2.0),
    lambda: (W * 2)[5],
    lambda: (W * 2).cumsum(7),
    lambda: microbp.cat([W, microbp.ones(1)]),
    lambda: F.cross_entropy(W * 1, microbp.tensor([0, 1, 9])),
    lambda: F.mse_loss(W * 1, "a"),
    lambda: microbp.autograd.grad((W * 2).sum(), leaf(1.0)),
    lambda: Doubled.apply(W * 2, 3),
    lambda: np.median(W * 2, axis=0, out=W),
    lambda: microbp.nn.Linear(3, 3)(X.float() @ microbp.ones(2, 2)),
    lambda: microbp.tensor([W, "a"]),
    lambda: (W * 2).add_(microbp.ones(5, 5)),
    lambda: microbp.optim.SGD([W * 2], lr=0.1),
]


@pytest.mark.parametrize("number", range(len(FAILURES)))
def test_a_failed_operation_leaves_nothing_behind(number: int, collector_off: None) -> None:
    def attempt() -> None:
        try:
            FAILURES[number]()
        except Exception:
            return
        pytest.fail("it did not fail")

    objects, blocks = growth(attempt, times=50)
    assert objects < 20
    assert blocks < 50


def test_a_backward_pass_that_fails_frees_its_graph(collector_off: None) -> None:
    y = W * 2
    node = weakref.ref(y.grad_fn)
    y.register_hook(lambda g: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        y.sum().backward()
    del y
    assert node() is None


def test_a_hundred_kept_losses_keep_no_arrays() -> None:
    w = microbp.ones(1, 50_000, requires_grad=True)
    losses = []
    (w.exp() * 2.0).tanh().sum().backward()
    tracemalloc.start()
    try:
        for _ in range(100):
            loss = (w.exp() * 2.0).tanh().sum()
            loss.backward()
            losses.append(loss)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 2**20, "an array of this graph has 200 kB"


def test_arrays_die_as_the_backward_pass_goes() -> None:
    w = leaf(*range(4))
    first = w * 2.0
    y = (first * first).exp()
    arrays = [weakref.ref(first.array), weakref.ref(y.array)]
    loss = y.sum()
    del first, y
    assert all(array() is not None for array in arrays)
    loss.backward()
    assert all(array() is None for array in arrays)


def test_what_no_rule_asks_for_is_not_kept() -> None:
    w = leaf(1.0, 2.0)
    middle = w + 1.0
    array = weakref.ref(middle.array)
    total = (middle - 3.0).sum()
    del middle
    assert array() is None
    total.backward()


def test_nothing_is_kept_inside_no_grad() -> None:
    with microbp.no_grad():
        y = W * 2
        array = weakref.ref(y.array)
        z = y * y
    del y
    assert array() is None
    assert z.grad_fn is None


def test_a_base_does_not_outlive_its_last_view() -> None:
    base = microbp.ones(10)
    gone = weakref.ref(base)
    view = base[2:][1:]
    del base
    assert view.tolist() == [1.0] * 7
    del view
    assert gone() is None

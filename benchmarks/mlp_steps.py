"""One training step of a multilayer perceptron, as users of each framework write it.

A step is forward, backward, step of the optimizer and the loss as a Python number. Every
function here takes the same data and returns the step as a callable, or None if its
framework is not installed. All start from the same weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

import microbp
from benchmarks.peers import peer

Array = np.ndarray[Any, Any]
Step = Callable[[], float]
Update = Callable[[Sequence[Array]], None]

LEARNING_RATE = {"SGD": 0.01, "Adam": 0.001}
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def weights_of(sizes: Sequence[int]) -> list[tuple[Array, Array]]:
    """The first weights of every contender: He et al.'s normal initialisation, zero biases."""
    rng = np.random.default_rng(0)
    return [
        ((rng.normal(size=(n, m)) * np.sqrt(2 / m)).astype(np.float32), np.zeros(n, np.float32))
        for m, n in pairwise(sizes)
    ]


def data_for(batch: int, sizes: Sequence[int]) -> tuple[Array, Array]:
    """A batch of inputs and labels."""
    rng = np.random.default_rng(1)
    return rng.normal(size=(batch, sizes[0])).astype(np.float32), rng.integers(0, sizes[-1], size=batch)


def sgd_by_hand(parameters: Sequence[Array]) -> Update:
    """Stochastic gradient descent on NumPy arrays."""
    rate = LEARNING_RATE["SGD"]

    def update(gradients: Sequence[Array]) -> None:
        for p, g in zip(parameters, gradients, strict=True):
            p -= rate * g

    return update


def adam_by_hand(parameters: Sequence[Array]) -> Update:
    """Adam on NumPy arrays."""
    rate = LEARNING_RATE["Adam"]
    moments = [(np.zeros_like(p), np.zeros_like(p)) for p in parameters]
    steps = 0

    def update(gradients: Sequence[Array]) -> None:
        nonlocal steps
        steps += 1
        corrected, root = rate / (1 - BETA1**steps), math.sqrt(1 - BETA2**steps)
        for p, g, (m, v) in zip(parameters, gradients, moments, strict=True):
            m *= BETA1
            m += (1 - BETA1) * g
            v *= BETA2
            v += (1 - BETA2) * g * g
            p -= corrected * m / (np.sqrt(v) / root + EPSILON)

    return update


BY_HAND = {"SGD": sgd_by_hand, "Adam": adam_by_hand}


def by_hand(x: Array, labels: Array, sizes: Sequence[int], optimizer: str) -> Step:
    """The step as an expert writes it in NumPy, without any framework."""
    layers = [(w.copy(), b.copy()) for w, b in weights_of(sizes)]
    update = BY_HAND[optimizer]([p for layer in layers for p in layer])
    rows = np.arange(len(x))

    def step() -> float:
        kept = [x]
        h = x
        for k, (w, b) in enumerate(layers):
            h = h @ w.T + b
            if k < len(layers) - 1:
                h = np.maximum(h, 0)
                kept.append(h)
        shifted = h - h.max(axis=1, keepdims=True)
        p = np.exp(shifted)
        total = p.sum(axis=1, keepdims=True)
        loss = (np.log(total[:, 0]) - shifted[rows, labels]).mean()
        g = p / total
        g[rows, labels] -= 1
        g /= len(x)
        gradients: list[Array] = []
        for k in range(len(layers) - 1, -1, -1):
            gradients[:0] = g.T @ kept[k], g.sum(axis=0)
            if k:
                g = (g @ layers[k][0]) * (kept[k] > 0)
        update(gradients)
        return float(loss)

    return step


def products_alone(x: Array, labels: Array, sizes: Sequence[int], optimizer: str) -> Step:
    """Nothing but the matrix products of the step: what no program on the same BLAS can do without."""
    weights = [w for w, _ in weights_of(sizes)]
    layers = [np.ones((len(x), n), np.float32) for n in sizes[1:]]

    def step() -> float:
        for k, (w, g) in enumerate(zip(weights, layers, strict=True)):
            h = layers[k - 1] if k else x
            h @ w.T
            g.T @ h
            if k:
                g @ w
        return 0.0

    return step


def like_pytorch(
    lib: Any, x: Array, labels: Array, sizes: Sequence[int], optimizer: str, compiled: str = ""
) -> Step | None:
    """The step as PyTorch's tutorials write it, for microbp or PyTorch; perhaps with the loss or the step compiled."""
    if lib is None:
        return None
    layers = []
    for k, (w, b) in enumerate(weights_of(sizes)):
        linear = lib.nn.Linear(w.shape[1], w.shape[0])
        with lib.no_grad():
            linear.weight.copy_(lib.tensor(w))
            linear.bias.copy_(lib.tensor(b))
        layers += [linear, lib.nn.ReLU()] if k < len(sizes) - 2 else [linear]
    model = lib.nn.Sequential(*layers)
    criterion = lib.nn.CrossEntropyLoss()
    chosen = getattr(lib.optim, optimizer)(model.parameters(), lr=LEARNING_RATE[optimizer])
    inputs, targets = lib.tensor(x), lib.tensor(labels)

    def loss_of(inputs: Any, targets: Any) -> Any:
        return criterion(model(inputs), targets)

    evaluate = lib.compile(loss_of) if compiled == "loss" else loss_of

    def train(inputs: Any, targets: Any) -> Any:
        chosen.zero_grad()
        loss = evaluate(inputs, targets)
        loss.backward()
        chosen.step()
        return loss

    step = lib.compile(train) if compiled == "step" else train
    return lambda: step(inputs, targets).item()


def with_pytorch(x: Array, labels: Array, sizes: Sequence[int], optimizer: str) -> Step | None:
    """PyTorch eager."""
    return like_pytorch(peer("torch"), x, labels, sizes, optimizer)


def with_jax(x: Array, labels: Array, sizes: Sequence[int], optimizer: str) -> Step | None:
    """The whole step compiled by jax.jit, which may reuse the memory of the old weights."""
    jax = peer("jax")
    if jax is None:
        return None
    jnp = jax.numpy

    def loss_of(parameters: Any, inputs: Any, targets: Any) -> Any:
        *hidden, (w, b) = parameters
        for v, c in hidden:
            inputs = jax.nn.relu(inputs @ v.T + c)
        chosen = jnp.take_along_axis(jax.nn.log_softmax(inputs @ w.T + b), targets[:, None], axis=1)
        return -chosen.mean()

    def sgd(parameters: Any, gradients: Any, state: Any) -> tuple[Any, Any]:
        return jax.tree.map(lambda p, g: p - LEARNING_RATE["SGD"] * g, parameters, gradients), state

    def adam(parameters: Any, gradients: Any, state: Any) -> tuple[Any, Any]:
        steps, m, v = state
        steps += 1
        m = jax.tree.map(lambda m, g: BETA1 * m + (1 - BETA1) * g, m, gradients)
        v = jax.tree.map(lambda v, g: BETA2 * v + (1 - BETA2) * g * g, v, gradients)
        rate, root = LEARNING_RATE["Adam"] / (1 - BETA1**steps), jnp.sqrt(1 - BETA2**steps)
        stepped = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) / root + EPSILON), parameters, m, v)
        return stepped, (steps, m, v)

    change = {"SGD": sgd, "Adam": adam}[optimizer]

    @partial(jax.jit, donate_argnums=(0, 1))
    def compiled(parameters: Any, state: Any, inputs: Any, targets: Any) -> tuple[Any, Any, Any]:
        loss, gradients = jax.value_and_grad(loss_of)(parameters, inputs, targets)
        return loss, *change(parameters, gradients, state)

    parameters = [(jnp.array(w), jnp.array(b)) for w, b in weights_of(sizes)]
    zeros = [jax.tree.map(jnp.zeros_like, parameters) for _ in range(2)]
    state = (jnp.zeros(()), *zeros) if optimizer == "Adam" else ()
    inputs, targets = jnp.array(x), jnp.array(labels)

    def step() -> float:
        nonlocal parameters, state
        loss, parameters, state = compiled(parameters, state, inputs, targets)
        return float(loss)

    return step


def with_mygrad(x: Array, labels: Array, sizes: Sequence[int], optimizer: str) -> Step | None:
    """MyGrad with its own activations and loss, and without its guard of memory, as its guide to performance says."""
    mygrad = peer("mygrad")
    if mygrad is None:
        return None
    mygrad.turn_memory_guarding_off()
    relu = peer("mygrad.nnet.activations").relu
    cross_entropy = peer("mygrad.nnet.losses").softmax_crossentropy
    layers = [(mygrad.tensor(w), mygrad.tensor(b)) for w, b in weights_of(sizes)]
    parameters = [p for layer in layers for p in layer]
    update = BY_HAND[optimizer]([p.data for p in parameters])

    def step() -> float:
        h = x
        for k, (w, b) in enumerate(layers):
            h = mygrad.matmul(h, w.T) + b
            if k < len(layers) - 1:
                h = relu(h)
        loss = cross_entropy(h, labels)
        loss.backward()
        update([p.grad for p in parameters])
        return loss.item()

    return step


def with_hips(x: Array, labels: Array, sizes: Sequence[int], optimizer: str) -> Step | None:
    """HIPS autograd, with its own logsumexp."""
    autograd = peer("autograd")
    if autograd is None:
        return None
    numpy, logsumexp = peer("autograd.numpy"), peer("autograd.scipy.special").logsumexp
    parameters = [p.copy() for layer in weights_of(sizes) for p in layer]
    update = BY_HAND[optimizer](parameters)
    rows = np.arange(len(x))

    def loss_of(parameters: list[Any]) -> Any:
        h: Any = x
        for k in range(0, len(parameters), 2):
            h = numpy.dot(h, parameters[k].T) + parameters[k + 1]
            if k < len(parameters) - 2:
                h = numpy.maximum(h, 0)
        return numpy.mean(logsumexp(h, axis=1) - h[rows, labels])

    value_and_gradients = autograd.value_and_grad(loss_of)

    def step() -> float:
        loss, gradients = value_and_gradients(parameters)
        update(gradients)
        return float(loss)

    return step


CONTENDERS: dict[str, Callable[[Array, Array, Sequence[int], str], Step | None]] = {
    "NumPy by hand": by_hand,
    "microbp": partial(like_pytorch, microbp),
    "loss compiled": partial(like_pytorch, microbp, compiled="loss"),
    "step compiled": partial(like_pytorch, microbp, compiled="step"),
    "PyTorch": with_pytorch,
    "jax.jit": with_jax,
    "MyGrad": with_mygrad,
    "HIPS autograd": with_hips,
}

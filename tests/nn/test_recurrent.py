"""Recurrent layers against PyTorch's, from its weights, in every form."""

from __future__ import annotations

import inspect
import itertools

import numpy as np
import pytest

import microbp
from microbp import nn
from microbp.errors import DtypeError, OptionError, ShapeError
from tests.referee import compare, torch
from tests.samples import normal

LAYERS = [
    ("RNN", {}),
    ("RNN", {"nonlinearity": "relu", "num_layers": 2, "bias": False}),
    ("RNN", {"num_layers": 2, "bidirectional": True, "batch_first": True}),
    ("GRU", {}),
    ("GRU", {"bias": False, "bidirectional": True}),
    ("GRU", {"num_layers": 3, "batch_first": True, "bidirectional": True}),
    ("LSTM", {}),
    ("LSTM", {"bias": False, "num_layers": 2}),
    ("LSTM", {"proj_size": 2, "num_layers": 2, "bidirectional": True}),
    ("LSTM", {"num_layers": 2, "batch_first": True, "bidirectional": True, "dropout": 0.5}),
]
CELLS = [
    ("RNNCell", {}),
    ("RNNCell", {"nonlinearity": "relu", "bias": False}),
    ("GRUCell", {}),
    ("GRUCell", {"bias": False}),
    ("LSTMCell", {}),
    ("LSTMCell", {"bias": False}),
]
every_layer = pytest.mark.parametrize(("kind", "options"), LAYERS, ids=str)
every_cell = pytest.mark.parametrize(("kind", "options"), CELLS, ids=str)


def pair(kind, options):
    """The same module of both libraries, with the same weights."""
    theirs = getattr(torch().nn, kind)(3, 4, dtype=torch().float64, **options).eval()
    ours = getattr(nn, kind)(3, 4, dtype=microbp.float64, **options).eval()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict({name: value.numpy() for name, value in theirs.state_dict().items()})
    return {microbp: ours, torch(): theirs}


def flat(values):
    return [t for v in values for t in (flat(v) if isinstance(v, tuple) else [v])]


def states(module, batch, seed=5):
    count = module.num_layers * (2 if module.bidirectional else 1)
    sizes = [module.proj_size or module.hidden_size, module.hidden_size][: 1 + (type(module).__name__ == "LSTM")]
    return [normal(count, *batch, size, seed=seed + k) for k, size in enumerate(sizes)]


@every_layer
@pytest.mark.parametrize("batch", [(5,), (), (1,), (0,)], ids=str)
@pytest.mark.parametrize("given", [True, False], ids=["from a state", "from zeros"])
def test_outputs_and_gradients_equal_pytorch(kind, options, batch, given):
    modules = pair(kind, options)
    x = normal(6, *batch, 3)
    if options.get("batch_first") and batch:
        x = np.swapaxes(x, 0, 1)
    names = list(dict(modules[microbp].named_parameters()))
    first = states(modules[microbp], batch) if given else []

    def run(lib, x, *state):
        module = modules[lib]
        hx = () if not state else (tuple(state),) if kind == "LSTM" else state
        module.zero_grad()
        results = flat(module(x, *hx))
        loss = sum((result * result).sum() for result in results)
        return [
            *results,
            *lib.autograd.grad(loss, [dict(module.named_parameters())[n] for n in names], create_graph=True),
        ]

    compare(run, x, *first)


@every_cell
@pytest.mark.parametrize("batch", [(5,), (), (0,)], ids=str)
@pytest.mark.parametrize("given", [True, False], ids=["from a state", "from zeros"])
def test_cells_equal_pytorch(kind, options, batch, given):
    modules = pair(kind, options)
    first = [normal(*batch, 4, seed=1), normal(*batch, 4, seed=2)][: 1 + (kind == "LSTMCell")] if given else []

    def run(lib, x, *state):
        module = modules[lib]
        hx = () if not state else (tuple(state),) if kind == "LSTMCell" else state
        results = flat([module(x, *hx)])
        loss = sum((result * result).sum() for result in results)
        return [*results, *lib.autograd.grad(loss, list(module.parameters()), create_graph=True)]

    compare(run, normal(*batch, 3), *first, second_order=True)


def test_second_derivatives_of_a_whole_layer():
    for kind in ("RNN", "GRU", "LSTM"):
        module = getattr(nn, kind)(2, 3, dtype=microbp.float64)
        x = microbp.tensor(normal(3, 2, 2), requires_grad=True)
        assert microbp.autograd.gradgradcheck(lambda x, module=module: module(x)[0], [x])


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM", "RNNCell", "GRUCell", "LSTMCell"])
def test_initial_weights_are_uniform_within_the_bound(kind):
    bound = 1 / np.sqrt(50)
    for name, parameter in getattr(nn, kind)(30, 50).named_parameters():
        values = parameter.array.ravel()
        assert abs(values).max() <= bound, name
        assert abs(values).max() > 0.9 * bound, name
        assert values.std() == pytest.approx(bound / np.sqrt(3), rel=0.15), name


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        *LAYERS,
        *CELLS,
        ("LSTM", {"proj_size": 2, "dropout": 0.1, "num_layers": 2, "bias": False, "batch_first": True}),
    ],
    ids=str,
)
def test_print(kind, options):
    assert repr(getattr(nn, kind)(3, 4, **options)) == repr(getattr(torch().nn, kind)(3, 4, **options))


@pytest.mark.parametrize("kind", ["RNNBase", "RNNCellBase", "RNNCell", "GRUCell", "LSTMCell"])
def test_arguments_have_the_names_order_and_defaults_of_pytorch(kind):
    ours, theirs = (
        inspect.signature(getattr(lib, kind).__init__).parameters.values() for lib in (nn, torch().nn.modules.rnn)
    )
    assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in theirs]


def test_dropout_is_between_layers_and_in_training_only():
    module = nn.GRU(3, 4, num_layers=2, dropout=0.5)
    x = microbp.randn(6, 5, 3)
    assert not microbp.equal(module(x)[0], module(x)[0])
    module.eval()
    assert microbp.equal(module(x)[0], module(x)[0])
    with pytest.warns(UserWarning, match="has no effect with num_layers=1"):
        alone = nn.GRU(3, 4, dropout=0.5)
    assert microbp.equal(alone(x)[0], alone(x)[0])


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_float32_stays_float32(kind):
    module = getattr(nn, kind)(3, 4)
    output, state = module(microbp.randn(6, 5, 3))
    output.sum().backward()
    assert {t.dtype for t in flat([output, state])} == {microbp.float32}
    assert {p.grad.dtype for p in module.parameters()} == {microbp.float32}


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_it_learns_to_remember(kind):
    microbp.manual_seed(1)
    module, head = getattr(nn, kind)(1, 12), nn.Linear(12, 1)
    optimizer = microbp.optim.Adam(itertools.chain(module.parameters(), head.parameters()), lr=0.02)
    x = microbp.randint(0, 2, (5, 64, 1)).float()
    for _ in range(150):
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(head(module(x)[0][-1]), x[0])
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: nn.RNN(3, 4, nonlinearity="cos"), OptionError, "unknown nonlinearity 'cos'"),
        (lambda: nn.RNNCell(3, 4, nonlinearity="cos"), OptionError, "unknown nonlinearity 'cos'"),
        (lambda: nn.RNNBase("CNN", 3, 4), OptionError, "unknown mode 'CNN'"),
        (lambda: nn.GRU(3, 0), OptionError, "hidden_size must be at least 1, got 0"),
        (lambda: nn.GRU(3, 4.0), TypeError, "hidden_size must be an int"),
        (lambda: nn.GRU(3, 4, 0), OptionError, "num_layers must be at least 1"),
        (lambda: nn.GRU(3, 4, 2, dropout=1.5), OptionError, "dropout must be a number from 0 to 1"),
        (lambda: nn.LSTM(3, 4, proj_size=4), OptionError, "proj_size must be from 0 to less than hidden_size 4"),
        (lambda: nn.RNNBase("GRU", 3, 4, proj_size=2), OptionError, "only for LSTM"),
        (lambda: nn.GRU(3, 4)(microbp.ones(3)), ShapeError, r"GRU\(3, 4\) expects an input of 2 dimensions"),
        (lambda: nn.GRU(3, 4)(microbp.ones(2, 5)), ShapeError, r"expects 3 features, got an input of shape \(2, 5\)"),
        (lambda: nn.GRU(3, 4)(microbp.ones(0, 5, 3)), ShapeError, "sequences of at least one step"),
        (lambda: nn.GRU(3, 4)([[1.0] * 3]), TypeError, "must be a Tensor, got list"),
        (
            lambda: nn.GRU(3, 4)(microbp.ones(2, 5, 3), microbp.ones(1, 4, 4)),
            ShapeError,
            r"needs a state h of shape \(1, 5, 4\), got \(1, 4, 4\)",
        ),
        (
            lambda: nn.LSTM(3, 4)(microbp.ones(2, 5, 3), (microbp.ones(1, 5, 4), microbp.ones(1, 5, 3))),
            ShapeError,
            "state c of shape",
        ),
        (
            lambda: nn.LSTM(3, 4)(microbp.ones(2, 5, 3), microbp.ones(1, 5, 4)),
            TypeError,
            r"a pair \(h, c\), got Tensor",
        ),
        (lambda: nn.LSTMCell(3, 4)(microbp.ones(5, 3), microbp.ones(5, 4)), TypeError, r"a pair \(h, c\), got Tensor"),
        (lambda: nn.LSTMCell(3, 4)(microbp.ones(5, 2)), ShapeError, "expects 3 features"),
        (lambda: nn.GRUCell(3, 4)(microbp.ones(1, 5, 3)), ShapeError, "1 or 2 dimensions"),
        (lambda: nn.GRUCell(3, 4)(microbp.ones(5, 3), microbp.ones(4, 4)), ShapeError, r"state of shape \(5, 4\)"),
        (
            lambda: nn.RNN(3, 4)(microbp.ones(2, 5, 3, dtype=microbp.float64)),
            DtypeError,
            r"the input is float64 and the weights are float32; .*input\.to\(microbp\.float32\)",
        ),
    ],
)
def test_wrong_calls_are_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_packed_sequences_are_refused():
    lib = torch()
    packed = lib.nn.utils.rnn.pack_sequence([lib.ones(2, 3)])
    with pytest.raises(NotImplementedError, match="no packed sequences; pad them"):
        nn.GRU(3, 4)(packed)

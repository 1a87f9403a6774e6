"""`MultiheadAttention` against PyTorch's, from its weights, in every form."""

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

E, HEADS, L, S, N = 6, 2, 3, 4, 5

LAYERS = [
    {},
    {"bias": False},
    {"batch_first": True},
    {"add_bias_kv": True},
    {"add_zero_attn": True},
    {"add_bias_kv": True, "add_zero_attn": True, "bias": False, "batch_first": True},
    {"kdim": 3},
    {"vdim": 7, "bias": False},
    {"kdim": 3, "vdim": 7, "batch_first": True, "add_bias_kv": True},
]
every_layer = pytest.mark.parametrize("options", LAYERS, ids=str)


def pair(options, training=True, seed=0):
    """The layer of both libraries, with the same weights, all of them random."""
    torch().manual_seed(seed)
    theirs = torch().nn.MultiheadAttention(E, HEADS, dtype=torch().float64, **options).train(training)
    ours = nn.MultiheadAttention(E, HEADS, dtype=microbp.float64, **options).train(training)
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state)
    assert [name for name, _ in ours.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    values = {name: normal(*value.shape, seed=k) for k, (name, value) in enumerate(state.items())}
    ours.load_state_dict(values)
    theirs.load_state_dict({name: torch().from_numpy(value) for name, value in values.items()})
    return {microbp: ours, torch(): theirs}


def run(modules, **call):
    """A function that calls the layer of a library, and gives all its results and parameter gradients."""

    def function(lib, query, key, value, *masks):
        module = modules[lib]
        given = dict(zip(("attn_mask", "key_padding_mask"), masks, strict=False))
        output, weights = module(query, key, value, **given, **call)
        loss = (output * output).sum() + (0.0 if weights is None else (weights * weights).sum())
        parameters = list(module.parameters())
        gradients = lib.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        return [output, weights, *gradients]

    return function


def sequences(options, batch=(N,)):
    """Queries, keys and values."""
    order = (lambda x: np.swapaxes(x, 0, 1)) if options.get("batch_first") and batch else (lambda x: x)
    return [
        order(normal(length, *batch, features, seed=seed))
        for seed, (length, features) in enumerate(
            [(L, E), (S, options.get("kdim", E)), (S, options.get("vdim", E))], start=1
        )
    ]


@every_layer
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("call", [{}, {"average_attn_weights": False}, {"need_weights": False}], ids=str)
@pytest.mark.parametrize("batch", [(N,), ()], ids=["batch", "single"])
def test_outputs_weights_and_gradients_equal_pytorch(options, training, call, batch):
    compare(run(pair(options, training), **call), *sequences(options, batch))


def masks(kind, batch):
    """An attention mask and a padding mask; every query may look at the first key."""
    ahead = np.triu(np.ones((L, S), bool), 1)
    several = np.random.default_rng(0).random((int(np.prod(batch)) * HEADS, L, S)) < 0.4
    several[..., 0] = False
    padding = np.arange(S) >= np.arange(2, 2 + int(np.prod(batch)))[:, None] if batch else np.arange(S) == S - 1
    chosen = {"attn_mask": (ahead,), "several": (several,), "both": (ahead, padding), "padding": (None, padding)}
    return chosen[kind]


@pytest.mark.parametrize("kind", ["attn_mask", "several", "both", "padding"])
@pytest.mark.parametrize("floating", [False, True], ids=["bool", "float"])
@pytest.mark.parametrize("need_weights", [True, False], ids=["weights", "no weights"])
@pytest.mark.parametrize("batch", [(N,), ()], ids=["batch", "single"])
@pytest.mark.parametrize("options", [{}, {"batch_first": True, "add_bias_kv": True, "add_zero_attn": True}], ids=str)
def test_masks_equal_pytorch(kind, floating, need_weights, batch, options):
    given = masks(kind, batch)
    if floating:
        given = tuple(None if m is None else np.where(m, -np.inf, normal(*m.shape)) for m in given)
    compare(run(pair(options), need_weights=need_weights), *sequences(options, batch), *given)


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("batch_first", [True, False])
def test_one_tensor_as_query_key_and_value(training, batch_first):
    modules = pair({"batch_first": batch_first}, training)
    compare(lambda lib, x: run(modules)(lib, x, x, x), normal(L, N, E))
    compare(lambda lib, x, memory: run(modules)(lib, x, memory, memory), normal(N, N, E), normal(N, N, E, seed=1))


def test_without_a_graph_in_evaluation_as_pytorch_on_its_fast_path():
    for options in ({}, {"batch_first": True}):
        modules = pair(options, training=False)
        x = normal(L, N, E)
        results = []
        for lib, module in modules.items():
            with lib.no_grad():
                t = lib.tensor(x)
                results.append([r.detach().numpy() for r in module(t, t, t)])
        for mine, yours in zip(*results, strict=True):
            np.testing.assert_allclose(mine, yours, rtol=1e-10, atol=1e-12)


def test_a_causal_hint_with_its_mask():
    modules = pair({})
    for need_weights in (True, False):

        def function(lib, x, need_weights=need_weights):
            mask = lib.nn.Transformer.generate_square_subsequent_mask(L, dtype=lib.float64)
            return modules[lib](x, x, x, attn_mask=mask, is_causal=True, need_weights=need_weights)[0]

        compare(function, normal(L, N, E))


@pytest.mark.parametrize("need_weights", [True, False])
def test_a_query_that_may_look_at_no_key(need_weights):
    modules = pair({})
    mask = np.zeros((L, S), bool)
    mask[1] = True

    def function(lib, query, key, value):
        output, weights = modules[lib](query, key, value, attn_mask=lib.tensor(mask), need_weights=need_weights)
        return output.detach(), None if weights is None else weights.detach()

    compare(function, *sequences({}))


def test_second_derivatives():
    module = pair({})[microbp]
    q, k, v = (microbp.tensor(x[:2], requires_grad=True) for x in sequences({}, ()))
    assert microbp.autograd.gradgradcheck(lambda *x: module(*x), [q, k, v])


@every_layer
def test_initial_weights_have_the_bounds_of_pytorch(options):
    size = 60
    options = {name: 10 * value if name in ("kdim", "vdim") else value for name, value in options.items()}
    ours, theirs = nn.MultiheadAttention(size, 4, **options), torch().nn.MultiheadAttention(size, 4, **options)
    for (name, mine), (_, yours) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        if not yours.any():
            assert not mine.array.any(), name
        elif name.startswith("bias"):  # normally distributed: √(2 / (E + E))
            assert mine.array.std() == pytest.approx(1 / np.sqrt(size), rel=0.35), name
        else:
            bound = 1 / np.sqrt(size) if name == "out_proj.weight" else np.sqrt(6 / sum(mine.shape))
            for values in (mine.array, yours.detach().numpy()):
                assert 0.95 * bound < abs(values).max() <= bound * 1.0001, name
                assert values.std() == pytest.approx(bound / np.sqrt(3), rel=0.05), name


@every_layer
def test_print_and_attributes(options):
    ours, theirs = nn.MultiheadAttention(E, HEADS, **options), torch().nn.MultiheadAttention(E, HEADS, **options)
    assert repr(ours) == repr(theirs)
    for name in ("embed_dim", "num_heads", "dropout", "head_dim", "kdim", "vdim", "batch_first", "add_zero_attn"):
        assert getattr(ours, name) == getattr(theirs, name), name
    for name in ("in_proj_weight", "in_proj_bias", "q_proj_weight", "k_proj_weight", "v_proj_weight", "bias_k"):
        assert (getattr(ours, name) is None) == (getattr(theirs, name) is None), name


@pytest.mark.parametrize("method", ["__init__", "forward"])
def test_arguments_have_the_names_order_and_defaults_of_pytorch(method):
    ours, theirs = (
        inspect.signature(getattr(lib.MultiheadAttention, method)).parameters.values() for lib in (nn, torch().nn)
    )
    assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in theirs]


def test_dropout_leaves_out_weights_in_training_only():
    module = nn.MultiheadAttention(E, HEADS, dropout=0.5)
    x = microbp.randn(20, N, E)
    output, weights = module(x, x, x)
    assert not microbp.equal(output, module(x, x, x)[0])
    _, apart = module(x, x, x, average_attn_weights=False)
    assert (apart == 0).float().mean().item() == pytest.approx(0.5, abs=0.05)
    module.eval()
    output, weights = module(x, x, x)
    assert microbp.equal(output, module(x, x, x)[0])
    np.testing.assert_allclose(weights.sum(-1).tolist(), np.ones((N, 20)), rtol=1e-5)


def test_float32_stays_float32():
    module = nn.MultiheadAttention(E, HEADS)
    x = microbp.randn(L, N, E)
    output, weights = module(x, x, x, attn_mask=nn.Transformer.generate_square_subsequent_mask(L))
    output.sum().backward()
    assert (output.dtype, weights.dtype) == (microbp.float32, microbp.float32)
    assert {p.grad.dtype for p in module.parameters()} == {microbp.float32}


def test_it_learns_to_look_at_the_marked_key():
    microbp.manual_seed(1)
    embed, module, head = nn.Linear(3, 8), nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, 2)
    parts = itertools.chain(embed.parameters(), module.parameters(), head.parameters())
    optimizer = microbp.optim.Adam(parts, lr=0.02)
    for _ in range(120):
        classes, marked = microbp.randint(0, 2, (64, 5)), microbp.randint(0, 5, (64,))
        marks = nn.functional.one_hot(marked, 5)
        x = microbp.stack([classes, 1 - classes, marks], dim=-1).float()
        target = classes[microbp.arange(64), marked]
        x = embed(x)
        loss = nn.functional.cross_entropy(head(module(x, x, x)[0].mean(1)), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


def attend(*shapes, **options):
    call = {name: options.pop(name) for name in ("attn_mask", "key_padding_mask", "is_causal") if name in options}
    return nn.MultiheadAttention(E, HEADS, **options)(*(microbp.ones(*shape) for shape in shapes), **call)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: nn.MultiheadAttention(E, 4), OptionError, "divisible by num_heads, got embed_dim=6 and num_heads=4"),
        (lambda: nn.MultiheadAttention(0, 1), ValueError, "greater than 0, got embed_dim=0"),
        (lambda: nn.MultiheadAttention(E, 2, dropout=1.5), OptionError, "between 0 and 1, but got 1.5"),
        (lambda: attend((L, N, E), (S, N, 4), (S, N, E)), ShapeError, r"a key of shape \(S, N, 6\).*got \(4, 5, 4\)"),
        (
            lambda: attend((N, L, 4), (N, S, E), (N, S, E), batch_first=True),
            ShapeError,
            r"batch_first=True expects a query of shape \(N, S, 6\), or \(S, 6\)",
        ),
        (lambda: attend((E,), (S, E), (S, E)), ShapeError, r"expects a query .*got \(6,\)"),
        (lambda: attend((L, E), (S, N, E), (S, N, E)), ShapeError, r"got \(4, 5, 6\) beside a query of shape \(3, 6\)"),
        (
            lambda: attend((N, L, E), (N, S, E), (N, S, E)),
            ShapeError,
            r"batch_first=False takes dimension 1 for the samples of the batch.*query \(5, 3, 6\)",
        ),
        (lambda: attend((L, N, E), (S, N, E), (3, N, E)), ShapeError, r"key shape \(4, 5, 6\) does not match value"),
        (lambda: attend((L, E), (S, E), (S, E), is_causal=True), OptionError, "Need attn_mask"),
        (
            lambda: attend((L, N, E), (S, N, E), (S, N, E), attn_mask=microbp.zeros(S, L)),
            ShapeError,
            r"attn_mask should be of shape \(3, 4\) or \(10, 3, 4\), got \(4, 3\)",
        ),
        (
            lambda: attend((L, N, E), (S, N, E), (S, N, E), key_padding_mask=microbp.zeros(S, N)),
            ShapeError,
            r"key_padding_mask should be of shape \(5, 4\)",
        ),
        (
            lambda: attend((L, N, E), (S, N, E), (S, N, E), attn_mask=microbp.zeros(L, S, dtype=microbp.int64)),
            DtypeError,
            "only bool and floating types of attn_mask are supported, got int64",
        ),
        (
            lambda: nn.MultiheadAttention(E, HEADS)([[1.0] * E], microbp.ones(S, E), microbp.ones(S, E)),
            TypeError,
            "query must be a Tensor, got list",
        ),
    ],
)
def test_wrong_calls_are_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()

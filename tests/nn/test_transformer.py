"""Transformers and their layers against PyTorch's, from its weights, in every form."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import microbp
from microbp import nn
from microbp.errors import OptionError, ShapeError
from tests.referee import compare, torch
from tests.samples import normal

E, HEADS, S, T, N = 6, 2, 4, 3, 5
SMALL = {"dim_feedforward": 7, "dropout": 0.0}
KINDS = ["TransformerEncoderLayer", "TransformerDecoderLayer", "TransformerEncoder", "TransformerDecoder"]

OPTIONS = {
    "defaults": lambda lib: {},
    "norm_first": lambda lib: {"norm_first": True},
    "gelu": lambda lib: {"activation": "gelu"},
    "relu by name, batch_first": lambda lib: {"activation": "relu", "batch_first": True},
    "a function, no bias": lambda lib: {"activation": lib.tanh, "bias": False, "norm_first": True},
    "a module, layer_norm_eps": lambda lib: {"activation": lib.nn.ELU(), "layer_norm_eps": 0.1, "batch_first": True},
}
every_option = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
modes = pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])


def make(lib, kind, options):
    """A layer, or a stack of two of them with a normalisation at the end."""
    if kind == "Transformer":
        return lib.nn.Transformer(E, HEADS, 2, 1, **SMALL, **options, dtype=lib.float64)
    layer = kind if kind.endswith("Layer") else f"{kind}Layer"
    layer = getattr(lib.nn, layer)(E, HEADS, **SMALL, **options, dtype=lib.float64)
    if kind.endswith("Layer"):
        return layer
    more = {"enable_nested_tensor": False} if kind == "TransformerEncoder" else {}
    return getattr(lib.nn, kind)(layer, 2, norm=lib.nn.LayerNorm(E, dtype=lib.float64), **more)


quiet = pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")  # PyTorch's, of its nested tensors


def heal(module):
    """Let the copies in a decoder of PyTorch apply the module that they were given as activation, not always relu."""
    for layer in module.modules():
        if "activation" in layer._modules:
            layer.__dict__.pop("activation", None)


def pair(kind, options=OPTIONS["defaults"], training=True):
    """The module of both libraries, with the same weights, all of them random."""
    modules = {lib: make(lib, kind, options(lib)).train(training) for lib in (microbp, torch())}
    heal(modules[torch()])
    state = modules[torch()].state_dict()
    assert list(modules[microbp].state_dict()) == list(state)
    names = [[name for name, _ in module.named_parameters()] for module in modules.values()]
    assert names[0] == names[1]
    values = {name: normal(*value.shape, seed=k) for k, (name, value) in enumerate(state.items())}
    modules[microbp].load_state_dict(values)
    modules[torch()].load_state_dict({name: torch().from_numpy(value) for name, value in values.items()})
    return modules


def run(modules, **call):
    """A function that calls the module of a library, and gives its output and parameter gradients."""

    def function(lib, *sequences):
        module = modules[lib]
        masks = {k: lib.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in call.items()}
        output = module(*sequences, **masks)
        return [output, *lib.autograd.grad((output * output).sum(), list(module.parameters()), retain_graph=True)]

    return function


def sequences(kind, batch_first=False, batch=(N,)):
    """What the module reads: one sequence of S steps, one of T steps with a memory of S, or both."""
    lengths = (S,) if "Encoder" in kind else (T, S) if "Decoder" in kind else (S, T)
    found = [normal(length, *batch, E, seed=k) for k, length in enumerate(lengths)]
    return [np.swapaxes(x, 0, 1) for x in found] if batch_first and batch else found


@pytest.mark.parametrize("kind", KINDS)
@every_option
@modes
@pytest.mark.parametrize("batch", [(N,), ()], ids=["batch", "single"])
def test_outputs_and_gradients_equal_pytorch(kind, options, training, batch):
    batch_first = options(microbp).get("batch_first", False)
    compare(run(pair(kind, options, training)), *sequences(kind, batch_first, batch))


@every_option
@modes
@quiet
def test_transformer_equals_pytorch(options, training):
    batch_first = options(microbp).get("batch_first", False)
    compare(run(pair("Transformer", options, training)), *sequences("Transformer", batch_first))


AHEAD = {size: np.triu(np.ones((size, size), bool), 1) for size in (S, T)}
PADDING = {size: np.arange(size) >= np.array([[size], [size - 1], [1], [2], [size]]) for size in (S, T)}


def as_numbers(mask):
    return np.where(mask, -np.inf, 0.0)


MASKS = {
    "TransformerEncoderLayer": [
        {"src_mask": AHEAD[S]},
        {"src_mask": as_numbers(AHEAD[S]), "is_causal": True},
        {"src_key_padding_mask": PADDING[S]},
        {"src_mask": AHEAD[S], "src_key_padding_mask": PADDING[S]},
        {"src_mask": np.repeat(AHEAD[S][None], N * HEADS, 0)},
    ],
    "TransformerEncoder": [
        {"mask": AHEAD[S]},
        {"mask": as_numbers(AHEAD[S])},
        {"mask": as_numbers(AHEAD[S]), "is_causal": True},
        {"mask": normal(S, S), "is_causal": False},
        {"src_key_padding_mask": PADDING[S]},
        {"mask": as_numbers(AHEAD[S]), "src_key_padding_mask": as_numbers(PADDING[S])},
    ],
    "TransformerDecoderLayer": [
        {"tgt_mask": AHEAD[T], "memory_key_padding_mask": PADDING[S]},
        {"tgt_mask": as_numbers(AHEAD[T]), "tgt_is_causal": True, "tgt_key_padding_mask": as_numbers(PADDING[T])},
        {"memory_mask": normal(T, S), "tgt_key_padding_mask": PADDING[T]},
    ],
    "TransformerDecoder": [
        {"tgt_mask": AHEAD[T], "memory_key_padding_mask": PADDING[S]},
        {"tgt_mask": as_numbers(AHEAD[T]), "memory_mask": normal(T, S)},
        {"tgt_mask": normal(T, T), "tgt_key_padding_mask": as_numbers(PADDING[T])},
    ],
    "Transformer": [
        {"tgt_mask": AHEAD[T]},
        {
            "src_mask": as_numbers(AHEAD[S]),
            "tgt_mask": as_numbers(AHEAD[T]),
            "memory_mask": normal(T, S),
            "src_is_causal": True,
            "tgt_is_causal": True,
        },
        {
            "src_key_padding_mask": PADDING[S],
            "tgt_key_padding_mask": PADDING[T],
            "memory_key_padding_mask": PADDING[S],
            "tgt_mask": AHEAD[T],
        },
    ],
}


@pytest.mark.parametrize(
    ("kind", "masks"), [(kind, masks) for kind in MASKS if kind != "Transformer" for masks in MASKS[kind]]
)
@modes
def test_masks_equal_pytorch(kind, masks, training):
    compare(run(pair(kind, training=training), **masks), *sequences(kind))


@pytest.mark.parametrize("masks", MASKS["Transformer"])
@quiet
def test_masks_of_a_transformer_equal_pytorch(masks):
    compare(run(pair("Transformer"), **masks), *sequences("Transformer"))


def test_without_a_graph_in_evaluation_as_pytorch_on_its_fast_path():
    modules = pair("TransformerEncoderLayer", OPTIONS["relu by name, batch_first"], training=False)
    results = []
    for lib, module in modules.items():
        with lib.no_grad():
            results.append(module(lib.tensor(normal(N, S, E)), src_mask=lib.from_numpy(AHEAD[S])).detach().numpy())
    np.testing.assert_allclose(*results, rtol=1e-10)


@pytest.mark.parametrize("options", ["defaults", "a module, layer_norm_eps", "gelu"])
@pytest.mark.parametrize("kind", KINDS)
def test_print(kind, options):
    assert repr(make(microbp, kind, OPTIONS[options](microbp))) == repr(make(torch(), kind, OPTIONS[options](torch())))


@quiet
def test_print_of_a_transformer():
    assert repr(nn.Transformer(8, 2, 2, 1)) == repr(torch().nn.Transformer(8, 2, 2, 1))


@pytest.mark.parametrize("kind", [*KINDS, "Transformer"])
@pytest.mark.parametrize("method", ["__init__", "forward"])
def test_arguments_have_the_names_order_and_defaults_of_pytorch(kind, method):
    ours, theirs = (inspect.signature(getattr(getattr(lib, kind), method)).parameters for lib in (nn, torch().nn))
    assert list(ours) == list(theirs)
    for name, mine in ours.items():
        default = theirs[name].default
        assert mine.default == (nn.functional.relu if name == "activation" else default), name


@quiet
def test_initial_weights():
    ours, theirs = nn.Transformer(32, 4, 1, 1, 64), torch().nn.Transformer(32, 4, 1, 1, 64)
    for (name, mine), (_, yours) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        values, expected = mine.array, yours.detach().numpy()
        if mine.ndim > 1:
            bound = np.sqrt(6 / sum(mine.shape))
        elif "linear" in name:
            bound = 1 / np.sqrt(64 if "linear2" in name else 32)
        else:
            np.testing.assert_array_equal(values, expected, err_msg=name)
            continue
        for each in (values, expected):
            assert 0.8 * bound < abs(each).max() <= 1.0001 * bound, name


def test_the_layers_of_a_stack_start_alike_and_are_apart():
    layer = nn.TransformerEncoderLayer(E, HEADS, 7)
    encoder = nn.TransformerEncoder(layer, 3)
    assert len({id(p) for p in (*encoder.parameters(), *layer.parameters())}) == 4 * len(list(layer.parameters()))
    for copied in encoder.layers:
        for mine, original in zip(copied.parameters(), layer.parameters(), strict=True):
            np.testing.assert_array_equal(mine.array, original.array)


@pytest.mark.parametrize("dtype", [None, "float64", "bool"])
def test_square_subsequent_mask(dtype):
    ours, theirs = (
        lib.nn.Transformer.generate_square_subsequent_mask(4, dtype=None if dtype is None else getattr(lib, dtype))
        for lib in (microbp, torch())
    )
    assert ours.array.dtype == theirs.numpy().dtype
    np.testing.assert_array_equal(ours.array, theirs.numpy())


class Witness(nn.Module):
    """A layer that notes what it is told of its mask."""

    def __init__(self):
        super().__init__()
        self.told = []

    def forward(self, x, *args, is_causal=None, tgt_is_causal=None, **masks):
        self.told.append(is_causal if tgt_is_causal is None else tgt_is_causal)
        return x


@pytest.mark.parametrize(
    ("mask", "hint", "told"),
    [
        (None, None, False),
        (AHEAD[S], None, True),
        (as_numbers(AHEAD[S]), None, True),
        (as_numbers(AHEAD[S]), False, False),
        (np.zeros((S, S)), None, False),
        (np.repeat(AHEAD[S][None], N * HEADS, 0), None, False),
        (None, True, True),
    ],
)
def test_layers_are_told_whether_the_mask_is_causal(mask, hint, told):
    x, mask = microbp.ones(S, N, E), None if mask is None else microbp.from_numpy(mask)
    encoder, decoder = nn.TransformerEncoder(Witness(), 2), nn.TransformerDecoder(Witness(), 2)
    assert encoder(x, mask=mask, is_causal=hint) is x
    assert decoder(x, x, tgt_mask=mask, tgt_is_causal=hint) is x
    assert [layer.told for stack in (encoder, decoder) for layer in stack.layers] == [[told]] * 4


def test_encoders_and_decoders_of_ones_own():
    model = nn.Transformer(E, HEADS, custom_encoder=nn.TransformerEncoder(Witness(), 1), num_decoder_layers=1)
    assert type(model.encoder.layers[0]) is Witness
    assert model(microbp.ones(S, N, E), microbp.ones(T, N, E)).shape == (T, N, E)
    model = nn.Transformer(E, HEADS, 1, custom_decoder=nn.TransformerDecoder(Witness(), 1))
    assert model(microbp.ones(S, N, E), microbp.ones(T, N, E)).tolist() == microbp.ones(T, N, E).tolist()


def test_a_subclass_may_change_a_block():
    class Quiet(nn.TransformerEncoderLayer):
        def _sa_block(self, x, attn_mask, key_padding_mask, is_causal=False):
            return x * 0

        def _ff_block(self, x):
            return x * 0

    layer = Quiet(E, HEADS, norm_first=True)
    x = microbp.randn(S, N, E)
    assert microbp.equal(layer(x), x)


def test_dropout_in_training_only():
    layer = nn.TransformerDecoderLayer(E, HEADS, 7, dropout=0.5)
    x = microbp.randn(S, N, E)
    assert not microbp.equal(layer(x, x), layer(x, x))
    layer.eval()
    assert microbp.equal(layer(x, x), layer(x, x))


def test_float32_stays_float32():
    model = nn.Transformer(E, HEADS, 1, 1, 7)
    out = model(microbp.randn(S, N, E), microbp.randn(T, N, E), tgt_mask=model.generate_square_subsequent_mask(T))
    out.sum().backward()
    assert {out.dtype, *(p.grad.dtype for p in model.parameters())} == {np.dtype("float32")}


def test_it_learns_to_reverse_sequences():
    microbp.manual_seed(0)
    symbols, length, width = 5, 4, 16
    embed, place = nn.Embedding(symbols + 1, width), nn.Parameter(microbp.randn(length, width))
    model, head = nn.Transformer(width, 2, 1, 1, 32, dropout=0.0, batch_first=True), nn.Linear(width, symbols)
    optimizer = microbp.optim.Adam([*embed.parameters(), place, *model.parameters(), *head.parameters()], lr=0.01)
    mask = nn.Transformer.generate_square_subsequent_mask(length)
    for _ in range(150):
        source = microbp.randint(0, symbols, (64, length))
        target = source.flip(1)
        shifted = microbp.cat([microbp.full((64, 1), symbols), target[:, :-1]], dim=1)
        out = head(model(embed(source) + place, embed(shifted) + place, tgt_mask=mask))
        loss = nn.functional.cross_entropy(out.reshape(-1, symbols), target.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: nn.TransformerEncoderLayer(E, 4), OptionError, "divisible by num_heads"),
        (lambda: nn.TransformerEncoderLayer(E, 2, activation="tanh"), OptionError, "relu/gelu.*not tanh"),
        (lambda: nn.TransformerDecoderLayer(E, 2, dropout=2.0), OptionError, "between 0 and 1, but got 2.0"),
        (lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(E, 2), 1.5), TypeError, "integer"),
        (
            lambda: nn.TransformerEncoderLayer(E, 2)(microbp.ones(S, N, 4)),
            ShapeError,
            r"expects a query of shape \(S, N, 6\).*got \(4, 5, 4\)",
        ),
        (
            lambda: nn.TransformerDecoderLayer(E, 2)(microbp.ones(T, N, E), microbp.ones(S, 2, E)),
            ShapeError,
            r"dimension 1 for the samples of the batch.*query \(3, 5, 6\), key \(4, 2, 6\)",
        ),
        (lambda: nn.TransformerEncoderLayer(E, 2)(microbp.ones(S, N, E), is_causal=True), OptionError, "attn_mask"),
        (
            lambda: nn.Transformer(E, 2, 1, 1)(microbp.ones(S, N, E), microbp.ones(T, N, 4)),
            ShapeError,
            r"must be equal to d_model 6, got src \(4, 5, 6\) and tgt \(3, 5, 4\)",
        ),
        (
            lambda: nn.Transformer(E, 2, 1, 1)(microbp.ones(N, S, E), microbp.ones(N, T, E)),
            ShapeError,
            r"batch number of src and tgt must be equal, which is dimension 1 with batch_first=False; got src \(5, 4",
        ),
        (
            lambda: nn.Transformer(E, 2, 1, 1)([[1.0] * E], microbp.ones(T, E)),
            TypeError,
            "Transformer: src must be a Tensor",
        ),
    ],
)
def test_wrong_calls_are_refused(call, error, text):
    with pytest.raises(error, match=text):
        call()

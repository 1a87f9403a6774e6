"""The summary of a model: its table, its totals, and that it leaves everything as it was."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import microbp
from microbp import nn
from microbp.errors import OptionError, SummaryError
from microbp.nn import functional as F
from microbp.utils import ModelStatistics, summary


def mlp():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3, bias=False))


class Block(nn.Module):
    """Two convolutions with a way around them."""

    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return x + self.conv2(self.norm(self.conv1(x)).relu())


class Network(nn.Module):
    """Convolutions in blocks, and a linear layer."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, stride=2)
        self.blocks = nn.ModuleList([Block(4), Block(4)])
        self.scale = nn.Parameter(microbp.ones(1))
        self.head = nn.Linear(4, 10)

    def forward(self, x):
        x = F.relu(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(dim=(2, 3)) * self.scale)


def text(model, *args, **kwargs):
    return str(summary(model, *args, verbose=0, **kwargs))


MLP = """
==========================================================================================
Layer (type:depth-idx)                   Output Shape              Param #
==========================================================================================
Sequential                               [16, 3]                   --
├─Linear: 1-1                            [16, 8]                   40
├─ReLU: 1-2                              [16, 8]                   --
├─Dropout: 1-3                           [16, 8]                   --
├─Linear: 1-4                            [16, 3]                   24
==========================================================================================
Total params: 64
Trainable params: 64
Non-trainable params: 0
Total mult-adds (k): 1.02
==========================================================================================
Input size (B): 256
Forward/backward pass size (kB): 1.41
Params size (B): 256
Estimated Total Size (kB): 1.92
==========================================================================================
"""

NETWORK = """
==========================================================================================
Layer (type:depth-idx)                   Output Shape              Param #
==========================================================================================
Network                                  [2, 10]                   1
├─Conv2d: 1-1                            [2, 4, 5, 5]              (40)
├─ModuleList: 1-2                        --                        --
│    └─Block: 2-1                        [2, 4, 5, 5]              --
│    │    └─Conv2d: 3-1                  [2, 4, 5, 5]              144
│    │    └─BatchNorm2d: 3-2             [2, 4, 5, 5]              8
│    │    └─Conv2d: 3-3                  [2, 4, 5, 5]              148
│    └─Block: 2-2                        [2, 4, 5, 5]              --
│    │    └─Conv2d: 3-4                  [2, 4, 5, 5]              144
│    │    └─BatchNorm2d: 3-5             [2, 4, 5, 5]              8
│    │    └─Conv2d: 3-6                  [2, 4, 5, 5]              148
├─Linear: 1-3                            [2, 10]                   50
==========================================================================================
Total params: 691
Trainable params: 651
Non-trainable params: 40
Total mult-adds (k): 32.10
==========================================================================================
Input size (B): 968
Forward/backward pass size (kB): 11.36
Params size (kB): 2.76
Estimated Total Size (kB): 15.09
==========================================================================================
"""

NETWORK_SHALLOW = """
========================================================================================================================
Layer (type)                             Input Shape     Output Shape    Param #         Mult-Adds       Trainable
========================================================================================================================
Network                                  [2, 1, 11, 11]  [2, 10]         1               --              Partial
+ Conv2d                                 [2, 1, 11, 11]  [2, 4, 5, 5]    (40)            2,000           False
+ ModuleList                             --              --              600             30,000          True
+ Linear                                 [2, 4]          [2, 10]         50              100             True
========================================================================================================================
"""


def test_the_table_of_a_perceptron():
    assert text(mlp(), input_size=(16, 4)) == MLP.strip()


def test_the_table_of_a_network_with_blocks():
    model = Network()
    model.stem.requires_grad_(False)
    assert text(model, input_data=microbp.ones(2, 1, 11, 11)) == NETWORK.strip()


def test_a_table_that_goes_less_deep_with_other_columns():
    model = Network()
    model.stem.requires_grad_(False)
    columns = ["input_size", "output_size", "num_params", "mult_adds", "trainable"]
    shown = text(model, (2, 1, 11, 11), depth=1, col_width=15, col_names=columns, row_settings=["ascii_only"])
    assert shown.startswith(NETWORK_SHALLOW.strip().replace("=" * 120, "=" * 115))


def test_the_table_without_an_input():
    assert (
        text(mlp())
        == (
            """
=================================================================
Layer (type:depth-idx)                   Param #
=================================================================
Sequential                               --
├─Linear: 1-1                            40
├─ReLU: 1-2                              --
├─Dropout: 1-3                           --
├─Linear: 1-4                            24
=================================================================
Total params: 64
Trainable params: 64
Non-trainable params: 0
================================================================="""
        ).strip()
    )


def test_totals():
    model = mlp()
    found = summary(model, (16, 4), verbose=0)
    assert isinstance(found, ModelStatistics)
    assert found.input_size == [(16, 4)]
    assert (found.total_params, found.trainable_params, found.total_param_bytes) == (64, 64, 256)
    assert found.total_input == 16 * 4 * 4
    assert found.total_output_bytes == 2 * 4 * (16 * 8 + 16 * 3)
    assert found.total_mult_adds == 16 * 64
    rows = [(row.path, row.class_name, row.depth, row.num_params, row.output_size) for row in found.summary_list]
    assert rows == [
        ("", "Sequential", 0, 64, (16, 3)),
        ("0", "Linear", 1, 40, (16, 8)),
        ("1", "ReLU", 1, 0, (16, 8)),
        ("2", "Dropout", 1, 0, (16, 8)),
        ("3", "Linear", 1, 24, (16, 3)),
    ]


@pytest.mark.parametrize(
    ("layer", "size", "expected"),
    [
        (lambda: nn.Linear(4, 3), (5, 2, 4), 10 * 15),
        (lambda: nn.Conv1d(2, 3, 3), (5, 2, 8), 5 * 6 * (18 + 3)),
        (lambda: nn.Conv2d(2, 4, 3, groups=2), (5, 2, 8, 8), 5 * 36 * (36 + 4)),
        (lambda: nn.ConvTranspose2d(2, 3, 2, stride=2, bias=False), (5, 2, 4, 4), 5 * 16 * 24),
        (lambda: nn.BatchNorm2d(3), (5, 3, 4, 4), 5 * 16 * 6),
        (lambda: nn.LayerNorm(4), (5, 3, 4), 15 * 8),
        (lambda: nn.LSTM(3, 4), (7, 5, 3), 35 * (16 * 3 + 16 * 4 + 32)),
        (lambda: nn.ReLU(), (5, 4), 0),
    ],
)
def test_multiplications_and_additions(layer, size, expected):
    assert summary(layer(), size, verbose=0).total_mult_adds == expected


def test_looking_up_a_row_multiplies_nothing():
    found = summary(nn.Embedding(10, 4), (5, 3), dtypes=[microbp.int64], verbose=0)
    assert found.total_mult_adds == 0
    assert found.summary_list[0].output_size == (5, 3, 4)


def test_shared_parameters_count_once():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(10, 4)
            self.again = nn.Linear(4, 4)
            self.head = nn.Linear(4, 10, bias=False)
            self.head.weight = self.embed.weight

        def forward(self, x):
            return self.head(self.again(self.again(self.embed(x))))

    model = Tied()
    found = summary(model, (5,), dtypes=[microbp.int64], verbose=0)
    assert found.total_params == sum(p.numel() for p in model.parameters()) == 60
    assert "\n".join(str(found).splitlines()[3:8]) == (
        """
Tied                                     [5, 10]                   --
├─Embedding: 1-1                         [5, 4]                    40
├─Linear: 1-2                            [5, 4]                    20
├─Linear: 1-3                            [5, 4]                    (recursive)
├─Linear: 1-4                            [5, 10]                   (recursive)"""
    ).lstrip("\n")
    shown = text(model, (5,), dtypes=[microbp.int64], row_settings=["hide_recursive_layers"])
    assert "(recursive)" not in shown
    assert shown.count("Linear") == 1
    assert text(model).count("(recursive)") == 1  # without calls: the head only


def test_parameters_of_layers_that_are_never_called_are_counted_with_those_that_use_them():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Linear(2, 3)
            self.unused = nn.Linear(5, 5)
            self.called = nn.Linear(3, 1)

        def forward(self, x):
            return self.called(F.linear(x, self.inner.weight, self.inner.bias))

    model = nn.Sequential(Own(), nn.Identity())
    found = summary(model, (4, 2), verbose=0)
    assert found.total_params == 9 + 30 + 4
    own = found.summary_list[1]
    assert list(own.parameters) == ["inner.weight", "inner.bias", "unused.weight", "unused.bias"]
    attention = summary(nn.TransformerEncoderLayer(8, 2, 16), (3, 5, 8), verbose=0)
    assert sum(row.counted(whole=False) for row in attention.summary_list) == attention.total_params
    (row,) = (row for row in attention.summary_list if row.class_name == "MultiheadAttention")
    assert row.counted(whole=False) == row.num_params == 4 * (64 + 8)


def test_every_parameter_is_counted_in_one_row():
    found = summary(nn.Transformer(8, 2, 2, 2, 16), [(3, 5, 8), (4, 5, 8)], verbose=0)
    names = [id(p) for row in found.summary_list for p in row.parameters.values()]
    assert len(names) == len(set(names))
    assert sum(row.counted(whole=False) for row in found.summary_list) == found.total_params


def test_lines_of_parameters_and_names():
    shown = str(summary(mlp(), (16, 4), verbose=0, col_names=["num_params", "params_percent", "kernel_size"]))
    assert "├─Linear: 1-1                            40                         62.50%" in shown
    assert "weight" not in shown


def test_verbose_lists_parameters_and_prints(capsys):
    result = summary(nn.Linear(4, 8), (16, 4), verbose=2, row_settings=["var_names"])
    printed = capsys.readouterr().out
    assert printed == f"{result}\n"
    assert printed.splitlines()[3:6] == [
        "Linear (Linear)                          [16, 8]                   40",
        "├─weight                                                           32",
        "├─bias                                                             8",
    ]


def test_it_prints_unless_someone_else_does(capsys, monkeypatch):
    result = summary(mlp(), (16, 4))
    assert capsys.readouterr().out == f"{result}\n"
    summary(mlp(), (16, 4), verbose=0)
    monkeypatch.setattr(sys, "ps1", ">>> ", raising=False)
    summary(mlp(), (16, 4))
    assert capsys.readouterr().out == ""


class Two(nn.Module):
    def forward(self, x, y, scale=1.0):
        return {"sum": x + y * scale, "x": x}


@pytest.mark.parametrize(
    "inputs",
    [
        {"input_size": [(2, 3), (2, 1)]},
        {"input_size": ((2, 3), (2, 1))},
        {"input_size": [[2, 3], [2, 1]]},
        {"input_size": [(3,), (1,)], "batch_dim": 0},
        {"input_data": [microbp.ones(2, 3), microbp.ones(2, 1)]},
        {"input_data": (microbp.ones(2, 3), np.ones((2, 1), np.float32))},
        {"input_data": {"x": microbp.ones(2, 3), "y": microbp.ones(2, 1)}},
        {"input_data": microbp.ones(2, 3), "y": microbp.ones(2, 1), "scale": 3.0},
    ],
    ids=str,
)
def test_inputs_of_every_kind(inputs):
    found = summary(Two(), **inputs, verbose=0)
    rows = 1 if "batch_dim" in inputs else 2
    assert found.summary_list[0].output_size == (rows, 3)
    assert found.summary_list[0].output_bytes == 2 * rows * 3 * 4


def test_inputs_that_are_made_have_the_dtype_of_the_model():
    found = summary(mlp().double(), (16, 4), verbose=0)
    assert found.total_input == 16 * 4 * 8
    assert summary(mlp(), [16, 4], verbose=0).input_size == [(16, 4)]


def test_everything_is_left_as_it_was():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = nn.BatchNorm1d(4)
            self.drop = nn.Dropout(0.5).eval()
            self.register_buffer("steps", microbp.tensor(0))
            self.seen = None

        def forward(self, x):
            self.steps += 1
            self.seen = self.drop(self.norm(x))
            return self.seen + microbp.rand(1)

    model = Odd()
    calls = []
    model.norm.register_forward_hook(lambda *a: calls.append(1))
    model(microbp.randn(8, 4)).sum().backward()
    gradients = [p.grad for p in model.parameters()]
    held = [p.grad.tolist() for p in model.parameters()]
    state = {name: value.tolist() for name, value in model.state_dict().items()}
    buffers = dict(model.named_buffers())
    random, seen = microbp.get_rng_state(), model.seen
    for mode in ("train", "same", "eval"):
        summary(model, (8, 4), mode=mode, verbose=0)
        assert (model.training, model.norm.training, model.drop.training) == (True, True, False)
        assert microbp.equal(microbp.get_rng_state(), random)
        assert {name: value.tolist() for name, value in model.state_dict().items()} == state
        assert all(value is buffers[name] for name, value in model.named_buffers())
        assert model.seen is seen
        assert [p.grad for p in model.parameters()] == gradients
        assert [p.grad.tolist() for p in model.parameters()] == held
        assert microbp.is_grad_enabled()
    assert len(calls) == 4
    model(microbp.randn(8, 4))
    assert len(calls) == 5


def test_a_graph_from_before_can_still_be_walked():
    model = nn.BatchNorm1d(4)
    loss = (model.running_var * model.weight).sum()
    summary(model, (8, 4), mode="train", verbose=0)
    loss.backward()
    assert model.weight.grad.tolist() == [1.0] * 4
    loss = (model.running_var * model.weight).sum()
    model(microbp.randn(8, 4))
    with pytest.raises(microbp.errors.MutationError):
        loss.backward()


def test_buffers_that_get_other_data_or_cannot_be_written_to():
    class Swapping(nn.Module):
        def __init__(self):
            super().__init__()
            fixed = np.ones(3)
            fixed.flags.writeable = False
            self.register_buffer("fixed", microbp.from_numpy(fixed))
            self.register_buffer("state", microbp.zeros(3))

        def forward(self, x):
            self.state.data = x.sum(0)
            return x * self.fixed

    model = Swapping()
    state, array = model.state, model.state.array
    summary(model, (2, 3), verbose=0)
    assert model.state is state
    assert state.array is array
    assert state.tolist() == [0.0] * 3


def test_no_hook_stays_behind_after_a_failure():
    class Failing(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = mlp()

        def forward(self, x):
            return self.inner(x[:, :3])

    model = Failing().eval()
    with pytest.raises(SummaryError):
        summary(model, (2, 4), mode="train")
    assert not model.training
    assert not model.inner[2].training
    assert all(module._hooks is None for module in model.modules())


def test_the_mode_is_that_of_the_call():
    modes = []

    class Telling(nn.Module):
        def forward(self, x):
            modes.append(self.training)
            return x

    for mode in ("train", "eval", "same"):
        summary(Telling(), (1,), mode=mode, verbose=0)
    assert modes == [True, False, True]


@pytest.mark.parametrize(
    ("model", "size", "text"),
    [
        (
            lambda: nn.Sequential(nn.Linear(4, 8), nn.Sequential(nn.ReLU(), nn.Linear(9, 2))),
            (16, 4),
            r"Sequential\(\(16, 4\) float32\), and it failed in its layer '1\.1', Linear, whose input had shape "
            r"\(16, 8\): ShapeError: .*\n.*before: 0 \(16, 8\), 1\.0 \(16, 8\)",
        ),
        (lambda: Two(), (2, 3), r"Two\(.*failed in its own forward.*: TypeError: .*missing 1 required .*'y'"),
    ],
)
def test_a_failure_names_the_layer(model, size, text):
    with pytest.raises(SummaryError, match=text) as caught:
        summary(model(), size)
    assert caught.value.__cause__ is not None


def test_a_layer_that_fails_and_is_caught_is_no_failure():
    class Trying(nn.Module):
        def __init__(self):
            super().__init__()
            self.wrong = nn.Sequential(nn.Linear(5, 1))
            self.right = nn.Linear(4, 1)

        def forward(self, x):
            try:
                return self.wrong(x)
            except RuntimeError:
                return self.right(x)

    found = summary(Trying(), (2, 4), verbose=0)
    assert [(row.path, row.output_size) for row in found.summary_list] == [
        ("", (2, 1)),
        ("wrong", None),
        ("wrong.0", None),
        ("right", (2, 1)),
    ]


def test_a_module_in_two_places_and_one_that_is_held_by_no_attribute():
    class Outer(nn.Module):
        def __init__(self, shared, elsewhere):
            super().__init__()
            self.mine = shared
            self.others = [elsewhere]

        def forward(self, x):
            return self.others[0](self.mine(x))

    shared, elsewhere = nn.Linear(3, 3), nn.Linear(3, 3)
    model = nn.Sequential(Outer(shared, elsewhere), shared, elsewhere)
    found = summary(model, (2, 3), verbose=0)
    assert [(row.path, row.depth, row.counted(whole=False)) for row in found.summary_list] == [
        ("", 0, 0),
        ("0", 1, 0),
        ("0.mine", 2, 12),
        ("2", 2, 12),
        ("1", 1, 0),
        ("2", 1, 0),
    ]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"input_size": (1, 4), "input_data": microbp.ones(1, 4)}, "not both"),
        ({"col_names": ["output_size"]}, "needs input_size or input_data for the columns output_size"),
        ({"input_size": (1, 4), "col_names": ["sizes"]}, "col_names has no 'sizes'; it has input_size, output_size"),
        ({"input_size": (1, 4), "col_names": "num_params"}, "put it in a list"),
        ({"row_settings": ["color"]}, "row_settings has no 'color'; it has depth, var_names"),
        ({"mode": "training"}, "mode must be 'same', 'train' or 'eval', got 'training'"),
        ({"verbose": 3}, "verbose must be 0, 1 or 2, got 3"),
        ({"col_width": 0}, "col_width must be positive"),
        ({"input_size": (1, -4)}, r"positive integers, got \(1, -4\)"),
        ({"input_size": [(1, 4), (1, 2.5)]}, r"positive integers, got \(1, 2\.5\)"),
        ({"input_size": [(1, 4), (1, 2)], "dtypes": ["float32"]}, "has 2 inputs, but dtypes 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, text):
    with pytest.raises(OptionError, match=text):
        summary(mlp(), **options)


def test_what_is_no_model_or_no_size_is_refused():
    with pytest.raises(TypeError, match="needs a Module, got function"):
        summary(mlp)
    with pytest.raises(TypeError, match="input_size must be a tuple of int, or a list of such, got int"):
        summary(mlp(), 4)


def test_the_input_itself_may_stand_where_its_size_does():
    expected = text(mlp(), (16, 4))
    x = microbp.ones(16, 4)
    for given in (x, [x], (x,), x.numpy(), {"input": x}):
        assert text(mlp(), given) == expected
    with pytest.raises(OptionError, match="not both"):
        summary(mlp(), x, input_data=x)

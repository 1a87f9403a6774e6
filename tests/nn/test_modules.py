"""Every module computes what PyTorch's does, from the same state: output, input and parameter gradients."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import nn
from microbp.errors import OptionError, ShapeError
from tests.referee import assert_same, to_array, torch, weighted_sum
from tests.samples import away_from_zero, normal, positive


def compare_modules(make: Callable[[Any], Any], *inputs: Any, rtol: float = 1e-10) -> None:
    """Require that a module computes the same as PyTorch's with the same state."""
    theirs = make(torch().nn).double()
    ours = make(nn).double()
    ours.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    found = []
    for lib, module in ((microbp, ours), (torch(), theirs)):
        tensors = [lib.tensor(np.ascontiguousarray(value) if value.ndim else value) for value in inputs]
        for t, value in zip(tensors, inputs, strict=True):
            t.requires_grad_(value.dtype.kind == "f")
        out = module(*tensors)
        weighted_sum(lib, [out]).backward()
        named = {"output": out, **{f"input {k}": t.grad for k, t in enumerate(tensors)}}
        named |= {name: parameter.grad for name, parameter in module.named_parameters()}
        found.append({name: to_array(value) for name, value in named.items()})
    assert found[0].keys() == found[1].keys()
    for name, value in found[0].items():
        assert_same(value, found[1][name], name, rtol=rtol)


def residual(module: Any) -> Any:
    """A network with a skip connection."""

    class Residual(module.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.inner = module.Sequential(module.Linear(4, 5), module.Tanh(), module.Linear(5, 4))
            self.norm = module.Parameter(torch().ones(1) if module is torch().nn else microbp.ones(1))

        def forward(self, x: Any) -> Any:
            return x * self.norm + self.inner(x)

    return module.Sequential(Residual(), module.ReLU(), Residual())


MODULES: dict[str, tuple[Callable[[Any], Any], tuple[Any, ...]]] = {
    "Linear": (lambda m: m.Linear(4, 2), (normal(5, 4),)),
    "Linear without bias": (lambda m: m.Linear(4, 2, bias=False), (normal(5, 4),)),
    "Linear on 3 dimensions": (lambda m: m.Linear(4, 2), (normal(2, 3, 4),)),
    "Linear on 1 dimension": (lambda m: m.Linear(4, 2), (normal(4),)),
    "Bilinear": (lambda m: m.Bilinear(4, 3, 2), (normal(5, 4), normal(5, 3))),
    "Bilinear without bias": (lambda m: m.Bilinear(4, 3, 2, bias=False), (normal(5, 4), normal(5, 3))),
    "Sequential": (lambda m: m.Sequential(m.Linear(4, 8), m.ReLU(), m.Linear(8, 2)), (normal(5, 4),)),
    "skip connection": (residual, (normal(5, 4),)),
    "Identity": (lambda m: m.Identity(3, key=1), (normal(5, 4),)),
    "Flatten": (lambda m: m.Flatten(), (normal(2, 3, 4),)),
    "Flatten from": (lambda m: m.Flatten(0, 1), (normal(2, 3, 4),)),
    "Unflatten": (lambda m: m.Unflatten(1, (2, 3)), (normal(5, 6),)),
    "Unflatten with -1": (lambda m: m.Unflatten(-1, (2, -1)), (normal(5, 6),)),
    "Dropout in evaluation": (lambda m: m.Dropout().eval(), (normal(5, 6),)),
    "ReLU": (lambda m: m.ReLU(), (away_from_zero(5, 4),)),
    "ReLU6": (lambda m: m.ReLU6(), (5 * away_from_zero(5, 4),)),
    "LeakyReLU": (lambda m: m.LeakyReLU(0.2), (away_from_zero(5, 4),)),
    "ELU": (lambda m: m.ELU(0.5), (away_from_zero(5, 4),)),
    "CELU": (lambda m: m.CELU(0.5), (away_from_zero(5, 4),)),
    "SELU": (lambda m: m.SELU(), (away_from_zero(5, 4),)),
    "GELU": (lambda m: m.GELU(), (normal(5, 4),)),
    "GELU tanh": (lambda m: m.GELU("tanh"), (normal(5, 4),)),
    "SiLU": (lambda m: m.SiLU(), (normal(5, 4),)),
    "Mish": (lambda m: m.Mish(), (normal(5, 4),)),
    "Sigmoid": (lambda m: m.Sigmoid(), (normal(5, 4),)),
    "Tanh": (lambda m: m.Tanh(), (normal(5, 4),)),
    "Softplus": (lambda m: m.Softplus(2, 1.0), (normal(5, 4),)),
    "Softsign": (lambda m: m.Softsign(), (normal(5, 4),)),
    "Hardtanh": (lambda m: m.Hardtanh(-0.5, 0.8), (normal(5, 4),)),
    "Hardsigmoid": (lambda m: m.Hardsigmoid(), (3 * normal(5, 4),)),
    "Hardswish": (lambda m: m.Hardswish(), (3 * normal(5, 4),)),
    "LogSigmoid": (lambda m: m.LogSigmoid(), (normal(5, 4),)),
    "Tanhshrink": (lambda m: m.Tanhshrink(), (normal(5, 4),)),
    "PReLU": (lambda m: m.PReLU(), (away_from_zero(5, 4),)),
    "PReLU of channels": (lambda m: m.PReLU(4, init=0.1), (away_from_zero(5, 4, 2),)),
    "Softmax": (lambda m: m.Softmax(1), (normal(5, 4),)),
    "LogSoftmax": (lambda m: m.LogSoftmax(dim=0), (normal(5, 4),)),
    "Softmin": (lambda m: m.Softmin(dim=-1), (normal(5, 4),)),
    "MSELoss": (lambda m: m.MSELoss(), (normal(5, 4), normal(5, 4, seed=1))),
    "L1Loss": (lambda m: m.L1Loss(reduction="sum"), (normal(5, 4), normal(5, 4, seed=1))),
    "SmoothL1Loss": (lambda m: m.SmoothL1Loss(beta=0.5), (normal(5, 4), normal(5, 4, seed=1))),
    "HuberLoss": (lambda m: m.HuberLoss("none", 0.5), (normal(5, 4), normal(5, 4, seed=1))),
    "CrossEntropyLoss": (lambda m: m.CrossEntropyLoss(), (normal(5, 4), np.array([0, 3, 1, 1, 2]))),
    "CrossEntropyLoss with options": (
        lambda m: m.CrossEntropyLoss(ignore_index=1, reduction="sum", label_smoothing=0.2),
        (normal(5, 4), np.array([0, 3, 1, 1, 2])),
    ),
    "NLLLoss": (lambda m: m.NLLLoss(ignore_index=3), (normal(5, 4), np.array([0, 3, 1, 1, 2]))),
    "BCELoss": (lambda m: m.BCELoss(reduction="none"), (positive(5, 4) / 2.5, positive(5, 4, seed=1) / 2.5)),
    "BCEWithLogitsLoss": (lambda m: m.BCEWithLogitsLoss(), (normal(5, 4), positive(5, 4) / 2.5)),
    "KLDivLoss": (lambda m: m.KLDivLoss(reduction="batchmean", log_target=True), (normal(5, 4), normal(5, 4, seed=1))),
}
ROUGH = {"Hardsigmoid": 1e-7}  # where PyTorch computes with a float32 constant


@pytest.mark.parametrize("name", MODULES)
def test_module_agrees_with_pytorch(name: str) -> None:
    make, inputs = MODULES[name]
    compare_modules(make, *inputs, rtol=ROUGH.get(name, 1e-10))


def test_every_public_module_is_compared() -> None:
    public = {name for name, value in vars(nn).items() if isinstance(value, type) and issubclass(value, nn.Module)}
    containers = {"Module", "ModuleList", "ModuleDict", "ParameterList", "Dropout"}
    assert public - containers <= {name.split()[0] for name in MODULES}


def test_losses_hold_their_weights_as_buffers() -> None:
    def make(m: Any) -> Any:
        lib = torch() if m is torch().nn else microbp
        return m.CrossEntropyLoss(weight=lib.tensor([0.5, 1.0, 2.0, 3.0]))

    compare_modules(make, normal(5, 4), np.array([0, 3, 1, 1, 2]))
    loss = nn.BCEWithLogitsLoss(pos_weight=microbp.ones(3))
    assert list(loss.state_dict()) == ["pos_weight"]
    assert not list(nn.CrossEntropyLoss().state_dict())
    with pytest.raises(OptionError, match="not a valid value for reduction"):
        nn.MSELoss(reduction="average")
    assert nn.KLDivLoss(reduction="batchmean").reduction == "batchmean"


# -- layers --------------------------------------------------------------------------------


def test_linear_names_itself_where_the_features_do_not_fit() -> None:
    layer = nn.Linear(3, 2)
    for shape in ((5, 4), (3, 1), ()):
        expected = (
            "Linear(in_features=3, out_features=2, bias=True) expects 3 features in the last dimension of its input, "
            f"got an input of shape {shape}"
        )
        with pytest.raises(ShapeError, match=re.escape(expected)):
            layer(microbp.ones(shape))


def test_linear_starts_between_the_bounds_of_pytorch() -> None:
    microbp.manual_seed(0)
    layer = nn.Linear(100, 200)
    for parameter in layer.parameters():
        values = parameter.detach().array
        assert np.abs(values).max() <= 0.1
        assert values.std() == pytest.approx(0.1 / np.sqrt(3), rel=0.1)
    assert layer.weight.shape == (200, 100)
    assert layer.weight.dtype == np.float32
    assert nn.Linear(2, 2, dtype=microbp.float64).bias.dtype == np.float64
    with pytest.warns(UserWarning, match="zero-element"):
        assert nn.Linear(0, 3)(microbp.ones(2, 0)).tolist() == [[0, 0, 0]] * 2


def test_linear_gives_a_right_answer_for_an_array() -> None:
    layer = nn.Linear(3, 2)
    x = np.ones((5, 3), np.float32)
    np.testing.assert_array_equal(layer(x).detach().array, layer(microbp.tensor(x)).detach().array)


def test_bilinear_refuses_no_features() -> None:
    with pytest.raises(ValueError, match="in1_features must be > 0"):
        nn.Bilinear(0, 1, 1)


def test_dropout_obeys_the_mode() -> None:
    layer = nn.Dropout(0.5)
    x = microbp.ones(1000)
    assert layer.eval()(x) is x
    dropped = layer.train()(x)
    assert 300 < (dropped.array == 0).sum() < 700
    assert set(np.unique(dropped.array)) == {0, 2}
    assert not nn.Dropout(1.0)(x).array.any()
    with pytest.raises(OptionError, match=r"between 0 and 1, but got 1\.5"):
        nn.Dropout(1.5)


def test_unflatten_refuses_what_does_not_split() -> None:
    with pytest.raises(ShapeError, match=re.escape("cannot split dimension 1 of an input of shape (2, 7)")):
        nn.Unflatten(1, (2, 3))(microbp.ones(2, 7))
    with pytest.raises(ShapeError, match="has no dimension 3"):
        nn.Unflatten(3, (2, 3))(microbp.ones(2, 6))
    with pytest.raises(TypeError, match="tuple of ints"):
        nn.Unflatten(1, "ab")  # type: ignore[arg-type]
    with pytest.raises(NotImplementedError, match="named dimensions"):
        nn.Unflatten("features", (2, 3))  # type: ignore[arg-type]


def test_hardtanh_refuses_bounds_in_the_wrong_order() -> None:
    with pytest.raises(OptionError, match="max_val must be larger"):
        nn.Hardtanh(1, -1)


def test_an_activation_of_ones_own_and_a_loss_of_ones_own_train() -> None:
    class Swish(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.slope = nn.Parameter(microbp.ones(1))

        def forward(self, x: Any) -> Any:
            return x * (self.slope * x).sigmoid()

    def cubic(prediction: Any, target: Any) -> Any:
        return ((prediction - target).abs() ** 3).mean()

    microbp.manual_seed(0)
    net = nn.Sequential(nn.Linear(1, 8), Swish(), nn.Linear(8, 1))
    x = microbp.linspace(-1, 1, 20).reshape(-1, 1)
    losses = []
    for _ in range(100):
        loss = cubic(net(x), x * x)
        net.zero_grad()
        loss.backward()
        with microbp.no_grad():
            for parameter in net.parameters():
                parameter -= 0.3 * parameter.grad
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 5


# -- containers ----------------------------------------------------------------------------


def test_sequential_as_a_list() -> None:
    a, b, c, d = nn.Linear(1, 1), nn.ReLU(), nn.Tanh(), nn.ELU()
    net = nn.Sequential(a, b)
    assert len(net) == 2
    assert list(net) == [a, b]
    assert net[-1] is b
    assert net.append(c) is net
    assert list(net.extend([d])) == [a, b, c, d]
    assert isinstance(net[1:3], nn.Sequential)
    assert list(net[1:3]) == [b, c]
    assert list(net[1:3]._modules) == ["1", "2"]
    net[1] = nn.Sigmoid()
    assert isinstance(net[1], nn.Sigmoid)
    del net[1]
    assert list(net) == [a, c, d]
    assert list(net._modules) == ["0", "1", "2"]
    net.insert(0, b)
    assert list(net) == [b, a, c, d]
    assert net.pop() is d
    assert list(net) == [b, a, c]
    assert list(net + nn.Sequential(d)) == [b, a, c, d]
    del net[1:]
    assert list(net) == [b]
    net += [c]
    assert list(net) == [b, c]
    for index in (2, -3):
        with pytest.raises(IndexError, match=f"index {index} is out of range"):
            net[index]
    with pytest.raises(TypeError, match="function is not a Module subclass"):
        nn.Sequential(lambda x: x)
    with pytest.raises(TypeError, match="not a Module subclass"):
        net.insert(0, print)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="only objects of Sequential class"):
        net + [c]  # noqa: RUF005


def test_sequential_with_names() -> None:
    net = nn.Sequential(OrderedDict(first=nn.Linear(2, 3), act=nn.ReLU()))
    assert isinstance(net.act, nn.ReLU)
    assert net[0] is net.first
    assert [name for name, _ in net.named_parameters()] == ["first.weight", "first.bias"]
    del net[0]
    assert list(net._modules) == ["act"]


def test_module_list() -> None:
    a, b, c = nn.Linear(1, 1), nn.ReLU(), nn.Tanh()
    modules = nn.ModuleList([a])
    modules.append(b).extend([c])
    assert list(modules) == [a, b, c]
    assert isinstance(modules[:2], nn.ModuleList)
    assert list(modules[:2]) == [a, b]
    modules[-1] = a
    assert modules[2] is a
    modules.insert(1, c)
    assert list(modules) == [a, c, b, a]
    del modules[0]
    assert modules.pop(0) is c
    assert list(modules._modules) == ["0", "1"]
    modules += [c]
    assert list(modules + [b]) == [b, a, c, b]  # noqa: RUF005
    with pytest.raises(NotImplementedError, match="forward"):
        modules(1)


def test_module_dict() -> None:
    a, b = nn.Linear(1, 1), nn.ReLU()
    modules = nn.ModuleDict({"a": a})
    modules["b"] = b
    assert (list(modules), len(modules), "a" in modules, "c" in modules) == (["a", "b"], 2, True, False)
    assert (list(modules.keys()), list(modules.values()), list(modules.items())) == (
        ["a", "b"],
        [a, b],
        [("a", a), ("b", b)],
    )
    modules.update([("c", b)])
    assert modules.pop("c") is b
    del modules["b"]
    assert [name for name, _ in modules.named_parameters()] == ["a.weight", "a.bias"]
    modules.clear()
    assert not modules
    with pytest.raises(TypeError, match="mapping or pairs"):
        modules.update(3)  # type: ignore[arg-type]


def test_parameter_list() -> None:
    parameters = nn.ParameterList([microbp.ones(2)])
    parameters.append(nn.Parameter(microbp.zeros(3))).extend([microbp.zeros(1)])
    assert [name for name, _ in parameters.named_parameters()] == ["0", "1", "2"]
    assert all(isinstance(parameter, nn.Parameter) for parameter in parameters)
    assert parameters[-1].shape == (1,)
    parameters[0] = microbp.zeros(5)
    assert parameters[0].shape == (5,)
    assert len(parameters[1:]) == 2
    parameters += [microbp.zeros(1)]
    assert len(parameters) == 4
    assert repr(nn.ParameterList([microbp.ones(2, 3), microbp.ones(1)])) == repr(
        torch().nn.ParameterList([torch().ones(2, 3), torch().ones(1)])
    ).replace("torch.", "")
    with pytest.raises(IndexError, match="index 4 is out of range"):
        parameters[4]
    with pytest.raises(TypeError, match="iterable"):
        parameters.extend(microbp.ones(2))
    with pytest.raises(RuntimeError, match="should not be called"):
        parameters(1)


def test_sequential_says_how_to_unpack_a_list() -> None:
    with pytest.raises(TypeError, match=r"Sequential\(\*modules\)"):
        nn.Sequential([nn.ReLU()])

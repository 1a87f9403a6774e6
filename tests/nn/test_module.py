"""`microbp.nn.Module`: registration, walks, state, hooks, printing; what it refuses."""

from __future__ import annotations

import copy
import pickle
import re
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import nn
from microbp.errors import DtypeError, MutationError, StateError
from tests.referee import torch


def network(lib: Any = microbp) -> Any:
    """A tree with a shared layer, a buffer that is saved and one that is not."""
    module = lib.nn

    class Block(module.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.fc = module.Linear(3, 3)
            self.act = module.ReLU()
            self.register_buffer("scale", lib.ones(3))
            self.register_buffer("scratch", lib.zeros(1), persistent=False)
            self.register_parameter("nothing", None)

        def forward(self, x: Any) -> Any:
            return x + self.act(self.fc(x)) * self.scale

    class Net(module.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.first = Block()
            self.again = self.first
            self.blocks = module.ModuleList([Block(), Block()])
            self.head = module.Sequential(module.Linear(3, 3), module.Tanh())
            self.head[0].weight = self.first.fc.weight
            self.gain = module.Parameter(lib.ones(1))

        def forward(self, x: Any) -> Any:
            for block in [self.first, *self.blocks]:
                x = block(x)
            return self.head(x) * self.gain

    return Net()


# -- registration --------------------------------------------------------------------------


def test_walks_give_the_names_and_the_order_of_pytorch() -> None:
    ours, theirs = network(), network(torch())
    for walk in ("named_parameters", "named_buffers", "named_modules", "named_children"):
        assert [name for name, _ in getattr(ours, walk)()] == [name for name, _ in getattr(theirs, walk)()], walk
    for walk in ("named_parameters", "named_buffers", "named_modules"):
        for options in ({"remove_duplicate": False}, {"prefix": "net"}):
            assert [n for n, _ in getattr(ours, walk)(**options)] == [n for n, _ in getattr(theirs, walk)(**options)]
    assert [n for n, _ in ours.named_parameters(recurse=False)] == ["gain"]
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert len(list(ours.parameters())) == len(list(theirs.parameters()))
    assert len(list(ours.modules())) == len(list(theirs.modules()))
    assert len(list(ours.children())) == 3
    assert len(list(ours.buffers())) == 6


def test_attributes_are_found_and_listed() -> None:
    net = network()
    assert net.first.fc.weight is net.head[0].weight
    assert net.first.nothing is None
    assert {"first", "gain", "head", "parameters", "training"} <= set(dir(net))
    assert "0" not in dir(net.head)
    with pytest.raises(AttributeError, match="'Net' object has no attribute 'wrong'"):
        net.wrong  # noqa: B018


def test_an_attribute_can_change_its_kind() -> None:
    module = nn.Module()
    module.part = nn.Linear(1, 1)
    module.part = nn.Parameter(microbp.ones(1))
    assert [name for name, _ in module.named_parameters()] == ["part"]
    assert not list(module.children())
    module.plain = 3
    module.plain = nn.ReLU()
    assert [name for name, _ in module.named_children()] == ["plain"]
    module.plain = None
    assert module.plain is None
    assert not list(module.children())
    module.part = None
    assert not list(module.parameters())
    del module.part
    assert not hasattr(module, "part")
    with pytest.raises(AttributeError):
        del module.part


def test_buffers_follow_assignment() -> None:
    module = nn.Module()
    module.register_buffer("mean", microbp.zeros(2))
    module.mean = microbp.ones(2)
    assert module.state_dict()["mean"].tolist() == [1, 1]
    with pytest.raises(TypeError, match=r"cannot assign 'list' as buffer 'mean' \(Tensor or None expected\)"):
        module.mean = [1, 2]
    del module.mean
    assert not module.state_dict()


def test_assignment_before_init_is_refused() -> None:
    class Early(nn.Module):
        def __init__(self, part: Any) -> None:
            self.part = part

    with pytest.raises(AttributeError, match=re.escape("cannot assign module before Module.__init__() call")):
        Early(nn.ReLU())
    with pytest.raises(AttributeError, match=re.escape("cannot assign parameters before Module.__init__() call")):
        Early(nn.Parameter(microbp.ones(1)))
    with pytest.raises(AttributeError, match=re.escape("has not called super().__init__()")):
        Early(3)(microbp.ones(1))
    with pytest.raises(AttributeError, match=re.escape("cannot assign buffer before Module.__init__() call")):
        Early(3).register_buffer("b", None)


def test_bad_registrations_are_refused() -> None:
    module = nn.Linear(2, 2)
    with pytest.raises(
        TypeError, match=r"cannot assign 'Tensor' as parameter 'weight' \(nn.Parameter or None expected\)"
    ):
        module.weight = microbp.ones(2, 2)
    module.act = nn.ReLU()
    with pytest.raises(TypeError, match=r"cannot assign 'int' as child module 'act'"):
        module.act = 3
    with pytest.raises(KeyError, match="attribute 'forward' already exists"):
        module.register_parameter("forward", nn.Parameter(microbp.ones(1)))
    with pytest.raises(KeyError, match=r"parameter name can.*t contain"):
        module.register_parameter("a.b", None)
    with pytest.raises(KeyError, match=r"can.*t be empty"):
        module.register_buffer("", None)
    with pytest.raises(TypeError, match=r"buffer name should be a string\. Got int"):
        module.register_buffer(3, None)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="cannot assign 'Tensor' object to parameter 'p'"):
        module.register_parameter("p", microbp.ones(1))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="cannot assign 'list' object to buffer 'b'"):
        module.register_buffer("b", [1.0])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="int is not a Module subclass"):
        module.add_module("m", 3)  # type: ignore[arg-type]
    grown = nn.Parameter(microbp.ones(1))
    grown.node = (microbp.ones(1, requires_grad=True) * 2).node
    with pytest.raises(ValueError, match="Cannot assign non-leaf Tensor to parameter 'p'"):
        module.p = grown


def test_paths_lead_to_parts() -> None:
    net = network()
    assert net.get_submodule("") is net
    assert net.get_submodule("blocks.1.fc") is net.blocks[1].fc
    assert net.get_parameter("blocks.1.fc.bias") is net.blocks[1].fc.bias
    assert net.get_buffer("first.scale") is net.first.scale
    with pytest.raises(AttributeError, match="Block has no attribute `tail`"):
        net.get_submodule("first.tail")
    with pytest.raises(AttributeError, match=r"`weight` is not an nn\.Module"):
        net.get_submodule("first.fc.weight")
    with pytest.raises(AttributeError, match=r"`fc` is not an nn\.Parameter"):
        net.get_parameter("first.fc")
    with pytest.raises(AttributeError, match="`weight` is not a buffer"):
        net.get_buffer("first.fc.weight")
    with pytest.raises(AttributeError, match="Linear has no attribute `mass`"):
        net.get_parameter("first.fc.mass")


# -- parameters ----------------------------------------------------------------------------


def test_parameter() -> None:
    data = microbp.tensor([1.0, 2.0])
    parameter = nn.Parameter(data)
    assert parameter.requires_grad
    assert parameter.is_leaf
    assert parameter.array is data.array
    assert isinstance(parameter, microbp.Tensor)
    assert repr(parameter) == "Parameter containing:\ntensor([1., 2.], requires_grad=True)"
    assert not nn.Parameter(microbp.tensor([1]), requires_grad=False).requires_grad
    assert nn.Parameter().shape == (0,)
    with pytest.raises(DtypeError, match="only floating-point"):
        nn.Parameter(microbp.tensor([1]))
    with pytest.raises(TypeError, match="made of a Tensor, got ndarray"):
        nn.Parameter(np.ones(2))  # type: ignore[arg-type]
    assert type(parameter * 2) is microbp.Tensor


def test_copies_keep_what_is_shared_and_leave_the_gradient() -> None:
    net = network()
    net(microbp.ones(2, 3)).sum().backward()
    for copied in (copy.deepcopy(net), pickle.loads(pickle.dumps(network_of_this_module()))):
        if type(copied).__name__ == "Net":
            assert copied.head[0].weight is copied.first.fc.weight
            assert copied.first.fc.weight is not net.first.fc.weight
            assert copied.again is copied.first
            assert all(parameter.grad is None for parameter in copied.parameters())
            x = microbp.ones(2, 3)
            np.testing.assert_array_equal(copied(x).detach().array, net(x).detach().array)
        else:
            assert copied[0].weight is copied[1].weight
            assert isinstance(copied[0].weight, nn.Parameter)


def network_of_this_module() -> Any:
    """Modules that can be pickled: tied ones."""
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    net[1].weight = net[0].weight
    return net


# -- calling -------------------------------------------------------------------------------


def test_forward_that_is_missing() -> None:
    class Idle(nn.Module):
        pass

    with pytest.raises(
        NotImplementedError, match=re.escape('Module [Idle] is missing the required "forward" function')
    ):
        Idle()(3)


def test_calls_are_noted_on_the_nodes_of_outputs() -> None:
    inner = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    outer = nn.Sequential(inner, nn.Identity())
    x = microbp.ones(1, 2, requires_grad=True)
    y = outer(x * 2)
    found, calls = [], y.node.calls
    while calls is not None:
        reference, start, calls, kind, _ = calls
        assert type(reference()) is kind
        found.append((reference(), start))
    assert [module for module, _ in found] == [outer, inner, inner[1]]  # the outermost first
    tanh, linear = y.node, y.node.inputs[0]
    assert [start < linear.number for _, start in found] == [True, True, False]
    assert linear.inputs[0].number < found[0][1]
    assert linear.calls[0]() is inner[0]
    assert linear.calls[2] is None
    assert tanh.number > linear.number


def test_calls_are_noted_in_structures_and_only_on_new_nodes() -> None:
    class Pair(nn.Module):
        def forward(self, x: Any) -> Any:
            double = x * 2
            return {"new": (double, [x + 1]), "old": x, "number": 3, "again": double}

    x = microbp.ones(1, requires_grad=True) * 3
    module = Pair()
    out = module(x)
    assert out["new"][0].node.calls[0]() is module
    assert out["new"][1][0].node.calls[0]() is module
    assert out["again"].node.calls[2] is None
    assert x.node.calls is None
    with microbp.no_grad():
        assert module(x)["new"][0].node is None


def test_a_graph_does_not_keep_its_modules_alive() -> None:
    module = nn.Tanh()
    y = module(microbp.ones(1, requires_grad=True))
    del module
    assert y.node.calls[0]() is None


# -- state ---------------------------------------------------------------------------------


def test_state_dict_is_a_snapshot() -> None:
    layer = nn.Linear(2, 2)
    state = layer.state_dict()
    before = state["weight"].numpy().copy()
    with microbp.no_grad():
        layer.weight -= 1
    np.testing.assert_array_equal(state["weight"].array, before)
    assert isinstance(state, OrderedDict)
    assert not state["weight"].requires_grad
    with pytest.raises((ValueError, RuntimeError)):
        state["weight"].fill_(0)  # a write that was meant for the layer does not get lost
    layer.load_state_dict(state)
    np.testing.assert_array_equal(layer.weight.detach().array, before)
    assert layer.state_dict(keep_vars=True)["weight"] is layer.weight
    assert list(layer.state_dict(prefix="fc.")) == ["fc.weight", "fc.bias"]


def test_state_goes_from_pytorch_to_microbp_and_back() -> None:
    theirs, ours = network(torch()), network()
    result = ours.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    assert repr(result) == "<All keys matched successfully>"
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    np.testing.assert_allclose(
        ours(microbp.tensor(x)).detach().array, theirs(torch().tensor(x)).detach().numpy(), rtol=1e-5, atol=1e-6
    )
    for key, value in ours.state_dict().items():
        np.testing.assert_array_equal(value.array, theirs.state_dict()[key].numpy())


def test_loading_names_all_that_does_not_fit_and_changes_nothing() -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    state = dict(net.state_dict())
    before = {key: value.array.copy() for key, value in state.items()}
    bad = {key: value + 1 for key, value in state.items() if key != "0.bias"}
    bad["1.weight"] = microbp.zeros(2, 2)
    bad["extra"] = microbp.zeros(1)
    message = (
        'Error(s) in loading state_dict for Sequential:\n\tMissing key(s) in state_dict: "0.bias". \n\t'
        'Unexpected key(s) in state_dict: "extra". \n\tsize mismatch for 1.weight: copying a param with shape (2, 2) '
        "from checkpoint, the shape in current model is (1, 3)."
    )
    with pytest.raises(StateError) as caught:
        net.load_state_dict(bad)
    assert str(caught.value) == message
    with pytest.raises(RuntimeError, match=r"size mismatch for 1\.weight"):
        net.load_state_dict(bad, strict=False)
    with pytest.raises(StateError, match="expected a Tensor or an array, got list"):
        net.load_state_dict({**state, "0.bias": [1, 2, 3]})
    with pytest.raises(StateError, match="expected numbers"):
        net.load_state_dict({**state, "0.bias": np.array(["a", "b", "c"])})
    with pytest.raises(TypeError, match="dict-like, got list"):
        net.load_state_dict([1])  # type: ignore[arg-type]
    with pytest.raises(NotImplementedError, match="assign"):
        net.load_state_dict(state, assign=True)
    for key, value in net.state_dict().items():
        np.testing.assert_array_equal(value.array, before[key])


def test_loading_without_strict_reports_the_keys() -> None:
    layer = nn.Linear(2, 1)
    result = layer.load_state_dict({"weight": np.ones((1, 2)), "extra": np.ones(1)}, strict=False)
    assert result.missing_keys == ["bias"]
    assert result.unexpected_keys == ["extra"]
    assert tuple(result) == (["bias"], ["extra"])
    assert layer.weight.tolist() == [[1, 1]]
    assert layer.weight.dtype == np.float32


def test_loading_counts_as_a_write() -> None:
    layer = nn.Linear(2, 1)
    loss = layer(microbp.ones(1, 2, requires_grad=True)).sum()
    layer.load_state_dict(layer.state_dict())
    with pytest.raises(MutationError):
        loss.backward()


# -- changes to the whole tree -------------------------------------------------------------


def test_train_and_eval() -> None:
    net = network()
    assert net.eval() is net
    assert not any(module.training for module in net.modules())
    net.blocks[0].train()
    assert net.blocks[0].fc.training
    assert not net.blocks[1].training
    assert net.train() is net
    assert all(module.training for module in net.modules())
    with pytest.raises(ValueError, match="expected to be boolean"):
        net.train("yes")


def test_zero_grad_requires_grad_and_apply() -> None:
    net = network()
    net(microbp.ones(2, 3)).sum().backward()
    gradient = net.gain.grad
    net.zero_grad(set_to_none=False)
    assert net.gain.grad is gradient
    assert not gradient.array.any()
    net.zero_grad()
    assert all(parameter.grad is None for parameter in net.parameters())
    assert net.requires_grad_(False) is net
    assert not any(parameter.requires_grad for parameter in net.parameters())
    assert not net(microbp.ones(2, 3)).requires_grad
    names: list[str] = []
    assert net.apply(lambda module: names.append(type(module).__name__)) is net
    assert names[-1] == "Net"
    assert names.index("Linear") < names.index("Block")


def test_conversion() -> None:
    net = network()
    net.register_buffer("steps", microbp.tensor(3))
    net(microbp.ones(2, 3)).sum().backward()
    weight = net.gain
    assert net.double() is net
    assert net.gain is weight
    assert {parameter.dtype for parameter in net.parameters()} == {np.dtype("float64")}
    assert net.gain.grad.dtype == np.float64
    assert net.first.scale.dtype == np.float64
    assert net.steps.dtype == np.int64
    assert net(microbp.ones(2, 3, dtype=microbp.float64)).dtype == np.float64
    assert net.float().gain.dtype == np.float32
    assert net.half().gain.dtype == np.float16
    assert net.to("cpu", dtype=microbp.float64).gain.dtype == np.float64
    assert net.to(microbp.ones(1)).gain.dtype == np.float32
    assert net.to(microbp.device("cpu")).cpu() is net
    with pytest.raises(DtypeError, match="floating point dtypes, but got desired dtype=int64"):
        net.to(microbp.int64)
    with pytest.raises(NotImplementedError, match="CPU only"):
        net.to("cuda")


# -- printing ------------------------------------------------------------------------------


def test_printed_as_pytorch_prints_it() -> None:
    assert repr(network()) == repr(network(torch()))


def nested(lib: Any) -> Any:
    """Everything there is, nested."""
    module = lib.nn
    activations = [
        module.ReLU(),
        module.ReLU(inplace=True),
        module.ReLU6(),
        module.ReLU6(True),
        module.LeakyReLU(),
        module.LeakyReLU(0.2, True),
        module.ELU(0.5, True),
        module.CELU(),
        module.CELU(1.0, True),
        module.SELU(True),
        module.GELU(),
        module.GELU("tanh"),
        module.SiLU(),
        module.SiLU(True),
        module.Mish(True),
        module.Sigmoid(),
        module.Tanh(),
        module.Softplus(),
        module.Softplus(2, 5.0),
        module.Softsign(),
        module.Hardtanh(),
        module.Hardtanh(-2, 2, True),
        module.Hardsigmoid(True),
        module.Hardswish(True),
        module.LogSigmoid(),
        module.Tanhshrink(),
        module.PReLU(),
        module.PReLU(3),
        module.Softmax(1),
        module.Softmax(),
        module.LogSoftmax(-1),
        module.Softmin(0),
    ]
    layers = module.ModuleDict(
        {
            "linear": module.Linear(2, 3, bias=False),
            "bilinear": module.Bilinear(1, 2, 3),
            "shapes": module.Sequential(module.Flatten(), module.Unflatten(1, (2, 3)), module.Identity()),
            "dropout": module.Dropout(0.2, inplace=True),
            "empty": module.Sequential(),
            "nothing": module.ModuleList(),
        }
    )
    losses = [
        module.MSELoss(),
        module.L1Loss(),
        module.SmoothL1Loss(),
        module.HuberLoss(),
        module.CrossEntropyLoss(),
        module.NLLLoss(),
        module.BCELoss(),
        module.BCEWithLogitsLoss(),
        module.KLDivLoss(),
    ]
    repeated = module.ModuleList([module.Sequential(module.Linear(2, 2)) for _ in range(3)])
    named = module.Sequential(OrderedDict(first=module.Linear(1, 1), second=module.ReLU()))
    return module.ModuleList([*activations, layers, *losses, repeated, named])


def test_every_module_is_printed_as_pytorch_prints_it() -> None:
    assert repr(nested(microbp)) == repr(nested(torch()))


def test_type_converts_as_in_pytorch() -> None:
    for lib in (microbp, torch()):
        layer = lib.nn.BatchNorm1d(2)
        assert layer.type(lib.float64) is layer
        assert layer.weight.dtype == layer.running_mean.dtype == lib.float64
    with pytest.raises(DtypeError, match="floating point"):
        microbp.nn.Linear(1, 1).type(microbp.int64)

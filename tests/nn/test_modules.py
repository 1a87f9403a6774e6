"""Every module is PyTorch's: how it is made and printed, its state, and what it computes in training and evaluation."""

from __future__ import annotations

import copy
import inspect
import re
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import nn
from microbp.errors import OptionError, ShapeError
from tests.modules import Case, all_cases
from tests.referee import assert_same, to_array, torch, weighted_sum
from tests.samples import normal

CASES = all_cases()
KINDS = sorted({case.kind for case in CASES})
every_case = pytest.mark.parametrize("case", CASES, ids=str)
every_kind = pytest.mark.parametrize("kind", KINDS)


def outcome(lib: Any, module: Any, case: Case) -> dict[str, Any]:
    """What a call of a module gives: outputs, gradients of inputs and parameters, buffers after it."""
    module.zero_grad()
    tensors = case.tensors(lib)
    # what it is given was computed, so that it may be changed in place
    out = module(*[t * 1.0 if getattr(t, "requires_grad", False) else t for t in tensors], **case.named)
    outputs = out if isinstance(out, tuple) else (out,)
    found = {f"output {k}": to_array(value) for k, value in enumerate(outputs)}
    differentiable = [value for value in outputs if value.requires_grad]
    if differentiable:
        weighted_sum(lib, differentiable).backward()
    found |= {f"gradient of input {k}": to_array(getattr(t, "grad", None)) for k, t in enumerate(tensors)}
    found |= {f"gradient of {name}": to_array(p.grad) for name, p in module.named_parameters()}
    return found | {name: to_array(buffer).copy() for name, buffer in module.named_buffers()}


def pair(case: Case) -> tuple[Any, Any]:
    """The module of both libraries, in double precision, with the same state."""
    ours, theirs = case.make(microbp).double(), case.make(torch()).double()
    ours.load_state_dict({key: value.numpy() for key, value in theirs.state_dict().items()})
    return ours, theirs


@every_case
def test_computes_what_pytorch_computes(case: Case) -> None:
    ours, theirs = pair(case)
    modes = [False] if case.is_random else [True, False]  # training first, as evaluation may depend on it
    for training in modes:
        mine = outcome(microbp, ours.train(training), case)
        yours = outcome(torch(), theirs.train(training), case)
        assert mine.keys() == yours.keys()
        for name, value in mine.items():
            assert_same(value, yours[name], f"{name}, training={training}", rtol=case.rtol)


@every_case
def test_is_printed_as_pytorch_prints_it(case: Case) -> None:
    assert repr(case.make(microbp)) == repr(case.make(torch()))


@every_case
def test_has_the_attributes_and_the_state_of_pytorch(case: Case) -> None:
    ours, theirs = case.make(microbp), case.make(torch())
    for name, value in vars(theirs).items():
        if not name.startswith("_"):
            assert getattr(ours, name) == value, name
    mine, yours = ours.state_dict(), theirs.state_dict()
    assert list(mine) == list(yours)
    for key, value in mine.items():
        assert (tuple(value.shape), str(value.dtype)) == (tuple(yours[key].shape), str(yours[key].dtype)[6:]), key
    assert [name for name, _ in ours.named_parameters()] == [name for name, _ in theirs.named_parameters()]


@every_case
def test_a_deep_copy_computes_the_same_and_stands_by_itself(case: Case) -> None:
    module = case.make(microbp).double().train(not case.is_random)
    copied = copy.deepcopy(module)
    mine, yours = outcome(microbp, module, case), outcome(microbp, copied, case)
    for name, value in mine.items():
        np.testing.assert_array_equal(value, yours[name])
    for tensor, other in zip(module.state_dict(keep_vars=True).values(), copied.parameters(), strict=False):
        assert not np.may_share_memory(tensor.array, other.array)


@every_case
def test_keeps_single_precision(case: Case) -> None:
    single = copy.copy(case)
    single.inputs = tuple(
        value.astype(np.float32) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value
        for value in case.inputs
    )
    found = outcome(microbp, case.make(microbp).float(), single)
    kinds = {name: value.dtype for name, value in found.items() if isinstance(value, np.ndarray)}
    assert {dtype for dtype in kinds.values() if dtype.kind == "f"} == {np.dtype("float32")}, kinds


@every_kind
def test_has_the_signatures_of_pytorch(kind: str) -> None:
    def described(function: Any) -> list[tuple[str, Any, Any]]:
        return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]

    ours, theirs = getattr(nn, kind), getattr(torch().nn, kind)
    for method in ("__init__", "forward", "from_pretrained"):
        if hasattr(theirs, method):
            mine, yours = described(getattr(ours, method)), described(getattr(theirs, method))
            assert mine == yours or mine in (yours, yours[: len(mine)]), method


@every_kind
def test_takes_a_device_and_a_dtype(kind: str) -> None:
    if "dtype" not in inspect.signature(getattr(nn, kind)).parameters:
        return
    case = next(case for case in CASES if case.kind == kind and "_weight" not in case.options)
    module = getattr(nn, kind)(*case.args, **case.options, device="cpu", dtype=microbp.float64)
    assert {tensor.dtype for tensor in module.state_dict().values()} <= {np.dtype("float64"), np.dtype("int64")}
    if module.state_dict():
        with pytest.raises(NotImplementedError, match="CPU only"):
            getattr(nn, kind)(*case.args, **case.options, device="cuda")


def test_every_public_module_is_compared() -> None:
    public = {value for value in vars(nn).values() if isinstance(value, type) and issubclass(value, nn.Module)}
    # Files whose modules have comparisons of their own.
    elsewhere = {"attention", "container", "module", "recurrent", "transformer", "transformer_layer"}
    names = {value.__name__ for value in public if value.__module__.split(".")[-1] not in elsewhere}
    assert names == set(KINDS)


def test_a_network_with_a_skip_connection_computes_what_pytorch_computes() -> None:
    def residual(lib: Any) -> Any:
        module = lib.nn

        class Residual(module.Module):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.inner = module.Sequential(module.Linear(4, 5), module.Tanh(), module.Linear(5, 4))
                self.norm = module.Parameter(lib.ones(1))

            def forward(self, x: Any) -> Any:
                return x * self.norm + self.inner(x)

        return module.Sequential(Residual(), module.ReLU(), Residual())

    case = Case("skip connection").on(normal(5, 4))
    case.make = residual  # type: ignore[method-assign]
    test_computes_what_pytorch_computes(case)


def test_losses_hold_their_weights_as_buffers() -> None:
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


def test_linear_without_features_gives_its_bias() -> None:
    with pytest.warns(UserWarning, match="zero-element"):
        assert nn.Linear(0, 3)(microbp.ones(2, 0)).tolist() == [[0, 0, 0]] * 2


def test_linear_gives_a_right_answer_for_an_array() -> None:
    layer = nn.Linear(3, 2)
    x = np.ones((5, 3), np.float32)
    np.testing.assert_array_equal(layer(x).detach().array, layer(microbp.tensor(x)).detach().array)


def test_bilinear_refuses_no_features() -> None:
    with pytest.raises(ValueError, match="in1_features must be > 0"):
        nn.Bilinear(0, 1, 1)


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


def test_a_parameter_dict_is_that_of_pytorch() -> None:
    results = []
    for lib in (microbp, torch()):
        given = {"right": lib.ones(2, 3), "left": lib.nn.Parameter(lib.zeros(1))}  # sorted, as in PyTorch
        parameters = lib.nn.ParameterDict(given)
        parameters["middle"] = lib.nn.Parameter(lib.ones(4))
        parameters.update([("last", lib.nn.Parameter(lib.ones(1)))])
        assert parameters["left"] is given["left"]
        popped = parameters.pop("last")
        found = [list(parameters), len(parameters), "left" in parameters, "last" in parameters, popped.tolist()]
        found += [list(parameters.keys()), [k for k, _ in parameters.items()], len(list(parameters.values()))]
        found += [parameters.get("last"), parameters.get("last", 3), list(parameters.state_dict())]
        del parameters["left"]
        parameters["right"].sum().backward()
        found += [parameters["right"].grad.tolist(), repr(parameters).replace("torch.", "")]
        parameters.clear()
        results.append([*found, len(parameters)])
    assert results[0] == results[1]


def test_wrong_uses_of_a_parameter_dict_are_refused() -> None:
    with pytest.raises(TypeError, match="a mapping or pairs, got Tensor"):
        nn.ParameterDict(microbp.ones(2))
    with pytest.raises(RuntimeError, match="should not be called"):
        nn.ParameterDict()()

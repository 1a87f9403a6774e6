"""Groups from layer names."""

from __future__ import annotations

import pytest

import microbp
from microbp.errors import OptionError
from microbp.optim import SGD, layer_groups


class Model:
    """What `layer_groups` needs of a model."""

    def __init__(self, *names):
        self.named = [(name, microbp.zeros(2, requires_grad=True)) for name in names]

    def named_parameters(self):
        return iter(self.named)


@pytest.fixture
def model():
    return Model("fc1.weight", "fc1.bias", "fc10.weight", "blocks.0.fc.weight", "blocks.0.fc.bias", "blocks.1.w")


def grouped(model, overrides):
    """The names in each group, by the group's name."""
    return {group["name"]: [name for name, _ in group["params"]] for group in layer_groups(model, overrides)}


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("fc1", ["fc1.weight", "fc1.bias"]),
        ("fc1.bias", ["fc1.bias"]),
        ("blocks", ["blocks.0.fc.weight", "blocks.0.fc.bias", "blocks.1.w"]),
        ("blocks.0", ["blocks.0.fc.weight", "blocks.0.fc.bias"]),
        ("*.bias", ["fc1.bias", "blocks.0.fc.bias"]),
        ("blocks.?", ["blocks.0.fc.weight", "blocks.0.fc.bias", "blocks.1.w"]),
        ("fc1*", ["fc1.weight", "fc1.bias", "fc10.weight"]),
    ],
)
def test_a_name_means_a_parameter_a_module_or_a_pattern(model, key, expected):
    groups = grouped(model, {key: 0.5})
    assert groups[key] == expected
    assert groups["the rest"] == [name for name, _ in model.named if name not in expected]


def test_the_more_specific_name_wins_whatever_the_order(model):
    overrides = {"blocks": 1.0, "*.bias": 2.0, "blocks.0.fc": 3.0, "fc1.bias": 4.0}
    expected = {
        "blocks": ["blocks.1.w"],
        "blocks.0.fc": ["blocks.0.fc.weight", "blocks.0.fc.bias"],
        "fc1.bias": ["fc1.bias"],
    }
    del overrides["*.bias"]
    for items in (overrides.items(), reversed(overrides.items())):
        groups = grouped(model, dict(items))
        assert {key: groups[key] for key in expected} == expected


def test_a_name_wins_over_a_longer_pattern(model):
    assert grouped(model, {"fc1": 1.0, "*.bias": 2.0})["*.bias"] == ["blocks.0.fc.bias"]


def test_numbers_are_learning_rates_and_the_rest_is_global(model):
    optimizer = SGD(layer_groups(model, {"fc1": 0.5, "blocks.0": {"momentum": 0.9, "lr": 0.2}}), lr=0.1)
    assert [(g["name"], g["lr"], g["momentum"]) for g in optimizer.param_groups] == [
        ("fc1", 0.5, 0),
        ("blocks.0", 0.2, 0.9),
        ("the rest", 0.1, 0),
    ]
    assert sum(len(g["params"]) for g in optimizer.param_groups) == len(model.named)


def test_there_is_no_rest_where_every_parameter_has_a_name():
    assert list(grouped(Model("a.w", "b.w"), {"a": 1.0, "b": 2.0})) == ["a", "b"]
    assert list(grouped(Model("a.w", "b.w"), {})) == ["the rest"]


@pytest.mark.parametrize(
    ("overrides", "error", "text"),
    [
        ({"fc2": 0.1}, OptionError, "no layer or parameter is called 'fc2'; did you mean 'fc1'"),
        ({"fc1.wieght": 0.1}, OptionError, "did you mean 'fc1.weight'"),
        ({"zzz": 0.1}, OptionError, "there are 'fc1', 'fc1.weight'"),
        ({"*.gamma": 0.1}, OptionError, r"no layer or parameter is called '\*.gamma'"),
        ({"": 0.1}, OptionError, "no layer or parameter is called ''"),
        ({"fc1": 0.1, "fc1.weight": 1.0, "fc1.bias": 1.0}, OptionError, "'fc1' applies to nothing: more specific ones"),
        ({"fc1": "fast"}, TypeError, "'fc1' must be a learning rate or a dict"),
        ({"fc1": None}, TypeError, "must be a learning rate or a dict"),
        ({"fc1": {"params": []}}, OptionError, "cannot set 'params'"),
    ],
    ids=str,
)
def test_names_and_values_that_make_no_sense_are_refused(model, overrides, error, text):
    with pytest.raises(error, match=text):
        layer_groups(model, overrides)


def test_unknown_options_are_refused_by_the_optimizer(model):
    with pytest.raises(OptionError, match="'rate'; SGD knows lr"):
        SGD(layer_groups(model, {"fc1": {"rate": 0.5}}))


def test_a_module_has_what_it_takes():
    model = microbp.nn.Sequential(microbp.nn.Linear(2, 3), microbp.nn.Linear(3, 1))
    assert grouped(model, {"1": 0.1}) == {"1": ["1.weight", "1.bias"], "the rest": ["0.weight", "0.bias"]}


def test_keys_that_are_no_strings_are_told_to_be(model):
    with pytest.raises(TypeError, match='instead of 0 use "0"'):
        layer_groups(model, {0: 0.1})


def test_a_layer_without_parameters_is_said_to_have_none():
    model = microbp.nn.Sequential(microbp.nn.Linear(1, 1), microbp.nn.ReLU())
    with pytest.raises(OptionError, match="the layer '1', a ReLU, has no parameters"):
        layer_groups(model, {"1": 0.1})


def test_errors_call_a_group_by_its_name(model):
    groups = [{"params": [p for _, p in model.named_parameters()], "name": "first", "lr": -1}]
    with pytest.raises(OptionError, match="invalid lr in parameter group 'first'"):
        microbp.optim.SGD(groups)


def test_unknown_options_are_answered_with_those_that_do_something():
    with pytest.raises(OptionError, match=r"SGD knows lr, momentum, dampening, weight_decay, nesterov, maximize$"):
        microbp.optim.SGD([{"params": [microbp.ones(1)], "lrr": 1}])


def test_a_program_without_a_name_can_be_warned():
    program = "microbp.optim.SGD([p, p])"
    with pytest.warns(UserWarning, match="duplicate parameters: parameter 1 of parameter group 0 is there") as caught:
        exec(compile(program, "<user>", "exec"), {"microbp": microbp, "p": microbp.ones(1, requires_grad=True)})
    assert caught[0].filename == "<user>"

"""The drawing: that it parses, shows exactly what is there, is the same everywhere, and touches nothing."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
import time
import weakref
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pygraphviz
import pytest

import microbp
from microbp import Tensor, label, nn
from microbp.autograd import Function
from microbp.engine import collect
from microbp.errors import OptionError
from microbp.node import Node
from microbp.viz import diff, look, make_dot, memory_table
from tests.viz.networks import Perceptron, Recurrent, Residual, counting, examples, settle

NASTY = [
    'a"b',
    "<b>&amp;",
    "back\\slash\\n",
    "{x|y}",
    "two\nlines",
    "\N{GREEK SMALL LETTER ALPHA}\N{PARTY POPPER}",
    "\x00\x1b",
    "",
    "<x>",
]
HERE = Path(__file__).parent


def parse(graph: Any) -> pygraphviz.AGraph:
    """The graph as Graphviz understands it, laid out so that labels are parsed too."""
    parsed = pygraphviz.AGraph(string=graph.source)
    assert parsed.number_of_nodes() > 0
    return parsed


def classes(graph: Any) -> Counter[str]:
    """How many boxes of each class there are."""
    parsed = parse(graph)
    return Counter((parsed.get_node(name).attr["class"] or "").split(" ")[0] for name in parsed.nodes())


def unpadded(source: str) -> str:
    """DOT text without the blanks around numbers."""
    return source.replace("&#160;", "")


def clusters(graph: Any) -> list[str]:
    """The tooltips of all frames, which say name and class of the module."""
    return sorted(re.findall(r'subgraph cluster_m\d+ \{\n[^\n]* tooltip="([^"]*)"', graph.source))


def reachable(root: Tensor) -> tuple[int, int]:
    """The numbers of tensors and of operations in a graph, counted independently."""
    nodes = collect([root.node or root])
    edges = [edge for node in nodes for edge in node.inputs]
    leaves = {id(edge) for edge in edges if isinstance(edge, Tensor)}
    leaves |= {id(edge()) if edge() is not None else id(edge) for edge in edges if isinstance(edge, weakref.ref)}
    return len(nodes) + len(leaves) + (root.node is None), len(nodes)


@pytest.mark.parametrize("name", examples)
def test_every_example_parses_and_renders(name: str) -> None:
    for options in ({}, {"direction": "backward"}, {"color_by": "grad"}, {"show_attrs": True, "show_saved": True}):
        graph = make_dot(examples[name](), **options)
        parse(graph)
        assert b"</svg>" in graph.pipe("svg")


@pytest.mark.parametrize("name", examples)
def test_boxes_are_the_reachable_tensors_and_operations(name: str) -> None:
    root = examples[name]()
    count = classes(make_dot(root))
    assert (count["tensor"], count["operation"]) == reachable(root)


@pytest.mark.parametrize("name", NASTY)
def test_names_are_escaped(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    x = microbp.tensor([1.0, 2.0], requires_grad=True)
    graph = make_dot((x * x).sum(), params={name: x})
    assert classes(graph)["tensor"] == 3
    svg = graph.pipe("svg").decode()
    if name == "<b>&amp;":
        assert "&lt;b&gt;&amp;amp;" in svg
    if name == "back\\slash\\n":
        assert "back\\slash\\n" in svg
    assert "rror" not in capfd.readouterr().err  # "syntax error", "Error: not well-formed"


def test_a_freed_graph_and_dead_constants_are_drawn() -> None:
    w = microbp.ones(3, requires_grad=True)
    y = (w * microbp.tensor([1.0, 2.0, 3.0]) + microbp.ones(2, 3)).sum()
    y.backward()
    graph = make_dot(y)
    assert "freed by backward()" in graph.source or "(3,)" in graph.source
    parse(graph)


def test_a_tensor_used_twice_has_two_arrows() -> None:
    a = microbp.tensor(3.0, requires_grad=True)
    double = parse(make_dot(a + a))
    assert [tuple(edge) for edge in double.edges()].count(("t0", "op0")) == 2
    cube = parse(make_dot(a * a * a))
    assert Counter(tuple(edge) for edge in cube.edges()) == {
        ("t0", "op0"): 2,
        ("op0", "t1"): 1,
        ("t1", "op1"): 1,
        ("t0", "op1"): 1,
        ("op1", "t2"): 1,
    }


def test_every_parameter_is_named_once() -> None:
    model = Perceptron()
    source = make_dot(model(counting(4, 3)).sum()).source
    for name, _ in model.named_parameters():
        assert source.count(f"<B>{name}</B>") == 1
    named = make_dot(model(counting(4, 3)).sum(), params={"first": model.fc1.weight}).source
    assert "<B>first</B>" in named
    assert "<B>fc1.weight</B>" not in named


def test_names_from_a_model_that_was_not_called_itself() -> None:
    model = Perceptron()
    y = model.fc2(model.fc1(counting(4, 3))).sum()
    assert "<B>fc2.bias</B>" in make_dot(y, model=model).source
    assert "<B>linear_2.bias</B>" in make_dot(y).source


def test_frames_are_module_calls() -> None:
    assert clusters(make_dot(settle(Perceptron())(counting(4, 3)))) == [
        "Perceptron: Perceptron",
        "act: Tanh",
        "fc1: Linear",
        "fc2: Linear",
    ]
    assert clusters(make_dot(settle(Recurrent(3))(counting(1, 2)))) == [
        "Recurrent: Recurrent",
        "shared#2: Linear",
        "shared#3: Linear",
        "shared: Linear",
    ]


def test_a_call_that_computes_nothing_has_no_frame() -> None:
    model = nn.Sequential(nn.Identity(), nn.Linear(2, 2), nn.Identity())
    assert clusters(make_dot(model(counting(3, 2)))) == ["1: Linear", "Sequential: Sequential"]


def test_a_module_that_died_leaves_its_frame() -> None:
    assert clusters(make_dot(nn.Linear(2, 2)(counting(3, 2)))) == ["Linear: Linear"]
    loss = nn.CrossEntropyLoss()(settle(Perceptron())(counting(4, 3)), microbp.tensor([0, 1, 1, 0]))
    assert clusters(make_dot(loss)) == [
        "CrossEntropyLoss: CrossEntropyLoss",
        "Perceptron: Perceptron",
        "act: Tanh",
        "fc1: Linear",
        "fc2: Linear",
    ]


def test_inputs_are_outside_and_parameters_inside_their_frame() -> None:
    graph = parse(make_dot(settle(nn.Sequential(nn.Linear(2, 2)))(counting(3, 2))))
    inner = graph.subgraphs()[0].subgraphs()[0]
    kinds = Counter(graph.get_node(name).attr["class"] for name in inner.nodes())
    assert kinds["tensor parameter"] == 2
    assert kinds["tensor input"] == 0


def test_broadcasts_are_seen() -> None:
    source = make_dot(examples["broadcast"]()).source
    assert "(4,) → (5, 4)" in source
    assert "(5, 1) → (5, 4)" in source
    backward = make_dot(examples["broadcast"](), direction="backward").source
    assert "(5, 4) → (4,)" in backward


def test_python_numbers_stand_on_the_pill() -> None:
    x = microbp.tensor(3.0, requires_grad=True)
    assert ">leaf_1 ** 2<" in make_dot(x**2).source
    assert ">2.5 - x &lt;3<" in make_dot(2.5 - x, params={"x <3": x}).source


def test_letters_of_a_row_are_never_taken_for_names() -> None:
    a, b = microbp.tensor(3.0, requires_grad=True), microbp.tensor(2.0, requires_grad=True)
    source = make_dot((a * b) ** 2, params={"a": a, "b": b}).source
    assert ">mul_1 ** 2<" in source
    assert ">a ** 2<" not in source


def test_what_is_hidden_has_no_name_in_a_caption() -> None:
    model = settle(nn.Sequential(nn.Tanh()))
    assert ">· ** 2<" in make_dot(model(counting(2).requires_grad_()) ** 2, depth=0).source


def test_formulas_stand_on_the_pills_in_the_names_of_the_picture() -> None:
    w, x = (microbp.tensor(value, requires_grad=True) for value in (2.0, 3.0))
    product = w * x
    y = (product + x).exp()
    source = make_dot(y, {"w": w, "x": x, "product": product, "y <": y}, show_formulas=True).source
    for formula in ("dL/dw = g * x", "dL/dx = g * w", "dL/dproduct = g", "dL/dadd_1 = g * y &lt;"):
        assert f">{formula}<" in source
    assert "g in a formula: the gradient of the operation's output" in html.unescape(source)
    assert ">dL/dw" not in make_dot(y).source
    assert ">dL/dw = g * 2 * w<" in make_dot(w**2, {"w": w}, show_formulas=True).source
    for example in examples.values():
        parse(make_dot(example(), show_formulas=True, roll=True))


def test_gradients_are_never_a_false_zero() -> None:
    loss = examples["perceptron"]()
    before = make_dot(loss).source
    assert before.count("grad: not computed") == 5  # four parameters and the loss
    loss.backward()
    assert "grad: not computed" not in make_dot(loss).source
    assert "grad" not in make_dot(loss, show_grads=False).source.replace("grad_", "").replace("requires_grad", "")


def test_summands_of_a_gradient_are_on_the_arrows() -> None:
    a = microbp.tensor(2.0, requires_grad=True)
    y = a * 3 + a * a
    y.backward()
    source = make_dot(y).source
    assert source.count("grad + 2<") == 2
    assert source.count("grad + 3<") == 1
    assert "grad 7<" in source


def test_gradients_that_are_worked_out_agree_with_backward() -> None:
    a = microbp.tensor([1.0, 2.0], requires_grad=True)
    hidden = (a * a).exp()
    hidden.retain_grad()
    y = (hidden * a).sum()
    before = make_dot(y, show_grads=True).source
    y.backward()
    after = make_dot(y).source
    for number in hidden.grad.tolist():
        assert f">{number:.0f}<" in unpadded(before)
        assert f">{number:.0f}<" in unpadded(after)


def test_values_of_an_overwritten_graph_are_not_shown() -> None:
    w = microbp.tensor([1.5, 2.5], requires_grad=True)
    factor = microbp.tensor([3.0, 4.0])
    product = w * factor
    y = product.sum()
    y.backward()
    assert ">4.5" in unpadded(make_dot(y).source)
    with microbp.no_grad():
        w -= 1.0
    source = unpadded(make_dot(y).source)
    assert "changed since the forward" in source
    assert ">4.5" not in source
    assert ">1.5<" not in source.replace("<B>", "").split("mul_1")[1]
    assert "(2,) float32" in source.split("mul_1")[1]  # the shape is still true


def test_colour_by_gradient() -> None:
    used, dead = microbp.tensor([2.0], requires_grad=True), microbp.tensor([5.0], requires_grad=True)
    y = (used + dead * 0.0).sum()
    assert "striped" not in make_dot(y, color_by="grad").source.split("label=<<TABLE BORDER")[0]
    y.backward()
    graph = parse(make_dot(y, color_by="grad", params={"used": used, "dead": dead}))
    styles = {name: graph.get_node(name).attr["style"] for name in ("t0", "t1", "t2")}
    assert "striped" in styles.values()
    assert "no gradient" in make_dot(y, color_by="grad").source


def test_closed_modules_have_the_colour_of_their_parameters_gradients() -> None:
    model = settle(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Tanh()))
    loss = model(counting(3, 2)).sum()
    assert "rms of grad" not in make_dot(loss, depth=1, color_by="grad").source.split("label=<<TABLE")[0]
    loss.backward(retain_graph=True)
    source = make_dot(loss, depth=1, color_by="grad").source
    for layer in (model[0], model[1]):
        elements = np.concatenate([layer.weight.grad.array.ravel(), layer.bias.grad.array])
        assert f">rms of grad {np.sqrt(np.mean(elements**2)):.2g}<" in source


def test_options_that_say_what_is_computed_stand_on_the_pill() -> None:
    x = counting(4, 4).requires_grad_()
    source = make_dot(x[:, 1:3].reshape(2, 4).sum(), {"x": x}).source
    assert ">x[:, 1:3]<" in source
    assert ">getitem_1.reshape((2, 4))<" in source
    assert "…" in make_dot(microbp.cat([x, x], dim=1).sum()).source
    assert ">x[[2 places]]<" in make_dot(x[[0, 2]].sum(), {"x": x}).source
    assert ">x[2, 1]<" in make_dot(x[2, 1] * 2, {"x": x}).source


def test_views_and_writes_in_place_are_seen() -> None:
    x = microbp.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 2
    y.add_(1)
    y[0] = x[1] * 5
    source = make_dot((y.view(3, 1) + 1).sum(), {"x": x}).source
    assert source.count("<I>in place</I>") == 2
    assert source.count("<I>view</I>") == 2  # x[1], and the last
    assert "<I>view</I>" not in make_dot((x * 2).clone().sum()).source


def test_a_function_of_the_users_own_with_two_outputs() -> None:
    class Two(Function):
        @staticmethod
        def forward(ctx: Any, a: Tensor) -> Any:
            return a * 2, a + 1

        @staticmethod
        def backward(ctx: Any, g: Tensor, h: Tensor) -> Tensor:
            return g * 2 + h

    one, other = Two.apply(counting(2, 3).requires_grad_())
    source = make_dot((one * other).tanh().sum()).source
    assert ">2 tensors<" in source
    assert "shape unknown" not in source
    assert ">(2, 3) float32<" in source.split("tanh_1")[1]


def test_the_source_line_of_every_operation_is_in_its_tooltip() -> None:
    model = settle(nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Tanh(), Residual(2))))
    loss = model(counting(3, 2)).square().mean()
    line = sys._getframe().f_lineno - 1
    operations = look([loss]).operations
    assert [op.place for op in operations if op.name in {"tanh", "square", "mean"}] == [("test_dot.py", line)] * 3
    nodes = collect([loss.node])
    for op, node in zip(operations, nodes[::-1], strict=True):  # the place is the one that error messages find
        found = label.place(node, nodes)
        assert found is not None
        assert op.place == (os.path.basename(found[0]), found[1])
    assert f"test_dot.py:{line}" in make_dot(loss).source
    assert "test_dot.py" not in make_dot(loss, show_source=False).source


def test_a_crowded_picture_says_that_values_are_left_out() -> None:
    y = microbp.ones(2, requires_grad=True)
    for _ in range(50):
        y = y.tanh()
    assert "101 boxes: show_values=True shows their values<" in make_dot(y).source
    for asked in (True, False):
        assert "boxes: show_values" not in make_dot(y, show_values=asked).source
    assert "boxes: show_values" not in make_dot(y, max_nodes=50).source


def test_a_crowded_picture_names_a_depth_that_closes_modules() -> None:
    flat, nested = nn.RNN(2, 3), nn.Sequential(*[nn.Tanh() for _ in range(50)])
    x = microbp.ones(20, 1, 2, requires_grad=True)
    for loss, depth in ((flat(x)[0].sum(), 0), (nested(x).sum(), 1)):
        assert f"depth={depth} closes modules" in make_dot(loss).source
        assert "class=module" in make_dot(loss, depth=depth).source


def test_show_attrs_and_show_saved() -> None:
    x = counting(2, 3).requires_grad_()
    y = (x * x).sum(dim=1).exp().sum()
    source = make_dot(y, show_attrs=True, show_saved=True).source
    assert "keeps a, b" in source
    assert "keeps y" in source
    assert "axis = " in source or "dim = " in source
    y.backward()
    assert "kept values freed" in make_dot(y, show_saved=True).source


def test_several_results() -> None:
    x = microbp.tensor([1.0, 2.0], requires_grad=True)
    hidden = x * x
    count = classes(make_dot([hidden.sum(), hidden.mean()]))
    assert count["operation"] == 3
    assert parse(make_dot([hidden, hidden])).number_of_nodes() == 3


def test_directions() -> None:
    x = microbp.tensor(3.0, requires_grad=True)
    y = x * x
    forward = {tuple(edge) for edge in parse(make_dot(y)).edges()}
    backward = {tuple(edge) for edge in parse(make_dot(y, direction="backward")).edges()}
    assert backward == {(b, a) for a, b in forward}
    assert "rankdir=TB" in make_dot(y, rankdir="TB").source


@pytest.mark.parametrize(
    "options",
    [
        {"color_by": "size"},
        {"direction": "up"},
        {"rankdir": "XY"},
        {"depth": -1},
        {"max_nodes": 0},
        {"show_values": "no"},
    ],
)
def test_bad_options(options: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=next(iter(options))):
        make_dot(microbp.ones(2), **options)


def test_what_is_no_tensor() -> None:
    model: Any = nn.Linear(2, 2)
    for wrong, name in ((3, "int"), (None, "NoneType"), ([1.0], "float"), ("loss", "str"), (np.ones(2), "float64")):
        with pytest.raises(TypeError, match=f"draws a tensor or a sequence of tensors, got {name}$"):
            make_dot(wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"got Linear; call it: make_dot\(model\(x\), model=model\)"):
        make_dot(model)
    with pytest.raises(TypeError, match="takes names from model=, a module; got str"):
        make_dot(microbp.ones(2), model="x")
    with pytest.raises(OptionError, match="nothing to draw"):
        make_dot([])


def test_a_model_that_has_no_part_in_it_is_warned_of() -> None:
    loss = settle(nn.Linear(2, 2))(counting(3, 2)).sum()
    with pytest.warns(UserWarning, match="none of the parameters of model=Linear is in this graph") as caught:
        make_dot(loss, model=nn.Linear(2, 2))
    assert caught[0].filename == __file__
    make_dot(loss, model=nn.Tanh())  # has none


def test_the_target_of_a_loss_is_called_so() -> None:
    for loss, target in (
        (nn.CrossEntropyLoss(), microbp.tensor([0, 1, 1])),
        (nn.BCEWithLogitsLoss(), microbp.ones(3, 2)),
        (nn.MSELoss(), microbp.ones(3, 2)),
    ):
        source = make_dot(loss(settle(nn.Linear(2, 2))(counting(3, 2)), target)).source
        assert "<B>input_1</B>" in source
        assert "<B>target</B>" in source
    target.name = "wanted"
    assert "<B>wanted</B>" in make_dot(loss(microbp.ones(3, 2, requires_grad=True), target)).source


def test_the_legend_explains_what_occurs() -> None:
    x = microbp.arange(5.0).requires_grad_()
    once, twice = x.exp().sum(), (x * x).sum()
    for y in (once, twice):
        y.backward(retain_graph=True)
    spread, share = "mean ± standard deviation", "the share of this use"
    assert spread in make_dot(once).source
    assert share not in make_dot(once).source
    assert share in make_dot(twice).source
    assert spread not in make_dot(once, show_values=False, show_grads=False).source, "it occurs in tooltips only"
    assert spread not in make_dot(microbp.ones(2, requires_grad=True) * 2).source


def test_a_freed_graph_says_how_to_see_its_gradients() -> None:
    def drawn(changed: bool = False, **options: Any) -> str:
        w = microbp.ones(3, requires_grad=True)
        y = ((w * 2) * microbp.tensor([1.0, 2.0, 3.0])).exp().sum()  # the constant is gone once the graph is freed
        y.backward(**options)
        if changed:
            with microbp.no_grad():
                w -= 1.0
        return make_dot(y).source

    hint = "gradients in between: call backward(retain_graph=True)"
    assert hint in drawn()
    assert hint not in drawn(retain_graph=True)
    late = drawn(changed=True)
    assert "before optimizer.step()" in late
    assert hint not in late


def test_nothing_is_touched() -> None:
    model = settle(nn.Sequential(Residual(2), nn.Dropout(0.5), nn.Linear(2, 2)))
    x = counting(3, 2)
    loss = model(x).square().mean()
    loss.backward(retain_graph=True)
    tensors = [x, loss, *model.parameters()]
    state = microbp.get_rng_state() if hasattr(microbp, "get_rng_state") else None

    def snapshot() -> list[Any]:
        return [(t.array.tobytes(), None if t.grad is None else t.grad.array.tobytes(), t.version) for t in tensors]

    def kept() -> list[Any]:
        return [node.kept is None for node in collect([loss.node])]

    before, alive = snapshot(), kept()
    for options in (
        {},
        {"show_grads": True},
        {"color_by": "grad", "direction": "backward"},
        {"roll": True, "depth": 1},
        {"color_by": "memory"},
    ):
        make_dot(loss, **options)
    memory_table(loss)
    diff(loss, loss)
    assert snapshot() == before
    assert kept() == alive
    if state is not None:
        assert np.array_equal(np.asarray(state.tolist()), np.asarray(microbp.get_rng_state().tolist()))
    loss.backward()


def test_hooks_are_not_called() -> None:
    x = microbp.tensor([1.0], requires_grad=True)
    hidden = x * 2
    called = []
    hidden.register_hook(lambda g: called.append(g))
    make_dot(hidden.sum(), show_grads=True)
    assert not called


def test_long_chains_are_drawn_without_recursion_and_fast() -> None:
    y = x = microbp.tensor(1.0, requires_grad=True)
    for _ in range(5_000):
        y = y * 0.5 + x if y.node is None else y.tanh()
    start = time.perf_counter()
    graph = make_dot(y, max_nodes=None)
    assert time.perf_counter() - start < 2 * slowness()
    assert graph.source.count("class=operation") == len(collect([y.node]))
    assert parse(make_dot(y)).number_of_nodes() <= 300


def slowness() -> float:
    """How much slower this machine is, just now, than the one on which times were set."""
    start = time.perf_counter()
    sum(range(2_000_000))
    return max((time.perf_counter() - start) / 0.03, 1.0)


def test_doublings_are_not_unfolded() -> None:
    y = microbp.tensor(1.0, requires_grad=True)
    for _ in range(50):
        y = y + y
    count = classes(make_dot(y))
    assert count == {"operation": 50, "tensor": 51}


SCRIPT = """
import sys
from microbp.viz import diff, make_dot, memory_table
from tests.viz.networks import examples
for name, example in examples.items():
    for options in ({}, {"roll": True, "color_by": "grad"}, {"depth": 1, "direction": "backward", "show_attrs": True}):
        sys.stdout.write(make_dot(example(), **options).source)
    sys.stdout.write(make_dot(example(), color_by="memory").source)
    sys.stdout.write(str(memory_table(example())))
    other = diff(example(), examples["perceptron"]())
    sys.stdout.write(other.source + str(other))
"""


def test_two_processes_write_the_same_bytes() -> None:
    texts = []
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT], capture_output=True, env=environment, cwd=HERE.parents[1], check=True
        )
        texts.append(run.stdout)
    assert len(texts[0]) > 10_000
    assert texts[0] == texts[1]


def test_ids_do_not_depend_on_what_was_computed_before() -> None:
    first = make_dot(examples["recurrent"]()).source
    (microbp.ones(2, requires_grad=True) * 2).sum()
    assert make_dot(examples["recurrent"]()).source == first


@pytest.mark.parametrize("name", examples)
def test_golden(name: str, overwrite: bool) -> None:
    """After a change that is meant to show, run ``pytest tests/viz --overwrite`` and look at the difference."""
    path = HERE / "golden" / f"{name}.dot"
    source = make_dot(examples[name](), show_source=False).source
    if overwrite:
        path.write_text(source, encoding="utf-8", newline="\n")
    assert source == path.read_text(encoding="utf-8")


def test_no_size_is_ever_set() -> None:
    graph = make_dot(examples["perceptron"]())
    assert " size=" not in graph.source


def test_a_node_is_no_part_of_the_view() -> None:
    assert not any(isinstance(value, Node) for value in vars(make_dot(microbp.ones(1))).values())

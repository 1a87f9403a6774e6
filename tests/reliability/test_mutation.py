"""What is changed between the forward and the backward pass: the gradient is right, or the pass is refused.

A table holds a call of every public function that takes an index, a label, a mask, a weight, a size or a list. Each
thing that such a call is given is changed afterwards, in turn: tensors through the Tensor API, and, in the debug mode,
through their memory; arrays and lists by assignment. A program that gives another gradient than without the change is
silently wrong.
"""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np
import pytest

import microbp
from microbp import Tensor, errors, linalg
from microbp.autograd import detect_mutation
from microbp.nn import functional as F

# -- what the calls are given ----------------------------------------------------------------


def normal(*shape: int) -> Any:
    return np.random.default_rng([7, *shape]).normal(size=shape)


def p(*shape: int) -> Any:
    """A leaf that requires grad."""
    return microbp.tensor(normal(*shape), requires_grad=True)


def c(*shape: int) -> Any:
    """A constant of values between 0.2 and 0.8, as probabilities, weights and variances are."""
    return microbp.tensor(0.5 + 0.3 * np.tanh(normal(*shape)))


def i(*values: Any) -> Any:
    """A tensor of integers."""
    return microbp.tensor(np.array(values))


def b(*shape: int) -> Any:
    """A mask."""
    return microbp.tensor(normal(*shape) > 0)


def s(*shape: int) -> Any:
    """Signs, 1 or -1."""
    return microbp.tensor(np.where(normal(*shape) > 0, 1.0, -1.0))


def a(*values: Any) -> Any:
    """An array."""
    return np.array(values)


Case = tuple[Callable[..., Any], Callable[[], list[Any]]]
CASES: dict[str, Case] = {}


def case(name: str, call: Callable[..., Any], given: Callable[[], list[Any]]) -> None:
    """Enter a call; `name` is that of the function, and what tells several calls of it apart."""
    assert name not in CASES
    CASES[name] = call, given


# -- indexing --------------------------------------------------------------------------------

for note, index in {
    "a list": lambda: [2, 0, 0],
    "a nested list": lambda: ([[2, 0], [1, 1]],),
    "an array": lambda: a(2, 0, 0),
    "a mask array": lambda: a(True, False, True, False),
    "a list of truth values": lambda: [True, False, True, False],
    "a tensor": lambda: i(2, 0, 0),
    "a mask tensor": lambda: microbp.tensor([True, False, True, False]),
}.items():
    case(f"Tensor.__getitem__ with {note}", lambda x, k: x[k], lambda index=index: [p(4, 4), index()])  # type: ignore[misc]
    case(
        f"Tensor.__setitem__ with {note}",
        lambda x, k, v: put(x * 2.0, k, v),
        lambda index=index: [p(4, 4), index(), p(4)],  # type: ignore[misc]
    )
    case(
        f"Tensor.__setitem__ of an array with {note}",
        lambda x, k, v: put(x * 2.0, k, v),
        lambda index=index: [p(4, 4), index(), normal(4)],  # type: ignore[misc]
    )
case("Tensor.__getitem__ with lists", lambda x, k, m: x[k, m], lambda: [p(3, 4), [2, 0], [1, 3]])
case("Tensor.__getitem__ with a slice and an array", lambda x, k: x[1:, k], lambda: [p(3, 4), a(1, 3)])
case("Tensor.__getitem__ with a number and a list", lambda x, k: x[1, :, k], lambda: [p(3, 4, 5), [1, 3]])
case("Tensor.__getitem__ with a whole mask", lambda x, m: x[m], lambda: [p(3, 4), b(3, 4)])
case("Tensor.__setitem__ with a number and a list", lambda x, k: put(x * 2.0, (1, k), 0.0), lambda: [p(3, 4), [1, 3]])
case("Tensor.__setitem__ through a view", lambda x, k, v: put_row(x * 2.0, k, v), lambda: [p(3, 4), [1, 3], p(2)])


def put(y: Any, index: Any, values: Any) -> Any:
    y[index] = values
    return y * y


def put_row(y: Any, index: Any, values: Any) -> Any:
    y[1][index] = values
    return y * y


def into(name: str) -> Callable[..., Any]:
    """A method that writes into its tensor, on a tensor that was computed."""

    def call(x: Any, *rest: Any, **options: Any) -> Any:
        y = x * 2.0
        getattr(y, name)(*rest, **options)
        return y * y

    return call


case("index_select", lambda x, k: microbp.index_select(x, 1, k), lambda: [p(3, 4), i(1, 1, 3)])
case("gather", lambda x, k: microbp.gather(x, 1, k), lambda: [p(3, 4), i([0, 3], [1, 1], [2, 0])])
case("take", microbp.take, lambda: [p(3, 4), i(11, 0, 0)])
case("take_along_dim", lambda x, k: microbp.take_along_dim(x, k, 1), lambda: [p(3, 4), i([0, 3], [1, 1], [2, 0])])
case("select", lambda x: microbp.select(x, 1, 2), lambda: [p(3, 4)])
case("narrow", lambda x: microbp.narrow(x, 1, 1, 2), lambda: [p(3, 4)])
case("masked_select", microbp.masked_select, lambda: [p(3, 4), b(3, 4)])
case("where", microbp.where, lambda: [b(3, 4), p(3, 4), p(4)])
case("where with a constant", microbp.where, lambda: [b(3, 4), p(3, 4), c(4)])
for suffix in ("", "_"):
    for name, (tail, given) in {
        "masked_fill": ((-9.0,), lambda: [p(3, 4), b(3, 4)]),
        "masked_scatter": ((), lambda: [p(3, 4), b(3, 4), p(3, 4)]),
        "index_put": ((), lambda: [p(3, 4), (i(2, 0), i(1, 3)), p(2)]),
        "index_put with a list": ((), lambda: [p(3, 4), [i(2, 0), i(1, 3)], p(2)]),
        "index_put to add": ((True,), lambda: [p(3, 4), (i(2, 2), i(1, 1)), p(2)]),
    }.items():
        method = name.split(" ")[0] + suffix
        function = into(method) if suffix else getattr(microbp, method)
        case(
            f"{'Tensor.' * bool(suffix)}{method} {name.partition(' ')[2]}".strip(),
            lambda *args, function=function, tail=tail: function(*args, *tail),
            given,
        )
    for name, (options, given) in {  # type: ignore[assignment]
        "scatter": ({}, lambda: [p(3, 4), i([0, 3], [1, 2], [2, 0]), p(3, 2)]),
        "scatter of a number": ({"value": 1.5}, lambda: [p(3, 4), i([0, 3], [1, 2], [2, 0])]),
        "scatter to add": ({"reduce": "add"}, lambda: [p(3, 4), i([0, 0], [1, 2], [2, 0]), p(3, 2)]),
        "scatter_add": ({}, lambda: [p(3, 4), i([0, 0], [1, 2], [2, 0]), p(3, 2)]),
        "index_add": ({"alpha": 2.0}, lambda: [p(3, 4), i(1, 1, 3), p(3, 3)]),
        "index_copy": ({}, lambda: [p(3, 4), i(1, 0, 3), p(3, 3)]),
        "index_fill": ({"value": 2.0}, lambda: [p(3, 4), i(1, 3)]),
    }.items():
        method = name.split(" ")[0] + suffix
        function = into(method) if suffix else getattr(microbp, method)
        case(
            f"{'Tensor.' * bool(suffix)}{method} {name.partition(' ')[2]}".strip(),
            lambda x, *args, function=function, options=options: function(x, 1, *args, **options),
            given,
        )
    for name in ("sum", "prod", "mean", "amax"):
        method = f"scatter_reduce{suffix}"
        function = into(method) if suffix else getattr(microbp, method)
        case(
            f"{'Tensor.' * bool(suffix)}{method} by {name}",
            lambda x, k, y, function=function, name=name: function(x, 1, k, y, name),
            lambda: [p(3, 4), i([0, 0], [1, 2], [2, 0]), p(3, 2)],
        )
case("diagonal_scatter", microbp.diagonal_scatter, lambda: [p(3, 4), p(3)])
case("select_scatter", lambda x, y: microbp.select_scatter(x, y, 1, 2), lambda: [p(3, 4), p(3)])
case("slice_scatter", lambda x, y: microbp.slice_scatter(x, y, 1, 1, 3), lambda: [p(3, 4), p(3, 2)])
case("Tensor.sum_to_size", lambda x, size: x.sum_to_size(size), lambda: [p(3, 4), [1, 4]])
case("Tensor.copy_", into("copy_"), lambda: [p(3, 4), p(4)])
case("Tensor.copy_ of an array", lambda x, y: into("copy_")(x, y) * x, lambda: [p(3, 4), normal(4)])

# -- sizes and axes --------------------------------------------------------------------------

for name, given in {
    "reshape": lambda: [p(3, 4), [4, 3]],
    "permute": lambda: [p(3, 4), [1, 0]],
    "broadcast_to": lambda: [p(3, 4), [2, 3, 4]],
    "flip": lambda: [p(3, 4), [1]],
    "roll": lambda: [p(3, 4), [1, 2], [0, 1]],
    "rot90": lambda: [p(3, 4), 1, [0, 1]],
    "tile": lambda: [p(3, 4), [2, 1]],
    "movedim": lambda: [p(3, 4, 2), [0, 1], [2, 0]],
    "moveaxis": lambda: [p(3, 4, 2), [0, 1], [2, 0]],
    "squeeze": lambda: [p(3, 1, 1), [1, 2]],
    "unflatten": lambda: [p(3, 4), 1, [2, 2]],
    "split": lambda: [p(3, 4), [1, 2]],
    "split_with_sizes": lambda: [p(3, 4), [1, 2]],
    "tensor_split": lambda: [p(3, 4), [1, 2]],
    "tensor_split at a tensor": lambda: [p(3, 4), i(1, 2)],
    "hsplit": lambda: [p(3, 4), [1, 2]],
    "vsplit": lambda: [p(3, 4), [1, 2]],
    "dsplit": lambda: [p(2, 3, 4), [1, 2]],
    "repeat_interleave": lambda: [p(3, 4), i(2, 0, 1), 0],
    "sum": lambda: [p(3, 4, 2), [0, 2]],
    "mean": lambda: [p(3, 4, 2), [0, 2]],
    "nansum": lambda: [p(3, 4, 2), [0, 2]],
    "nanmean": lambda: [p(3, 4, 2), [0, 2]],
    "amax": lambda: [p(3, 4, 2), [0, 2]],
    "amin": lambda: [p(3, 4, 2), [0, 2]],
    "var": lambda: [p(3, 4, 2), [0, 2]],
    "std": lambda: [p(3, 4, 2), [0, 2]],
    "var_mean": lambda: [p(3, 4, 2), [0, 2]],
    "std_mean": lambda: [p(3, 4, 2), [0, 2]],
    "logsumexp": lambda: [p(3, 4, 2), [0, 2]],
    "norm": lambda: [p(3, 4, 2), 2, [0, 2]],
    "linalg.norm": lambda: [p(3, 4, 2), None, [0, 2]],
    "linalg.vector_norm": lambda: [p(3, 4, 2), 3, [0, 2]],
    "linalg.matrix_norm": lambda: [p(3, 4, 2), "fro", [0, 2]],
    "tensordot": lambda: [p(3, 4, 2), p(4, 3), [[0, 1], [1, 0]]],
    "Tensor.view": lambda: [p(3, 4), [4, 3]],
    "Tensor.expand": lambda: [p(3, 4), [2, 3, 4]],
    "Tensor.repeat": lambda: [p(3, 4), [2, 1]],
}.items():
    where, _, method = name.split(" ")[0].rpartition(".")
    case(name, getattr({"": microbp, "linalg": linalg, "Tensor": Tensor}[where], method), given)
case("einsum of lists", microbp.einsum, lambda: [p(3, 4), [0, 1], p(4, 2), [1, 2], [0]])
for name in ("cat", "concat", "concatenate", "stack", "hstack", "vstack", "dstack", "row_stack", "column_stack"):
    case(name, getattr(microbp, name), lambda: [[p(3, 4), p(3, 4)]])
for name in ("meshgrid", "atleast_1d", "atleast_2d", "atleast_3d"):
    case(
        name,
        partial(getattr(microbp, name), **({"indexing": "ij"} if name == "meshgrid" else {})),
        lambda: [[p(3), p(4)]],
    )
case("linalg.multi_dot", linalg.multi_dot, lambda: [[p(3, 4), p(4, 2), p(2, 3)]])

# -- values beside the input -----------------------------------------------------------------

case("lerp", microbp.lerp, lambda: [p(3, 4), p(3, 4), c(4)])
case("clamp", microbp.clamp, lambda: [p(3, 4), c(4) - 1.0, c(4)])
case("diff", lambda x, u, v: microbp.diff(x, 1, 1, u, v), lambda: [p(3, 4), c(3, 1), c(3, 1)])
case("add of an array", lambda x, y: x * y + y, lambda: [p(3, 4), normal(4)])
case("add to an array", lambda x, y: np.add(y, y * x), lambda: [p(3, 4), normal(4)])
case("F.prelu", F.prelu, lambda: [p(3, 4), c(4)])
case("F.linear", F.linear, lambda: [p(3, 4), c(2, 4), c(2)])
case("F.bilinear", F.bilinear, lambda: [p(3, 4), c(3, 2), c(2, 4, 2), c(2)])
case("F.embedding", partial(F.embedding, padding_idx=1), lambda: [i(1, 2, 2, 0), p(3, 4)])
case("F.embedding by frequency", partial(F.embedding, scale_grad_by_freq=True), lambda: [i(1, 2, 2), p(3, 4)])
case(
    "F.embedding_bag",
    lambda k, w, o, v: F.embedding_bag(k, w, o, mode="sum", per_sample_weights=v),
    lambda: [i(1, 2, 2, 0), p(3, 4), i(0, 3), c(4)],
)
case("F.embedding_bag, largest", partial(F.embedding_bag, mode="max"), lambda: [i([1, 2], [2, 0]), p(3, 4)])
for training in (True, False):
    note = "in training" if training else "in use"
    case(
        f"F.batch_norm {note}",
        lambda x, m, v, w, b, training=training: F.batch_norm(x, m, v, w, b, training),
        lambda: [p(5, 3, 4), c(3), c(3), c(3), c(3)],
    )
    case(
        f"F.instance_norm {note}",
        lambda x, m, v, w, b, training=training: F.instance_norm(x, m, v, w, b, training),
        lambda: [p(5, 3, 4), c(3), c(3), c(3), c(3)],
    )
case("F.layer_norm", F.layer_norm, lambda: [p(2, 3, 4), [3, 4], c(3, 4), c(3, 4)])
case("F.rms_norm", F.rms_norm, lambda: [p(2, 3, 4), [3, 4], c(3, 4)])
case("F.group_norm", lambda x, w, b: F.group_norm(x, 2, w, b), lambda: [p(2, 4, 3), c(4), c(4)])
case(
    "F.scaled_dot_product_attention with a mask",
    F.scaled_dot_product_attention,
    lambda: [p(2, 3, 4), p(2, 5, 4), p(2, 5, 4), microbp.tensor(normal(3, 5) > -1)],
)
case(
    "F.scaled_dot_product_attention with summands",
    F.scaled_dot_product_attention,
    lambda: [p(2, 3, 4), p(2, 5, 4), p(2, 5, 4), c(3, 5)],
)
case(
    "F.multi_head_attention_forward",
    lambda x, w, u, o, v, m, n: F.multi_head_attention_forward(
        x, x, x, 4, 2, w, u, None, None, False, 0.0, o, v, key_padding_mask=m, attn_mask=n
    ),
    lambda: [p(3, 2, 4), c(12, 4), c(12), c(4, 4), c(4), b(2, 3) & i([0, 1, 1], [0, 1, 1]).bool(), b(3, 3) & False],
)

# -- windows ---------------------------------------------------------------------------------

for n in (1, 2, 3):
    image, kernel, ones, zeros = (2, 3, *[6] * n), (4, 3, *[2] * n), [1] * n, [0] * n
    twos = [2] * n
    for name, shape, sizes in (
        (f"F.conv{n}d", kernel, (twos, ones, ones)),
        (f"F.conv_transpose{n}d", (3, 4, *[2] * n), (twos, ones, ones)),
    ):
        order = (0, 1, 2) if "transpose" not in name else (0, 1)
        case(
            name,
            lambda x, w, v, *rest, name=name: getattr(F, name[2:])(x, w, v, *rest),
            lambda image=image, shape=shape, sizes=sizes, order=order: [  # type: ignore[misc]
                p(*image),
                p(*shape),
                p(4),
                *(list(sizes[k]) for k in order),
            ],
        )
    case(
        f"F.conv_transpose{n}d, all sizes",
        lambda x, w, v, st, pa, op, di, n=n: getattr(F, f"conv_transpose{n}d")(x, w, v, st, pa, op, 1, di),
        lambda image=image, n=n: [p(*image), p(3, 4, *[2] * n), p(4), [2] * n, [1] * n, [1] * n, [2] * n],  # type: ignore[misc]
    )
    case(
        f"F.avg_pool{n}d",
        lambda x, *sizes, n=n: getattr(F, f"avg_pool{n}d")(x, *sizes),
        lambda image=image, n=n: [p(*image), [2] * n, [1] * n, [1] * n],  # type: ignore[misc]
    )
    case(
        f"F.max_pool{n}d",
        lambda x, *sizes, n=n: getattr(F, f"max_pool{n}d")(x, *sizes),
        lambda image=image, n=n: [p(*image), [2] * n, [1] * n, [1] * n, [2] * n],  # type: ignore[misc]
    )
    case(
        f"F.lp_pool{n}d",
        lambda x, k, st, n=n: getattr(F, f"lp_pool{n}d")(x, 2, k, st),
        lambda image=image, n=n: [p(*image), [2] * n, [1] * n],  # type: ignore[misc]
    )
    for kind in ("avg", "max"):
        case(
            f"F.adaptive_{kind}_pool{n}d",
            lambda x, k, name=f"adaptive_{kind}_pool{n}d": getattr(F, name)(x, k),
            lambda image=image, n=n: [p(*image), [4] * n],  # type: ignore[misc]
        )
case("F.unfold", F.unfold, lambda: [p(1, 2, 5, 5), [2, 3], [1, 2], [1, 0], [2, 1]])
case("F.fold", F.fold, lambda: [p(1, 12, 6), [4, 4], [2, 3], [1, 1], [0, 1], [1, 2]])
for mode in ("constant", "reflect", "replicate", "circular"):
    case(f"F.pad {mode}", lambda x, k, mode=mode: F.pad(x, k, mode), lambda: [p(1, 2, 4, 4), [1, 2, 0, 1]])
for mode in ("nearest", "bilinear"):
    case(f"F.interpolate {mode}", partial(F.interpolate, mode=mode), lambda: [p(1, 2, 4, 4), [3, 6]])
    case(
        f"F.interpolate {mode} by factors",
        lambda x, k, mode=mode: F.interpolate(x, scale_factor=k, mode=mode),
        lambda: [p(1, 2, 4, 4), [1.5, 2.0]],
    )

# -- losses ----------------------------------------------------------------------------------

case("F.cross_entropy", F.cross_entropy, lambda: [p(4, 3), i(0, 2, 1, 2), c(3)])
case("F.cross_entropy without weights", F.cross_entropy, lambda: [p(4, 3), i(0, 2, 1, 2)])
case(
    "F.cross_entropy, smoothed",
    lambda x, t, w: F.cross_entropy(x, t, w, label_smoothing=0.1, reduction="none"),
    lambda: [p(4, 3), i(0, 2, 1, 2), c(3)],
)
case("F.cross_entropy of probabilities", F.cross_entropy, lambda: [p(4, 3), c(4, 3), c(3)])
case("F.nll_loss", F.nll_loss, lambda: [p(4, 3), i(0, 2, 1, 2), c(3)])
case("F.nll_loss without weights", F.nll_loss, lambda: [p(4, 3), i(0, 2, 1, 2)])
case("F.nll_loss of images", F.nll_loss, lambda: [p(2, 3, 2), i([0, 2], [1, 1]), c(3)])
case("F.binary_cross_entropy", lambda x, t, w: F.binary_cross_entropy(x.sigmoid(), t, w), lambda: [p(4), c(4), c(4)])
case(
    "F.binary_cross_entropy_with_logits",
    lambda x, t, w, v: F.binary_cross_entropy_with_logits(x, t, w, pos_weight=v),
    lambda: [p(4, 3), c(4, 3), c(3), c(3)],
)
for name in ("mse_loss", "l1_loss", "huber_loss"):
    case(f"F.{name}", lambda x, t, w, name=name: getattr(F, name)(x, t, weight=w), lambda: [p(4, 3), c(4, 3), c(4, 3)])
    case(f"F.{name} without weights", getattr(F, name), lambda: [p(4, 3), c(4, 3)])
for name in ("smooth_l1_loss", "poisson_nll_loss", "kl_div"):
    case(f"F.{name}", partial(getattr(F, name), reduction="sum"), lambda: [p(4, 3), c(4, 3)])
case("F.kl_div of logarithms", partial(F.kl_div, reduction="sum", log_target=True), lambda: [p(4, 3), c(4, 3)])
case("F.gaussian_nll_loss", partial(F.gaussian_nll_loss, full=True), lambda: [p(4, 3), c(4, 3), c(4, 3)])
case("F.soft_margin_loss", F.soft_margin_loss, lambda: [p(4, 3), s(4, 3)])
case("F.hinge_embedding_loss", F.hinge_embedding_loss, lambda: [p(4, 3), s(4, 3)])
case("F.margin_ranking_loss", F.margin_ranking_loss, lambda: [p(4), c(4), s(4)])
case("F.cosine_embedding_loss", F.cosine_embedding_loss, lambda: [p(4, 3), c(4, 3), s(4)])
case("F.multi_margin_loss", lambda x, t, w: F.multi_margin_loss(x, t, weight=w), lambda: [p(4, 3), i(0, 2, 1, 2), c(3)])
case("F.multilabel_margin_loss", F.multilabel_margin_loss, lambda: [p(2, 3), i([2, 0, -1], [1, -1, -1])])
case("F.multilabel_soft_margin_loss", F.multilabel_soft_margin_loss, lambda: [p(4, 3), b(4, 3).double(), c(3)])
for name in ("triplet_margin_loss", "triplet_margin_with_distance_loss"):
    case(f"F.{name}", getattr(F, name), lambda: [p(4, 3), c(4, 3), c(4, 3) + 1.0])

# -- the table is complete -------------------------------------------------------------------

TOLD = {
    *("index", "indices", "mask", "condition", "weight", "target", "src", "source", "values", "prepend", "append"),
    *("shape", "size", "sizes", "dims", "repeats", "shifts", "axes", "output_size", "normalized_shape", "pad"),
    *("split_size_or_sections", "split_sizes", "indices_or_sections", "tensors", "destination"),
    *("kernel_size", "stride", "padding", "dilation", "output_padding", "scale_factor"),
    *("running_mean", "running_var", "offsets", "per_sample_weights", "pos_weight", "var", "positive", "negative"),
    *("attn_mask", "key_padding_mask", "boundaries", "weights", "sorter"),
}
"""Names of parameters that stand for indices, labels, masks, weights, sizes and lists."""

NO_GRADIENT = {
    *(
        "empty",
        "full",
        "ones",
        "zeros",
        "rand",
        "randn",
        "randint",
        "normal",
        "new_full",
        "new_ones",
        "new_zeros",
        "new_empty",
    ),
    *("bincount", "bucketize", "searchsorted"),
    *("local_response_norm", "to", "unfold"),  # takes no array or list
    "upsample",  # interpolate by another name, with a warning
}
"""Functions whose result has none, or whose parameter of such a name is no array or list."""


def test_every_function_that_takes_an_index_a_label_a_mask_or_a_size_is_in_the_table() -> None:
    missing = []
    for prefix, space in (("", microbp), ("F.", F), ("linalg.", linalg), ("Tensor.", Tensor)):
        for name in dir(space):
            function = getattr(space, name)
            known = name in NO_GRADIENT or any(key.split(",")[0].split(" ")[0] == prefix + name for key in CASES)
            if name.startswith("_") or inspect.isclass(function) or inspect.ismodule(function) or known:
                continue
            if prefix == "Tensor." and (getattr(microbp, name, None) is not None or not callable(function)):
                continue  # the same function as a method
            try:
                parameters = inspect.signature(function).parameters
            except (TypeError, ValueError):
                continue
            if TOLD & parameters.keys():
                missing.append(f"{prefix}{name}: {sorted(TOLD & parameters.keys())}")
    assert not missing


# -- the trial -------------------------------------------------------------------------------

REFUSED = (TypeError, AttributeError, UserWarning, errors.MicrobpError)


def things(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """What can be changed among the arguments of a call, each with the place where it is."""
    if isinstance(value, Tensor | np.ndarray | list):
        yield path, value
    if isinstance(value, list | tuple):
        for k, part in enumerate(value):
            yield from things(part, f"{path}[{k}]")


def in_another_form(value: Any, form: str) -> Any:
    """A constant as an array or a list instead of a tensor."""
    if isinstance(value, tuple):
        return tuple(in_another_form(part, form) for part in value)
    if not isinstance(value, Tensor) or value.requires_grad:
        return value
    return value.tolist() if form == "lists" else value.array.copy()


def changed(values: Any) -> Any:
    """Other numbers of the same shape and dtype, and as small."""
    values = np.asarray(values)
    if values.dtype.kind == "b":
        return ~values
    return np.where(values == 0, 1, 0) if values.dtype.kind == "i" else values * -0.5 + 2.0


def change(thing: Any, raw: bool) -> None:
    """Write to a tensor, an array or a list."""
    if isinstance(thing, Tensor):
        new = changed(thing.array)
        if raw:
            thing.array[...] = new
        else:
            with microbp.no_grad():
                thing.copy_(new)
    elif isinstance(thing, np.ndarray):
        thing[...] = changed(thing)
    elif any(isinstance(part, Tensor | list) for part in thing):
        thing.reverse()
        thing.clear()
    else:
        thing[:] = changed(thing).tolist()


MOMENTS = ("before the backward pass", "before a recorded backward pass", "before the second backward pass")


def gradients(results: Any, leaves: list[Any], moment: str, write: Callable[[], None]) -> list[Any]:
    """The first and second gradients of a sum in which every element has a weight, with a write at some moment."""
    total = weighted(thing for _, thing in things([results]))
    recorded = moment != MOMENTS[0]
    if moment != MOMENTS[2]:
        write()
    firsts = microbp.autograd.grad(total, leaves, create_graph=recorded, allow_unused=True)
    found = [None if g is None else g.detach().numpy().copy() for g in firsts]
    if moment == MOMENTS[2]:
        write()
    squares = weighted([g * g for g in firsts if g is not None])
    if recorded and isinstance(squares, Tensor) and squares.requires_grad:
        seconds = microbp.autograd.grad(squares, leaves, allow_unused=True)
        found += [None if g is None else g.detach().numpy() for g in seconds]
    return found


def weighted(tensors: Any) -> Any:
    """A sum to which every element contributes in its own way."""
    total: Any = 0.0
    for t in tensors:
        if isinstance(t, Tensor) and t.requires_grad:
            total = total + (t * (np.cos(np.arange(t.numel())).reshape(t.shape) + 1.5)).sum()
    return total


def leaves_of(args: list[Any]) -> list[Any]:
    return [thing for _, thing in things(args) if isinstance(thing, Tensor) and thing.requires_grad]


def forward(name: str, form: str) -> tuple[list[Any], Any]:
    """The arguments of a call, and its results."""
    call, given = CASES[name]
    args = given()
    if form != "as they are":
        args = [in_another_form(arg, form) for arg in args]
    return args, call(*args)


@pytest.mark.parametrize("form", ["as they are", "arrays", "lists"])
@pytest.mark.parametrize("name", CASES)
def test_what_a_call_was_given_may_change_without_a_wrong_gradient(name: str, form: str) -> None:
    try:
        args, results = forward(name, form)
    except REFUSED:
        assert form != "as they are"
        return  # such arguments are not taken
    right = gradients(results, leaves_of(args), MOMENTS[1], lambda: None)
    assert any(g is not None and g.any() for g in right)
    wrong = []
    for raw, moment in itertools.product((False, True), MOMENTS):
        for position, (path, old) in enumerate(things(args)):
            if isinstance(old, Tensor) and form != "as they are":
                continue  # tried already
            with detect_mutation() if raw else nullcontext():
                args, results = forward(name, form)
                thing = list(things(args))[position][1]
                write = partial(change, thing, raw)
                try:
                    found = gradients(results, leaves_of(args), moment, write)
                except errors.MutationError:
                    continue
            same = [
                mine is theirs if mine is None or theirs is None else np.allclose(mine, theirs, rtol=1e-12, atol=1e-12)
                for mine, theirs in zip(found, right, strict=False)
            ]
            if not all(same):
                wrong.append(f"argument {path} changed {moment}{', past the Tensor API' * raw}")
    assert not wrong

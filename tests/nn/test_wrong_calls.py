"""Layers that are made or called wrongly say what is wrong, and which layer it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import microbp
from microbp import nn
from microbp.errors import MicrobpError
from tests.referee import torch

Make = Callable[[Any], Any]


def ones(*shape: int, dtype: str = "float32") -> Make:
    """A tensor of either library."""
    return lambda lib: lib.ones(shape, dtype=getattr(lib, dtype))


def labels(*values: Any) -> Make:
    """A tensor of labels of either library."""
    return lambda lib: lib.tensor(list(values))


# kind, arguments and options of the constructor, and a part of the text
MADE: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    (
        "Conv2d",
        (3, 8, 3),
        {"padding_mode": "mirror"},
        "padding_mode must be one of zeros, reflect, replicate, circular",
    ),
    ("Conv2d", (3, 8, 3), {"padding": "full"}, "padding must be 'valid', 'same' or integers, got 'full'"),
    ("Conv2d", (3, 8, 3), {"padding": "same", "stride": (1, 2)}, "padding='same' goes with a stride of 1 only"),
    ("Conv2d", (3, 8, 3), {"groups": 2}, "in_channels must be divisible by groups, got 3 and 2"),
    ("Conv2d", (4, 6, 3), {"groups": 4}, "out_channels must be divisible by groups, got 6 and 4"),
    ("Conv1d", (3, 8, 3), {"groups": 0}, "Conv1d: groups must be a positive integer, got 0"),
    ("ConvTranspose2d", (3, 8, 3), {"padding_mode": "reflect"}, "padding_mode must be 'zeros', got 'reflect'"),
    ("ConvTranspose3d", (3, 8, 3), {"groups": 2}, "in_channels must be divisible by groups"),
    ("GroupNorm", (2, 3), {}, "num_channels (3) must be divisible by num_groups (2)"),
    ("Dropout", (1.5,), {}, "dropout probability has to be between 0 and 1, but got 1.5"),
    ("Dropout2d", (-0.1,), {}, "but got -0.1"),
    ("Embedding", (5, 3), {"padding_idx": 5}, "padding_idx must be within num_embeddings (5), got 5"),
    ("Embedding", (5, 3), {"_weight": ones(3, 5)}, "(3, 5) is not (num_embeddings, embedding_dim), (5, 3)"),
    ("EmbeddingBag", (5, 3), {"padding_idx": -6}, "padding_idx must be within num_embeddings (5), got -6"),
    ("MultiMarginLoss", (3,), {}, "only p == 1 and p == 2 supported, got 3"),
    ("MultiMarginLoss", (), {"weight": ones(2, 2)}, "expected weight to be None or 1D tensor, got shape (2, 2)"),
    ("TripletMarginLoss", (0,), {}, "expected margin to be greater than 0, got 0"),
    ("TripletMarginWithDistanceLoss", (), {"margin": -1}, "expected margin to be greater than 0, got -1"),
]
# kind, arguments and options of the constructor, arguments of the call, and a part of the text
CALLED: list[tuple[str, tuple[Any, ...], dict[str, Any], tuple[Make, ...], str]] = [
    ("Conv2d", (3, 8, 3), {}, (ones(1, 4, 8, 8),), "needs an input of 3 channels, which are dimension -3 of the input"),
    ("Conv2d", (3, 8, 3), {}, (ones(3, 8),), "input must have shape (N, C, H, W) or (C, H, W), got (3, 8)"),
    ("Conv2d", (3, 8, 3), {}, (ones(1, 3, 2, 2),), "a kernel of size (3, 3) with dilation (1, 1) is larger than"),
    ("Conv1d", (3, 8, 3), {}, (lambda lib: [1, 2],), "input must be a Tensor, got list [1, 2]"),
    ("Conv2d", (3, 8, 3), {"padding": 1, "padding_mode": "reflect"}, (ones(1, 4, 8, 8),), "input of 3 channels"),
    (
        "Conv2d",
        (3, 8, 3),
        {"padding": 1, "padding_mode": "circular"},
        (ones(3, 8),),
        "cannot pad 2 of the 2 dimensions",
    ),
    ("ConvTranspose2d", (3, 8, 3), {}, (ones(1, 4, 4, 4),), "needs an input of 3 channels"),
    (
        "ConvTranspose2d",
        (3, 8, 3),
        {"output_padding": 1},
        (ones(1, 3, 4, 4),),
        "must be smaller than stride or dilation",
    ),
    (
        "ConvTranspose2d",
        (3, 8, 3),
        {"stride": 2},
        (ones(1, 3, 4, 4), lambda lib: (20, 20)),
        "requested an output size of (20, 20), but valid sizes range from (9, 9) to (10, 10) for an input of shape",
    ),
    (
        "ConvTranspose2d",
        (3, 8, 3),
        {"stride": 2},
        (ones(1, 3, 4, 4), lambda lib: (9,)),
        "output_size must have 2 or 4 elements, got (9,)",
    ),
    ("MaxPool2d", (2,), {}, (ones(4, 4),), "input must have shape (N, C, H, W) or (C, H, W), got (4, 4)"),
    (
        "MaxPool2d",
        (2,),
        {"padding": 2},
        (ones(1, 4, 4),),
        "padding must be from 0 to half of kernel_size, got padding 2",
    ),
    ("MaxPool2d", (5,), {}, (ones(1, 4, 4),), "a window that reaches over 5 elements does not fit into dimension -2"),
    ("AvgPool2d", (2,), {}, (ones(4, 4),), "input must have shape (N, C, H, W) or (C, H, W)"),
    ("AvgPool2d", (2,), {"divisor_override": 0}, (ones(1, 4, 4),), "divisor_override must not be zero"),
    ("AdaptiveAvgPool2d", ((1, 2, 3),), {}, (ones(1, 4, 4),), "one integer or one for each of 2 dimensions"),
    ("AdaptiveMaxPool2d", (2,), {}, (ones(4, 4),), "input must have shape"),
    ("LPPool2d", (2, 2), {}, (ones(4, 4),), "input must have shape"),
    ("ReflectionPad2d", (4,), {}, (ones(1, 4, 4),), "can add at most 3 elements to dimension 1 of shape (1, 4, 4)"),
    ("CircularPad2d", (1,), {}, (ones(4, 4),), "cannot pad 2 of the 2 dimensions of shape (4, 4)"),
    ("ZeroPad2d", (-3,), {}, (ones(1, 4, 4),), "(-3, -3) cuts off more than the 4 elements"),
    ("ZeroPad2d", ((1, 2, 3),), {}, (ones(1, 4, 4),), "a pair (before, after) for each dimension"),
    ("Upsample", (), {}, (ones(1, 1, 4),), "give either size or scale_factor"),
    (
        "Upsample",
        (),
        {"scale_factor": 2, "mode": "bilinear"},
        (ones(1, 1, 4),),
        "cannot resize an input of shape (1, 1, 4)",
    ),
    ("Upsample", (), {"scale_factor": 2, "mode": "best"}, (ones(1, 1, 4),), "there is no mode 'best'"),
    ("Unfold", (5,), {}, (ones(1, 1, 4, 4),), "no window of size (5, 5)"),
    ("Fold", (4, 2), {}, (ones(1, 4, 8),), "input of shape (1, 4, 8) must have shape (N, C * 4, 9)"),
    ("PixelShuffle", (2,), {}, (ones(1, 3, 4, 4),), "the 3 channels of shape (1, 3, 4, 4) are no multiple"),
    ("PixelUnshuffle", (2,), {}, (ones(1, 3, 5, 4),), "height 5 and width 4"),
    (
        "ChannelShuffle",
        (2,),
        {},
        (ones(1, 3, 5, 4),),
        "the 3 channels of shape (1, 3, 5, 4) are no multiple of groups 2",
    ),
    (
        "BatchNorm1d",
        (3,),
        {},
        (ones(1, 3),),
        "Expected more than 1 value per channel when training, got input size (1, 3)",
    ),
    (
        "BatchNorm1d",
        (3,),
        {},
        (ones(4, 4),),
        "running_mean should contain 4 elements, one for each channel of input (4, 4)",
    ),
    ("BatchNorm1d", (3,), {}, (ones(3, 4, 4, 4),), "expected 2D or 3D input (got 4D input, of shape (3, 4, 4, 4))"),
    ("BatchNorm2d", (3,), {}, (ones(3, 4, 4),), "expected 4D input (got 3D input, of shape (3, 4, 4))"),
    ("BatchNorm2d", (3,), {}, (ones(2, 3, 4, 4, dtype="int64"),), "needs a floating-point tensor, got int64"),
    ("LayerNorm", (3,), {}, (ones(2, 4),), "expected input with shape (*, 3), but got input of shape (2, 4)"),
    ("RMSNorm", ((2, 3),), {}, (ones(2, 4),), "expected input with shape (*, 2, 3)"),
    ("GroupNorm", (2, 4), {}, (ones(2, 6),), "weight should contain 6 elements, one for each channel of input (2, 6)"),
    ("InstanceNorm2d", (3,), {}, (ones(4, 4),), "expected 3D or 4D input (got 2D input, of shape (4, 4))"),
    (
        "InstanceNorm2d",
        (3,),
        {"affine": True},
        (ones(1, 4, 4, 4),),
        "has 4 channels, expected 3, which is num_features",
    ),
    ("InstanceNorm2d", (3,), {}, (ones(1, 3, 1, 1),), "Expected more than 1 spatial element"),
    ("LocalResponseNorm", (2,), {}, (ones(4, 4),), "Expected 3D or higher dimensionality input"),
    ("Dropout1d", (), {}, (ones(4),), "Expected 2D or 3D input"),
    ("Embedding", (5, 3), {}, (labels(1, 5),), "label 5 at position 1 is out of range for a weight of 5 rows (0 to 4)"),
    ("Embedding", (5, 3), {}, (labels(-1),), "label -1 at position 0 is out of range"),
    ("Embedding", (5, 3), {}, (labels(1.0),), "labels must be int64 or int32, got float32"),
    ("EmbeddingBag", (5, 3), {}, (labels(1, 2),), "offsets has to be a 1D Tensor but got None"),
    ("EmbeddingBag", (5, 3), {}, (labels(1, 9), labels(0)), "label 9 at position 1 is out of range"),
    ("EmbeddingBag", (5, 3), {"mode": "min"}, (labels(1, 2), labels(0)), "mode has to be one of sum, mean or max"),
    ("CosineSimilarity", (), {}, (ones(2, 3), ones(2, 4)), "x1 (2, 3) and x2 (2, 4) do not fit each other"),
    ("PairwiseDistance", (), {}, (ones(2, 3), ones(2, 4)), "x1 (2, 3) and x2 (2, 4) do not fit each other"),
    ("GLU", (), {}, (ones(2, 3),), "Halving dimension must be even"),
    ("Softmax2d", (), {}, (ones(2, 3),), "input must have shape (N, C, H, W) or (C, H, W), got (2, 3)"),
    ("Softshrink", (-1,), {}, (ones(2),), "lambd must not be negative, but found -1"),
    ("RReLU", (0.5, 0.2), {}, (ones(2),), "lower must not be larger than upper"),
    ("PReLU", (3,), {}, (ones(2, 4),), "needs one slope, or as many as input (2, 4) has channels (4)"),
    ("MultiMarginLoss", (), {}, (ones(2, 3), labels(0, 3)), "label 3 at position 1 is out of range for 3 classes"),
    ("MultiLabelMarginLoss", (), {}, (ones(2, 3), labels(0, 1)), "target of the same shape, filled up with -1"),
    ("TripletMarginLoss", (), {}, (ones(2, 3), ones(2, 3), ones(3)), "the same number of dimensions"),
    ("CosineEmbeddingLoss", (), {}, (ones(2, 3), ones(2, 3), ones(2, 3)), "got target (2, 3)"),
    ("MarginRankingLoss", (), {}, (ones(2), ones(2), ones(2, 1)), "should have the same number of dimensions"),
]


def made(lib: Any, kind: str, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """A module of either library."""
    given = {name: value(lib) if callable(value) else value for name, value in options.items()}
    return getattr(lib.nn, kind)(*args, **given)


@pytest.mark.parametrize(("kind", "args", "options", "text"), MADE)
def test_a_layer_that_cannot_be_made_is_refused(
    kind: str, args: tuple[Any, ...], options: dict[str, Any], text: str
) -> None:
    with pytest.raises((ValueError, AssertionError)):
        made(torch(), kind, args, options)
    with pytest.raises(MicrobpError, match=re.escape(text)) as caught:
        made(microbp, kind, args, options)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(("kind", "args", "options", "inputs", "text"), CALLED)
def test_a_call_that_does_not_fit_is_refused_by_the_layer_as_printed(
    kind: str, args: tuple[Any, ...], options: dict[str, Any], inputs: tuple[Make, ...], text: str
) -> None:
    theirs = made(torch(), kind, args, options)
    with pytest.raises(Exception):  # noqa: B017 - that it is refused at all
        theirs(*[make(torch()) for make in inputs])
    layer = made(microbp, kind, args, options)
    for module in (layer, nn.Sequential(layer) if len(inputs) == 1 else layer):
        with pytest.raises((MicrobpError, TypeError, NotImplementedError)) as caught:
            module(*[make(microbp) for make in inputs])
        assert str(caught.value).startswith(f"{layer}: ")
        assert text in str(caught.value)


def test_sizes_of_convolutions_are_checked_when_they_are_made() -> None:
    for options, text in (
        ({"kernel_size": (3, 3, 3)}, "kernel_size must be one integer or one for each of 2 dimensions, got (3, 3, 3)"),
        ({"kernel_size": 0}, "kernel_size must be positive, got 0"),
        ({"kernel_size": 3, "stride": (1, 0)}, "stride must be positive, got (1, 0)"),
        ({"kernel_size": 3, "padding": -1}, "padding must not be negative, got -1"),
        ({"kernel_size": 3, "dilation": 0}, "dilation must be positive, got 0"),
    ):
        for kind in ("Conv2d", "ConvTranspose2d"):
            with pytest.raises(ValueError, match=re.escape(f"{kind}: {text}")):
                getattr(nn, kind)(3, 8, **options)


def test_only_layers_of_the_package_put_their_name_on_errors() -> None:
    class Own(nn.Module):
        def forward(self, x: Any) -> Any:
            raise KeyError("of one's own")

    class Wide(nn.Linear):
        pass

    with pytest.raises(KeyError) as caught:
        Own()(1)
    assert caught.value.args == ("of one's own",)
    with pytest.raises(MicrobpError, match=r"^Wide\(in_features=2, out_features=2, bias=True\) expects 2 features"):
        nn.Sequential(Wide(2, 2))(microbp.ones(1, 3))


def test_hooks_do_not_hide_the_layer() -> None:
    layer = nn.Conv1d(3, 8, 3)
    layer.register_forward_hook(lambda module, args, output: None)
    with pytest.raises(MicrobpError, match=re.escape(f"{layer}: conv1d: ")):
        layer(microbp.ones(1, 4, 8))


def test_a_forward_without_its_argument_is_named() -> None:
    with pytest.raises(TypeError, match=re.escape("Conv1d(3, 8, kernel_size=(3,), stride=(1,)): ")):
        nn.Conv1d(3, 8, 3)()


def test_sparse_gradients_are_refused_when_a_table_is_made() -> None:
    for kind in (nn.Embedding, nn.EmbeddingBag):
        with pytest.raises(
            NotImplementedError, match=f"{kind.__name__} has no sparse gradients; leave sparse=True out"
        ):
            kind(5, 3, sparse=True)
    with pytest.raises(ValueError, match="embeddings is expected to be 2-dimensional, got shape \\(3,\\)"):
        nn.Embedding.from_pretrained(microbp.ones(3))

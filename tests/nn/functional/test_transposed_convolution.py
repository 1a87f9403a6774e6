"""Transposed convolutions against PyTorch, and as the adjoint of convolutions; what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microbp
from microbp.errors import DtypeError, OptionError, ShapeError
from microbp.nn import functional as F
from tests.geometry import channels, geometry
from tests.referee import compare
from tests.samples import normal

EXAMPLES = settings(max_examples=40, deadline=None)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_transposed_convolution_is_the_adjoint(dims: int) -> None:
    """<conv(x), z> = <x, conv_transpose(z)>, whatever x and z."""
    options = {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}
    x, w = microbp.tensor(normal(2, 4, *range(9, 9 + dims))), microbp.tensor(normal(6, 2, *(3, 2, 2)[:dims]))
    y = getattr(F, f"conv{dims}d")(x, w, **options)
    z = microbp.tensor(normal(*y.shape, seed=1))
    back = getattr(F, f"conv_transpose{dims}d")(z, w, **options)
    missing = tuple(a - b for a, b in zip(x.shape[2:], back.shape[2:], strict=True))
    back = getattr(F, f"conv_transpose{dims}d")(z, w, output_padding=missing, **options)
    assert back.shape == x.shape
    assert (y * z).sum().item() == pytest.approx((x * back).sum().item(), rel=1e-12)


@pytest.mark.parametrize("dims", [1, 2, 3])
@EXAMPLES
@given(data=st.data())
def test_transposed_convolution_agrees_with_pytorch(dims: int, data: st.DataObject) -> None:
    draw, integers = data.draw, st.integers
    options = geometry(draw, dims)
    lead, inputs, outputs = channels(draw, options["groups"])
    kernel = tuple(draw(integers(1, 3)) for _ in range(dims))
    limits = [max(pair) - 1 for pair in zip(options["stride"], options["dilation"], strict=True)]
    extra = options["output_padding"] = tuple(draw(integers(0, limit)) for limit in limits)
    sizes, padding = [], []
    for k, d, s, more in zip(kernel, options["dilation"], options["stride"], extra, strict=True):
        sizes.append(draw(integers(1, 4)))
        padding.append(draw(integers(0, min(3, ((sizes[-1] - 1) * s + (k - 1) * d + more) // 2))))
    bias = normal(outputs * options["groups"]) if draw(st.booleans()) else None
    name = f"conv_transpose{dims}d"
    compare(
        lambda lib, x, w, b: getattr(lib.nn.functional, name)(x, w, b, padding=tuple(padding), **options),
        normal(*lead, *sizes),
        normal(inputs * options["groups"], outputs, *kernel),
        bias,
        second_order=True,
    )


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_output_padding_makes_room_for_a_dilated_kernel_as_in_pytorch(dims: int) -> None:
    options = {"stride": 1, "dilation": 3, "output_padding": 2}
    compare(
        lambda lib, x, w: getattr(lib.nn.functional, f"conv_transpose{dims}d")(x, w, **options),
        normal(1, 2, *(3,) * dims),
        normal(2, 2, *(2,) * dims),
        second_order=True,
    )


def ones(*shape: int) -> microbp.Tensor:
    return microbp.ones(shape)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: F.conv_transpose1d(ones(8), ones(4, 4, 3)), r"\(N, C, L\) or \(C, L\), got \(8,\)"),
        (lambda: F.conv_transpose1d(ones(2, 4, 8), ones(4, 0, 3)), "nowhere empty"),
        (lambda: F.conv_transpose1d(ones(2, 4, 8), ones(4, 3, 3), groups=3), "that groups divides"),
        (lambda: F.conv_transpose1d(ones(2, 4, 8), ones(3, 2, 3)), r"input of 3 channels.* got 4; .*\(4, 2, 3\)"),
        (lambda: F.conv_transpose1d(ones(2, 4, 8), ones(4, 3, 3), ones(3), groups=2), r"bias must have shape \(6,\)"),
        (lambda: F.conv_transpose1d(ones(2, 4, 1), ones(4, 3, 3), padding=2), "use less padding"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(call: Any, text: str) -> None:
    with pytest.raises(ShapeError, match=f"^conv_transpose1d: .*{text}"):
        call()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"output_padding": 1}, r"must be smaller than stride or dilation, got \(1,\) with stride \(1,\)"),
        ({"output_padding": -1}, "output_padding must not be negative"),
        ({"padding": -1}, "padding must not be negative"),
        ({"stride": 0}, "stride must be positive"),
        ({"groups": 0}, "groups must be positive"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(OptionError, match=f"^conv_transpose1d: .*{text}"):
        F.conv_transpose1d(ones(1, 1, 2), ones(1, 1, 2), **options)


def test_values_of_a_wrong_kind_are_refused() -> None:
    with pytest.raises(TypeError, match=r"conv_transpose1d: padding must be an integer.* got 'same'"):
        F.conv_transpose1d(ones(1, 1, 4), ones(1, 1, 2), padding="same")  # type: ignore[arg-type]
    with pytest.raises(DtypeError, match="conv_transpose1d needs numbers, got bool"):
        F.conv_transpose1d(ones(1, 1, 4).bool(), ones(1, 1, 2).bool())

"""Convolutions against a definition in loops and against PyTorch, over shapes and options; what they refuse."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microbp
from microbp.errors import DtypeError, MutationError, OptionError, ShapeError
from microbp.nn import functional as F
from microbp.ops import convolution as rows
from tests.geometry import channels, geometry
from tests.referee import compare
from tests.samples import normal

EXAMPLES = settings(max_examples=40, deadline=None)


# -- what a convolution is -----------------------------------------------------------------


def test_conv2d_is_what_its_definition_says() -> None:
    """A kernel is laid on every place of the padded input; there, products are summed over channels and elements."""
    x, w, b = normal(2, 4, 7, 6), normal(6, 2, 3, 2), normal(6)
    (stride, padding, dilation, groups) = (2, 1), (1, 2), (2, 3), 2
    samples, channels, height, width = x.shape
    outputs, channels_of_group, kernel_height, kernel_width = w.shape
    padded = np.zeros((samples, channels, height + 2 * padding[0], width + 2 * padding[1]))
    padded[:, :, padding[0] : padding[0] + height, padding[1] : padding[1] + width] = x
    rows_down = (padded.shape[2] - dilation[0] * (kernel_height - 1) - 1) // stride[0] + 1
    columns_across = (padded.shape[3] - dilation[1] * (kernel_width - 1) - 1) // stride[1] + 1

    y = np.zeros((samples, outputs, rows_down, columns_across))
    for n in range(samples):
        for o in range(outputs):
            group = o // (outputs // groups)  # an output sees the inputs of its group
            for i in range(rows_down):
                for j in range(columns_across):
                    y[n, o, i, j] = b[o]
                    for c in range(channels_of_group):
                        for k in range(kernel_height):
                            for m in range(kernel_width):
                                seen = padded[
                                    n,
                                    group * channels_of_group + c,
                                    i * stride[0] + k * dilation[0],
                                    j * stride[1] + m * dilation[1],
                                ]
                                y[n, o, i, j] += w[o, c, k, m] * seen

    computed = F.conv2d(microbp.tensor(x), microbp.tensor(w), microbp.tensor(b), stride, padding, dilation, groups)
    np.testing.assert_allclose(computed.numpy(), y, rtol=1e-12, atol=1e-12)


# -- against PyTorch -----------------------------------------------------------------------


@pytest.mark.parametrize("dims", [1, 2, 3])
@EXAMPLES
@given(data=st.data())
def test_convolution_agrees_with_pytorch(dims: int, data: st.DataObject) -> None:
    draw, integers = data.draw, st.integers
    options = geometry(draw, dims)
    lead, inputs, outputs = channels(draw, options["groups"])
    kernel = tuple(draw(integers(1, 3)) for _ in range(dims))
    padding = options["padding"] = tuple(draw(integers(0, 3)) for _ in range(dims))
    sizes = [
        draw(integers(max(1, (k - 1) * d + 1 - 2 * p), (k - 1) * d + 4))
        for k, d, p in zip(kernel, options["dilation"], padding, strict=True)
    ]
    bias = normal(outputs * options["groups"]) if draw(st.booleans()) else None
    name = f"conv{dims}d"
    compare(
        lambda lib, x, w, b: getattr(lib.nn.functional, name)(x, w, b, **options),
        normal(*lead, *sizes),
        normal(outputs * options["groups"], inputs, *kernel),
        bias,
        second_order=True,
    )


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("kernel", [(3, 3), (4, 1), (2, 5)])
@pytest.mark.parametrize("dilation", [1, (2, 1), 3])
def test_padding_by_name_as_in_pytorch(padding: str, kernel: tuple[int, int], dilation: Any) -> None:
    compare(
        lambda lib, x, w: lib.nn.functional.conv2d(x, w, padding=padding, dilation=dilation),
        normal(2, 2, 11, 13),
        normal(3, 2, *kernel),
        second_order=True,
    )


@pytest.mark.filterwarnings("ignore:Using padding='same'")
def test_same_padding_where_the_kernel_is_larger_than_the_input() -> None:
    compare(
        lambda lib, x, w: lib.nn.functional.conv1d(x, w, padding="same"),
        normal(2, 2, 4),
        normal(3, 2, 8),
        second_order=True,
    )


def test_options_one_for_all_or_one_for_each() -> None:
    x, w = microbp.tensor(normal(1, 2, 8, 8)), microbp.tensor(normal(3, 2, 3, 3))
    want = F.conv2d(x, w, stride=(2, 2), padding=(1, 1), dilation=(2, 2)).numpy()
    either: Any = ((2, 1), ((2,), [1]), ([2, 2], (1, 1)), (np.int64(2), np.int32(1)))
    for two, one in either:
        np.testing.assert_array_equal(F.conv2d(x, w, stride=two, padding=one, dilation=two).numpy(), want)


def test_arrays_of_any_layout() -> None:
    x, w = normal(5, 6, 3, 2).T, normal(3, 2, 3, 4).T[:, ::-1]
    mine = F.conv2d(microbp.from_numpy(x), microbp.from_numpy(w.copy()))
    other = F.conv2d(microbp.tensor(np.ascontiguousarray(x)), microbp.tensor(np.ascontiguousarray(w)))
    np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=1e-12, atol=1e-12)


# -- dtypes --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_floats_keep_their_dtype_forward_and_backward(dtype: str) -> None:
    x, w, b = (microbp.tensor(normal(*s).astype(dtype)).requires_grad_() for s in ((2, 2, 5, 5), (4, 2, 3, 3), (4,)))
    y = F.conv2d(x, w, b, padding=1)
    z = F.conv_transpose2d(y, w, stride=2)
    columns = F.unfold(z, 2)
    image = F.fold(columns, z.shape[2:], 2)
    gradients: Any = microbp.autograd.grad((image * image).sum(), (x, w, b), create_graph=True)
    again: Any = microbp.autograd.grad(gradients[1].sum(), (x, w))
    assert {t.dtype.name for t in (y, z, columns, image, *gradients, *again)} == {dtype}


# -- memory --------------------------------------------------------------------------------


def test_results_do_not_depend_on_how_many_samples_make_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    x, w = (microbp.tensor(normal(*shape)).requires_grad_() for shape in ((7, 2, 6, 5), (3, 2, 3, 2)))
    found: list[Any] = []
    for size in (1, 3000, 1 << 30):
        monkeypatch.setattr(rows, "BLOCK", size)
        y = F.conv2d(x, w, padding=1)
        found.append((y.detach(), *microbp.autograd.grad((y * y).sum(), (x, w))))
    for others in found[1:]:
        for mine, other in zip(found[0], others, strict=True):
            np.testing.assert_allclose(mine.numpy(), other.numpy(), rtol=1e-12, atol=1e-12)


def test_the_columns_of_all_samples_are_never_there_at_once() -> None:
    x = microbp.tensor(normal(256, 4, 24, 24).astype("float32")).requires_grad_()
    w = microbp.tensor(normal(4, 4, 5, 5).astype("float32")).requires_grad_()
    columns = 256 * 4 * 25 * 20 * 20 * 4  # bytes
    tracemalloc.start()
    try:
        F.conv2d(x, w).sum().backward()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < columns / 3


def test_outputs_are_contiguous_and_own_their_memory() -> None:
    x, w = microbp.tensor(normal(2, 2, 5, 5)), microbp.tensor(normal(2, 2, 1, 1))
    outputs = (
        F.conv2d(x, w),
        F.conv2d(x, w, padding=1),
        F.conv_transpose2d(x, w, padding=1),
        F.unfold(x, 1),
        F.unfold(x, 3, padding=1),
        F.fold(x.flatten(2), 5, 1),
        F.fold(F.unfold(x, 3, padding=1), 5, 3, padding=1),
    )
    for y in outputs:
        assert y.is_contiguous()
        assert not np.shares_memory(y.array, x.array)


def test_a_weight_changed_before_backward_is_refused() -> None:
    x = microbp.tensor(normal(1, 1, 4)).requires_grad_()
    w = microbp.tensor(normal(1, 1, 2)).requires_grad_()
    loss = F.conv1d(x, w).sum()
    with microbp.no_grad():
        w.mul_(2)
    with pytest.raises(MutationError, match=r"convolve.* needs its argument 'w'"):
        loss.backward()


# -- what is refused -----------------------------------------------------------------------


def ones(*shape: int) -> microbp.Tensor:
    return microbp.ones(shape)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: F.conv2d(ones(2, 3, 8, 8), ones(4, 6, 3, 3)),
            r"conv2d: input \(2, 3, 8, 8\) and weight \(4, 6, 3, 3\).* input of 6 channels.* got 3; .* \(4, 3, 3, 3\)",
        ),
        (lambda: F.conv1d(ones(2, 4, 8), ones(4, 4, 3), groups=2), r"groups=2.* 8 channels.*\(4, 2, 3\)"),
        (lambda: F.conv1d(ones(2, 4, 8), ones(3, 2, 3), groups=2), "that groups divides"),
        (lambda: F.conv1d(ones(2, 3, 8), ones(4, 3, 3), groups=2), "groups must divide the 3 channels"),
        (lambda: F.conv1d(ones(2, 4, 8), ones(4, 4, 3, 3)), r"weight must have shape \(O, C / groups, K\)"),
        (lambda: F.conv1d(ones(2, 4, 8), ones(4, 4, 0)), "nowhere empty"),
        (lambda: F.conv1d(ones(2, 4, 8), ones(0, 4, 3)), "nowhere empty"),
        (lambda: F.conv1d(ones(8), ones(4, 4, 3)), r"\(N, C, L\) or \(C, L\), got \(8,\)"),
        (lambda: F.conv1d(ones(2, 4, 0), ones(4, 4, 3), padding=2), "only the batch may be empty"),
        (lambda: F.conv1d(ones(2, 0, 8), ones(4, 0, 3)), "only the batch may be empty"),
        (lambda: F.conv1d(ones(2, 4, 8), ones(4, 4, 3), ones(3)), r"bias must have shape \(4,\).* got \(3,\)"),
        (lambda: F.conv1d(ones(2, 4, 8), ones(4, 4, 3), ones(4, 1)), r"bias must have shape \(4,\)"),
        (lambda: F.conv2d(ones(1, 1, 2, 8), ones(1, 1, 5, 3), padding=1), r"kernel of size \(5, 3\).*\(1, 1, 2, 8\)"),
        (lambda: F.conv1d(ones(1, 1, 4), ones(1, 1, 2), dilation=4), "more padding"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(call: Any, text: str) -> None:
    with pytest.raises(ShapeError, match=text):
        call()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"stride": 0}, "stride must be positive, got 0"),
        ({"stride": (1, 1, 1)}, "one for each of 2 dimensions"),
        ({"dilation": (1, 0)}, r"dilation must be positive, got \(1, 0\)"),
        ({"padding": -1}, "padding must not be negative, got -1"),
        ({"padding": "full"}, "'valid', 'same' or integers, got 'full'"),
        ({"padding": "same", "stride": 2}, "stride of 1 only"),
        ({"groups": 0}, "groups must be positive, got 0"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(OptionError, match=f"conv2d: .*{text}"):
        F.conv2d(ones(1, 2, 8, 8), ones(2, 2, 3, 3), **options)


def test_values_of_a_wrong_kind_are_refused() -> None:
    with pytest.raises(TypeError, match="stride must be an integer"):
        F.conv1d(ones(1, 1, 4), ones(1, 1, 2), stride=1.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="weight must be a Tensor, got list"):
        F.conv1d(ones(1, 1, 4), [[[1.0]]])  # type: ignore[arg-type]
    with pytest.raises(DtypeError, match="conv1d needs numbers, got bool"):
        F.conv1d(ones(1, 1, 4).bool(), ones(1, 1, 2).bool())

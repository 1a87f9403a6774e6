"""Pooling against PyTorch, over shapes and options; what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microbp
from microbp.errors import DtypeError, MutationError, OptionError, ShapeError
from microbp.nn import functional as F
from tests.referee import compare, torch
from tests.samples import normal

EXAMPLES = settings(max_examples=60, deadline=None)
NAN, INF = float("nan"), float("inf")


def shuffled(*shape: int) -> Any:
    """Different values far enough from each other, in an order that says nothing."""
    size = int(np.prod(shape))
    return np.random.default_rng([7, *shape]).permutation(size).reshape(shape) / 8.0


def pooling(draw: Any, dims: int, dilated: bool) -> tuple[tuple[int, ...], dict[str, Any]]:
    """A shape and options that go together."""
    integers = st.integers
    kernel = tuple(draw(integers(1, 3)) for _ in range(dims))
    dilation = tuple(draw(integers(1, 2)) if dilated else 1 for _ in range(dims))
    padding = tuple(draw(integers(0, k // 2)) for k in kernel)
    reach = [(k - 1) * d + 1 - 2 * p for k, d, p in zip(kernel, dilation, padding, strict=True)]
    if dims == 3:  # PyTorch wants kernels to fit in without the padding
        reach = [max(r, k) for r, k in zip(reach, kernel, strict=True)]
    sizes = tuple(draw(integers(max(r, 1), max(r, 1) + (7 if dims < 3 else 3))) for r in reach)
    options = {"kernel_size": kernel, "padding": padding, "ceil_mode": draw(st.booleans())}
    if dilated:
        options["dilation"] = dilation
    if draw(st.booleans()):
        options["stride"] = tuple(draw(integers(1, 4)) for _ in range(dims))
    leading = draw(st.sampled_from([(2,), (1, 2), (2, 1), (0, 2)]))
    return (*leading, *sizes), options


def steps_over_everything(size: int, options: dict[str, Any], axis: int) -> bool:
    """Whether a window along an axis has no element of the input: PyTorch then reads from outside."""
    kernel, padding, dilation = (options[name][axis] for name in ("kernel_size", "padding", "dilation"))
    step = options.get("stride", options["kernel_size"])[axis]
    return any(
        all(not 0 <= start + k * dilation < size for k in range(kernel)) for start in range(-padding, size, step)
    )


@pytest.mark.parametrize("dims", [1, 2, 3])
@EXAMPLES
@given(data=st.data())
def test_max_pool_agrees_with_pytorch(dims: int, data: st.DataObject) -> None:
    shape, options = pooling(data.draw, dims, dilated=True)
    if any(steps_over_everything(shape[axis - dims], options, axis) for axis in range(dims)):
        return
    name = f"max_pool{dims}d"
    compare(lambda lib, x: getattr(lib.nn.functional, name)(x, **options), shuffled(*shape), second_order=True)
    compare(
        lambda lib, x: getattr(lib.nn.functional, name)(x, **options, return_indices=True),
        shuffled(*shape),
        second_order=True,
    )


@pytest.mark.parametrize("dims", [1, 2, 3])
@EXAMPLES
@given(data=st.data())
def test_avg_pool_agrees_with_pytorch(dims: int, data: st.DataObject) -> None:
    shape, options = pooling(data.draw, dims, dilated=False)
    options["count_include_pad"] = data.draw(st.booleans())
    if dims > 1:
        options["divisor_override"] = data.draw(st.sampled_from([None, 1, 3, -2]))
    compare(
        lambda lib, x: getattr(lib.nn.functional, f"avg_pool{dims}d")(x, **options), normal(*shape), second_order=True
    )


# -- which element is the maximum ----------------------------------------------------------


@pytest.mark.parametrize("windows", [(2, 2, 0), (3, 1, 1), (3, 2, 1), (9, 9, 0), (9, 1, 4)])
@pytest.mark.parametrize("special", [(0.0, 1.0), (NAN, 1.0, 2.0), (-INF, -INF, -INF, 0.0), (INF, NAN, -INF), (-INF,)])
def test_ties_nan_and_infinities_as_in_pytorch(windows: tuple[int, int, int], special: tuple[float, ...]) -> None:
    size, stride, padding = windows
    x = np.random.default_rng(3).choice(special, size=(2, 3, 9, 18))
    compare(
        lambda lib, x: lib.nn.functional.max_pool2d(x, size, stride, padding, return_indices=True), x, second_order=True
    )
    compare(lambda lib, x: lib.nn.functional.max_pool2d(x, size, stride, padding), x)


def test_infinity_in_one_window_leaves_the_others_alone() -> None:
    x = normal(1, 1, 7, 7)
    x[0, 0, 3, 3] = INF
    compare(lambda lib, x: lib.nn.functional.avg_pool2d(x, 3, 2, 1, count_include_pad=False), x)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64, np.int32, np.uint8])
def test_max_pool_keeps_the_dtype(dtype: Any) -> None:
    x = shuffled(1, 2, 5, 6).astype(dtype)
    compare(lambda lib, x: lib.nn.functional.max_pool2d(x, 3, 2, 1, return_indices=True), x)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_means_keep_the_dtype_and_add_up_in_a_wide_one(dtype: Any) -> None:
    x = np.full((1, 1, 64, 64), 100, dtype)  # the sum is beyond the largest float16
    rtol = 4e-3 if dtype == np.float16 else 1e-6
    compare(lambda lib, x: lib.nn.functional.avg_pool2d(x, 5, 2, 2, True, False), x, rtol=rtol, atol=rtol)


def test_layouts_that_are_not_contiguous() -> None:
    x = shuffled(3, 2, 5, 8)
    for view in (lambda t: t.permute(2, 0, 3, 1), lambda t: t[:, :, ::2, 1::3]):
        compare(lambda lib, x, view=view: lib.nn.functional.max_pool2d(view(x), 2, 1), x, second_order=True)
        compare(lambda lib, x, view=view: lib.nn.functional.avg_pool2d(view(x), 2, 1), x, second_order=True)


def test_through_a_network() -> None:
    """Second derivatives that are not zero, and several poolings on the way."""

    def run(lib: Any, x: Any) -> Any:
        functional = lib.nn.functional
        hidden = functional.max_pool2d(x * x * x, 3, 2, 1)
        hidden = functional.avg_pool2d(hidden.tanh() * hidden, 2, 1)
        return functional.adaptive_avg_pool2d(functional.adaptive_max_pool2d(hidden**2, 2), 1)

    compare(run, normal(2, 3, 9, 8), second_order=True)


# -- what is refused -----------------------------------------------------------------------

IMAGE = (2, 3, 6, 6)
REFUSED = [
    ("max_pool2d", IMAGE, (7,), ShapeError, r"reaches over 7 elements.*\(2, 3, 6, 6\).*smaller kernel_size"),
    ("avg_pool2d", IMAGE, ((1, 7),), ShapeError, r"dimension -1.*smaller kernel_size"),
    ("max_pool2d", IMAGE, (2, 2, 2), OptionError, "half of kernel_size.*padding 2 for a window of 2"),
    ("avg_pool1d", (3, 6), (3, 1, 2), OptionError, "half of kernel_size"),
    ("max_pool1d", (3, 6), (3, 1, -1), OptionError, "from 0 to half"),
    ("max_pool2d", IMAGE, (0,), OptionError, "kernel_size must be positive"),
    ("max_pool2d", IMAGE, (2, 0), OptionError, "stride must be positive"),
    ("max_pool2d", IMAGE, (2, 2, 0, 0), OptionError, "dilation must be positive"),
    ("max_pool2d", IMAGE, ((2, 2, 2),), OptionError, r"one for each of 2 dimensions, got \(2, 2, 2\)"),
    ("max_pool2d", IMAGE, (2.0,), TypeError, "kernel_size must be an integer.*2.0"),
    ("max_pool2d", (6, 6), (2,), ShapeError, r"\(N, C, H, W\) or \(C, H, W\), got \(6, 6\)"),
    ("max_pool1d", IMAGE, (2,), ShapeError, r"\(N, C, L\) or \(C, L\)"),
    ("avg_pool3d", (1, 6, 6), (2,), ShapeError, r"\(N, C, D, H, W\) or \(C, D, H, W\)"),
    ("max_pool2d", (2, 0, 6, 6), (2,), ShapeError, "only the batch may be empty"),
    ("max_pool2d", (2, 3, 0, 6), (2, 2, 1), ShapeError, "only the batch may be empty"),
    ("avg_pool2d", (0, 6, 6), (2,), ShapeError, "only the batch may be empty"),
    ("avg_pool2d", IMAGE, (2, 2, 0, False, True, 0), OptionError, "divisor_override must not be zero"),
    ("avg_pool2d", IMAGE, (2, 2, 0, False, True, 2.5), TypeError, "divisor_override must be an integer"),
]


@pytest.mark.parametrize(("name", "shape", "arguments", "error", "text"), REFUSED)
def test_refused_as_pytorch_does_with_a_clear_text(
    name: str, shape: tuple[int, ...], arguments: tuple[Any, ...], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=f"^{name}.*{text}"):
        getattr(F, name)(microbp.zeros(shape), *arguments)
    with pytest.raises((RuntimeError, TypeError, IndexError)) as theirs:
        getattr(torch().nn.functional, name)(torch().zeros(shape), *arguments)
    assert issubclass(error, theirs.type) or theirs.type is IndexError


def test_window_outside_of_everything_is_refused() -> None:
    with pytest.raises(ShapeError, match="steps over all 1 elements"):
        F.max_pool1d(microbp.zeros(1, 1, 1), 2, 4, 1, 4, ceil_mode=True)


def test_dtypes_that_are_refused() -> None:
    with pytest.raises(DtypeError, match=r"avg_pool2d.*int64.*t\.float\(\)"):
        F.avg_pool2d(microbp.ones(1, 4, 4).long(), 2)
    with pytest.raises(DtypeError, match=r"max_pool2d.*bool"):
        F.max_pool2d(microbp.ones(1, 4, 4).bool(), 2)
    with pytest.raises(TypeError, match="max_pool2d: input must be a Tensor"):
        F.max_pool2d([[[1.0]]], 1)  # type: ignore[arg-type]


def test_a_change_in_place_before_backward_is_noticed_or_does_not_matter() -> None:
    x = microbp.tensor(normal(1, 4, 4), requires_grad=True)
    hidden = x * 1
    y = F.avg_pool2d(hidden, 2)
    hidden.zero_()  # a mean does not need it
    y.sum().backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.array, 0.25)
    hidden = x * 1
    y = F.max_pool2d(hidden, 2)
    hidden.zero_()
    with pytest.raises(MutationError, match="max_pool"):
        y.sum().backward()


def test_the_caller_may_overwrite_the_indices() -> None:
    x = microbp.tensor(shuffled(1, 4, 4), requires_grad=True)
    y, indices = F.max_pool2d(x, 2, return_indices=True)
    expected = np.zeros(16)
    expected[indices.array.reshape(-1)] = 1
    indices.zero_()
    y.sum().backward()
    assert x.grad is not None
    np.testing.assert_array_equal(x.grad.array.reshape(-1), expected)

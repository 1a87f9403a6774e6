"""Resizing against PyTorch, over sizes, factors and modes; what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microbp
from microbp.errors import DtypeError, OptionError, ShapeError
from microbp.nn import functional as F
from tests.referee import compare, torch
from tests.samples import normal

EXAMPLES = settings(max_examples=60, deadline=None)
MODES = {
    1: ["nearest", "nearest-exact", "linear", "area"],
    2: ["nearest", "nearest-exact", "bilinear", "bicubic", "area"],
    3: ["nearest", "nearest-exact", "trilinear", "area"],
}
SMOOTH = ("linear", "bilinear", "trilinear", "bicubic")


@pytest.mark.parametrize(("dims", "mode"), [(dims, mode) for dims, modes in MODES.items() for mode in modes])
@EXAMPLES
@given(data=st.data())
def test_interpolate_agrees_with_pytorch(dims: int, mode: str, data: st.DataObject) -> None:
    most = 8 if dims < 3 else 4
    sizes = [data.draw(st.integers(1, most)) for _ in range(dims)]
    shape = (data.draw(st.integers(0, 2)), 2, *sizes)
    options: dict[str, Any] = {"mode": mode}
    if data.draw(st.booleans()):
        options["size"] = tuple(data.draw(st.integers(1, most + 3)) for _ in range(dims))
    else:
        factors = [data.draw(st.sampled_from([0.4, 0.5, 0.75, 1, 1.05, 1.3, 2, 2.7, 3])) for _ in range(dims)]
        if any(int(size * factor) < 1 for size, factor in zip(sizes, factors, strict=True)):
            factors = [1.3] * dims
        options["scale_factor"] = factors
        options["recompute_scale_factor"] = data.draw(st.sampled_from([None, False, True]))
    if mode in SMOOTH:
        options["align_corners"] = data.draw(st.sampled_from([None, False, True]))
    if options.get("recompute_scale_factor") or not is_inconsistent(mode, sizes, options.get("scale_factor")):
        compare(lambda lib, x: lib.nn.functional.interpolate(x, **options), normal(*shape), second_order=shape[0] > 0)


def is_inconsistent(mode: str, sizes: list[int], factors: Any) -> bool:
    """Whether PyTorch takes the factor for a whole number in its backward pass, but not in its forward pass."""
    if factors is None or mode not in ("nearest", "nearest-exact", "bicubic") or (mode, len(sizes)) == ("nearest", 2):
        return False
    pairs = list(zip(sizes, factors, strict=True))
    return any(int(size * factor) == size * whole and factor != whole for size, factor in pairs for whole in (1, 2))


@pytest.mark.parametrize("factor", [1.05, 1.1, 1.3])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "bilinear", "bicubic"])
def test_factor_that_leaves_the_size_as_it_is(mode: str, factor: float) -> None:
    compare(
        lambda lib, x: lib.nn.functional.interpolate(x.detach(), scale_factor=factor, mode=mode), normal(2, 3, 3, 2)
    )


@pytest.mark.parametrize("dims", [1, 2])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_nearest_rounds_as_pytorch_does(mode: str, dtype: Any, dims: int) -> None:
    lib = torch()
    for size in (*range(1, 25), 100, 224):
        x = np.broadcast_to(np.arange(size, dtype=dtype), (1, 3, *(2,) * (dims - 1), size)).copy()
        for count in (*range(1, 60), 66, 74, 300):
            sizes = (*(2,) * (dims - 1), count)
            expected = lib.nn.functional.interpolate(lib.from_numpy(x), sizes, mode=mode).numpy()
            np.testing.assert_array_equal(F.interpolate(microbp.from_numpy(x), sizes, mode=mode).array, expected)


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic", "area"])
def test_single_precision(mode: str) -> None:
    x = normal(2, 3, 17, 23).astype(np.float32)
    compare(lambda lib, x: lib.nn.functional.interpolate(x, (40, 31), mode=mode), x, rtol=1e-5, atol=2e-5)


def test_bytes_have_nearest_neighbours() -> None:
    x = np.arange(12, dtype=np.uint8).reshape(1, 1, 3, 4)
    compare(lambda lib, x: lib.nn.functional.interpolate(x, (5, 9)), x)


def test_infinity_reaches_its_neighbours_only() -> None:
    x = microbp.zeros(1, 1, 8)
    x[0, 0, 3] = float("inf")
    y = F.interpolate(x, 20, mode="linear").array[0, 0]
    assert np.isfinite(y[:5]).all()
    assert np.isfinite(y[12:]).all()
    assert not np.isfinite(y[8])


def test_layouts_that_are_not_contiguous() -> None:
    for mode in ("nearest", "bilinear"):
        compare(
            lambda lib, x, mode=mode: lib.nn.functional.interpolate(x.permute(3, 0, 2, 1), scale_factor=2, mode=mode),
            normal(2, 5, 4, 3),
            second_order=True,
        )


def test_upsample_warns_and_interpolates() -> None:
    x = microbp.tensor(normal(1, 1, 4))
    with pytest.warns(UserWarning, match="upsample is deprecated"):
        y = F.upsample(x, scale_factor=1.5, mode="linear", align_corners=True)
    np.testing.assert_array_equal(y.array, F.interpolate(x, scale_factor=1.5, mode="linear", align_corners=True).array)


REFUSED: list[tuple[tuple[int, ...], dict[str, Any], type[Exception], str]] = [
    ((1, 1, 4), {}, OptionError, "either size or scale_factor"),
    ((1, 1, 4), {"size": 2, "scale_factor": 2}, OptionError, "either size or scale_factor"),
    ((1, 1, 4), {"size": (2, 2)}, OptionError, r"size must be one number or one for each of the sizes \(4,\)"),
    ((1, 1, 4, 4), {"scale_factor": (2,)}, OptionError, r"scale_factor must be one number or one for each"),
    ((1, 1, 4), {"size": 2.5}, TypeError, "size must be of integers, got 2.5"),
    ((1, 1, 4), {"size": 0}, ShapeError, r"greater than 0.*output size \(0,\)"),
    ((1, 1, 4), {"size": -1}, ShapeError, "greater than 0"),
    ((1, 1, 4), {"scale_factor": 0.1}, ShapeError, "greater than 0"),
    ((1, 0, 4), {"size": 2}, ShapeError, "only the batch may be empty"),
    ((1, 1, 0), {"size": 2}, ShapeError, "only the batch may be empty"),
    (
        (1, 1, 4, 4),
        {"size": 2, "mode": "linear"},
        NotImplementedError,
        r"\(1, 1, 4, 4\); the modes for it are .*'bilinear'",
    ),
    ((1, 1, 4), {"size": 2, "mode": "bicubic"}, NotImplementedError, "the modes for it are .*'linear'"),
    ((4, 4), {"size": 2}, NotImplementedError, r"it must be \(N, C, L\)"),
    ((1,) * 6, {"size": 2}, NotImplementedError, r"it must be \(N, C, L\)"),
    ((1, 1, 4), {"size": 2, "mode": "best"}, NotImplementedError, "no mode 'best'; the modes are 'nearest'"),
    (
        (1, 1, 4),
        {"size": 2, "align_corners": True},
        OptionError,
        "align_corners goes with 'linear'.*not with mode 'nearest'",
    ),
    ((1, 1, 4), {"size": 2, "recompute_scale_factor": True}, OptionError, "no sense with an explicit size"),
]


@pytest.mark.parametrize(("shape", "options", "error", "text"), REFUSED)
def test_refused_as_pytorch_does_with_a_clear_text(
    shape: tuple[int, ...], options: dict[str, Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=f"^interpolate: .*{text}"):
        F.interpolate(microbp.zeros(shape), **options)
    with pytest.raises((RuntimeError, TypeError, ValueError)) as theirs:
        torch().nn.functional.interpolate(torch().zeros(shape), **options)
    assert issubclass(error, theirs.type)


def test_refused_here_only() -> None:
    with pytest.raises(NotImplementedError, match="antialias=True is not supported"):
        F.interpolate(microbp.zeros(1, 1, 4, 4), 2, mode="bilinear", antialias=True)
    with pytest.raises(DtypeError, match=r"interpolate.*int64.*t\.float\(\)"):
        F.interpolate(microbp.zeros(1, 1, 4).long(), 2)
    with pytest.raises(OptionError, match="scale_factor must be finite"):
        F.interpolate(microbp.zeros(1, 1, 4), scale_factor=float("nan"))


@pytest.mark.parametrize("shape", [(8, 2, 3), (2, 4, 3, 2), (1, 2, 4, 2, 2)])
def test_pixel_shuffle_and_back(shape: tuple[int, ...]) -> None:
    compare(lambda lib, x: lib.nn.functional.pixel_shuffle(x, 2), normal(*shape), second_order=True)
    compare(
        lambda lib, x: lib.nn.functional.pixel_unshuffle(lib.nn.functional.pixel_shuffle(x, 2) ** 2, 2),
        normal(*shape),
        second_order=True,
    )
    compare(lambda lib, x: lib.nn.functional.channel_shuffle(x.reshape(1, 4, -1), 2), normal(*shape))


def test_shuffles_of_an_empty_batch() -> None:
    x = microbp.zeros(0, 4, 2, 3, requires_grad=True)  # PyTorch's gradient has a wrong shape then
    y = F.pixel_shuffle(x, 2)
    assert y.shape == (0, 1, 4, 6)
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.shape == x.shape
    assert F.pixel_unshuffle(y, 2).shape == x.shape  # PyTorch leaves it as it is


def test_shuffles_refuse_what_does_not_divide() -> None:
    with pytest.raises(ShapeError, match=r"the 6 channels of shape \(6, 2, 2\) are no multiple of upscale_factor² = 4"):
        F.pixel_shuffle(microbp.zeros(6, 2, 2), 2)
    with pytest.raises(ShapeError, match=r"height 3 and width 4 .* downscale_factor 2"):
        F.pixel_unshuffle(microbp.zeros(1, 3, 4), 2)
    with pytest.raises(ShapeError, match=r"\(\.\.\., C, H, W\), got \(2, 2\)"):
        F.pixel_shuffle(microbp.zeros(2, 2), 2)
    with pytest.raises(OptionError, match="upscale_factor must be positive, got 0"):
        F.pixel_shuffle(microbp.zeros(4, 2, 2), 0)
    with pytest.raises(ShapeError, match=r"the 3 channels of shape \(1, 3, 4\) are no multiple of groups 2"):
        F.channel_shuffle(microbp.zeros(1, 3, 4), 2)

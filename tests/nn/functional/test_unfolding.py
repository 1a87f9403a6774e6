"""Windows as columns and back against PyTorch; what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microbp
from microbp.errors import DtypeError, OptionError, ShapeError
from microbp.nn import functional as F
from tests.referee import compare
from tests.samples import normal

EXAMPLES = settings(max_examples=40, deadline=None)


def test_convolution_is_a_product_with_what_unfold_makes() -> None:
    x, w = microbp.tensor(normal(2, 3, 6, 5)), microbp.tensor(normal(4, 3, 3, 2))
    product = w.reshape(4, -1) @ F.unfold(x, (3, 2), padding=1, stride=2)
    np.testing.assert_allclose(
        product.numpy(), F.conv2d(x, w, padding=1, stride=2).flatten(2).numpy(), rtol=1e-12, atol=1e-12
    )


@EXAMPLES
@given(data=st.data())
def test_unfold_and_fold_agree_with_pytorch(data: st.DataObject) -> None:
    draw, integers = data.draw, st.integers
    kernel, dilation, padding, stride = (
        (draw(integers(low, high)), draw(integers(low, high))) for low, high in ((1, 3), (1, 2), (0, 2), (1, 3))
    )
    reach = [max(1, (k - 1) * d + 1 - 2 * p) for k, d, p in zip(kernel, dilation, padding, strict=True)]
    size = tuple(draw(integers(low, low + 4)) for low in reach)
    shape = (*draw(st.sampled_from([(2, 2), (3,), (0, 1)])), *size)
    options = (kernel, dilation, padding, stride)
    compare(lambda lib, x: lib.nn.functional.unfold(x, *options), normal(*shape), second_order=True)
    columns = F.unfold(microbp.tensor(normal(*shape)), *options)
    compare(lambda lib, x: lib.nn.functional.fold(x, size, *options), normal(*columns.shape), second_order=True)


def test_fold_adds_up_what_unfold_took_apart() -> None:
    x = microbp.tensor(normal(2, 3, 6, 5))
    times = F.fold(F.unfold(microbp.ones(1, 1, 6, 5), 3, padding=1), (6, 5), 3, padding=1)
    back = F.fold(F.unfold(x, 3, padding=1), (6, 5), 3, padding=1)
    np.testing.assert_allclose(back.array, (x * times).array, rtol=1e-12)


def ones(*shape: int) -> microbp.Tensor:
    return microbp.ones(shape)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: F.unfold(ones(2, 3, 2, 8), 3), r"no window of size \(3, 3\).*\(2, 3, 2, 8\)"),
        (lambda: F.unfold(ones(8, 8), 3), "unsqueeze"),
        (lambda: F.unfold(ones(2, 0, 8, 8), 3), "only the batch may be empty"),
        (lambda: F.fold(ones(2, 28, 36), 8, 3), r"\(N, C \* 9, 36\)"),
        (lambda: F.fold(ones(2, 27, 35), 8, 3), r"6 \* 6 windows"),
        (lambda: F.fold(ones(2, 1, 27, 36), 8, 3), "or without N"),
        (lambda: F.fold(ones(2, 0, 36), 8, 3), r"\(2, 0, 36\)"),
        (lambda: F.fold(ones(2, 27, 36), 2, 3), "fits into output_size"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(call: Any, text: str) -> None:
    with pytest.raises(ShapeError, match=f"^(un)?fold: .*{text}"):
        call()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: F.unfold(ones(1, 4, 4), 0), "unfold: kernel_size must be positive"),
        (lambda: F.unfold(ones(1, 4, 4), 2, stride=0), "unfold: stride must be positive"),
        (lambda: F.unfold(ones(1, 4, 4), (2, 2, 2)), "unfold: kernel_size must be one integer or one for each of 2"),
        (lambda: F.fold(ones(4, 9), 0, 2), "fold: output_size must be positive"),
        (lambda: F.fold(ones(4, 9), 4, 2, padding=-1), "fold: padding must not be negative"),
    ],
)
def test_options_that_make_no_sense_are_refused(call: Any, text: str) -> None:
    with pytest.raises(OptionError, match=text):
        call()


def test_values_of_a_wrong_kind_are_refused() -> None:
    with pytest.raises(TypeError, match=r"unfold: kernel_size must be an integer or a tuple of integers, got 2\.0"):
        F.unfold(ones(1, 4, 4), 2.0)  # type: ignore[arg-type]
    with pytest.raises(DtypeError, match="fold needs numbers, got bool"):
        F.fold(ones(4, 4).bool(), 3, 2)

"""Windows of arrays, and their transpose, against NumPy's sliding windows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microbp.ops.windows import overlap_add, shifted, windows
from tests.samples import normal

EXAMPLES = settings(max_examples=40, deadline=None)


@EXAMPLES
@given(data=st.data())
def test_windows_are_sliding_windows_and_overlap_add_is_their_transpose(data: st.DataObject) -> None:
    draw, dims = data.draw, data.draw(st.integers(1, 3))
    size, stride, dilation = (tuple(draw(st.integers(1, 3)) for _ in range(dims)) for _ in range(3))
    more = [draw(st.integers(0, 4)) for _ in range(dims)]
    a = normal(2, *((k - 1) * d + 1 + extra for k, d, extra in zip(size, dilation, more, strict=True)))
    reach = tuple((k - 1) * d + 1 for k, d in zip(size, dilation, strict=True))
    seen = np.lib.stride_tricks.sliding_window_view(a, reach, axis=tuple(range(1, dims + 1)))
    seen = seen[(slice(None), *(slice(None, None, s) for s in stride), *(slice(None, None, d) for d in dilation))]
    found = windows(a, size, stride, dilation)
    np.testing.assert_array_equal(found, np.moveaxis(seen, range(1, dims + 1), range(-dims, 0)))

    b = normal(*found.shape, seed=1)
    laid = overlap_add(b, stride, dilation)
    whole = shifted(laid, (0,) * dims, a.shape[1:])
    assert (found * b).sum() == pytest.approx((a * whole).sum(), rel=1e-10, abs=1e-10)


def test_no_window_where_none_fits() -> None:
    assert windows(np.zeros((2, 3)), (5,), (1,), (1,)).shape == (2, 5, 0)


def test_shifted_is_its_own_transpose_the_other_way() -> None:
    for offset in range(-7, 8):
        for size in range(8):
            a, b = normal(5), normal(size, seed=1)
            there, back = shifted(a, (offset,), (size,)), shifted(b, (-offset,), (5,))
            assert (there * b).sum() == pytest.approx((a * back).sum(), rel=1e-12, abs=1e-12)

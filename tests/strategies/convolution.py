"""Strategies for convolutions."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from microbp.ops.windows import counts, span
from tests.strategies import Case, Tries, arrays, side


@st.composite
def geometries(draw: st.DrawFn) -> Any:
    """The shapes of an input, a kernel and an output, and how the kernel slides."""
    dims = draw(st.sampled_from([1, 1, 2]))
    groups = draw(st.integers(1, 2))
    ins, outs, samples = (draw(st.integers(1, 2)) for _ in range(3))
    samples = draw(st.sampled_from([samples, samples, samples, 0]))
    kernel, size, stride, dilation = (tuple(draw(st.integers(1, 2)) for _ in range(dims)) for _ in range(4))
    padding = tuple(draw(st.integers(0, 1)) for _ in range(dims))
    reach = span(size, kernel, stride, dilation)
    # the margin after the end may be another one, or the end may be seen by nothing
    ends = (max(1, n - pad + draw(st.integers(-1, 1))) for n, pad in zip(reach, padding, strict=True))
    x = (samples, ins * groups, *ends)
    slides = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return x, (outs * groups, ins, *kernel), (samples, outs * groups, *size), slides


@st.composite
def convolved(draw: st.DrawFn, row: str) -> Case:
    """Two of the three arrays of a geometry, and the size of the third."""
    x, w, z, slides = draw(geometries())
    if row == "convolve":
        return (draw(arrays(x)), draw(arrays(w)), draw(st.none() | arrays(w[:1]))), {"size": z[2:], **slides}
    if row == "convolve_transpose":
        return (draw(arrays(z)), draw(arrays(w))), {"size": x[2:], **slides}
    return (draw(arrays(x)), draw(arrays(z))), {"size": w[2:], **slides}


@st.composite
def blocked(draw: st.DrawFn, transposed: bool) -> Case:
    """Images, or their columns, of at least one window."""
    dims = draw(st.integers(1, 2))
    kernel, stride, dilation = (tuple(draw(st.integers(1, 2)) for _ in range(dims)) for _ in range(3))
    padding = tuple(draw(st.integers(0, 1)) for _ in range(dims))
    reach = span((1,) * dims, kernel, stride, dilation)
    size = tuple(
        max(1, n - 2 * pad) + draw(st.integers(0, 2 if dims == 1 else 1)) for n, pad in zip(reach, padding, strict=True)
    )
    shape = (draw(side(2)), draw(st.integers(1, 2)), *size)
    found: dict[str, Any] = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    if not transposed:
        return (draw(arrays(shape)),), found
    elements, places = shape[1], 1
    for k, count in zip(kernel, counts(size, kernel, stride, dilation, padding), strict=True):
        elements, places = elements * k, places * count
    return (draw(arrays((shape[0], elements, places))),), {"size": size, **found}


strategies = {name: Tries(convolved(name)) for name in ("convolve", "convolve_transpose", "convolve_weight")}
strategies["im2col"] = Tries(blocked(transposed=False))
strategies["col2im"] = Tries(blocked(transposed=True))

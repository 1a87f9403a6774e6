"""Rows for convolutions, in any number of dimensions.

A convolution slides a kernel `w` over an input `x`. All there is to know about it is one number,
which is linear in each of three arrays::

    L = Σ z[n, o, i] · w[o, c, k] · x[n, c, i · stride + k · dilation − padding]

summed over all samples n, channels o and c, places i and elements k of the kernel (i and k have
an index for each dimension), where x is 0 outside of its bounds. Its three partial derivatives
are the rows of this family:

=========================== ============ =====================================================
`convolve(x, w)`            dL/dz        the convolution: what the kernel sees at each place
`convolve_transpose(z, w)`  dL/dx        the transposed convolution: a kernel laid at each place
`convolve_weight(x, z)`     dL/dw        the correlation of an input and an output
=========================== ============ =====================================================

As L is linear in each array, the rules of each row are the other two rows, to any order. In all
three, `size` says how large the last axes of the result are: that is all that the margin after
the end, or `output_padding`, can change. With `groups`, the channels come in groups, and each
group of outputs sees its own group of inputs only.

All are products of matrices with the *columns* of the input: what the kernel sees, written out
(Chellapilla, Puri & Simard, "High Performance Convolutional Neural Networks for Document
Processing", 2006). They are made for a few samples at a time, so that they stay in the cache and
never take much memory. For the gradient of the kernel they need not be written out along the first
axis: what an element of the kernel meets along that axis is a piece of the input without gaps.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from microbp.ops.op import op
from microbp.ops.windows import Sizes, counts, overlap_add, shifted, span, windows

__all__: list[str] = []

BLOCK = 1 << 21
"""How many bytes of columns are made at a time; from 1 to 4 MiB all is about as fast."""

SLIDING = "stride=stride, padding=padding, dilation=dilation, groups=groups"


@op(
    "y[n, o, i] = Σ_{c, k} w[o, c, k] * x[n, c, i * stride + k * dilation - padding] + b[o]",
    broadcasts=False,
)
def convolve(
    x: Any, w: Any, b: Any, *, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Any:
    """Convolution of a batch `x` (N, C, *S) with kernels `w` (O, C / groups, *K): (N, O, *size); `b` may be None."""
    kernels = w.reshape(groups, len(w) // groups, math.prod(w.shape[1:]))
    y = np.empty((len(x), len(w), *size), x.dtype)
    out = y.reshape(len(x), groups, kernels.shape[1], math.prod(size))
    for part, columns in blocks(x, w.shape[2:], size, stride, padding, dilation, groups):
        few = np.matmul(kernels, columns, out=out[part])
        if b is not None:
            few += b.reshape(groups, -1, 1)
    return y


convolve.grad("x", f"convolve_transpose(g, w, size=x_shape[2:], {SLIDING})")
convolve.grad("w", f"convolve_weight(x, g, size=w_shape[2:], {SLIDING})")
convolve.grad("b", "g.sum(axis=0).reshape(b_shape[0], -1).sum(axis=1)")


@op("x[n, c, i * stride + k * dilation - padding] += Σ_o w[o, c, k] * z[n, o, i]", broadcasts=False)
def convolve_transpose(
    z: Any, w: Any, *, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Any:
    """Transposed convolution of a batch `z` (N, O, *S) with kernels `w` (O, C / groups, *K): (N, C, *size)."""
    kernel, places = w.shape[2:], z.shape[2:]
    channels = w.shape[1] * groups
    kernels = w.reshape(groups, len(w) // groups, math.prod(w.shape[1:]))
    seen = z.reshape(len(z), groups, kernels.shape[1], math.prod(places))
    product = np.matmul if kernels.shape[1] > 1 else np.multiply  # of a column and a row: three times as fast
    x = np.empty((len(z), channels, *size), z.dtype)
    for part in parts(len(z), channels * math.prod(kernel) * math.prod(places) * z.itemsize):
        columns = product(kernels.mT, seen[part])
        laid = overlap_add(columns.reshape(len(columns), channels, *kernel, *places), stride, dilation)
        x[part] = shifted(laid, tuple(-margin for margin in padding), size)
    return x


convolve_transpose.grad("z", f"convolve(g, w, None, size=z_shape[2:], {SLIDING})")
convolve_transpose.grad("w", f"convolve_weight(g, z, size=w_shape[2:], {SLIDING})")


@op("w[o, c, k] = Σ_{n, i} z[n, o, i] * x[n, c, i * stride + k * dilation - padding]", broadcasts=False)
def convolve_weight(x: Any, z: Any, *, size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int) -> Any:
    """Correlation of a batch `x` (N, C, *S) with `z` (N, O, *S'), as kernels need it: (O, C / groups, *size)."""
    ins, outs, places = x.shape[1] // groups, z.shape[1] // groups, z.shape[2:]
    total: Any = np.zeros((groups, size[0], outs, ins * math.prod(size[1:])), x.dtype)
    seen = z.reshape(len(z), groups, outs, math.prod(places))
    ends = range((places[0] - 1) * stride[0] + 1, span(places, size, stride, dilation)[0] + 1, dilation[0])
    for part, rows in row_blocks(x, size, places, stride, padding, dilation, groups):
        for k, end in enumerate(ends):  # with a stride of 1 what an element of the first axis meets is a view
            met = rows[..., k * dilation[0] : end : stride[0], :].reshape(*rows.shape[:3], math.prod(places))
            total[:, k] += np.matmul(seen[part], met.mT).sum(axis=0)
    weight: Any = total.reshape(groups, size[0], outs, ins, math.prod(size[1:])).transpose(0, 2, 3, 1, 4)
    return weight.reshape(groups * outs, ins, *size)


convolve_weight.grad("x", f"convolve_transpose(z, g, size=x_shape[2:], {SLIDING})")
convolve_weight.grad("z", f"convolve(x, g, None, size=z_shape[2:], {SLIDING})")


@op("windows(pad(a, padding), kernel, stride, dilation)")
def im2col(a: Any, *, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Any:
    """The windows of a batch (N, C, *S) as columns: (N, C * elements of a window, number of windows)."""
    places = counts(a.shape[2:], kernel, stride, dilation, padding)
    y = np.empty((*a.shape[:2], *kernel, *places), a.dtype)
    y[...] = windows(shifted(a, padding, span(places, kernel, stride, dilation)), kernel, stride, dilation)
    return y.reshape(len(a), a.shape[1] * math.prod(kernel), math.prod(places))


im2col.grad("a", "col2im(g, size=a_shape[2:], kernel=kernel, stride=stride, padding=padding, dilation=dilation)")


@op("sum of the columns of a, each laid where its window is")
def col2im(a: Any, *, size: Sizes, kernel: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes) -> Any:
    """The images (N, C, *size) that have these columns as `im2col` makes them; where windows overlap, sums."""
    channels = a.shape[1] // math.prod(kernel)
    places = counts(size, kernel, stride, dilation, padding)
    laid = overlap_add(a.reshape(len(a), channels, *kernel, *places), stride, dilation)
    return np.ascontiguousarray(shifted(laid, tuple(-margin for margin in padding), size))


col2im.grad("a", "im2col(g, kernel=kernel, stride=stride, padding=padding, dilation=dilation)")


def blocks(
    x: Any, kernel: Sizes, places: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Iterator[tuple[slice, Any]]:
    """The columns of a few samples at a time: which samples, (samples, groups, C / groups * elements, places)."""
    reached = shifted(x, padding, span(places, kernel, stride, dilation))
    rows, columns = x.shape[1] // groups * math.prod(kernel), math.prod(places)
    for part in parts(len(x), groups * rows * columns * x.itemsize):
        few = windows(reached[part], kernel, stride, dilation)
        yield part, few.reshape(len(few), groups, rows, columns)


def row_blocks(
    x: Any, kernel: Sizes, places: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes, groups: int
) -> Iterator[tuple[slice, Any]]:
    """Half-made columns of a few samples at a time, which are smaller by the kernel's size along the first axis.

    Windows are taken along all axes but the first one: (samples, groups, C / groups * elements, length of the first
    axis, places along the others).
    """
    reached = shifted(x, padding, span(places, kernel, stride, dilation))
    rows, length, columns = x.shape[1] // groups * math.prod(kernel[1:]), reached.shape[2], math.prod(places[1:])
    for part in parts(len(x), groups * rows * length * columns * x.itemsize):
        few = windows(reached[part], kernel[1:], stride[1:], dilation[1:])
        # the first axis goes from before the elements to before the places
        few = np.ascontiguousarray(np.moveaxis(few, 2, len(kernel) + 1))
        yield part, few.reshape(len(few), groups, rows, length, columns)


def parts(samples: int, size: int) -> Iterator[slice]:
    """Slices of as many samples as make a block, for samples of a size in bytes."""
    each = max(1, BLOCK // max(1, size))
    return (slice(start, start + each) for start in range(0, samples, each))

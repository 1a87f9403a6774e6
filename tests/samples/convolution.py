"""Samples for convolutions."""

from __future__ import annotations

from typing import Any

from microbp.ops.windows import span
from tests.samples import Samples, normal


def convolved(
    lib: Any, x: Any, w: Any, b: Any, size: Any, stride: Any, padding: Any, dilation: Any, groups: int
) -> Any:
    """PyTorch's convolution of an input that was padded, or cut off, so that the output is of a given size."""
    reach = span(size, tuple(w.shape[2:]), stride, dilation)
    margins = [(low, n - low - length) for low, n, length in zip(padding, reach, x.shape[2:], strict=True)]
    x = lib.nn.functional.pad(x, [side for pair in reversed(margins) for side in pair])
    function = getattr(lib.nn.functional, f"conv{x.ndim - 2}d")
    return function(x, w, b, stride=stride, dilation=dilation, groups=groups)


def transposed(lib: Any, z: Any, w: Any, size: Any, groups: int, **options: Any) -> Any:
    """PyTorch's gradient of a convolution with respect to its input."""
    x = lib.zeros((z.shape[0], w.shape[1] * groups, *size), dtype=z.dtype, requires_grad=True)
    y = convolved(lib, x, w, None, tuple(z.shape[2:]), groups=groups, **options)
    return lib.autograd.grad(y, x, z, create_graph=True)[0] + 0 * (z.sum() + w.sum())  # of nothing, it is constant


def correlated(lib: Any, x: Any, z: Any, size: Any, groups: int, **options: Any) -> Any:
    """PyTorch's gradient of a convolution with respect to its weight."""
    w = lib.zeros((z.shape[1], x.shape[1] // groups, *size), dtype=z.dtype, requires_grad=True)
    y = convolved(lib, x, w, None, tuple(z.shape[2:]), groups=groups, **options)
    return lib.autograd.grad(y, w, z, create_graph=True)[0] + 0 * (x.sum() + z.sum())  # of nothing, it is constant


def blocks(lib: Any, a: Any, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    """PyTorch's `unfold`, with a dimension of one element added to what is not two-dimensional."""
    if a.ndim == 3:
        kernel, stride, padding, dilation = (1, *kernel), (1, *stride), (0, *padding), (1, *dilation)
        a = a[:, :, None]
    return lib.nn.functional.unfold(a, kernel, dilation, padding, stride)


def folded(lib: Any, a: Any, size: Any, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Any:
    """PyTorch's `fold`, with a dimension of one element added to what is not two-dimensional."""
    if len(size) == 1:
        kernel, stride, padding, dilation = (1, *kernel), (1, *stride), (0, *padding), (1, *dilation)
        return lib.nn.functional.fold(a, (1, *size), kernel, dilation, padding, stride)[:, :, 0]
    return lib.nn.functional.fold(a, size, kernel, dilation, padding, stride)


def sliding(size: Any, stride: Any, padding: Any, dilation: Any, groups: int = 1) -> dict[str, Any]:
    """The options of the rows."""
    return {"size": size, "stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


# of x, w, z: shapes, and the sliding without its size
geometries: list[tuple[Any, Any, Any, tuple[Any, ...]]] = [
    ((2, 3, 5), (4, 3, 2), (2, 4, 4), ((1,), (0,), (1,))),
    ((2, 2, 6), (2, 1, 3), (2, 2, 3), ((2,), (1,), (1,), 2)),
    ((1, 2, 7), (3, 2, 2), (1, 3, 4), ((1,), (0,), (3,))),
    ((2, 2, 4), (1, 2, 2), (2, 1, 4), ((1,), (0,), (1,))),  # a margin after the end only
    ((1, 1, 6), (1, 1, 2), (1, 1, 2), ((2,), (0,), (1,))),  # the end is seen by nothing
    ((2, 1, 5, 4), (2, 1, 3, 2), (2, 2, 3, 3), ((2, 1), (1, 0), (1, 1))),
    ((1, 4, 4, 4), (4, 2, 1, 1), (1, 4, 4, 4), ((1, 1), (0, 0), (1, 1), 2)),
    ((1, 2, 3, 2, 3), (1, 2, 2, 1, 2), (1, 1, 2, 2, 4), ((1, 1, 1), (0, 0, 1), (1, 1, 1))),
    ((0, 2, 5), (3, 2, 2), (0, 3, 4), ((1,), (0,), (1,))),
]
# of an input: its shape, and the kernel, stride, padding and dilation
blocked: list[tuple[Any, tuple[Any, ...]]] = [
    ((2, 2, 5), ((2,), (1,), (0,), (1,))),
    ((1, 2, 5, 4), ((3, 2), (2, 1), (1, 0), (1, 1))),
    ((2, 1, 5, 5), ((2, 2), (2, 2), (0, 0), (2, 1))),
    ((0, 2, 4, 4), ((2, 2), (1, 1), (0, 0), (1, 1))),
]


def columns(shape: Any, geometry: Any) -> tuple[Any, dict[str, Any]]:
    """The options of `im2col`, and the shape of its output."""
    options = dict(zip(("kernel", "stride", "padding", "dilation"), geometry, strict=True))
    elements = places = 1
    for n, k, s, p, d in zip(shape[2:], *geometry, strict=True):
        elements, places = elements * k, places * len(range(0, n + 2 * p - (k - 1) * d, s))
    return (shape[0], shape[1] * elements, places), options


samples = {
    "convolve": Samples(
        convolved,
        [
            ((normal(*x), normal(*w), normal(w[0]) if number % 2 else None), sliding(z[2:], *options))
            for number, (x, w, z, options) in enumerate(geometries)
        ]
        + [((normal(5, 3, 2).T, normal(2, 3, 4).T, normal(8)[::2]), sliding((4,), (1,), (0,), (1,)))],
    ),
    "convolve_transpose": Samples(
        transposed,
        [((normal(*z), normal(*w)), sliding(x[2:], *options)) for x, w, z, options in geometries]
        + [((normal(5, 4, 2).T, normal(2, 3, 4).T), sliding((8,), (1,), (0,), (1,)))],
    ),
    "convolve_weight": Samples(
        correlated,
        [((normal(*x), normal(*z)), sliding(w[2:], *options)) for x, w, z, options in geometries]
        + [((normal(5, 3, 2).T, normal(4, 4, 2).T), sliding((2,), (1,), (0,), (1,)))],
    ),
    "im2col": Samples(
        blocks,
        [((normal(*shape),), columns(shape, geometry)[1]) for shape, geometry in blocked]
        + [((normal(5, 2, 2).T,), columns((2, 2, 5), blocked[0][1])[1])],
    ),
    "col2im": Samples(
        folded,
        [
            ((normal(*found),), {"size": shape[2:], **options})
            for shape, (found, options) in ((shape, columns(shape, geometry)) for shape, geometry in blocked)
        ],
    ),
}

"""Samples for rows that turn, shift and repeat, and for triangles and diagonals."""

from __future__ import annotations

import numpy as np

from tests.samples import Samples, normal

planes = [
    ((3, 4), {"offset": 0, "dim1": 0, "dim2": 1}, (3,)),
    ((4, 3), {"offset": -2, "dim1": 0, "dim2": 1}, (2,)),
    ((2, 3, 4), {"offset": 1, "dim1": 2, "dim2": 0}, (3, 1)),
    ((2, 3), {"offset": 5, "dim1": 0, "dim2": 1}, (0,)),
    ((3, 0, 3), {"offset": 0, "dim1": 0, "dim2": 2}, (0, 3)),
]
squares = [
    ((2, 3), (2, 3, 3), {"offset": 0, "dim1": 1, "dim2": 2}),
    ((3,), (5, 5), {"offset": -2, "dim1": 0, "dim2": 1}),
    ((2, 3), (4, 2, 4), {"offset": 1, "dim1": 2, "dim2": 0}),
    ((0,), (0, 0), {"offset": 0, "dim1": 0, "dim2": 1}),
]
triangles = [
    *(((normal(3, 4),), {"diagonal": k}) for k in (-1, 0, 2, 9)),
    ((normal(2, 3, 3),), {"diagonal": 0}),
    ((normal(0, 3),), {"diagonal": 1}),
    ((normal(4, 3).T[::-1],), {"diagonal": 1}),
]
copies = [((3,), (2,)), ((2, 3), (2, 1, 3)), ((), (2, 2)), ((2, 1), (1, 1)), ((2, 3), (0, 2)), ((0, 2), (2, 2))]

samples = {
    "flip": Samples(
        lambda lib, a, dims: lib.flip(a, dims),
        [
            ((normal(2, 3, 4),), {"dims": (0, 2)}),
            ((normal(4),), {"dims": (0,)}),
            ((normal(),), {"dims": ()}),
            ((normal(0, 3),), {"dims": (1,)}),
            ((normal(4, 3).T[::-1],), {"dims": (0,)}),
        ],
    ),
    "roll": Samples(
        lambda lib, a, shifts, dims: lib.roll(a, shifts, dims),
        [
            ((normal(2, 3, 4),), {"shifts": (1, -6), "dims": (0, 2)}),
            ((normal(4),), {"shifts": (3,), "dims": (0,)}),
            ((normal(5),), {"shifts": (1, 1), "dims": (0, 0)}),
            ((normal(0, 3),), {"shifts": (1,), "dims": (0,)}),
            ((normal(4, 3).T[::-1],), {"shifts": (2,), "dims": (1,)}),
        ],
    ),
    "tril": Samples(lambda lib, a, diagonal: lib.tril(a, diagonal), triangles),
    "triu": Samples(lambda lib, a, diagonal: lib.triu(a, diagonal), triangles),
    "diagonal": Samples(
        lambda lib, a, offset, dim1, dim2: lib.diagonal(a, offset, dim1, dim2),
        [
            *(((normal(*shape),), options) for shape, options, _ in planes),
            ((normal(4, 3).T[::-1],), {"offset": 1, "dim1": 0, "dim2": 1}),
        ],
    ),
    "diag_embed": Samples(
        lambda lib, a, shape, offset, dim1, dim2: (
            lib.diag_embed(a, offset, dim1, dim2)
            if shape.count(shape[dim1]) > 1 and shape[dim1] == a.shape[-1] + abs(offset)
            else lib.diagonal_scatter(lib.zeros(shape, dtype=a.dtype), a, offset, dim1, dim2)
        ),
        [
            *(((normal(*size),), {"shape": shape, **options}) for size, shape, options in squares),
            *(((normal(*size),), {"shape": shape, **options}) for shape, options, size in planes),
            ((normal(3, 2).T[::-1],), {"shape": (2, 3, 3), "offset": 0, "dim1": 1, "dim2": 2}),
        ],
    ),
    "repeat": Samples(
        lambda lib, a, repeats: a.repeat(repeats),
        [
            *(((normal(*shape),), {"repeats": repeats}) for shape, repeats in copies),
            ((normal(4, 3).T[::-1],), {"repeats": (2, 2)}),
        ],
    ),
    "sum_repeats": Samples(
        lambda lib, a, shape, repeats: (
            a.reshape(
                [
                    size
                    for pair in zip(repeats, (1,) * (len(repeats) - len(shape)) + shape, strict=True)
                    for size in pair
                ]
            )
            .sum(tuple(range(0, 2 * len(repeats), 2)))
            .reshape(shape)
        ),
        [
            *(
                ((np.tile(normal(*shape), repeats) + 1,), {"shape": shape, "repeats": repeats})
                for shape, repeats in copies
            ),
            ((normal(4, 6).T[::-1],), {"shape": (3, 2), "repeats": (2, 2)}),
        ],
    ),
}

"""Docstrings of rows: what is written stands, what the data tells is added, and all readers find it."""

from __future__ import annotations

import inspect
import pydoc
from typing import Any

import numpy as np
import pytest

import microbp
from microbp.ops.docstring import formulas
from microbp.ops.op import Op, registry

ELEMENTWISE = [row for row in registry.values() if getattr(microbp, row.name, None) is row]


def made(forward: Any, formula: str, **traits: Any) -> Op:
    """A row that is in no registry."""
    return Op(forward, formula, **traits)


def double(a: Any) -> Any:
    """Twice as much.

    Examples
    --------
    >>> 2 * 2
    4
    """
    return 2 * a


def test_a_row_without_sections_gets_those_that_its_data_tells() -> None:
    row = made(double, "2 * a")
    row.grad("a", "2 * g")
    assert row.__doc__ is not None
    assert row.__doc__.split("\n\n") == [
        "Twice as much.",
        "    y = 2 * a\n    g = dL/dy\n    dL/da = 2 * g",
        "Parameters\n----------\na : Tensor\n    Of any shape; ``input=`` names it too.",
        "Returns\n-------\nTensor\n    Of the shape and the dtype of `a`.",
        "Examples\n--------\n>>> 2 * 2\n4",
    ]


def test_a_section_that_is_written_stands_as_it_is() -> None:
    assert microbp.round.__doc__ is not None
    assert microbp.round.__doc__.count("Parameters\n") == 1
    assert "decimals : int\n" in microbp.round.__doc__


def test_a_row_that_is_not_elementwise_gets_its_formulas_only() -> None:
    text = registry["matmul"].__doc__
    assert text is not None
    assert all(line in text for line in formulas(registry["matmul"]))
    assert "Parameters" not in text


def test_without_docstrings_there_is_none() -> None:
    def bare(a: Any) -> Any:
        return a

    assert made(bare, "a").__doc__ is None


def test_the_class_has_its_own_docstring() -> None:
    assert (Op.__doc__ or "").startswith("A row: one differentiable operation.")


def test_help_and_getdoc_show_it() -> None:
    assert "dL/da = g * y" in pydoc.plain(pydoc.render_doc(microbp.exp))
    assert inspect.getdoc(microbp.exp) == microbp.exp.__doc__ == inspect.getdoc(microbp.tensor([1.0]).exp)


@pytest.mark.parametrize("row", ELEMENTWISE, ids=lambda row: row.name)
def test_what_is_said_of_shape_and_dtype_is_so(row: Op) -> None:
    text = row.__doc__ or ""
    dtype: Any = np.int64 if "For floating-point numbers." in text else np.float64
    arrays = [np.ones((2, 1), dtype), np.ones((1, 3), dtype)][: len(row.arguments)]
    found = row(*(microbp.from_numpy(array) for array in arrays))
    assert found.shape == np.broadcast_shapes(*(array.shape for array in arrays))
    assert found.dtype == (np.bool_ if "of dtype bool" in text else dtype)
    if "default dtype" in text or "common floating-point dtype" in text:
        whole = row(*(microbp.from_numpy(array.astype(np.int64)) for array in arrays))
        assert whole.dtype == microbp.get_default_dtype()
    if len(arrays) == 2:
        with pytest.raises(microbp.errors.ShapeError):
            row(microbp.ones(2, dtype=found.dtype), microbp.ones(3, dtype=found.dtype))

"""Every operation of the catalogue computes what PyTorch computes: values, gradients, second gradients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

import microbp
from microbp.tensor import wrap
from tests.parity import Call, Operation, catalogue
from tests.parity.exempt import EXEMPT, exists, public_functions
from tests.parity.report import REPORT, rows_of
from tests.referee import assert_same, evaluate, to_array, torch

CATALOGUE = catalogue()
LEAST = 20

TOLERANCES = {"result": 1e-10, "gradient": 1e-10, "second": 1e-8}


@pytest.fixture(params=CATALOGUE.values(), ids=list(CATALOGUE))
def operation(request: pytest.FixtureRequest) -> Operation:
    """Each operation of the catalogue."""
    found: Operation = request.param
    return found


def tensors_of(one: Call, dtype: Any = None) -> list[Any]:
    """The arrays of a call as tensors on that very memory; floating-point ones require grad."""
    found = []
    floating = 0
    for array in one.arrays():
        if array.dtype.kind == "f":
            t = wrap(array if dtype is None else array.astype(dtype))
            found.append(t.requires_grad_(floating not in one.constants))
            floating += 1
        else:
            found.append(wrap(array))
    return found


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_operation(operation: Operation, record_property: Callable[[str, object], None]) -> None:
    referee = torch()
    calls = operation.calls()
    largest = dict.fromkeys(TOLERANCES, 0.0)
    compared: Counter[str] = Counter()
    for layout, one in calls:
        mine = tensors_of(one)
        before = [to_array(t).copy() for t in mine]
        yours = [
            referee.tensor(a.copy()).requires_grad_(t.requires_grad) for a, t in zip(one.arrays(), mine, strict=True)
        ]
        second = operation.second_order and one.order > 1
        ours = evaluate(microbp, partial(run, operation, one), tuple(mine), second)
        theirs = evaluate(referee, partial(run, operation, one), tuple(yours), second and operation.twice is None)
        if second and operation.twice is not None:
            again = evaluate(referee, partial(run, replace(operation, torch=operation.twice), one), tuple(yours), True)
            theirs += [(name, value) for name, value in again if name.startswith("second")]
        for k in one.written:
            ours.append((f"result in array {k}", to_array(mine[k])))
            theirs.append((f"result in array {k}", to_array(yours[k])))
        where = f"{operation.name}{one}, {layout}"
        assert [name for name, _ in ours] == [name for name, _ in theirs], where
        compared.update({name.split()[0] for name, _ in ours})
        for (name, a), (_, b) in zip(ours, theirs, strict=True):
            order = name.split()[0]
            rounding = precision(one, b)
            limit = max(TOLERANCES[order], rounding)
            assert_same(a, b, f"{where}: {name}", rtol=limit, atol=limit)
            largest[order] = max(largest[order], 0 if rounding else deviation(a, b))
        for k, (t, array) in enumerate(zip(mine, before, strict=True)):
            if k not in one.written:
                np.testing.assert_array_equal(t.array, array, err_msg=f"{where}: array {k} was changed")
    record_property(
        "parity", {"name": operation.name, "calls": len(calls), "largest": largest, "compared": dict(compared)}
    )


def run(operation: Operation, one: Call, lib: Any, *tensors: Any) -> Any:
    """Make a call under one of the libraries."""
    return operation.run(lib, one, list(tensors))


def precision(one: Call, value: Any) -> float:
    """How far two ways of rounding may lie apart where not all is float64; 0 where it is.

    Integers have their sines in float32, say, and a call may ask for another dtype on the way.
    """
    names = [*one.dtypes(), str(value.dtype) if isinstance(value, np.ndarray) else ""]
    return max([8 * float(np.finfo(name).eps) for name in names if name in ("float16", "float32")], default=0.0)


def deviation(mine: Any, yours: Any) -> float:
    """The largest difference in float64, as a part of 1 + the value."""
    if not isinstance(mine, np.ndarray) or mine.dtype != np.float64 or not mine.size:
        return 0.0
    finite = np.isfinite(yours)
    difference = np.abs(mine[finite] - yours[finite]) / (1 + np.abs(yours[finite]))
    return float(difference.max(initial=0.0))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_float32_keeps_its_dtype(operation: Operation) -> None:
    for layout, one in operation.calls():
        mine = tensors_of(one, np.float32)
        results = operation.run(microbp, one, mine)
        wanted = [t for t in mine if t.requires_grad]
        results = results if isinstance(results, tuple | list) else (results,)
        outputs = [r for r in results if isinstance(r, microbp.Tensor) and r.requires_grad]
        for output in outputs:
            if operation.keeps_dtype and not one.dtypes():
                assert output.dtype == np.float32, f"{operation.name}{one}, {layout}"
        if outputs and wanted:
            for g in microbp.autograd.grad(outputs, wanted, [microbp.ones_like(o) for o in outputs], allow_unused=True):
                assert g is None or g.dtype == np.float32, f"gradient of {operation.name}{one}, {layout}"


def test_operation_is_tried_often_enough(operation: Operation) -> None:
    calls = [one for _, one in operation.calls()]
    assert len(calls) >= LEAST
    arrays = [array for one in calls for array in one.arrays()]
    assert operation.no_scalar or any(array.ndim == 0 for array in arrays), "a tensor without axes"
    assert operation.no_empty or any(array.size == 0 for array in arrays), "a tensor without elements"
    assert operation.second_order or operation.why
    if operation.broadcasts:
        pairs = [one.arrays()[:2] for one in calls if len(one.arrays()) > 1]
        assert any(grows(a, b) for a, b in pairs), "the first of two is broadcast"
        assert any(grows(b, a) for a, b in pairs), "the second of two is broadcast"
        assert any(grows(a, b) and grows(b, a) for a, b in pairs), "both are broadcast at once"


def grows(a: Any, b: Any) -> bool:
    """Whether the first array is broadcast when it meets the second."""
    return bool(np.broadcast_shapes(a.shape, b.shape) != a.shape)


def test_every_public_function_is_in_the_catalogue_or_says_why_not() -> None:
    named = CATALOGUE.keys() | EXEMPT.keys()
    assert not sorted(public_functions() - named), "operations that nobody compares with PyTorch"
    assert not sorted(EXEMPT.keys() & CATALOGUE.keys())
    assert not sorted(name for name in named if not exists(name)), "names that microbp does not have"


def test_the_report_is_about_this_catalogue() -> None:
    listed = rows_of(REPORT.read_text(encoding="utf-8"))
    assert listed == {name: len(one.calls()) for name, one in CATALOGUE.items()}, "run tests/parity with --overwrite"

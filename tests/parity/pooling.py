"""Pooling: maxima, means and norms of windows."""

from __future__ import annotations

import numpy as np

from tests.parity import Calls, Values, call, operation

NO_SCALAR = "the input has a dimension of channels and one to slide along"


def pooling(dims: int) -> None:
    """Enter all pooling over so many dimensions."""
    sizes = (9, 7, 6)[:dims]

    def each(*values: int) -> tuple[int, ...]:
        """One value for each dimension."""
        return values[:dims]

    @operation(f"nn.functional.max_pool{dims}d", no_scalar=NO_SCALAR)
    def largest(make: Values) -> Calls:
        yield call(make.distinct(2, 3, *sizes), 2)
        yield call(make.distinct(3, *sizes), 3, 1, 1, return_indices=True)
        yield call(make.tied(2, 3, *sizes), 3, 2, return_indices=True)
        yield call(
            make.distinct(1, 2, *sizes), each(3, 2, 2), each(2, 3, 1), each(1, 0, 1), each(2, 3, 1), return_indices=True
        )
        yield call(make.distinct(2, 2, *sizes), 2, 2, ceil_mode=True)
        yield call(make.distinct(2, 2, *sizes), kernel_size=3, stride=2, padding=1, ceil_mode=True, return_indices=True)
        yield call(make.normal(0, 2, *sizes), 2)
        yield call(make.laid_out(make.random.choice([-np.inf, np.nan, 1.0, 2.0], (1, 2, *sizes))), 2, 2)
        yield call(make.integers(-9, 9, 2, 2, *sizes), 2, return_indices=True)

    @operation(f"nn.functional.avg_pool{dims}d", no_scalar=NO_SCALAR)
    def mean(make: Values) -> Calls:
        yield call(make.normal(2, 3, *sizes), 2)
        yield call(make.normal(3, *sizes), 3, 1, 1)
        yield call(make.normal(2, 2, *sizes), each(3, 2, 2), each(2, 3, 1), each(1, 0, 1), count_include_pad=False)
        yield call(make.normal(2, 2, *sizes), 2, ceil_mode=True)
        yield call(make.normal(2, 2, *sizes), 3, 2, 1, True, False)
        yield call(make.normal(2, 2, *sizes), kernel_size=3, stride=2, padding=1, ceil_mode=True)
        yield call(make.normal(0, 2, *sizes), 2)
        if dims > 1:
            yield call(make.normal(1, 2, *sizes), 3, 2, 1, divisor_override=5)
            yield call(make.normal(1, 2, *sizes), 2, ceil_mode=True, count_include_pad=False, divisor_override=-3)

    @operation(f"nn.functional.lp_pool{dims}d", no_scalar=NO_SCALAR)
    def norm(make: Values) -> Calls:
        yield call(make.positive(2, 3, *sizes), 2, 2)
        yield call(make.positive(3, *sizes), 3.0, each(3, 2, 2) if dims > 1 else 3, 1)
        yield call(make.positive(2, 2, *sizes), 1, 2, ceil_mode=True)
        yield call(make.positive(2, 2, *sizes), norm_type=0.5, kernel_size=3, stride=2)
        yield call(make.positive(2, 2, *sizes), -1.5, 2)
        yield call(make.away_from_zero(2, 2, *sizes), 2, 2, stride=each(3, 1, 2))
        yield call(make.away_from_zero(1, 2, *sizes), np.inf, 2)
        yield call(make.away_from_zero(1, 2, *sizes), -np.inf, 2)
        yield call(make.positive(0, 2, *sizes), 2, 2)

    @operation(f"nn.functional.adaptive_avg_pool{dims}d", no_scalar=NO_SCALAR)
    def adaptive_mean(make: Values) -> Calls:
        yield call(make.normal(2, 3, *sizes), 1)
        yield call(make.normal(3, *sizes), each(4, 7, 2))
        yield call(make.normal(2, 2, *sizes), each(12, 3, 6))
        yield call(make.normal(1, 2, *sizes), 5)
        yield call(make.normal(0, 2, *sizes), output_size=3)
        if dims > 1:
            yield call(make.normal(1, 2, *sizes), each(None, 2, None))  # type: ignore[arg-type]

    @operation(f"nn.functional.adaptive_max_pool{dims}d", no_scalar=NO_SCALAR)
    def adaptive_largest(make: Values) -> Calls:
        yield call(make.distinct(2, 3, *sizes), 1)
        yield call(make.distinct(3, *sizes), each(4, 7, 2), return_indices=True)
        yield call(make.distinct(2, 2, *sizes), each(12, 3, 6), True)
        yield call(make.tied(1, 2, *sizes), 5, return_indices=True)
        yield call(make.distinct(0, 2, *sizes), output_size=3)
        if dims > 1:
            yield call(make.distinct(1, 2, *sizes), each(None, 2, None))  # type: ignore[arg-type]


pooling(1)
pooling(2)
pooling(3)

"""Convolutions, transposed convolutions, and windows as columns."""

from __future__ import annotations

from tests.parity import Calls, Values, call, operation

NO_SCALAR = "the input has a dimension of channels and one to slide along"


def convolution(dims: int) -> None:
    """Enter the convolution of so many dimensions."""
    sizes, kernel, ones = (7, 6, 5)[:dims], (3, 2, 2)[:dims], (1,) * dims

    @operation(f"nn.functional.conv{dims}d", no_scalar=NO_SCALAR)
    def calls(make: Values) -> Calls:
        yield call(make.normal(2, 2, *sizes), make.normal(3, 2, *kernel), make.normal(3))
        yield call(make.normal(2, *sizes), make.normal(3, 2, *kernel))
        yield call(make.normal(2, *sizes), make.normal(3, 2, *kernel), bias=make.normal(3), padding="valid")
        yield call(make.normal(1, 2, *sizes), make.normal(2, 2, *kernel), None, 2, 1)
        yield call(
            make.normal(2, 2, *sizes),
            make.normal(2, 2, *kernel),
            stride=(2, 3, 1)[:dims],
            padding=(1, 2, 0)[:dims],
            dilation=(2, 1, 3)[:dims],
        )
        yield call(make.normal(2, 4, *sizes), make.normal(6, 2, *kernel), make.normal(6), groups=2)
        yield call(make.normal(2, 3, *sizes), make.normal(6, 1, *kernel), groups=3, stride=2)
        yield call(make.normal(1, 2, *sizes), make.normal(2, 2, *(3,) * dims), padding="same", dilation=2)
        yield call(make.normal(1, 2, *sizes), make.normal(2, 2, *(2,) * dims), make.normal(2), padding="same")
        yield call(make.normal(2, 2, *sizes), make.normal(3, 2, *ones), make.normal(3))
        yield call(make.normal(2, 2, *kernel), make.normal(3, 2, *kernel))  # a single place for the kernel
        yield call(make.normal(0, 2, *sizes), make.normal(3, 2, *kernel), make.normal(3))
        yield call(make.integers(-3, 4, 1, 2, *sizes), make.integers(-3, 4, 2, 2, *kernel), padding=1)

    @operation(f"nn.functional.conv_transpose{dims}d", no_scalar=NO_SCALAR)
    def transposed(make: Values) -> Calls:
        sizes = (4, 3, 2)[:dims]
        yield call(make.normal(2, 2, *sizes), make.normal(2, 3, *kernel), make.normal(3))
        yield call(make.normal(2, *sizes), make.normal(2, 3, *kernel))
        yield call(make.normal(1, 2, *sizes), make.normal(2, 2, *kernel), None, 2, 1, 1)
        yield call(
            make.normal(2, 2, *sizes),
            make.normal(2, 2, *kernel),
            bias=make.normal(2),
            stride=(2, 3, 1)[:dims],
            padding=(1, 2, 0)[:dims],
            output_padding=(1, 0, 2)[:dims],
            dilation=(2, 1, 3)[:dims],
        )
        yield call(make.normal(2, 4, *sizes), make.normal(4, 3, *kernel), make.normal(6), groups=2)
        yield call(make.normal(2, 3, *sizes), make.normal(3, 1, *kernel), groups=3, stride=3)  # kernels do not touch
        yield call(make.normal(2, 2, *sizes), make.normal(2, 3, *ones), make.normal(3))
        yield call(make.normal(0, 2, *sizes), make.normal(2, 3, *kernel), make.normal(3))


convolution(1)
convolution(2)
convolution(3)


@operation("nn.functional.unfold", no_scalar=NO_SCALAR)
def unfold(make: Values) -> Calls:
    yield call(make.normal(2, 3, 5, 6), 2)
    yield call(make.normal(3, 5, 6), (2, 3))
    yield call(make.normal(2, 1, 5, 6), 3, 1, 1, 2)
    yield call(make.normal(2, 2, 6, 7), (2, 3), dilation=(3, 1), padding=(0, 2), stride=(1, 3))
    yield call(make.normal(0, 2, 4, 4), 2)
    yield call(make.normal(1, 2, 3, 3), 3)


@operation("nn.functional.fold", no_scalar=NO_SCALAR)
def fold(make: Values) -> Calls:
    yield call(make.normal(2, 8, 12), (4, 5), 2)
    yield call(make.normal(8, 12), (4, 5), (2, 2))
    yield call(make.normal(2, 9, 9), 5, 3, 1, 1, 2)
    yield call(make.normal(1, 12, 9), (6, 7), (2, 3), dilation=(3, 1), padding=(0, 2), stride=(1, 3))
    yield call(make.normal(0, 8, 9), 4, 2)
    yield call(make.normal(2, 4, 4), (4, 4), 2, stride=2)

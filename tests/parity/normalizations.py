"""Normalisation, with the running moments that it moves."""

from __future__ import annotations

from tests.parity import Calls, Values, call, operation

CHANNELS = "the input has a dimension of channels"
ONLY_BIAS = 1  # with a bias but no weight, PyTorch fails at second derivatives


@operation("nn.functional.batch_norm", no_scalar=CHANNELS)
def batch_norm(make: Values) -> Calls:
    for shape in ((5, 3), (2, 3, 4), (2, 3, 4, 2), (2, 3, 1, 2, 2)):
        yield call(
            make.normal(*shape),
            make.normal(3),
            make.positive(3),
            make.normal(3),
            make.normal(3),
            training=True,
            constants=(1, 2),
            written=(1, 2),
        )
        yield call(
            make.normal(*shape), make.normal(3), make.positive(3), make.normal(3), make.normal(3), constants=(1, 2)
        )
    yield call(
        make.normal(4, 3),
        make.normal(3),
        make.positive(3),
        training=True,
        momentum=0.3,
        constants=(1, 2),
        written=(1, 2),
    )
    yield call(make.normal(4, 3), None, None, None, make.normal(3), True, 0.1, 1e-2, order=ONLY_BIAS)
    yield call(make.normal(4, 3), None, None, make.normal(3), training=True)
    yield call(
        make.normal(4, 3),
        make.normal(3),
        make.positive(3),
        bias=make.normal(3),
        eps=0.1,
        constants=(1, 2),
        order=ONLY_BIAS,
    )
    for training in (False, True):
        yield call(
            make.normal(0, 3),
            make.normal(3),
            make.positive(3),
            make.normal(3),
            make.normal(3),
            training,
            constants=(1, 2),
        )


@operation("nn.functional.instance_norm", no_scalar=CHANNELS)
def instance_norm(make: Values) -> Calls:
    for shape in ((2, 3, 4), (2, 3, 4, 2), (1, 3, 1, 3, 2)):
        yield call(make.normal(*shape))
        yield call(
            make.normal(*shape),
            make.normal(3),
            make.positive(3),
            make.normal(3),
            make.normal(3),
            constants=(1, 2),
            written=(1, 2),
        )
        yield call(
            make.normal(*shape),
            make.normal(3),
            make.positive(3),
            make.normal(3),
            make.normal(3),
            use_input_stats=False,
            constants=(1, 2),
        )
    yield call(
        make.normal(2, 3, 4), make.normal(3), make.positive(3), momentum=0.5, eps=0.1, constants=(1, 2), written=(1, 2)
    )
    yield call(make.normal(2, 3, 4), weight=make.normal(3), bias=make.normal(3))
    yield call(make.normal(2, 3, 4), bias=make.normal(3), order=ONLY_BIAS)
    yield call(make.normal(0, 3, 4))


@operation("nn.functional.group_norm", no_scalar=CHANNELS)
def group_norm(make: Values) -> Calls:
    yield call(make.normal(2, 6), 2)
    yield call(make.normal(2, 6, 3), 3, make.normal(6), make.normal(6))
    yield call(make.normal(2, 6, 3, 2), 1, make.normal(6), None)
    yield call(make.normal(1, 4, 2, 2, 2), 4, None, make.normal(4), constants=(1,), order=ONLY_BIAS)
    yield call(make.normal(2, 6, 3), num_groups=6, weight=make.normal(6), bias=make.normal(6), eps=0.1)
    yield call(make.normal(0, 4, 3), 2, make.normal(4), make.normal(4))


@operation("nn.functional.layer_norm", no_scalar="it takes the last dimensions together")
def layer_norm(make: Values) -> Calls:
    yield call(make.normal(3, 4), (4,))
    yield call(make.normal(2, 3, 4), [3, 4], make.normal(3, 4), make.normal(3, 4))
    yield call(make.normal(2, 3, 4), (4,), make.normal(4))
    yield call(make.normal(2, 3, 4), (4,), None, make.normal(4), order=ONLY_BIAS)
    yield call(make.normal(5), (5,), weight=make.normal(5), bias=make.normal(5), eps=0.1)
    yield call(make.normal(2, 1), (1,))
    yield call(make.normal(0, 4), (4,), make.normal(4), make.normal(4))


@operation("nn.functional.rms_norm", no_scalar="it takes the last dimensions together")
def rms_norm(make: Values) -> Calls:
    yield call(make.normal(3, 4), (4,))
    yield call(make.normal(2, 3, 4), [3, 4], make.normal(3, 4))
    yield call(make.normal(2, 3, 4), (4,), make.normal(4), 1e-2)
    yield call(make.normal(5), normalized_shape=(5,), eps=0.1)
    yield call(make.normal(2, 1), (1,))
    yield call(make.normal(0, 4), (4,), make.normal(4))


@operation("nn.functional.local_response_norm", no_scalar=CHANNELS)
def local_response_norm(make: Values) -> Calls:
    yield call(make.normal(2, 4, 3), 2)
    yield call(make.normal(2, 4, 3, 2), 3, alpha=0.5, beta=0.5, k=2.0)
    yield call(make.normal(1, 2, 2, 2, 2), 5, 2.0)
    yield call(make.normal(2, 3, 2), 1)
    yield call(make.normal(0, 3, 2), 2)

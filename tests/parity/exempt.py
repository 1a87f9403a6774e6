"""The public functions that the catalogue leaves out, each with the reason."""

from __future__ import annotations

import inspect
from typing import Any

import microbp
from microbp.methods import Methods
from microbp.ops.op import Op

__all__ = ["EXEMPT", "exists", "public_functions"]

CREATION = "makes a tensor of no other: see tests/functions/test_creation.py, which compares it with PyTorch"
LEGACY = "makes a tensor of no other: see tests/functions/test_legacy.py, which compares it with PyTorch"
MEMORY = (
    "tells how the elements lie in memory, or what it held: see tests/functions/test_conversion.py, test_creation.py"
)
RANDOM = "random, by a stream of microbp's own: see tests/functions/test_random.py, test_choice.py, test_inplace.py"
GENERATOR = "about the stream of random numbers: see tests/functions/test_random.py"
SETTING = "a setting, no operation: see tests/test_mode.py, test_display.py, functions/test_creation.py"

EXEMPT: dict[str, str] = {
    **dict.fromkeys(
        ("arange", "as_tensor", "eye", "from_numpy", "full", "linspace", "ones", "tensor", "zeros"), CREATION
    ),
    **dict.fromkeys(("Tensor.is_contiguous", "Tensor.new_empty", "Tensor.stride", "empty", "empty_like"), MEMORY),
    **dict.fromkeys(("bernoulli", "multinomial", "normal", "rand", "rand_like", "randint", "randint_like"), RANDOM),
    **dict.fromkeys(("randn", "randn_like", "randperm"), RANDOM),
    **dict.fromkeys(("Tensor.bernoulli_", "Tensor.normal_", "Tensor.uniform_"), RANDOM),
    **dict.fromkeys(("default_generator", "get_rng_state", "initial_seed", "manual_seed", "seed"), GENERATOR),
    "set_rng_state": GENERATOR,
    **dict.fromkeys(("get_default_dtype", "set_default_dtype", "get_printoptions", "set_printoptions"), SETTING),
    "is_grad_enabled": SETTING,
    "Tensor.backward": "starts the backward pass, by which all gradients here are computed: see tests/test_engine.py",
    "Tensor.cuda": "refuses: there is only the CPU",
    "compile": "replays operations; every one of this catalogue: see tests/replay/test_every_operation.py",
    "why_no_grad": "an answer in words, no operation: see tests/autograd/test_why_no_grad.py",
    **dict.fromkeys(("BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor"), LEGACY),
    **dict.fromkeys(("IntTensor", "LongTensor", "ShortTensor"), LEGACY),
    **dict.fromkeys(("load", "save"), "about files: see tests/test_serialization.py"),
}


def public_functions() -> set[str]:
    """The functions on tensors: top level, ``linalg``, ``nn.functional``, and methods without such a twin."""
    found = set()
    known = set()
    for prefix, namespace in (("", microbp), ("linalg.", microbp.linalg), ("nn.functional.", microbp.nn.functional)):
        for name, value in vars(namespace).items():
            if not name.startswith("_") and is_function(value):
                found.add(prefix + name)
                known.add(name)
    for name, value in vars(Methods).items():
        if not name.startswith("_") and name not in known and (is_function(value) or isinstance(value, property)):
            found.add(f"Tensor.{name}")
    return found


def is_function(value: Any) -> bool:
    """Whether a value is an operation or a function of the package."""
    return isinstance(value, Op) or (inspect.isfunction(value) and value.__module__.startswith("microbp."))


def exists(name: str) -> bool:
    """Whether microbp has something of that name: also operators and attributes, as ``Tensor.__getitem__``."""
    found: Any = microbp
    for part in name.split("."):
        found = getattr(found, part, None)
    return found is not None

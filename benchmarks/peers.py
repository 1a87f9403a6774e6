"""The frameworks that microbp is compared with, so far as they are installed."""

from __future__ import annotations

import importlib
import os
from importlib import metadata
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")

# By the name in the tables: the module and the distribution.
PEERS = {
    "PyTorch": "torch",
    "jax.jit": "jax",
    "MyGrad": "mygrad",
    "HIPS autograd": "autograd",
    "micrograd": "micrograd",
}


def peer(module: str) -> Any:
    """A module of a peer; None if the peer is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise  # it is installed, and broken
        return None


def left_out(*names: str) -> str:
    """A sentence about those of the peers that are not installed; empty if all are."""
    missing = [name for name in names if peer(PEERS[name]) is None]
    return f"Not installed, and left out: {', '.join(missing)}." if missing else ""


def versions() -> str:
    """The peers that are installed, with their versions."""
    return ", ".join(f"{module} {metadata.version(module)}" for module in PEERS.values() if peer(module) is not None)

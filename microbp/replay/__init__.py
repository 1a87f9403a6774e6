"""Functions that are recorded twice and then replayed as straight-line NumPy: see `microbp.compile`."""

from microbp.replay.compiled import Compiled, CompiledModule, compile

__all__ = ["Compiled", "CompiledModule", "compile"]

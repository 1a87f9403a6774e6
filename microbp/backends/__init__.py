"""Answers scripts that ask for other backends, or set their options: there is only the CPU."""

from microbp.backends import cudnn, mps

__all__ = ["cudnn", "mps"]

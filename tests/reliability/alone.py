"""Programs that run in a process of their own, since what they try could kill it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

__all__ = ["run"]


def run(program: str, *flags: str, timeout: float = 280, **environment: str) -> str:
    """What a program prints; it must end well, with nothing on the error stream.

    Parameters
    ----------
    program : str
        The source text.
    *flags : str
        Options of the interpreter, such as ``-Werror``.
    timeout : float
        In seconds.
    **environment : str
        Variables beside those of this process.
    """
    finished = subprocess.run(
        [sys.executable, *flags, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
    )
    assert (finished.returncode, finished.stderr) == (0, ""), finished.stderr
    return finished.stdout.strip()

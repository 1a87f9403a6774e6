"""How much memory this process holds, and has held at most, as the system counts it."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")
MARK = Path("/proc/self/clear_refs")


def resident() -> int:
    """Bytes of the process in memory now; where the system does not tell, the most so far."""
    if not STATUS.exists():
        return peak()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def peak() -> int:
    """The most bytes that the process has had in memory, since `forget_peak` where that is possible."""
    if STATUS.exists():
        for line in STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def forget_peak() -> None:
    """Let `peak` start anew from what is held now; only Linux can."""
    if MARK.exists():
        MARK.write_text("5")

"""What a process costs, read from Linux: processor time and memory of its own."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
#: Fields of /proc/PID/stat after the name in parentheses: user and system time.
_USER, _SYSTEM = 11, 12


def cpu_s(pid: int) -> float:
    """Processor seconds a process has used so far.

    Args:
        pid: Process id.
    """
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return (int(fields[_USER]) + int(fields[_SYSTEM])) / _TICKS_PER_S


def own_bytes(pid: int) -> int:
    """Memory that would be free again without this process: pages it shares with no other.

    Args:
        pid: Process id.
    """
    private = 0
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        name, _, rest = line.partition(":")
        if name.startswith("Private_"):
            private += int(rest.split()[0]) * 1024
    return private


def resident_bytes(pid: int) -> int:
    """Memory of a process, pages it shares with others included.

    Args:
        pid: Process id.
    """
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")

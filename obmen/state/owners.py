"""Who holds a lease, in a form that tells whether that process still lives.

After a kill, the next start should go on at once, not wait for a lease to run out; and a process number that
was given anew must not be taken for the one that died.
"""

from __future__ import annotations

import os
import socket
import uuid
from functools import cache
from pathlib import Path


def this_process() -> str:
    """Return ``machine:pid:start:random``; the random part tells two holders in one process apart."""
    return f"{_named(os.getpid())}:{uuid.uuid4().hex[:8]}"


def may_live(owner: str) -> bool:
    """Whether the process may still run: False only if it ran on this machine and surely ended."""
    machine, _, rest = owner.rpartition(":")[0].rpartition(":")[0].rpartition(":")
    started = owner.split(":")[-2]
    if machine != _machine() or not rest.isdigit() or not started:
        return True
    return _started(int(rest)) == started


def place_of(owner: str) -> str:
    """Return ``machine:pid`` of a holder, for people."""
    machine, pid, *_ = owner.rsplit(":", 3)
    return f"{machine.partition('/')[0]}:{pid}"


@cache
def _named(pid: int) -> str:
    """Return ``machine:pid:start`` of this process, whose number a child of it does not share."""
    return f"{_machine()}:{pid}:{_started(pid)}"


def _machine() -> str:
    try:
        namespace = str(Path("/proc/self/ns/pid").stat().st_ino)
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
    except OSError:
        return socket.gethostname()
    return f"{socket.gethostname()}/{boot}/{namespace}"


def _started(pid: int) -> str:
    """The process's start in clock ticks since boot; empty where it does not run or this cannot be known."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""

"""Processes of their own that need not import what they run: a server holds it, and forks a child for each.

``subprocess.run([*command("runner.cli"), "sync"])`` does what ``[sys.executable, "-m", "runner.cli", "sync"]`` does,
two seconds of a core earlier. The child is a process like any other: it has its own id, folder, environment and
streams, and kill -9 is the end of it. What was started stands for the child: it passes signals on to it, ends as
it ends, and takes it along when it is killed itself. Only PYTHONPATH and the like come too late for it.
"""

from __future__ import annotations

import atexit
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent


def command(module: str) -> list[str]:
    """Return how a call begins that runs a module of this project as ``python -m`` does."""
    return [sys.executable, "-ISB", str(HERE / "client.py"), str(_server()), module]


@cache
def _server() -> Path:
    """Start the server of this test process, once; return the address of its socket."""
    address = Path(tempfile.mkdtemp(prefix="obmen-forks-")) / "server"
    call = [sys.executable, "-m", "tests.forks.server", str(address)]
    server = subprocess.Popen(
        call, cwd=HERE.parents[1], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    assert server.stdin is not None
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"

    def end() -> None:
        server.stdin.close()
        server.wait()
        server.stdout.close()

    atexit.register(end)
    return address

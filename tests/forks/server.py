"""Imports the whole project, and forks a child for each that asks on its socket.

It has no threads and opens nothing, so a child begins as a process does that has imported all this itself.
It ends when its standard input does, so with the tests.
"""

from __future__ import annotations

import gc
import importlib
import marshal
import os
import pkgutil
import runpy
import select
import shutil
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import connectors
import obmen
import runner
from obmen.mapping import load_mapping
from obmen.project.presets import presets_folder

STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))

Call = tuple[tuple[str, ...], str, dict[str, str]]


def serve(address: str) -> Call | None:
    """Fork for each that asks. Returns in every child, with its call, and in the end without one."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        print("ready", flush=True)
        while sys.stdin not in select.select([sys.stdin, listening], [], [])[0]:
            asking, _ = listening.accept()
            with asking:
                if os.fork() == 0:
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    return look_after(asking)
    return None


def look_after(asking: socket.socket) -> Call:
    """Fork the child that is asked for, where this returns; tell its id and how it ends, and end then."""
    head, streams, _, _ = socket.recv_fds(asking, 8, 3)
    with asking.makefile("rb") as rest:
        call: Call = marshal.loads(rest.read(int.from_bytes(head, "big")))
    lives, held = os.pipe()
    child = os.fork()
    if child == 0:
        for stream, (name, how) in enumerate(STREAMS):
            os.dup2(streams[stream], stream)
            os.close(streams[stream])
            setattr(sys, name, open(stream, how, closefd=False))  # noqa: SIM115 - open until the end
        return call
    for mine in (held, *streams):
        os.close(mine)
    with suppress(ConnectionError):
        asking.sendall(b"%d\n" % child)
    if asking in select.select([asking, lives], [], [])[0]:
        os.kill(child, signal.SIGKILL)  # whoever asked was killed
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with suppress(ConnectionError):
        asking.sendall(b"%d\n" % code)
    os._exit(0)


def main(address: str) -> None:
    for package in (obmen, connectors, runner):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    for path in presets_folder().rglob("*.yaml"):
        load_mapping(path)
    gc.freeze()
    asked: Any = serve(address)
    if asked is None:
        shutil.rmtree(Path(address).parent)
    else:
        (module, *words), folder, environment = asked
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = [module, *words]
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

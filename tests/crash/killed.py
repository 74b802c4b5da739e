"""A process that syncs a project and kills itself, as kill -9 does, at the n-th time it reaches a step."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from obmen.project import load_project
from obmen.state import Ledger
from obmen.sync.assemble import Assembly
from obmen.sync.engine import Engine


def main(file: str, step: str, times: str, *flows: str) -> None:
    left = int(times)

    def on_step(reached: str) -> None:
        nonlocal left
        if reached == step:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    project = load_project(Path(file))
    project.make_state_folder()
    ledger = Ledger(project.state_url)
    with Assembly(project) as assembly:
        Engine(ledger, assembly.flows, on_step=on_step).sync(flows, patience=30.0)
    ledger.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

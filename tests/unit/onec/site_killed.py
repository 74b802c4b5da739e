"""A process that serves a site and kills itself, as kill -9 does, when it reaches a step."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from connectors.onec.site.steps import Step
from obmen.clock import SystemClock
from runner.serve import application, listening, run
from tests.unit.onec.site_kit import site


def main(folder: str, fatal: str) -> None:
    def on_step(step: Step) -> None:
        if step == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    endpoint = site(Path(folder), clock=SystemClock(), on_step=on_step)
    with listening("127.0.0.1", 0) as (listener, port):
        print(f"http://127.0.0.1:{port}/ut", flush=True)
        signal.signal(signal.SIGTERM, lambda *_: None)
        run(application({"ut": endpoint}), listener)
    endpoint.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A process that exchanges with a base: told where and what, and the step after which it is killed.

Usage: ``python -m tests.unit.onec.enterprisedata_killed URL FOLDER WHAT STEP``; WHAT is ``read`` or a
comma-separated list of order numbers; STEP may be empty.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path

import structlog

from connectors.onec.enterprisedata.door import EnterpriseData
from connectors.onec.enterprisedata.options import EnterpriseDataOptions
from connectors.onec.sandbox import references
from connectors.onec.sandbox.enterprisedata import NODE
from obmen.clock import SystemClock
from tests.unit.onec.enterprisedata_kit import ZONE, natives, payload, write


def main(url: str, folder: str, what: str, step: str) -> None:
    def on_step(reached: str) -> None:
        if reached == step:
            os.kill(os.getpid(), signal.SIGKILL)

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    options = EnterpriseDataOptions(
        url=f"{url}/trade",
        username=references.USERNAME,
        password=references.PASSWORD,
        node=NODE,
        folder=Path(folder),
        poll=0.01,
        timeout=60,
        order={
            "organization": references.ORGANIZATION,
            "contragent": references.CONTRAGENT,
            "warehouses": references.WAREHOUSES,
        },
    )
    opened = EnterpriseData("ut", options, ZONE, SystemClock(), on_step=on_step)
    if what == "read":
        print(len(natives(opened.products())))
    else:
        for number in what.split(","):
            print(write(opened, payload(number))[0].kind)
    opened.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

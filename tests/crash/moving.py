"""A process that carries a state elsewhere and kills itself, as kill -9 does, after so many batches."""

from __future__ import annotations

import os
import signal
import sys

from obmen.state import Ledger, carry

BATCH = 100


def main(source: str, target: str, batches: str) -> None:
    carry.BATCH = BATCH
    left = int(batches)

    def on_rows(what: str, done: int, _total: int) -> None:
        nonlocal left
        print(what, done, flush=True)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    ledger = Ledger(source, moving=True)
    with carry.Carrier(ledger, target, on_rows=on_rows) as carrier:
        carrier.carry()
    ledger.close()


if __name__ == "__main__":
    main(*sys.argv[1:])

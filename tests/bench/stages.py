"""One stage of the bench, in a process of its own: ``python -m tests.bench.stages STAGE FILE RECORDS [LEDGER]``.

What has to stand before the work begins (imports, mappings, the open ledger) is not timed.
"""

from __future__ import annotations

import gc
import logging
import sys
from pathlib import Path

import structlog

from obmen.sync.engine import Engine
from tests.bench.cost import print_cost
from tests.bench.flows import Input


def main(stage: str, data: Input, records: int) -> None:
    """Print what a run of the flow costs: first, unchanged, or changed (one record in a hundred was)."""
    expected = {"first": records, "unchanged": 0, "changed": (records + 99) // 100}[stage]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    ledger = data.ledger()
    flow = data.flow(ledger)
    engine = Engine(ledger, [flow])
    gc.freeze()  # as the command line does

    def run() -> None:
        (report,) = engine.sync()
        if report.written != expected or report.status != "done":
            raise SystemExit(f"expected {expected} records to be written: {report}")

    print_cost(run)
    flow.source.close()
    ledger.close()


if __name__ == "__main__":
    main(sys.argv[1], Input(Path(sys.argv[2]), *sys.argv[4:]), int(sys.argv[3]))

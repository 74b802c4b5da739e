"""How much more several workers carry: the same flows with 1, 2 and 4 of them, on one PostgreSQL.

Eight flows, each from a source of its own into a shop of its own that takes a while to answer every call, as systems
do. A worker runs one flow at a time here, so that what is told is of processes and not of threads.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import structlog

from obmen.state import Ledger
from runner.daemon.clock import ServiceClock
from runner.worker.scheduler import Scheduler
from tests.chaos.working import Shops, project

COUNTS = (1, 2, 4)
_FLOWS, _GOODS, _ANSWER = 8, 150, 0.03
Database = Callable[[], str]


def lines(database: Database) -> Iterator[tuple[str, ...]]:
    """Yield a line for each number of workers."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield ("workers", "records", "seconds", "per second", "of one")
    first = 0.0
    for count in COUNTS:
        with tempfile.TemporaryDirectory(prefix="obmen-bench-") as folder:
            seconds = _measure(Path(folder), database(), count)
        first = first or seconds
        records = _FLOWS * _GOODS
        yield (str(count), f"{records:,}", f"{seconds:.1f}", f"{records / seconds:,.0f}", f"{first / seconds:.2f}")


def _measure(folder: Path, state: str, count: int) -> float:
    names = [f"shop{number}" for number in range(_FLOWS)]
    with Shops() as shops:
        shops.slow = _ANSWER
        shops.goods = dict.fromkeys(names, _GOODS)
        file = folder / "obmen.yaml"
        file.write_text(_project(state, shops.url, names), "utf-8")
        ledger = Ledger(state)
        scheduler = Scheduler(project(file), ledger, ServiceClock())
        call = [sys.executable, "-m", "tests.chaos.working", str(file), "1"]
        workers = [subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(count)]
        try:
            for one in workers:
                assert one.stdout is not None
                one.stdout.readline()
            scheduler.tick()
            began = time.monotonic()
            while sum(map(len, shops.made.values())) < _FLOWS * _GOODS:
                scheduler.tick()
                time.sleep(0.1)
            return time.monotonic() - began
        finally:
            for one in workers:
                one.terminate()
            for one in workers:
                one.communicate()
            scheduler.stop(0.0, time.sleep)
            ledger.close()


def _project(state: str, url: str, names: list[str]) -> str:
    made = [f"state: {state!r}", "connections:"]
    for name in names:
        made += [f"  {end}_{name}: {{ connector: shop, url: '{url}/{name}' }}" for end in ("from", "to")]
    flows = [f"  {name}: {{ entity: product, from: from_{name}, to: to_{name}, every: 1h }}" for name in names]
    return "\n".join([*made, "flows:", *flows])

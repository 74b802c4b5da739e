"""How many webhooks a second the service answers beside its work, with its state in SQLite.

The service reads and delivers flows of peers in memory meanwhile; those who call are a process of their own. The bound
on calls is lifted for those that are let in, so that what is told is what answering costs.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import sqlalchemy as sa
import structlog

from obmen.project.service import Address
from obmen.state import Ledger
from obmen.testing.peer import Peer
from runner import serve as hosting
from runner.daemon import webhooks
from runner.daemon.clock import ServiceClock
from runner.daemon.doors import Endpoints, opened
from runner.daemon.plant import Plant
from tests.unit.daemon.kit import loaded, written

_SECRET = "an-invented-secret-of-the-bench"
_CALLERS, _GOODS, _TICK = 4, 200, 0.25
_KINDS = {
    "wake": ("let in, no ids", 4000, True),
    "ids": ("let in, ten ids each", 400, True),
    "flood": ("a flood: past the bound", 4000, False),
    "stranger": ("a wrong secret", 2000, False),
}
"""Kind of call → its title, how many are made, and whether the bound is lifted."""


def lines() -> Iterator[tuple[str, ...]]:
    """Yield a line for each kind of call."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield ("calls", "answered", "seconds", "per second", "writes", "runs")
    for kind, (title, count, lifted) in _KINDS.items():
        usual = webhooks.BURST, webhooks.PER_SECOND
        if lifted:
            webhooks.BURST = webhooks.PER_SECOND = sys.maxsize
        try:
            with tempfile.TemporaryDirectory(prefix="obmen-bench-") as folder:
                seconds, writes, runs = _measure(Path(folder), kind, count)
        finally:
            webhooks.BURST, webhooks.PER_SECOND = usual
        yield (title, f"{count:,}", f"{seconds:.1f}", f"{count / seconds:,.0f}", f"{writes:,}", f"{runs:,}")


def _measure(folder: Path, kind: str, count: int) -> tuple[float, int, int]:
    """Return seconds, transactions in which calls were kept, and runs that the service did meanwhile."""
    peers = {"erp": Peer(), "shop": Peer()}
    peers["erp"].put("product", *({"id": f"A-{number}", "name": "Lamp"} for number in range(_GOODS)))
    service = f"service: {{ webhooks: {{ erp: {{ secret: {_SECRET} }} }} }}\n"
    project = loaded(written(folder, peers, service=service), peers)
    ledger, kept = Ledger(f"sqlite:///{folder}/state.db"), _Counted(f"sqlite:///{folder}/state.db")
    plant, endpoints = Plant(project, ledger, ServiceClock()), Endpoints(kept)
    endpoints.take_up(project)
    try:
        with opened(hosting.application(endpoints.by_connection), Address(host="127.0.0.1", port=0)) as url:
            plant.start()
            command = [sys.executable, "-m", "tests.bench.webhooks", url, kind, str(count)]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as callers:
                while callers.poll() is None:
                    plant.tick()
                    time.sleep(_TICK)
                assert callers.stdout is not None
                seconds = float(json.loads(callers.stdout.read()))
        with ledger.read() as tx:
            (runs,) = tx.one(sa.text("select count(*) from run")) or (0,)
        return seconds, kept.writes, runs
    finally:
        plant.stop(10.0, time.sleep)
        endpoints.close()
        kept.close()
        ledger.close()


class _Counted(Ledger):
    """Counts the transactions that write."""

    writes = 0

    def _count(self, transaction: object) -> None:
        self.writes += 1


def _call(url: str, kind: str, count: int, caller: int) -> None:
    connection = HTTPConnection(urlsplit(url).netloc, timeout=60)
    secret = {"X-Obmen-Secret": "wrong" if kind == "stranger" else _SECRET}
    for number in range(count):
        ids = [f"A-{(caller * count + number) * 10 + place}" for place in range(10)]
        hint = {"entity": "product", "ids": ids} if kind == "ids" else {}
        connection.request("POST", "/erp/wake", json.dumps(hint), secret)
        answer = connection.getresponse()
        answer.read()
        assert answer.status in {200, 401, 429, 503}
        if kind == "stranger":
            connection.close()
    connection.close()


def main() -> None:
    """Call as often as is asked for, from several threads; print the seconds."""
    url, kind, count = sys.argv[1:]
    callers = [Thread(target=_call, args=(url, kind, int(count) // _CALLERS, caller)) for caller in range(_CALLERS)]
    began = time.monotonic()
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    print(json.dumps(time.monotonic() - began))


if __name__ == "__main__":
    main()

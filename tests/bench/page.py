"""How soon the page of ``obmen run`` answers while nothing else is done, and while the flows carry all they can.

1C is an export of 10,000 products that is written anew again and again, each time with other prices and stock for one
good in twenty; Ozon is its sandbox. Both are a process of their own, and the service is the real one with its state in
SQLite; this process reads the page over HTTP. Where there are two cores, the service has one for itself. Other work on
the machine disturbs the figures, so they are told side by side, and *of idle* is what to look at.
"""

from __future__ import annotations

import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import msgspec
import sqlalchemy as sa

from connectors.ozon.sandbox import OzonSandbox
from obmen.state import Ledger
from obmen.testing.exchange import Fault
from runner.demo.catalogue import write_catalogue
from runner.demo.goods import WAREHOUSES

GOODS = 6_000
"""Some of which are sold by size, so that there are 10,000 products."""
_ROOT = Path(__file__).parents[2]
_SEED, _SHARE, _PAUSE = 7, 20, 2.0
"""One good in so many changes each time, and seconds between two changes."""
_IDS = {name: 1020000000001 + number for number, name in enumerate(WAREHOUSES)}
_FLOWS: dict[str, dict[str, Any]] = {
    "goods": {"entity": "product", "from": "ut", "to": "ozon"},
    "prices": {"entity": "price", "from": "ut", "to": "ozon", "where": {"price_type": "Розничная"}},
    "stock": {"entity": "stock", "from": "ut", "to": "ozon"},
}
_ASKED = 60
_HEAD = ("page", "idle median", "95 %", "loaded median", "95 %", "of idle", "of idle 95 %")


@dataclass
class Measured:
    """Page → seconds each call took; what was carried meanwhile."""

    taken: dict[str, list[float]]
    seconds: float
    records: int
    runs: int


def lines(goods: int = GOODS) -> Iterator[tuple[str, ...]]:
    """Yield a line for each page, and what was carried meanwhile."""
    with tempfile.TemporaryDirectory(prefix="obmen-bench-") as folder, ExitStack() as stack:
        at = stack.enter_context(_systems(Path(folder), goods))
        service = _Service(Path(folder), at.connections)
        stack.callback(service.end)
        service.fill(at.products)
        paths = service.paths()
        idle = service.measure(paths)
        service.write("1s")
        at.say("change")
        service.until_busy()
        loaded = service.measure(paths)
    yield _HEAD
    for name in paths:
        one, other = (_told(measured.taken[name]) for measured in (idle, loaded))
        cells = (f"{value * 1000:.0f} ms" for value in (*one, *other))
        yield (name, *cells, *(f"{after / before:.1f}" for before, after in zip(one, other, strict=True)))
    for title, measured in (("idle", idle), ("loaded", loaded)):
        each = measured.records / measured.seconds
        yield (f"{title}: {measured.runs} runs, {each:,.0f} records a second, {measured.seconds:.0f} s",)


def _told(taken: list[float]) -> tuple[float, float]:
    """Return median and 95th percentile."""
    return statistics.median(taken), statistics.quantiles(taken, n=20)[-1]


class _Service:
    """``obmen run`` as a process of its own."""

    def __init__(self, folder: Path, connections: dict[str, Any]) -> None:
        self._folder, self._connections = folder, connections
        self.write("1s")
        self._log = folder / "service.log"
        words = [sys.executable, "-m", "runner.cli", "--project", str(folder / "obmen.yaml"), "run"]
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(words, cwd=_ROOT, stdout=output, stderr=subprocess.STDOUT)
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:
            os.sched_setaffinity(self._process.pid, cores[-1:])
        self._wait(lambda: "The page is at" in self._said(), "the page")
        url = re.search(r"The page is at (\S+)", self._said())
        assert url is not None
        self._http = HTTPConnection(urlsplit(url[1]).netloc, timeout=120)
        self._ledger = Ledger(f"sqlite:///{folder}/state.db")

    def write(self, every: str) -> None:
        """Write the project anew; the service takes it up by itself."""
        project = {
            "state": f"sqlite:///{self._folder}/state.db",
            "connections": self._connections,
            "flows": {name: {**flow, "every": every} for name, flow in _FLOWS.items()},
            "service": {"page": {"address": "127.0.0.1:0"}, "endpoints": "off"},
        }
        scratch = self._folder / "obmen.new"
        scratch.write_bytes(msgspec.json.encode(project))
        scratch.replace(self._folder / "obmen.yaml")

    def fill(self, products: int) -> None:
        """Have everything carried once, and then let all rest."""
        settled = "select count(distinct key) from agreed where connection = 'ozon' and entity = 'price'"
        self._wait(lambda: self._one(settled) >= products * 9 // 10, "the first sync", 1800)
        taken_up = self._said().count("project.taken_up")
        self.write("off")
        self._wait(lambda: self._said().count("project.taken_up") > taken_up, "the project with all off")
        working = "select count(*) from run where ended_at is null"
        sending = "select count(*) from outbox where state in ('fresh', 'pending', 'sent', 'accepted')"
        self._wait(lambda: not self._one(working) + self._one(sending), "rest", 600)

    def paths(self) -> dict[str, str]:
        """Return what is asked for: the run is one that changed the most records."""
        run = self._one("select run from agreed where connection = 'ozon' group by run order by count(*) desc limit 1")
        aside = self._one("select count(*) from quarantine where state = 'open'")
        assert aside, "nothing lies in quarantine"
        return {
            "overview": "/",
            "a flow": "/flows/prices",
            "a run's changes": f"/runs/{run}",
            "search": f"/search?q={self._sku()}",
            "quarantine": "/quarantine",
        }

    def until_busy(self) -> None:
        """Wait until the flows carry again."""
        before = self._one("select max(id) from run")
        self._wait(lambda: self._one("select max(id) from run") > before + len(_FLOWS), "load")

    def measure(self, paths: dict[str, str]) -> Measured:
        """Ask for every page in turn, again and again."""
        taken: dict[str, list[float]] = {name: [] for name in paths}
        newest = "select max(id) from run"
        first, sent, began = self._one(newest), self._written(), time.monotonic()
        for _ in range(_ASKED):
            for name, path in paths.items():
                start = time.perf_counter()
                self._get(path)
                taken[name].append(time.perf_counter() - start)
        seconds = time.monotonic() - began
        return Measured(taken, seconds, self._written() - sent, self._one(newest) - first)

    def end(self) -> None:
        """Stop it."""
        self._http.close()
        self._ledger.close()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(120)

    def _written(self) -> int:
        """Return how many records the service has written to Ozon and 1C."""
        found = re.findall(r'^obmen_records_total\{.*what="written".*\} (\S+)$', self._get("/metrics"), re.MULTILINE)
        return int(sum(float(one) for one in found))

    def _get(self, path: str) -> str:
        self._http.request("GET", path, headers={"Accept-Language": "en"})
        answer = self._http.getresponse()
        text = answer.read().decode()
        assert answer.status == 200, (path, answer.status, text)
        return text

    def _sku(self) -> str:
        """Return the article of a product."""
        with self._ledger.read() as tx:
            row = tx.one(sa.text("select key from agreed where connection = 'ozon' and entity = 'product' limit 1"))
        assert row is not None
        return str(row[0])

    def _one(self, query: str) -> int:
        with self._ledger.read() as tx:
            row = tx.one(sa.text(query))
        return int(row[0] or 0) if row is not None else 0

    def _said(self) -> str:
        return self._log.read_text("utf-8")

    def _wait(self, condition: Any, what: str, seconds: float = 120.0) -> None:
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until or self._process.poll() is not None:
                raise SystemExit(f"{what} did not come about\n{self._said()[-4000:]}")
            time.sleep(0.5)


@dataclass
class _Systems:
    """1C and Ozon in another process, and how many products there are."""

    connections: dict[str, Any]
    products: int
    asks: IO[str]

    def say(self, word: str) -> None:
        """Tell them something."""
        print(word, file=self.asks, flush=True)


@contextmanager
def _systems(folder: Path, goods: int) -> Iterator[_Systems]:
    command = [sys.executable, "-m", "tests.bench.page", str(folder), str(goods)]
    with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:
            os.sched_setaffinity(process.pid, cores[:-1])
        try:
            connections, products = json.loads(process.stdout.readline())
            yield _Systems(connections, products, process.stdin)
        finally:
            process.terminate()


def main() -> None:
    """Be 1C and Ozon with so many goods; once a line comes, change something without end."""
    folder, goods = Path(sys.argv[1]), int(sys.argv[2])
    some = range(0, goods, _SHARE)
    written = write_catalogue(folder / "exchange", goods, _SEED)
    write_catalogue(folder / "later", goods, _SEED, repriced=some, restocked=some)
    offers = written.files[1]
    pictures = [offers.read_bytes(), (folder / "later" / offers.name).read_bytes()]
    with OzonSandbox(warehouses=_IDS) as ozon:
        ozon.faults.append(Fault(kind="custom", name="item_error", match="POST /v./product/import$", times=None))
        connections = {
            "ut": {"connector": "onec", "commerceml": str(folder / "exchange")},
            "ozon": {"connector": "ozon", **ozon.connection()},
        }
        print(json.dumps([connections, written.offers]), flush=True)
        if not sys.stdin.readline():
            return
        for turn in count(1):
            scratch = folder / "offers.new"
            scratch.write_bytes(pictures[turn % 2])
            scratch.replace(offers)
            time.sleep(_PAUSE)


if __name__ == "__main__":
    main()

"""What a service is after many runs: its memory, its state file, and what its page costs.

The service is the real one with its watchman and its page over HTTP; its clock is moved by hand and its lanes take
their turns in one thread, so that months pass in minutes. Twenty flows of peers in memory run every half an hour; one
run in four finds a change and sends it, all others find none. What is old is forgotten as the project says. In the end
its state is given 100,000 runs, and its page is asked for once more.

So many by itself take twenty minutes of a processor: ``python -m tests.bench runs --records 100000``.

Other work on the machine disturbs the clock, so what a page costs is told in processor time, its caller's included.
"""

from __future__ import annotations

import gc
import json
import logging
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa
import structlog

from obmen.project.service import Address
from obmen.state import Ledger, tables
from obmen.testing.peer import Peer
from runner.cli.run import House
from runner.daemon.clock import ServiceClock
from runner.daemon.doors import opened
from runner.daemon.plant import Plant
from runner.daemon.service import Service
from runner.observe import routes as observed
from runner.render import Screen
from runner.web.app import application
from tests.crash.world import order, price, product
from tests.unit.daemon.kit import loaded, written

MARKS = (1_000, 3_000, 10_000, 30_000, 100_000)
_ROOT = Path(__file__).parents[2]
_KINDS = ("product", "price", "stock", "order")
_PAIRS, _GOODS, _EVERY, _KEEP = 5, 3, 1800.0, "30d"
_ASKED = 30


def lines(most: int = 10_000) -> Iterator[tuple[str, ...]]:
    """Yield a line for each number of runs; the service is a process of its own."""
    yield ("runs", "days", "MiB", "state MiB", "runs kept", "runs/s", "overview", "flow", "run", "metrics")
    command = [sys.executable, "-m", "tests.bench.runs", str(most)]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        for line in service.stdout:
            told = json.loads(line)
            pages = (f"{told['pages'][name]:.1f} ms" for name in ("overview", "flow", "run", "metrics"))
            counts = f"{told['runs']:,}", f"{told['days']:.0f}", f"{told['mib']:.1f}", f"{told['state']:.1f}"
            yield (*counts, f"{told['kept']:,}", f"{told['rate']:.0f}", *pages)


class _Clock(ServiceClock):
    """Moves only when it is told to."""

    simulated = True

    def __init__(self) -> None:
        super().__init__()
        self._seconds = 0.0

    def advance(self, seconds: float) -> None:
        self._seconds += seconds

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        return 1000.0 + self._seconds

    def sleep(self, seconds: float) -> None:
        self.advance(max(seconds, 0.0))


class Runs:
    """A service of peers in memory, with everything that ``obmen run`` hosts."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.clock = _Clock()
        self.peers = {f"{end}{number}": Peer() for number in range(_PAIRS) for end in ("erp", "shop")}
        for name, peer in self.peers.items():
            if name.startswith("erp"):
                for number in range(_GOODS):
                    peer.put("product", product(number))
                    peer.put("price", price(number, "100"))
                    peer.put("stock", _stock(number, 5))
            else:
                peer.put("order", *({**order(number), "channel": name} for number in range(_GOODS)))
        file = written(folder, self.peers, _flows(), f"service: {{ keep_runs: {_KEEP} }}\n")
        self.file = folder / "state.db"
        self.ledger = Ledger(f"sqlite:///{self.file}", clock=self.clock)
        stack.callback(self.ledger.close)
        house = House(self.ledger, self.clock, lambda project: Plant(project, self.ledger, self.clock), Screen())
        stack.callback(house.close)
        self.service = Service(
            loaded(file, self.peers),
            self.ledger,
            build=house.build,
            load=lambda: loaded(file, self.peers),
            clock=self.clock,
            besides=house.look,
        )
        page = application(self.service, observed.routes(self.service, house.meter))
        stack.callback(page.state.jobs.stop)
        self.url = stack.enter_context(opened(page, Address(host="127.0.0.1", port=0)))
        assert isinstance(self.service.works, Plant)
        self._plant = self.service.works
        stack.callback(self._plant.stop, 0.0, time.sleep)
        self._round = 0

    def turn(self) -> None:
        """Let half an hour pass, in which every flow runs once."""
        self._round += 1
        for number in range(_PAIRS):
            good = self._round % _GOODS
            self.peers[f"erp{number}"].put("stock", _stock(good, 5 + self._round % 7))
        for peer in self.peers.values():
            peer.calls.clear()
        self.clock.advance(_EVERY)
        self.service.tick()
        while sum(lane.step() for lane in self._plant.lanes):
            pass

    def remember(self, runs: int) -> None:
        """Let the state know so many runs, of the last weeks."""
        _, known = self.made()
        now = self.clock.now().timestamp()
        more = [
            {"flow": f"{_KINDS[number % len(_KINDS)]}{number % _PAIRS}", "kind": "sync", "status": "done"}
            | {"started_at": now - number * 20, "ended_at": now - number * 20, "counts": '{"read": 3, "unchanged": 3}'}
            for number in range(runs - known)
        ]
        with self.ledger.write() as tx:
            tx.connection.execute(sa.insert(tables.run), more)

    def told(self, rate: float) -> str:
        """Return what it is now."""
        made, kept = self.made()
        told = {"runs": made, "days": self.clock.monotonic() / 86400, "mib": _resident(), "state": self.state()}
        return json.dumps({**told, "kept": kept, "rate": rate, "pages": self.pages()})

    def made(self) -> tuple[int, int]:
        """Return how many runs there were in all, and how many the state still knows."""
        with self.ledger.read() as tx:
            row = tx.one(sa.text("select coalesce(max(id), 0) as newest, count(*) as kept from run"))
        assert row is not None
        return int(row.newest), int(row.kept)

    def state(self) -> float:
        """Return the bytes of the state on the disk, in MiB."""
        return sum(one.stat().st_size for one in self.file.parent.glob("state.db*")) / (1 << 20)

    def pages(self) -> dict[str, float]:
        """Return page → median milliseconds of the processor until it is answered."""
        newest, _ = self.made()
        paths = {"overview": "/", "flow": "/flows/stock0", "run": f"/runs/{newest}", "metrics": "/metrics"}
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        try:
            return {name: _median(connection, path) for name, path in paths.items()}
        finally:
            connection.close()


def _stock(number: int, free: int) -> dict[str, object]:
    return {"id": f"SKU-{number}", "place": "main", "free": free}


def _median(connection: HTTPConnection, path: str) -> float:
    taken = []
    for _ in range(_ASKED):
        began = time.process_time()
        connection.request("GET", path, headers={"Accept-Language": "en"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, (path, answer.status)
        taken.append((time.process_time() - began) * 1000)
    return statistics.median(taken)


def _flows() -> str:
    flows = []
    for number in range(_PAIRS):
        erp, shop = f"erp{number}", f"shop{number}"
        for entity in _KINDS:
            source, target = (shop, erp) if entity == "order" else (erp, shop)
            flows.append(f"{entity}{number}: {{ entity: {entity}, from: {source}, to: {target}, every: 30m }}")
    return "\n".join(flows)


def _resident() -> float:
    """Return the memory that this process holds now, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / (1 << 20)


def main() -> None:
    """Let the service run so often, and print what it is at each mark."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    most = int(sys.argv[1])
    gc.freeze()  # as the command line does
    with tempfile.TemporaryDirectory(prefix="obmen-bench-") as folder, ExitStack() as stack:
        at = Runs(stack, Path(folder))
        done, began = 0, time.monotonic()
        for mark in [one for one in MARKS if one <= most]:
            while (now := at.made()[0]) < mark:
                at.turn()
            print(at.told((now - done) / (time.monotonic() - began)), flush=True)
            done, began = now, time.monotonic()
        if most < MARKS[-1]:
            at.remember(MARKS[-1])
            print(at.told(0.0), flush=True)


if __name__ == "__main__":
    main()

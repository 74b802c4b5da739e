"""Workers in real processes on a real PostgreSQL, killed, paused and cut off: no flow twice at once, nothing lost,
nothing doubled.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from obmen.errors import StateError
from obmen.state import Ledger, ledger, outbox, quarantine
from runner.daemon.clock import ServiceClock
from runner.worker.place import conninfo
from runner.worker.scheduler import Scheduler
from tests.chaos.working import LEASE, Shops, project

SEEDS = range(int(os.environ.get("OBMEN_SEEDS", "1")))
FLOWS, WORKERS, JOBS = 5, 3, 2
_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < 0.7"
)


class Site:
    """Shops, a project over them, and whoever works for it."""

    def __init__(self, folder: Path, state: str, shops: Shops) -> None:
        self.folder, self.state, self.shops = folder, state, shops
        self.names = [f"shop{number}" for number in range(FLOWS)]
        lines = [f"state: {state!r}", "connections:"]
        for name in self.names:
            lines += [f"  {end}{name}: {{ connector: shop, url: '{shops.url}/{name}' }}" for end in ("from_", "to_")]
        lines.append("flows:")
        lines += [
            f"  {name}: {{ entity: product, from: from_{name}, to: to_{name}, every: 1s }}" for name in self.names
        ]
        self.file = folder / "obmen.yaml"
        self.file.write_text("\n".join(lines), "utf-8")
        self.ledger = Ledger(state)
        self.workers: list[subprocess.Popen[bytes]] = []
        self.paused: dict[subprocess.Popen[bytes], float] = {}
        """Each with the end of its pause, on the monotonic clock."""
        self._ended = threading.Event()
        self._scheduler = Scheduler(project(self.file), self.ledger, ServiceClock())
        self._scheduling = threading.Thread(target=self._schedule, name="scheduler")

    def _schedule(self) -> None:
        while not self._ended.wait(0.2):
            with suppress(StateError):
                self._scheduler.tick()
        self._scheduler.stop(0.0, time.sleep)

    def hire(self, count: int = 1, jobs: int = JOBS) -> None:
        """Start workers."""
        call = [sys.executable, "-m", "tests.chaos.working", str(self.file), str(jobs)]
        with (self.folder / "workers.log").open("ab") as log:
            self.workers += [subprocess.Popen(call, stdout=log, stderr=log) for _ in range(count)]

    def mend(self) -> None:
        """Start another worker for each that has ended, as a service manager does; wake those whose pause is over."""
        for one in [one for one, end in self.paused.items() if time.monotonic() > end]:
            one.send_signal(signal.SIGCONT)
            del self.paused[one]
        dead = [one for one in self.workers if one.poll() is not None]
        self.workers = [one for one in self.workers if one not in dead]
        self.hire(len(dead))

    def ready(self) -> list[subprocess.Popen[bytes]]:
        """The workers that have begun to work."""
        told = {int(line.split()[1]) for line in self.log().splitlines() if line.startswith("ready ")}
        return [one for one in self.workers if one.pid in told and one.poll() is None]

    def grow(self, chance: random.Random) -> None:
        """Let every source have some goods more."""
        for name in self.names:
            self.shops.goods[name] = self.shops.goods.get(name, 0) + chance.randrange(4, 12)
        self._before = sum(map(len, self.shops.made.values()))

    def at_work(self) -> bool:
        """Whether anything has arrived since the sources grew."""
        self.mend()
        return sum(map(len, self.shops.made.values())) > self._before

    def open(self) -> None:
        """Begin to hand out work."""
        self._scheduling.start()

    def close(self) -> None:
        self._ended.set()
        if self._scheduling.ident is not None:
            self._scheduling.join()
        for one in self.workers:
            one.send_signal(signal.SIGCONT)
            one.kill()
            one.wait()
        self.ledger.close()

    @property
    def left(self) -> dict[str, int]:
        """What of each flow is not in its shop yet."""
        made = {name: len(self.shops.made.get(name, ())) for name in self.names}
        return {name: self.shops.goods.get(name, 0) - made[name] for name in self.names}

    def settled(self) -> bool:
        """Whether everything has come to its end."""
        self.mend()
        if any(self.left.values()):
            return False
        try:
            with self.ledger.read() as tx:
                return not any(outbox.counts(tx, name) for name in self.names)
        except StateError:
            return False

    def log(self) -> str:
        return (self.folder / "workers.log").read_text("utf-8", errors="replace")


def until(condition: Callable[[], bool], seconds: float = 90.0) -> bool:
    """Wait until something is so; a slow machine gets its time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture
def site(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(ledger, "LEASE_SECONDS", LEASE)
    with Shops() as shops:
        made = Site(tmp_path, postgres_url, shops)
        yield made
        made.close()


def judge(site: Site) -> None:
    assert until(lambda: site.settled() and not site.paused), f"{site.left}\n{site.log()[-4000:]}"
    doubled = {name: [key for key, times in site.shops.made[name].items() if times > 1] for name in site.names}
    assert not any(doubled.values()), f"{doubled}\n{site.log()[-4000:]}"
    assert site.shops.overlapping == []
    with site.ledger.read() as tx:
        assert [quarantine.counts(tx, name) for name in site.names] == [{} for _ in site.names]


@pytest.mark.field("J6")
@pytest.mark.parametrize("seed", SEEDS)
def test_chaos(site: Site, seed: int) -> None:
    chance = random.Random(seed)
    blows = ["kill", "kill", "kill", "pause", "pause", "nap", "cut", "cut", "cut"]
    chance.shuffle(blows)
    site.open()
    site.hire(WORKERS)
    with psycopg.connect(conninfo(site.state), autocommit=True) as database:
        for blow in blows:
            site.grow(chance)
            assert until(site.at_work), site.log()[-4000:]
            time.sleep(chance.uniform(0.0, 0.4))
            site.mend()
            one = chance.choice([one for one in site.ready() if one not in site.paused] or [None])
            if blow == "cut" or one is None:
                database.execute(_OTHERS)
            elif blow == "kill":
                one.kill()
                one.wait()
            else:
                one.send_signal(signal.SIGSTOP)
                site.paused[one] = time.monotonic() + (LEASE * 1.5 if blow == "pause" else 0.3)
    judge(site)

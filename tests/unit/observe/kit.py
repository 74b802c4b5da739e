"""A small project at work with a watchman, and what its channels were told; time passes when a test says so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from obmen.errors import Unavailable
from obmen.testing.clock import FakeClock
from obmen.testing.peer import Peer
from runner.daemon.pulse import beat, save
from runner.observe.meter import Meter
from runner.observe.notices import Notice
from runner.observe.senders import Sender
from runner.observe.watchman import Watchman
from tests.unit.daemon.kit import FLOWS, Works, works

CHANNEL = "alerts:\n  language: en\n  webhook: { url: https://monitor.example }\n"
NOON = datetime(2026, 6, 15, 9, 0, tzinfo=UTC)
"""Twelve o'clock in Moscow."""


@dataclass
class Heard:
    """A channel that keeps what it was told; ``broken``: nothing arrives."""

    notices: list[Notice] = field(default_factory=list)
    broken: bool = False

    def send(self, notice: Notice, head: str) -> None:
        if self.broken:
            raise Unavailable("the channel does not answer")
        self.notices.append(notice)

    def close(self) -> None:
        """Nothing is open."""

    def told(self, rule: str = "") -> list[tuple[str, str, str]]:
        """Return kind, level and subject of what was told, in order."""
        return [(one.kind, one.level, one.subject) for one in self.notices if rule in ("", one.rule)]


def at_once(work: Callable[[], None], name: str) -> None:
    """Do what is otherwise done in a thread."""
    work()


@dataclass
class Watched:
    """A plant, its watchman, and a channel."""

    works: Works
    heard: Heard
    meter: Meter
    watchman: Watchman
    since: float

    def pass_time(self, seconds: float, tick: float = 30.0, *, working: bool = True) -> None:
        """Let time pass; the service beats and the watchman looks, and flows run unless ``working`` is false."""
        until = self.works.clock.monotonic() + seconds
        while self.works.clock.monotonic() < until:
            self.works.clock.advance(tick)
            if working:
                self.works.turn()
            self.look()

    def look(self) -> None:
        """Let the service give a sign and the watchman look."""
        save(self.works.ledger, beat(self.works.plant.doing(), self.works.clock, self.since))
        self.watchman.look()

    def restart(self, sender: Sender | None = None) -> None:
        """Let another watchman take over, as after a restart."""
        self.watchman.close()
        self.watchman = _watchman(self.works, sender or self.heard)


def _watchman(one: Works, sender: Sender) -> Watchman:
    return Watchman(one.ledger, one.plant.project, one.clock, {"webhook": sender}, start=at_once)


@contextmanager
def watched(
    folder: Path,
    state_url: str = "",
    *,
    flows: str = FLOWS,
    rules: str = "",
    start: datetime = NOON,
    peers: dict[str, Peer] | None = None,
) -> Iterator[Watched]:
    """Give a plant that is watched; ``rules`` is the block of that name, indented by four."""
    alerts = CHANNEL + (f"  rules:\n{rules}" if rules else "")
    clock = FakeClock(start)
    with works(folder, state_url, flows=flows, service=alerts, clock=clock, peers=peers) as one:
        heard, meter = Heard(), Meter()
        made = Watched(one, heard, meter, _watchman(one, heard), clock.now().timestamp())
        try:
            yield made
        finally:
            made.watchman.close()

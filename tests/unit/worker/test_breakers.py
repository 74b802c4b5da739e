"""Breakers that workers share: a dead system is asked by one, the others keep away, and it is let in again by one."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from obmen.errors import Busy, Denied, ObmenError, Unavailable
from obmen.records import Page
from obmen.state import Ledger, peers, runs, wishes
from obmen.sync.assemble import Assembly
from obmen.testing.clock import FakeClock
from obmen.testing.peer import Peer
from runner.daemon.breaker import FIRST, LONGEST, TOLERANCE
from runner.daemon.leases import Leases
from runner.observe.examine import service as examined
from runner.observe.snapshot import take
from runner.observe.troubles import denied, evaluate
from runner.worker.breakers import Breakers, LeftInPeace
from runner.worker.job import FlowJob
from runner.worker.own import pause_after
from tests.crash.world import order
from tests.unit.daemon.kit import FLOWS, loaded, written

LATER = FIRST * 1.25
"""Seconds after which the first pause is over for certain."""
DEAD = Unavailable("erp: it cannot be reached.")


class Crew:
    """Two workers, each with a ledger of its own on one state."""

    def __init__(self, folder: Path, state: str, clock: FakeClock) -> None:
        self.clock, self.peers = clock, {"erp": Peer(), "shop": Peer()}
        self.project = loaded(written(folder, self.peers, FLOWS), self.peers)
        self.ledgers = [Ledger(state, clock=clock) for _ in range(2)]
        self.later: list[ObmenError] = []
        self.stack = ExitStack()
        self.assemblies = [
            self.stack.enter_context(Assembly(self.project, clock=clock, ledger=one)) for one in self.ledgers
        ]
        self.breakers = [Breakers(one) for one in self.ledgers]

    def run(self, worker: int, flow: str, *, delivery: bool = False) -> ObmenError | None:
        """Let a worker do a job; return what stopped it."""
        ledger = self.ledgers[worker]
        if not delivery:
            with ledger.write() as tx:
                wishes.ask(tx, flow, "anna")
        job = FlowJob(
            ledger,
            self.assemblies[worker].flows,
            Leases(ledger),
            self.breakers[worker],
            threading.Event(),
            lambda _flow, _entity, error: self.later.append(error),
        )
        try:
            job.run(flow, delivery=delivery)
        except ObmenError as error:
            return error
        return None

    def open(self, connection: str) -> None:
        """Let a connection fail once too often."""
        for number in range(TOLERANCE + 1):
            with self.breakers[number % 2].way(connection) as way:
                way.failed(DEAD)

    def known(self, connection: str) -> peers.Peer:
        with self.ledgers[0].read() as tx:
            return peers.of(tx, self.clock, connection)

    def close(self) -> None:
        self.stack.close()
        for one in self.ledgers:
            one.close()


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    made = Crew(tmp_path, f"sqlite:///{tmp_path}/state.db", FakeClock())
    yield made
    made.close()


@pytest.fixture
def shared(tmp_path: Path, postgres_url: str) -> Iterator[Crew]:
    made = Crew(tmp_path, postgres_url, FakeClock())
    yield made
    made.close()


def test_what_one_worker_finds_out_keeps_the_others_away(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    crew.peers["erp"].down = True
    for number in range(TOLERANCE + 1):
        error = crew.run(0, ("prices", "stocks")[number % 2])
        assert type(error) is Unavailable
    for assembly in crew.assemblies:
        monkeypatch.setattr(assembly.connectors["erp"], "read", None)  # whoever asks it fails otherwise
    error = crew.run(1, "goods")
    assert isinstance(error, LeftInPeace)
    assert "cannot be reached" in str(error)
    assert pause_after(error, 9) == pytest.approx(FIRST, abs=LATER - FIRST)
    with crew.ledgers[0].read() as tx:
        assert wishes.of(tx, "goods") is not None
        assert runs.last(tx, "goods") is None


def test_a_try_is_made_by_one_and_lets_all_in_or_none(shared: Crew) -> None:
    first, second = shared.breakers
    shared.open("erp")
    with pytest.raises(LeftInPeace), second.way("erp"):
        pass
    shared.clock.advance(LATER)
    with first.way("erp") as way:
        for one in shared.breakers:
            with pytest.raises(LeftInPeace, match="another job"), one.way("erp"):
                pass
        way.failed(DEAD)
    assert shared.known("erp").rest >= 2 * FIRST
    shared.clock.advance(2 * LATER)
    with first.way("erp") as way:
        way.answers()  # the first page is there, and the try goes on for hours
        with second.way("erp") as other:
            other.failed(DEAD)  # one failure is one too many again
        assert shared.known("erp").rest > 0
        way.worked()
    assert shared.known("erp").failures == 0
    with second.way("erp"):
        pass


def test_a_read_that_takes_long_lets_others_in_after_its_first_page(
    shared: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared.open("erp")
    shared.clock.advance(LATER)
    seen = []

    def read(*_: object) -> Iterator[Page]:
        with suppress(LeftInPeace), shared.breakers[1].way("erp"):
            seen.append("at once")
        yield Page([])
        with shared.breakers[1].way("erp"):
            seen.append("after a page")

    monkeypatch.setattr(shared.assemblies[0].connectors["erp"], "read", read)
    assert shared.run(0, "prices") is None
    assert seen == ["after a page"]


def test_a_try_that_dies_with_its_worker_keeps_nobody_out(shared: Crew) -> None:
    first, second = shared.breakers
    shared.open("erp")
    shared.clock.advance(LATER)
    trying = first.way("erp")
    trying.__enter__()
    for _ in range(3):
        shared.clock.advance(50)
        first.keep()
        with pytest.raises(LeftInPeace), second.way("erp"):
            pass
    shared.clock.advance(61)  # nobody keeps it any more
    with second.way("erp") as way:
        way.worked()
    trying.__exit__(None, None, None)


def test_what_many_find_out_at_once_is_counted_by_all_and_not_beyond(shared: Crew) -> None:
    together = threading.Barrier(TOLERANCE)

    def fail(number: int) -> None:
        with shared.breakers[number % 2].way("erp") as way:
            together.wait(30)
            way.failed(DEAD)

    threads = [threading.Thread(target=fail, args=(number,)) for number in range(TOLERANCE)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (shared.known("erp").failures, shared.known("erp").rest) == (TOLERANCE, 0.0)
    asks = Unavailable("erp: no call of this kind for hours", after=9999.0)
    with ExitStack() as stack:  # what was begun before the pause says the same again
        ways = [stack.enter_context(shared.breakers[0].way("erp")) for _ in range(5)]
        for way in ways:
            way.failed(DEAD)
            way.failed(asks)
        assert FIRST <= shared.known("erp").rest <= LATER
        shared.clock.advance(LATER)
        ways[0].failed(asks)
    assert shared.known("erp").rest == LONGEST
    shared.clock.jump(-3600)
    assert shared.known("erp").rest == LONGEST


@pytest.mark.parametrize("error", [Denied("the key"), Busy("another"), LeftInPeace("peace")])
def test_only_a_system_that_is_away_is_left_in_peace(crew: Crew, error: ObmenError) -> None:
    for _ in range(9):
        with crew.breakers[0].way("erp") as way:
            way.failed(error)
    assert crew.known("erp").failures == 0


def test_a_source_in_peace_keeps_no_delivery_waiting(crew: Crew) -> None:
    crew.peers["shop"].put("order", order(1))
    crew.peers["erp"].down = True
    assert crew.run(0, "orders") is None
    assert [type(one) for one in crew.later] == [Unavailable]
    crew.peers["erp"].down = False
    crew.open("shop")
    crew.clock.advance(FIRST / 2)
    error = crew.run(1, "orders")
    assert isinstance(error, LeftInPeace)
    assert crew.peers["erp"].created
    with crew.ledgers[0].read() as tx:
        run = runs.last(tx, "orders")
    assert run is not None
    assert (run.kind, run.status) == ("delivery", "done")  # it tells nothing good of the source


def test_a_target_in_peace_is_told_nothing_and_is_tried_when_that_ends(crew: Crew) -> None:
    crew.peers["shop"].put("order", order(1))
    crew.open("erp")
    assert crew.run(0, "orders") is None
    assert [type(one) for one in crew.later] == [LeftInPeace]
    assert crew.peers["erp"].calls == []
    assert isinstance(crew.run(1, "orders", delivery=True), LeftInPeace)
    crew.clock.advance(LATER)
    assert crew.run(1, "orders", delivery=True) is None
    assert crew.peers["erp"].created
    assert crew.known("erp").failures == 0


def test_a_refused_key_is_known_to_all_who_ask_the_ledger(crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
    error = Denied("erp: GET /x: status 401: who are you. Check the key.")

    def refused(*_: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(crew.assemblies[1].connectors["erp"], "read", refused)
        assert crew.run(1, "prices") is error
    seen = take(crew.ledgers[0], crew.project)
    assert denied(seen) == {"erp": str(error)}
    assert "denied|erp" in evaluate(seen)
    assert any(one.about == "erp" and "who are you" in one.message for one in examined(crew.ledgers[0], crew.project))
    crew.clock.advance(60)
    assert crew.run(0, "prices") is None
    assert denied(take(crew.ledgers[0], crew.project)) == {}

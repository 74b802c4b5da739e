"""Backfill: what is read once, what goes on after a crash, and what it leaves alone."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obmen.errors import ConfigurationError, Unavailable
from obmen.periods import Period, merged, without
from obmen.records import Page
from obmen.rules.guards import Guards
from obmen.state import Ledger, outbox, runs, seen
from obmen.sync.backfill import history_of
from obmen.sync.steps import Step
from obmen.testing.clock import FakeClock
from obmen.testing.peer import DatedPeerConnector, written
from tests.crash.world import Crash, status
from tests.unit.sync.past import ALL, DAYS, PastWorld, dated, day, fill


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLite; on both databases for the tests that ask for ``state_url``."""
    both = "state_url" in request.fixturenames
    return str(request.getfixturevalue("state_url")) if both else f"sqlite:///{tmp_path}/state.db"


@pytest.fixture
def world(url: str) -> Iterator[PastWorld]:
    ledger = Ledger(url, clock=FakeClock())
    made = PastWorld(ledger)
    fill(made)
    yield made
    ledger.close()


class Bomb:
    """Crashes when the n-th step from now is reached."""

    def __init__(self, left: int) -> None:
        self.left = left

    def __call__(self, step: Step) -> None:
        if self.left == 0:
            raise Crash(step)
        self.left -= 1


def everything_arrived_once(world: PastWorld) -> None:
    assert world.erp.created == {f"N-{number}": 1 for number in range(2 * DAYS)}
    assert (world.periods("asked"), world.periods("done")) == ([], [ALL])


@pytest.mark.field("E11")
@pytest.mark.usefixtures("state_url")
def test_a_second_backfill_writes_nothing_and_one_that_was_killed_goes_on(world: PastWorld) -> None:
    with pytest.raises(Crash):
        world.backfill(on_step=Bomb(7))
    (left,) = world.periods("asked")
    assert ALL.since < left.since < left.until == ALL.until
    read_before = world.asked()
    world.clock.advance(61)

    world.backfill(period=None)
    everything_arrived_once(world)
    assert [one for one in world.asked()[len(read_before) :] if one.until <= left.since] == []

    world.erp.calls.clear()
    world.shop.calls.clear()
    for again in (False, True):
        assert world.backfill(again=again).written == 0
        assert world.erp.calls == []
        assert bool(world.asked()) is again, "what was read is asked for again only if that was said"
    everything_arrived_once(world)


def test_the_live_read_goes_on_where_it_was(world: PastWorld) -> None:
    world.shop.put("order", {**dated(99), "at": "2026-06-10T00:00:00+00:00"})
    world.sync("orders")
    with world.ledger.read() as tx:
        before = seen.checkpoint(tx, "orders")
    assert before.cursor == "2026-06-10T00:00:00+00:00"
    world.backfill()
    with world.ledger.read() as tx:
        assert seen.checkpoint(tx, "orders") == before
        assert [run.kind for run in runs.recent(tx, "orders", 5)] == ["backfill", "sync"]
    assert len(world.erp.created) == 2 * DAYS + 1


def test_what_the_live_read_knows_is_not_looked_at_again(world: PastWorld) -> None:
    world.shop.told_since = ""
    world.sync("orders")
    report = world.backfill()
    assert (report.read["read"], report.read["unchanged"], report.read["changed"]) == (2 * DAYS, 2 * DAYS, 0)


@pytest.mark.usefixtures("state_url")
def test_overlapping_periods_are_read_once(world: PastWorld) -> None:
    world.backfill(period=Period(day(2), day(4)))
    world.backfill(period=Period(day(6), day(7)))
    world.shop.calls.clear()
    world.backfill(period=Period(day(1), day(8)))
    assert merged(world.asked()) == [Period(day(1), day(2)), Period(day(4), day(6)), Period(day(7), day(8))]
    assert world.periods("done") == [Period(day(1), day(8))]
    assert len(world.erp.created) == 2 * 7


def test_no_piece_is_longer_than_the_vendor_takes(world: PastWorld) -> None:
    world.backfill(period=Period(day(0.5), day(3)))
    assert world.asked() == [Period(day(0.5), day(1.5)), Period(day(1.5), day(2.5)), Period(day(2.5), day(3))]


def test_a_peer_that_fails_in_the_middle_keeps_what_was_read(world: PastWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = DatedPeerConnector._of

    def failing(self: DatedPeerConnector, entity: str, since: object, until: object) -> Iterator[Page]:
        if len(world.asked()) == 4:
            raise Unavailable("shop: not now")
        return whole(self, entity, since, until)  # type: ignore[arg-type]

    monkeypatch.setattr(DatedPeerConnector, "_of", failing)
    report = world.backfill()
    assert [str(error) for error in report.trouble] == ["shop: not now"]
    assert report.written == 2 * 4
    assert world.periods("asked") == [Period(day(4), day(DAYS))]
    monkeypatch.undo()
    assert world.backfill(period=None).written == 2 * 6
    everything_arrived_once(world)


def test_a_newer_status_is_not_overtaken_and_a_known_order_not_undone(world: PastWorld) -> None:
    world.backfill("orders")
    world.backfill("statuses")
    moved = {**status(3, "shipped"), "at": "2026-06-11T00:00:00+00:00"}
    world.shop.put("order_status", moved)
    world.sync("statuses")
    world.shop.put("order_status", {**moved, "at": dated(3)["at"]})
    world.backfill("statuses", again=True)
    assert world.erp.steps["N-3"] == ["new", "shipped"]


def test_a_record_that_is_told_twice_in_a_piece_is_taken_as_it_came_last(
    world: PastWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = {**world.shop.of("order")["N-1"], "currency": "BYN"}
    whole = DatedPeerConnector._of

    def twice(self: DatedPeerConnector, entity: str, since: object, until: object) -> Iterator[Page]:
        yield from whole(self, entity, since, until)  # type: ignore[arg-type]
        world.shop.put("order", newer)
        yield from whole(self, entity, since, until)  # type: ignore[arg-type]

    monkeypatch.setattr(DatedPeerConnector, "_of", twice)
    report = world.backfill(period=Period(day(0), day(1)))
    assert (report.quarantine, report.written) == ({}, 2)
    assert world.erp.of("order")["N-1"]["currency"] == "BYN"


def test_guards_speak_of_what_was_found(world: PastWorld) -> None:
    world.shop.told_since = ""
    world.sync("orders")
    for number in range(2 * DAYS):
        world.shop.put("order", {**dated(number), "currency": "BYN"})
    world.guards = Guards(share=0)  # type: ignore[arg-type]
    report = world.backfill()
    assert report.outbox == {"held": 2 * DAYS}
    assert "guard 'share'" in report.held["erp"]["*"]


@pytest.mark.usefixtures("state_url")
def test_it_takes_turns_with_another_process(world: PastWorld) -> None:
    other = Ledger(world.ledger.engine.url.render_as_string(hide_password=False), clock=world.clock)
    told: list[str] = []
    with ExitStack() as held:
        lease = held.enter_context(other.lease("orders"))

        def on_note(reason: str) -> None:
            told.append(reason)
            other.release_lease(lease)

        assert world.backfill(on_note=on_note).trouble == []
    assert len(told) == 1
    assert "run by another process" in told[0]
    everything_arrived_once(world)
    other.close()


@pytest.mark.usefixtures("state_url")
def test_a_turn_that_was_lost_is_taken_again(world: PastWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process slept through its lease, as a laptop does, and another one had the flow meanwhile."""
    other = Ledger(world.ledger.engine.url.render_as_string(hide_password=False), clock=world.clock)
    whole = DatedPeerConnector._of

    def sleeping(self: DatedPeerConnector, entity: str, since: object, until: object) -> Iterator[Page]:
        if len(world.asked()) == 2:
            world.clock.advance(61)
            with other.lease("orders"):
                pass
        return whole(self, entity, since, until)  # type: ignore[arg-type]

    monkeypatch.setattr(DatedPeerConnector, "_of", sleeping)
    assert world.backfill().trouble == []
    everything_arrived_once(world)
    assert world.asked()[2] == world.asked()[3], "the piece at which it was lost is read again"
    other.close()


@pytest.mark.usefixtures("state_url")
def test_pieces_are_read_at_the_same_time_each_by_its_own_connector(
    world: PastWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2, timeout=60)
    whole = DatedPeerConnector._of
    used: dict[DatedPeerConnector, set[threading.Thread]] = {}

    def together(self: DatedPeerConnector, entity: str, since: object, until: object) -> Iterator[Page]:
        both.wait()  # it would break if the pieces were read one after the other
        used.setdefault(self, set()).add(threading.current_thread())
        return whole(self, entity, since, until)  # type: ignore[arg-type]

    monkeypatch.setattr(DatedPeerConnector, "_of", together)
    assert world.backfill(beside=True).trouble == []
    everything_arrived_once(world)
    assert len(used) == 2
    assert not set.intersection(*used.values())


def test_progress_tells_how_much_there_will_be(world: PastWorld) -> None:
    told: list[tuple[int, int | None]] = []
    world.backfill(on_read=lambda done, total: told.append((done, total)))
    assert told[0] == (2, None)
    assert (2, 20) in told
    assert told[-1] == (2 * DAYS, 2 * DAYS)


@pytest.mark.usefixtures("state_url")
def test_nothing_of_a_rehearsal_stays_and_nobody_is_kept_waiting(world: PastWorld) -> None:
    live = world.ledger
    with live.rehearsal() as scratch, live.lease("orders"):
        world.ledger = scratch
        report = world.backfill(deliver=False)
        assert report.outbox == {"pending": 2 * DAYS}
        world.ledger = live
    assert (world.periods("asked"), world.periods("done"), world.erp.calls) == ([], [], [])
    with live.read() as tx:
        assert outbox.counts(tx, "orders") == {}


@pytest.mark.parametrize(
    ("period", "words"),
    [
        (Period(day(0), day(100)), "still to come"),
        (Period(day(-400), day(0)), "the last 400 days only. Begin with 2025-05-11"),
    ],
)
def test_a_time_of_which_nothing_is_told_is_refused(world: PastWorld, period: Period, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        world.backfill(period=period)
    assert world.periods("asked") == []


def test_what_became_too_old_meanwhile_holds_up_nothing_newer(world: PastWorld) -> None:
    world.shop.down = True
    world.backfill()
    world.shop.down = False
    world.clock.advance(day(3) - day(0) + 400 * 86400 - (world.clock.now().timestamp() - day(0)))
    told: list[str] = []
    world.backfill(period=None, on_note=told.append)
    assert "From 2026-05-01 00:00 UTC to 2026-05-04 00:00 UTC nothing was read" in told[0]
    assert (world.periods("asked"), world.periods("done")) == ([], [Period(day(3), day(DAYS))])


def test_what_has_no_past_is_refused_with_what_to_do(world: PastWorld) -> None:
    with pytest.raises(ConfigurationError, match=r"obmen sync prices.*obmen reconcile prices"):
        history_of(world.of("prices"))
    flow = world.of("orders")
    flow.source.histories = {}
    with pytest.raises(ConfigurationError, match="cannot be asked for the order of a period"):
        history_of(flow)


# -- any split, any crash ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "state.db"
    Ledger(f"sqlite:///{path}", clock=FakeClock()).close()
    return path


@pytest.fixture
def anew(tmp_path: Path, empty: Path) -> Callable[[], PastWorld]:
    def make() -> PastWorld:
        copied = shutil.copy(empty, tmp_path / f"{len(list(tmp_path.iterdir()))}.db")
        made = PastWorld(Ledger(f"sqlite:///{copied}", clock=FakeClock()))
        fill(made, a_day=1)
        return made

    return make


@pytest.mark.parametrize("seed", range(8))
def test_any_split_and_any_crash_come_to_what_one_pass_does(anew: Callable[[], PastWorld], seed: int) -> None:
    chance = random.Random(seed)
    world = anew()
    quarters = [sorted(chance.sample(range(4 * DAYS + 1), 2)) for _ in range(chance.randrange(4))]
    left = [chance.randrange(30) for _ in range(1 + chance.randrange(3))]
    for period in [*(Period(day(since / 4), day(until / 4)) for since, until in quarters), ALL]:
        while True:
            try:
                world.backfill(period=period, on_step=Bomb(left.pop(0)) if left else Bomb(10**6))
            except Crash:
                world.clock.advance(61)
                continue
            break
    with world.ledger.read() as tx:
        assert seen.count(tx, "orders") == DAYS
        assert outbox.counts(tx, "orders") == {}
    assert (world.periods("asked"), world.periods("done")) == ([], [ALL])
    whole = anew()
    whole.backfill()
    assert written(world.erp) == written(whole.erp)
    world.ledger.close()
    whole.ledger.close()


moments = st.integers(0, 4 * DAYS).map(lambda quarter: day(quarter / 4))
spans = st.tuples(moments, moments).map(lambda both: Period(min(both), max(both))).filter(lambda one: one.seconds > 0)


@given(st.lists(spans), st.lists(spans))
def test_subtracting_and_joining_keep_every_moment(some: list[Period], others: list[Period]) -> None:
    quarters = [day(quarter / 4) for quarter in range(4 * DAYS)]

    def moments_of(periods: list[Period]) -> set[float]:
        return {at for at in quarters for one in periods if one.since <= at < one.until}

    assert moments_of(merged(some)) == moments_of(some)
    assert moments_of(without(some, others)) == moments_of(some) - moments_of(others)
    for found in (merged(some), without(some, others)):
        assert all(one.until < another.since for one, another in pairwise(found))

"""Handing out flows: written down with what made them due, once, and no pause of one thing keeps another waiting."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from obmen.errors import ConfigurationError, StateError
from obmen.state import Ledger, peers, stops, wishes
from obmen.state.outbox import Decided, put
from obmen.testing.clock import FakeClock
from runner.worker import place
from runner.worker.own import pause_after
from runner.worker.queue import Queue, Standing, name_of
from runner.worker.scheduler import BY_SCHEDULE, Scheduler
from tests.chaos.test_workers import Site, until
from tests.chaos.working import Shops, project

NAME = "shop0"


@pytest.fixture
def site(tmp_path: Path, postgres_url: str) -> Iterator[Site]:
    with Shops() as shops:
        made = Site(tmp_path, postgres_url, shops)
        yield made
        made.close()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def scheduler(site: Site, clock: FakeClock) -> Iterator[Scheduler]:
    ledger = Ledger(site.state, clock=clock)
    yield Scheduler(project(site.file), ledger, clock)
    ledger.close()


def waiting(site: Site, name: str = NAME) -> list[Standing]:
    with site.ledger.read() as tx:
        return Queue().standing(tx).get(name, [])


def test_what_is_due_is_written_down_with_its_job_or_not_at_all(
    site: Site, scheduler: Scheduler, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> bool:
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(scheduler._queue, "put", fail)
        with pytest.raises(ZeroDivisionError):
            scheduler.tick()
    with site.ledger.read() as tx:
        assert wishes.waiting(tx) == []
    for _ in range(3):
        scheduler.tick()
        clock.advance(2.0)
    with site.ledger.read() as tx:
        assert {wish.flow: wish.asked_by for wish in wishes.waiting(tx)} == dict.fromkeys(site.names, BY_SCHEDULE)
    assert [len(waiting(site, name)) for name in site.names] == [1] * len(site.names)


def leads(scheduler: Scheduler) -> bool:
    return scheduler._lease is not None


def test_a_second_scheduler_stands_by_and_takes_over(site: Site, scheduler: Scheduler, clock: FakeClock) -> None:
    scheduler.tick()
    ledger = Ledger(site.state, clock=clock)
    other = Scheduler(project(site.file), ledger, clock)
    other.tick()
    assert not leads(other)
    scheduler.stop(0.0, clock.sleep)
    other.tick()
    assert leads(other)
    ledger.close()


def test_a_person_need_not_wait_for_a_pause(site: Site, scheduler: Scheduler, clock: FakeClock) -> None:
    with site.ledger.write() as tx:
        Queue().put(tx, NAME, "product", after=600.0)
    scheduler.tick()
    assert [job.asleep for job in waiting(site)] == [True]
    clock.advance(1.0)
    with scheduler.ledger.write() as tx:
        wishes.ask(tx, NAME, "anna")
        for name in (f"from_{NAME}", "from_shop1"):
            peers.leave(tx, clock, peers.of(tx, clock, name), 9, 600.0, "it does not answer")
    assert {one.connection: one.seconds for one in scheduler.doing().paused} == {
        f"from_{NAME}": 600.0,
        "from_shop1": 600.0,
    }
    scheduler.tick()
    assert [job.asleep for job in waiting(site)] == [False]
    assert {one.connection: one.seconds for one in scheduler.doing().paused} == {
        f"from_{NAME}": 0.0,  # whether it answers is still to be seen
        "from_shop1": 600.0,
    }


def test_a_source_that_is_left_in_peace_keeps_no_delivery_waiting(site: Site, scheduler: Scheduler) -> None:
    with site.ledger.write() as tx:
        Queue().put(tx, NAME, "product", after=600.0)
        put(tx, NAME, f"to_{NAME}", "product", [Decided("1", "put", "create", b"h", b"{}")], 1)
        tx.connection.exec_driver_sql("UPDATE outbox SET state = 'pending'")
    scheduler.tick()
    assert [job.asleep for job in waiting(site, name_of(NAME, delivery=True))] == [False]
    with psycopg.connect(place.conninfo(site.state), options=place.session_options()) as connection:
        worker = connection.execute("SELECT * FROM procrastinate_register_worker_v1()").fetchone()
        assert worker is not None
        query = "SELECT queueing_lock FROM procrastinate_fetch_job_v2(NULL, %s)"
        fetched = {connection.execute(query, worker).fetchone()[0] for _ in site.names}  # type: ignore[index]  # one row
    assert name_of(NAME, delivery=True) in fetched


def test_what_a_person_has_paused_is_handed_out_to_nobody(site: Site, scheduler: Scheduler) -> None:
    source = project(site.file).flows[NAME].source
    with site.ledger.write() as tx:
        stops.put(tx, source, "product", "read", "anna", "look")
        stops.put(tx, f"to_{NAME}", "", "write", "anna", "look")
        put(tx, NAME, f"to_{NAME}", "product", [Decided("1", "put", "create", b"h", b"{}")], 1)
        tx.connection.exec_driver_sql("UPDATE outbox SET state = 'pending'")
    for _ in range(2):
        scheduler.tick()
        assert (waiting(site), waiting(site, name_of(NAME, delivery=True))) == ([], [])
    with site.ledger.write() as tx:
        assert wishes.of(tx, NAME) is not None, "it is done when it goes on"
        stops.lift(tx, source, "", "")
        stops.lift(tx, f"to_{NAME}", "", "")
    scheduler.tick()
    assert len(waiting(site)) == 1


def test_a_flow_waits_once(site: Site) -> None:
    with site.ledger.write() as tx:
        assert Queue().put(tx, NAME, "product")
        assert not Queue().put(tx, NAME, "product")
        assert Queue().put(tx, NAME, "product", delivery=True)
        wishes.ask(tx, NAME, "anna")  # the transaction goes on, in the ledger's own schema
    assert len(waiting(site)) == 1


def test_a_queue_of_another_version_is_made_anew_when_asked(site: Site) -> None:
    with psycopg.connect(place.conninfo(site.state)) as connection:
        connection.execute(f"COMMENT ON SCHEMA {place.SCHEMA} IS 'older'")
    with pytest.raises(StateError, match="obmen worker --init"):
        place.prepare(site.state)
    place.prepare(site.state, anew=True)
    place.prepare(site.state)
    with pytest.raises(ConfigurationError, match="state migrate"):
        place.prepare("sqlite:///here.db")


def test_pauses_grow_and_a_stop_makes_none() -> None:
    assert pause_after(KeyError("x"), 0) < pause_after(KeyError("x"), 3) < 600.0


def at_work(scheduler: Scheduler) -> set[tuple[str, str]]:
    """Return the connections at which somebody is at work, each with the process."""
    return {(one.connection, one.where.rpartition(":")[2]) for one in scheduler.doing().lanes if one.task}


def test_a_worker_that_is_told_to_stop_hands_the_rest_back(site: Site) -> None:
    site.shops.slow = 0.3
    site.shops.goods[NAME] = 60
    site.open()
    site.hire(jobs=1)
    assert until(lambda: len(site.shops.made.get(NAME, ())) > 3), site.log()
    worker, scheduler = site.workers[0], site._scheduler
    assert until(lambda: (f"to_{NAME}", str(worker.pid)) in at_work(scheduler)), scheduler.doing()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0, site.log()
    assert 3 < len(site.shops.made[NAME]) < 60
    assert any(waiting(site, name_of(NAME, delivery=delivery)) for delivery in (False, True))
    with site.ledger.lease(NAME):
        pass  # nobody holds it any more

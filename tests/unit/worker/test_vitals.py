"""What a worker tells of itself is true, and nothing of it is told by the service as well."""

from __future__ import annotations

import json
import os
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from starlette.routing import Route

from obmen.state import Ledger, clocks, runs, wishes
from obmen.state.seen import checkpoint, save_checkpoint
from obmen.testing.clock import FakeClock
from runner.cli import session
from runner.cli.app import main
from runner.cli.run import House
from runner.daemon.clock import ServiceClock
from runner.exit_codes import ExitCode
from runner.observe import snapshot
from runner.observe.metrics import Metrics
from runner.render import Screen
from runner.worker import place
from runner.worker import worker as module
from runner.worker.queue import Queue
from runner.worker.routes import application
from runner.worker.scheduler import Scheduler
from runner.worker.vitals import TURNING, Vitals
from runner.worker.worker import Worker
from tests.chaos.test_workers import Site, until
from tests.chaos.working import Shops, project
from tests.unit.observe.test_metrics import NAMED, PAGE
from tests.unit.worker.test_clocks import Off

NAME = "shop0"


@pytest.fixture
def site(tmp_path: Path, postgres_url: str) -> Iterator[Site]:
    with Shops() as shops:
        made = Site(tmp_path, postgres_url, shops)
        yield made
        made.close()


def asked(worker: Worker, path: str) -> tuple[int, Any]:
    """Ask one of the worker's routes; return status and body."""
    routes = [one for one in application(worker.vitals, worker.meter).routes if isinstance(one, Route)]
    answer = next(one for one in routes if one.path == path).endpoint(None)
    text = bytes(answer.body).decode()
    return answer.status_code, text if path == "/metrics" else json.loads(text)


def samples(text: str) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(text)
    return {(one.name, *sorted(one.labels.values())): one.value for family in families for one in family.samples}


def test_a_worker_at_work_tells_of_its_calls_and_the_service_of_the_flows(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HEARTBEAT", 0.1)
    monkeypatch.setattr(clocks, "_LOOK_EVERY", 0.1)
    monkeypatch.setattr(clocks, "_LOOK_AGAIN", 0.1)
    clock, loaded = Off(), project(site.file)
    ledger = Ledger(site.state, clock=clock)
    worker = Worker(loaded, ledger, lambda: loaded, jobs=1, clock=ServiceClock())
    service = House(site.ledger, ServiceClock(), lambda one: Scheduler(one, site.ledger, FakeClock()), Screen())
    told = Metrics(site.ledger, lambda: snapshot.take(site.ledger, loaded), service.meter)
    told.text()
    site.shops.goods[NAME] = 5
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        assert until(lambda: asked(worker, "/readyz")[0] == 200)
        clock.ahead = 30.0
        assert until(lambda: [one["what"] for one in asked(worker, "/readyz")[1]["problems"]] == ["clock"])
        assert asked(worker, "/healthz")[0] == 200
        hand_out(site)
        assert not until(lambda: bool(site.shops.made.get(NAME)), seconds=1.0)
        clock.ahead = 0.0
        assert until(lambda: len(site.shops.made.get(NAME, ())) == 5)
        assert until(lambda: asked(worker, "/readyz")[1]["last_job"] is not None)
    finally:
        worker.stop()
        thread.join(30)
    assert not thread.is_alive()
    status, body = asked(worker, "/readyz")
    assert (status, body["draining"], body["last_job"]["flow"]) == (503, True, NAME)
    assert "draining" in [one["what"] for one in body["problems"]]
    mine, theirs = samples(asked(worker, "/metrics")[1]), samples(told_anew(told))
    own = PAGE.read_text(encoding="utf-8").partition("## A worker")[2]
    documented = set(re.findall(NAMED, own, re.MULTILINE))
    assert documented == {name for name, *_ in mine if name.startswith("obmen_worker") and "_created" not in name}
    assert mine["obmen_calls_total", "2xx", f"to_{NAME}"] == 2  # five in batches of three
    assert mine["obmen_call_seconds_count", f"from_{NAME}"] >= 1
    assert mine["obmen_worker_jobs_total", "done"] >= 1
    assert mine["obmen_worker_draining",] == 1
    assert abs(mine["obmen_worker_clock_offset_seconds",]) < clocks.TOLERANCE
    assert theirs["obmen_records_total", NAME, "written"] == 5
    assert {name for name, *_ in mine}.isdisjoint({name for name, *_ in theirs})
    service.close()
    ledger.close()


def hand_out(site: Site) -> None:
    with site.ledger.write() as tx:
        wishes.ask(tx, NAME, "anna")
        Queue().put(tx, NAME, "product")


def told_anew(told: Metrics) -> str:
    told._kept = None  # it says the same for two seconds
    return told.text().decode()


def test_health_and_readiness_follow_its_signs(site: Site) -> None:
    clock = FakeClock()
    vitals = Vitals(clock, clocks.ClockWatch(site.ledger), 2, silence=30.0)
    assert [one["what"] for one in vitals.readiness()["problems"]] == ["state"], "it has not reached it yet"
    vitals.reached()
    assert vitals.readiness()["ok"]
    vitals.began("prices")
    assert vitals.health()["jobs"] == {"running": ["prices"], "at_most": 2}
    vitals.ended("prices", "again")
    assert vitals.health()["last_job"]["outcome"] == "again"
    clock.advance(31.0)
    vitals.turned()
    assert vitals.health()["ok"], "to be started anew would not help"
    assert vitals.readiness()["state"] == "away"
    clock.advance(TURNING)
    assert [one["what"] for one in vitals.health()["problems"]] == ["loop"]


def test_the_command_answers_where_it_is_told_to(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(session, "load_project", lambda _: project(site.file))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        call = ["--project", str(site.file), "--quiet", "worker", "--metrics"]
        assert main([*call, f"127.0.0.1:{port}"]) == ExitCode.MISTAKE
        assert "Write another address with --metrics" in capsys.readouterr().err
        assert main([*call, "everywhere"]) == ExitCode.MISTAKE
    seen: list[int] = []

    def run(_: Worker) -> None:
        seen.extend(requests.get(f"http://127.0.0.1:{port}{path}", timeout=5).status_code for path in PATHS)

    monkeypatch.setattr(Worker, "run", run)
    assert main([*call, f"127.0.0.1:{port}"]) == ExitCode.DONE
    assert seen == [200, 200, 503]


PATHS = ("/metrics", "/healthz", "/readyz")


def test_the_service_tells_what_runs_where(site: Site) -> None:
    clock = FakeClock()
    ledger = Ledger(site.state, clock=clock)
    scheduler = Scheduler(project(site.file), ledger, clock)
    resting = scheduler.doing().lanes
    assert {(one.connection, one.task) for one in resting} == {
        (f"{end}_{name}", "") for name in site.names for end in ("from", "to")
    }
    with ledger.write() as tx:
        Queue().put(tx, NAME, "product")
    with psycopg.connect(place.conninfo(site.state), options=place.session_options()) as connection:
        connection.execute("UPDATE procrastinate_jobs SET status = 'doing'")
    with ledger.lease(NAME):
        with ledger.write() as tx:
            runs.begin(tx, NAME, "sync")
        clock.advance(30.0)
        [reading] = [one for one in scheduler.doing().lanes if one.task]
        assert (reading.connection, reading.task, reading.seconds) == (f"from_{NAME}", f"reading {NAME}", 30.0)
        machine, pid = reading.where.rsplit(":", 1)
        assert (machine, int(pid)) == (socket.gethostname(), os.getpid())
        with ledger.write() as tx:
            save_checkpoint(tx, NAME, replace(checkpoint(tx, NAME), read_at=tx.now))
        [sending] = [one for one in scheduler.doing().lanes if one.task]
        assert (sending.connection, sending.task) == (f"to_{NAME}", f"delivering {NAME}")
    ledger.close()

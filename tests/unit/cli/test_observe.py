"""What people ask about the service from the command line: its status, its alerts, and how the installation is."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from obmen.state import Ledger, alerts, failing
from obmen.state.alerts import Alert
from obmen.testing.sandbox import Request, Response, Sandbox, route
from runner.daemon.pulse import PausedNow, Pulse, save
from tests.unit.cli.conftest import Cli
from tests.unit.cli.kit import FLOWS, KEY, Place, ShelfSandbox, fill

SECRET = "a-long-secret-of-the-hook"


class Hook(Sandbox):
    """Somebody's webhook."""

    def reset(self) -> None:
        self.told: list[dict[str, Any]] = []

    @route("POST", "/hook")
    def take(self, request: Request) -> Response:
        self.told.append(request.json())
        return Response(204)


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as made:
        yield made


@pytest.fixture
def watched(place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox, hook: Hook) -> Ledger:
    """A project that ran once, and its state."""
    fill(erp, 3)
    block = f"alerts: {{ language: en, webhook: {{ url: {hook.url}/hook, secret: {SECRET} }} }}\n"
    place.project(erp.url, shop.url, flows=FLOWS + block)
    assert cli("sync").code == 0
    return Ledger(f"sqlite:///{place.folder}/.obmen/state.db")


def beat(ledger: Ledger, **more: Any) -> None:
    now = time.time()
    save(ledger, Pulse(now - 7200, now, "server:77", next={"stock": now + 60}, **more))


def trouble(ledger: Ledger) -> None:
    with ledger.write() as tx:
        text = "The system shop does not answer.\nWhat to do: wait."
        alerts.save(tx, [Alert("down|shop", "down", "shop", "critical", text, tx.now - 600)])


def test_status_tells_of_the_service(cli: Cli, watched: Ledger) -> None:
    assert "service" not in cli("status").out
    beat(watched, paused=(PausedNow("shop", 90.0, "shop: it does not answer"),), refused="obmen.yaml:3: a slip")
    trouble(watched)
    watched.close()
    out = cli("status").out
    for words in (
        "has run for 2 h",
        "Next: stock in",
        "shop does not answer, left in peace",
        "a slip",
        "does not answer",
    ):
        assert words in out
    data = cli("status", "--json").data
    assert data["service"]["running"] is True
    assert [one["connection"] for one in data["service"]["paused"]] == ["shop"]
    assert [one["name"] for one in data["alerts"]] == ["down|shop"]
    assert {one["flow"]: bool(one["next_at"]) for one in data["flows"]}["stock"]


def test_a_wrong_clock_and_a_refused_key_are_told(cli: Cli, watched: Ledger) -> None:
    words = "shop: GET /x: status 401: who are you."
    with watched.write() as tx:
        failing.failed(tx, "stock", "shop", words, denied=True)
    beat(watched, clock="The clocks differ.")
    watched.close()
    out = cli("status").out
    assert "It takes nothing on. The clocks differ." in out
    assert f"shop refuses its key: {words}" in out
    service = cli("status", "--json").data["service"]
    assert (service["clock"], service["denied"]) == (
        "The clocks differ.",
        [{"connection": "shop", "reason": words}],
    )
    problems = [one["message"] for one in cli("doctor", "--json").data["findings"] if one["level"] == "problem"]
    assert f"It refuses its key: {words}" in problems
    assert "It takes nothing on. The clocks differ." in problems


def test_alerts_are_tried_and_listed(cli: Cli, watched: Ledger, hook: Hook) -> None:
    assert cli("alerts", "test").out == "webhook: sent\n"
    assert hook.told[0]["kind"] == "test"
    assert "No trouble is open" in cli("alerts", "list").out
    trouble(watched)
    watched.close()
    assert "does not answer" in cli("alerts", "list").out
    assert cli("alerts", "list", "--json").data["alerts"][0]["level"] == "critical"
    hook.stop()
    ran = cli("alerts", "test", "--json")
    assert ran.code == 4
    assert ran.data["channels"][0]["arrived"] is False
    assert SECRET not in ran.out + ran.err


def test_alerts_without_a_channel_say_how_to_add_one(
    place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    place.project(erp.url, shop.url)
    ran = cli("alerts", "test")
    assert ran.code == 2
    assert "telegram:" in ran.err


def test_the_doctor_finds_nothing_where_all_is_well(cli: Cli, watched: Ledger) -> None:
    beat(watched)
    watched.close()
    ran = cli("doctor")
    assert ran.code == 0, ran.out
    assert "0 problems" in ran.out
    assert "Its schema" not in ran.err


def test_the_doctor_names_what_is_wrong_and_changes_nothing(place: Place, cli: Cli, watched: Ledger) -> None:
    save(watched, Pulse(time.time() - 9000, time.time() - 4000, "server:77"))
    trouble(watched)
    with watched.write() as tx:
        tx.connection.exec_driver_sql("UPDATE checkpoint SET read_at = read_at - 90000")
    watched.close()
    text = (place.folder / "obmen.yaml").read_text()
    (place.folder / "obmen.yaml").write_text(text + "service: { page: { address: 0.0.0.0:8080 } }\n")
    ran = cli("doctor", "--json")
    assert ran.code == 3
    problems = {one["about"] for one in ran.data["findings"] if one["level"] == "problem"}
    assert {"service", "page", "alert down", "stock"} <= problems
    assert SECRET not in ran.out


def test_the_doctor_makes_no_state_and_tells_a_wrong_project(
    place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    place.project(erp.url, shop.url)
    ran = cli("doctor")
    assert ran.code == 0
    assert "the first run makes it" in ran.out
    assert not (place.folder / ".obmen" / "state.db").exists()
    place.write("obmen.yaml", "connections: { erp: { connector: nothing } }\n")
    assert cli("doctor").code == 2


def test_the_log_is_as_loud_and_of_the_form_that_the_environment_says(
    place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(erp, 3)
    place.project(erp.url, shop.url)
    monkeypatch.setenv("OBMEN_LOG", "debug")
    lines = [json.loads(line) for line in cli("sync").err.splitlines() if line.startswith("{")]
    calls = [one for one in lines if one["event"] == "http.call"]
    assert calls
    assert {one["connection"] for one in calls} == {"erp", "shop"}
    assert all(one["run"] > 0 for one in calls)
    assert KEY not in "".join(map(json.dumps, lines))
    monkeypatch.setenv("OBMEN_LOG_FORMAT", "text")
    assert "http.call" in cli("sync").err
    monkeypatch.setenv("OBMEN_LOG", "loud")
    ran = cli("sync")
    assert ran.code == 2
    assert "OBMEN_LOG" in ran.err

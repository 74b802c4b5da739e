"""What monitors are told: names as documented, labels of the project alone, and the truth, on both databases."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.requests import Request as Call

from obmen.errors import Denied, StateError
from obmen.http import Http, Rate, Transport
from obmen.project import Project
from obmen.state import Ledger, failing, quarantine, runs
from obmen.state.quarantine import Problem
from obmen.testing.clock import FakeClock
from obmen.testing.sandbox import Request, Response, Sandbox, route
from runner.daemon.pulse import LaneNow, Pulse, save
from runner.observe.meter import Meter
from runner.observe.routes import routes
from tests.crash.world import order, price, product
from tests.unit.observe.kit import Watched, watched

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "metrics.md"
OF_SERVICE = PAGE.read_text(encoding="utf-8").partition("## A worker")[0]
NAMED = r"^\| `(obmen_\w+)` "
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@dataclass
class View:
    project: Project
    ledger: Ledger


def asked(one: Watched, path: str, client: str = "127.0.0.1", **headers: str) -> tuple[int, str]:
    """Ask one of the routes; return status and body."""
    view = View(one.works.plant.project, one.works.ledger)
    found = next(route for route in routes(view, one.meter) if route.path == path)
    told = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    answer = found.endpoint(Call({"type": "http", "client": (client, 1), "headers": told}))
    return answer.status_code, bytes(answer.body).decode()


def samples(text: str) -> Samples:
    families = text_string_to_metric_families(text)
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def value(found: Samples, name: str, **labels: str) -> float:
    return found[name, tuple(sorted(labels.items()))]


@pytest.fixture
def shop(tmp_path: Path, state_url: str) -> Iterator[Watched]:
    with watched(tmp_path, state_url) as made:
        erp, channel = made.works.peers["erp"], made.works.peers["shop"]
        erp.put("product", *(product(number) for number in range(4)))
        erp.put("price", *(price(number) for number in range(4)))
        channel.put("order", order(1))
        yield made


@pytest.mark.field("I8")
def test_the_numbers_are_those_of_the_ledger(shop: Watched) -> None:
    view = View(shop.works.plant.project, shop.works.ledger)
    found = next(route for route in routes(view, shop.meter) if route.path == "/metrics")
    found.endpoint(None)
    shop.pass_time(60)
    with shop.works.ledger.write() as tx:
        quarantine.add(
            tx, "prices", "shop", "price", [Problem("deliver", "dear", "no", key=f"K-{n}") for n in "abc"], 1
        )
    shop.works.clock.advance(5)
    numbers = samples(bytes(found.endpoint(None).body).decode())
    assert value(numbers, "obmen_up") == 1
    assert value(numbers, "obmen_flow_lag_seconds", flow="prices") == pytest.approx(35, abs=31)
    assert value(numbers, "obmen_flow_limit_seconds", flow="prices") == 1800
    assert value(numbers, "obmen_flow_late", flow="prices") == 0
    assert value(numbers, "obmen_last_run_status", flow="prices", status="done") == 1
    assert value(numbers, "obmen_quarantine_records", flow="prices", state="open") == 3
    assert value(numbers, "obmen_outbox_records", flow="prices", target="shop", state="pending") == 0
    assert value(numbers, "obmen_records_total", flow="prices", what="written") == 4
    assert value(numbers, "obmen_runs_total", flow="prices", status="done") >= 1
    assert value(numbers, "obmen_connection_paused", connection="erp") == 0


def test_counters_never_fall_when_old_runs_are_forgotten(shop: Watched) -> None:
    view = View(shop.works.plant.project, shop.works.ledger)
    found = next(route for route in routes(view) if route.path == "/metrics")
    found.endpoint(None)
    shop.pass_time(120)
    before = samples(bytes(found.endpoint(None).body).decode())
    with shop.works.ledger.write() as tx:
        assert runs.prune(tx, tx.now + 1, 1000)
    shop.works.clock.advance(5)
    after = samples(bytes(found.endpoint(None).body).decode())
    name = ("obmen_runs_total", (("flow", "orders"), ("status", "done")))
    assert after[name] == before[name] >= 1


def test_names_are_those_of_the_documentation_and_labels_hold_no_data(tmp_path: Path) -> None:
    with watched(tmp_path) as shop:
        erp = shop.works.peers["erp"]
        erp.put("product", product(1))
        erp.put("price", price(1))
        shop.pass_time(60)
        shop.meter.called("erp", 0.2, 1.5, 200)
        shop.meter.called("erp", 0.2, 0.0, None)
        erp.down = True
        shop.pass_time(600, tick=120)
        _, text = asked(shop, "/metrics")
        families = [one for one in text_string_to_metric_families(text) if not one.name.endswith("_created")]
        names = {one.name + ("_total" if one.type == "counter" else "") for one in families}
        assert names == set(re.findall(NAMED, OF_SERVICE, re.MULTILINE))
        words = {"erp", "shop", "goods", "prices", "stocks", "orders"}
        flowing = {"flow", "connection", "target"}
        named = {word for one in families for row in one.samples for key, word in row.labels.items() if key in flowing}
        assert named <= words
        assert "SKU-" not in text
        assert "http" not in text


def test_two_at_work_at_one_connection_are_one_series_and_a_refused_key_is_one(shop: Watched) -> None:
    ledger, now = shop.works.ledger, shop.works.clock.now().timestamp()
    words = "erp: GET /x: status 401: who are you."
    with ledger.write() as tx:
        failing.failed(tx, "prices", "erp", words, denied=True)
    lanes = (LaneNow("erp", "urgent", "reading prices", "prices", 3.0), LaneNow("erp", "urgent", "x", "stocks", 9.0))
    save(ledger, Pulse(now, now, "here:1", lanes, clock="The clocks differ."))
    status, text = asked(shop, "/metrics")
    assert status == 200
    assert text.count("obmen_lane_busy_seconds{") == 1
    numbers = samples(text)
    assert value(numbers, "obmen_lane_busy_seconds", connection="erp", pace="urgent") == 9.0
    assert value(numbers, "obmen_connection_denied", connection="erp") == 1
    assert value(numbers, "obmen_connection_denied", connection="shop") == 0
    assert value(numbers, "obmen_clock_differs") == 1


def test_asked_too_often_the_same_is_said_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with watched(tmp_path) as shop:
        view = View(shop.works.plant.project, shop.works.ledger)
        found = next(route for route in routes(view) if route.path == "/metrics")
        first = bytes(found.endpoint(None).body)
        monkeypatch.setattr(Ledger, "read", None)
        assert bytes(found.endpoint(None).body) == first


@pytest.mark.field("I8")
def test_ready_and_healthy_tell_the_truth(shop: Watched) -> None:
    status, body = asked(shop, "/healthz")
    assert (status, json.loads(body)["problems"][0]["what"]) == (503, "pulse")
    shop.pass_time(60)
    assert [asked(shop, path)[0] for path in ("/healthz", "/readyz")] == [200, 200]
    shop.works.peers["erp"].down = True
    shop.pass_time(20 * 60, tick=120)
    status, body = asked(shop, "/readyz")
    problems = {one["flow"]: one for one in json.loads(body)["problems"]}
    assert status == 503
    assert set(problems) == {"stocks"}
    assert "cannot be reached" in problems["stocks"]["why"]
    assert problems["stocks"]["age_seconds"] > problems["stocks"]["limit_seconds"] == 900
    for stranger in ({"client": "10.0.0.9"}, {"x_forwarded_for": "203.0.113.9"}, {"client": ""}):
        assert asked(shop, "/readyz", **stranger) == (503, '{"ok":false}'), "reasons stay on this machine"
    assert asked(shop, "/healthz")[0] == 200
    shop.works.clock.advance(61)
    assert asked(shop, "/healthz")[0] == 503


def test_a_state_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise StateError("The state database is locked.")

    with watched(tmp_path) as shop:
        monkeypatch.setattr(Ledger, "read", broken)
        assert {asked(shop, path)[0] for path in ("/healthz", "/readyz", "/metrics")} == {503}
        monkeypatch.undo()


def test_a_flow_that_was_never_read_counts_from_the_services_beginning(tmp_path: Path) -> None:
    with watched(tmp_path, rules="    late: { orders: 10m }\n") as shop:
        shop.look()
        assert asked(shop, "/readyz")[0] == 200
        shop.pass_time(11 * 60, tick=60, working=False)
        status, body = asked(shop, "/readyz")
        assert status == 503
        assert [one["flow"] for one in json.loads(body)["problems"]] == ["orders"]


class Slow(Sandbox):
    """Answers, refuses, and shuts out."""

    @route("GET", r"/(?P<status>\d+)")
    def answer(self, request: Request, status: str) -> Response:
        return Response(int(status), {"message": "as you wish"})


def test_calls_are_counted_by_connection_and_kind_of_answer() -> None:
    clock = FakeClock()
    meter = Meter()
    with Slow() as peer:
        http = Http("ozon", Transport(peer.url, budgets={"*": (Rate(2, 60.0),)}), clock=clock)
        http.listener = meter
        for status in (200, 200, 404, 403):
            try:
                http.get(f"/{status}")
            except Exception as error:
                refused = error
        http.close()
    found = {
        (one.name, *sorted(one.labels.values())): one.value
        for family in meter.registry.collect()
        for one in family.samples
    }
    assert found["obmen_calls_total", "2xx", "ozon"] == 2
    assert found["obmen_calls_total", "4xx", "ozon"] == 2
    assert found["obmen_call_seconds_count", "ozon"] == 4
    assert found["obmen_budget_waits_total", "ozon"] >= 1
    assert found["obmen_budget_wait_seconds_total", "ozon"] > 10
    assert isinstance(refused, Denied)

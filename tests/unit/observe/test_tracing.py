"""Traces: what is told of a run, that nothing secret is, and that whoever should take them may be gone."""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, format_trace_id

from obmen import spans
from obmen.errors import ConfigurationError, Denied, Refused, Unavailable
from obmen.http import Http, Rate, Transport
from obmen.http.redact import Redactor
from obmen.project import Project
from obmen.state import Ledger, wishes
from obmen.sync import plan as plans
from obmen.sync.engine import Engine
from obmen.testing.clock import FakeClock
from obmen.testing.peer import Peer
from obmen.testing.sandbox import Request, Response, Sandbox, route
from runner import logging
from runner.daemon.leases import Leases
from runner.observe import otel
from runner.observe.tracing import Wanted, wanted
from runner.worker.breakers import Breakers
from runner.worker.job import FlowJob
from tests.crash.world import order, product
from tests.unit.cli.conftest import cli, erp, place, shop, site  # noqa: F401 - fixtures
from tests.unit.cli.kit import KEY, ROOT, Place, Ran, ShelfSandbox, fill
from tests.unit.daemon.kit import works
from tests.unit.project_kit import CONNECTIONS
from tests.unit.project_kit import project as project_of
from tests.unit.sync.past import FIRST, PastWorld
from tests.unit.sync.test_reconcile import Drifting

SECRET = "key-that-opens/all doors"
Cli = Callable[..., Ran]


@pytest.fixture(autouse=True)
def nobody_asks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_TRACES_EXPORTER", "OTEL_SERVICE_NAME", "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)
    yield
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def memory() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    tracer = otel.Tracer(SimpleSpanProcessor(exporter), Redactor([SECRET]))
    spans.follow(tracer)
    yield exporter
    spans.follow(None)
    tracer.close()


def told(memory: InMemorySpanExporter) -> list[ReadableSpan]:
    return sorted(memory.get_finished_spans(), key=lambda one: one.start_time or 0)


def tree(found: list[ReadableSpan]) -> list[str]:
    """Return each span's name behind those that it belongs to, in the order in which they began."""
    named = {one.context.span_id: one for one in found}

    def path(one: ReadableSpan) -> str:
        above = f"{path(named[one.parent.span_id])} / " if one.parent is not None else ""
        return above + one.name

    return [path(one) for one in found]


# -- a run -----------------------------------------------------------------------------------------------------


def test_a_run_is_one_tree_whichever_lane_did_what(tmp_path: Path, memory: InMemorySpanExporter) -> None:
    with works(tmp_path, flows="goods: { entity: product, from: erp, to: shop }") as one:
        one.peers["erp"].put("product", *(product(number) for number in range(4)))
        one.peers["shop"].refuse = {"SKU-0"}
        one.turn()
    found = told(memory)
    assert tree(found) == [
        "flow goods",
        "flow goods / read",
        "flow goods / read / page",
        "flow goods / read / page",
        "flow goods / read / decide",
        "flow goods / read / close the read",
        "flow goods / deliver shop",
        "flow goods / deliver shop / batch",
        "flow goods / deliver shop / poll",
    ]
    facts = {path: dict(span.attributes or {}) for path, span in zip(tree(found), found, strict=True)}
    root = facts["flow goods"]
    assert {name: root[name] for name in ("obmen.flow", "obmen.entity", "obmen.source", "obmen.kind")} == {
        "obmen.flow": "goods",
        "obmen.entity": "product",
        "obmen.source": "erp",
        "obmen.kind": "sync",
    }
    assert (root["obmen.status"], root["obmen.records.read"], root["obmen.written"]) == ("attention", 4, 3)
    assert facts["flow goods / deliver shop / batch"]["obmen.records.accepted"] == 4
    for path in ("flow goods / deliver shop", "flow goods / deliver shop / poll"):
        assert (facts[path]["obmen.records.done"], facts[path]["obmen.records.refused"]) == (3, 1)
    assert [one.attributes["obmen.records.total"] for one in found if one.name in {"page", "batch"}] == [3, 1, 4]
    assert "SKU-" not in "".join(one.to_json() for one in found)


def test_what_stops_a_run_is_told_by_its_kind_and_words(tmp_path: Path, memory: InMemorySpanExporter) -> None:
    with works(tmp_path, flows="goods: { entity: product, from: erp, to: shop }") as one:
        one.peers["erp"].put("product", product(1))
        one.peers["shop"].down = True
        one.turn()
    failed = {one.name: one for one in told(memory) if one.status.status_code is StatusCode.ERROR}
    assert set(failed) == {"flow goods", "deliver shop", "batch"}
    assert {one.attributes["error.type"] for one in failed.values()} == {"Unavailable"}
    assert "cannot be reached" in failed["batch"].status.description
    assert all(not one.events for one in failed.values())


def test_a_bug_is_told_by_its_kind_alone(memory: InMemorySpanExporter) -> None:
    with pytest.raises(ZeroDivisionError), spans.begin("work"):
        raise ZeroDivisionError("Ivan Primerov +7 999 123-45-67")
    (one,) = told(memory)
    assert (one.attributes["error.type"], one.status.description) == ("ZeroDivisionError", None)


def test_what_came_to_nothing_is_not_shown_unless_something_was_done_in_it(memory: InMemorySpanExporter) -> None:
    idle = spans.begin("idle")
    with spans.begin("within", parent=idle) as within:
        within.forget()
    idle.forget()
    busy = spans.begin("busy")
    with spans.begin("within", parent=busy):
        pass
    busy.forget()
    busy.end()
    assert tree(told(memory)) == ["busy", "busy / within"]


def test_a_delivery_that_found_nothing_to_do_leaves_no_trace(tmp_path: Path, memory: InMemorySpanExporter) -> None:
    with works(tmp_path, flows="goods: { entity: product, from: erp, to: shop, every: off }") as one:
        one.turn()
        one.plant.dispatcher.deliver([("goods", "shop")])
        one.turn()
    assert told(memory) == []


def test_a_workers_job_is_told_like_a_lanes(tmp_path: Path, memory: InMemorySpanExporter) -> None:
    with works(tmp_path, flows="goods: { entity: product, from: erp, to: shop, every: off }") as one:
        one.peers["erp"].put("product", product(1))
        with one.ledger.write() as tx:
            wishes.ask(tx, "goods", "anna", "")
        flows = one.plant.assemblies["calm"].flows
        job = FlowJob(one.ledger, flows, Leases(one.ledger), Breakers(one.ledger), threading.Event(), lambda *_: None)
        job.run("goods", delivery=False)
        job.run("goods", delivery=True)
    assert {"flow goods / read / page", "flow goods / deliver shop / batch"} <= set(tree(told(memory)))


def test_targets_that_are_told_at_once_belong_to_their_run(tmp_path: Path, memory: InMemorySpanExporter) -> None:
    peers = {"erp": Peer(), "shop": Peer(), "second": Peer()}
    with works(tmp_path, flows="goods: { entity: product, from: erp, to: [shop, second] }", peers=peers) as one:
        peers["erp"].put("product", product(1))
        Engine(one.ledger, one.plant.assemblies["calm"].flows).sync()
    assert {f"flow goods / deliver {name} / batch" for name in ("shop", "second")} <= set(tree(told(memory)))


def test_a_backfill_a_comparison_and_a_plan_are_told_as_such(tmp_path: Path, memory: InMemorySpanExporter) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path}/state.db", clock=FakeClock())
    past, drifting = PastWorld(ledger), Drifting(ledger)
    past.erp.put("product", product(1))
    for _ in plans.plan(ledger, past.flows(), ["products"]):
        pass
    past.shop.put("order", {**order(1), "at": (FIRST + timedelta(days=1)).isoformat()})
    past.backfill(beside=True, deliver=False)
    drifting.erp.put("product", product(1))
    drifting.reconcile("products")
    ledger.close()
    found = told(memory)
    kinds = [one.attributes["obmen.kind"] for one in found if one.parent is None]
    assert kinds == ["plan", "backfill", "reconcile"]
    assert {"flow products / read / page", "flow orders / read / page", "flow products / compare"} <= set(tree(found))


def test_what_is_cut_off_is_ended_when_tracing_ends() -> None:
    exporter = InMemorySpanExporter()
    tracer = otel.Tracer(SimpleSpanProcessor(exporter), str)
    tracer("flow goods", {}, None, call=False)
    tracer.close()
    assert [one.name for one in exporter.get_finished_spans()] == ["flow goods"]


# -- calls -----------------------------------------------------------------------------------------------------


class Door(Sandbox):
    """Answers with the statuses that it was given, one after the other."""

    answers: tuple[int, ...] = (200,)

    @route("POST", r"/.*")
    def answer(self, request: Request) -> Response:
        status, *rest = self.answers
        self.answers = tuple(rest) or (status,)
        return Response(status, {"message": f"no: {SECRET}, ask Ivan, phone: +7 999 123-45-67"})


def called(door: Door, *answers: int, path: str = "/v1/list", url: str = "") -> None:
    door.answers = answers
    transport = Transport(url or door.url, {"Api-Key": SECRET}, budgets={"*": (Rate(1, 60.0),)})
    http = Http("ozon", transport, clock=FakeClock(), secrets=[SECRET])
    try:
        http.post(path, json={"name": "Ivan Primerov"}, params={"token": SECRET}, safe=True)
    finally:
        http.close()


def test_each_try_of_a_call_is_told_in_the_words_of_the_conventions(memory: InMemorySpanExporter) -> None:
    with Door() as door:
        called(door, 429, 200)
        port = int(door.url.rpartition(":")[2])
    first, second = told(memory)
    assert (first.name, first.kind, second.status.status_code) == ("POST", SpanKind.CLIENT, StatusCode.UNSET)
    common = {
        "http.request.method": "POST",
        "server.address": "127.0.0.1",
        "server.port": port,
        "url.path": "/v1/list",
        "obmen.connection": "ozon",
        "obmen.request_id": first.attributes["obmen.request_id"],
    }
    assert dict(first.attributes) == {**common, "http.response.status_code": 429, "error.type": "429"}
    waited = second.attributes["obmen.budget.waited"]
    assert waited > 0
    again = {"http.response.status_code": 200, "http.request.resend_count": 1, "obmen.budget.waited": waited}
    assert dict(second.attributes) == {**common, **again}


@pytest.mark.parametrize(
    ("status", "error", "kind"), [(403, Denied, "403"), (404, Refused, "404"), (None, Unavailable, "Unavailable")]
)
def test_a_call_that_fails_says_why_without_secrets(
    memory: InMemorySpanExporter, status: int | None, error: type[Exception], kind: str
) -> None:
    with Door() as door:
        url = door.url
        if status is None:
            door.stop()
        with pytest.raises(error):
            called(door, status or 0, path=f"/v1/{SECRET}/+79991234567?key={SECRET}", url=url)
    for one in told(memory):
        assert (one.attributes["error.type"], one.status.status_code) == (kind, StatusCode.ERROR)
        said = one.to_json()
        assert "/v1/" in said
        for secret in (SECRET, "key-that-opens", "Primerov", "123-45", "9991234567", "token="):
            assert secret not in said


def test_a_pages_calls_belong_to_the_page(memory: InMemorySpanExporter) -> None:
    def pages(door: Door) -> Iterator[int]:
        for number in range(2):
            called(door, 200)
            yield number

    with Door() as door, spans.begin("read"):
        assert list(spans.each("page", pages(door), lambda number: {"obmen.records.total": number})) == [0, 1]
    assert tree(told(memory)) == ["read", "read / page", "read / page / POST", "read / page", "read / page / POST"]


def test_events_of_the_log_name_their_trace(
    memory: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OBMEN_LOG_FORMAT", "json")
    logging.configure(logging.VERBOSE)
    with Door() as door, spans.begin("read"):
        called(door, 200)
    structlog.get_logger("obmen.test").info("after")
    call, after = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    _, post = told(memory)
    assert call["event"] == "http.call"
    assert call["trace_id"] == format_trace_id(post.context.trace_id)
    assert int(call["span_id"], 16) == post.context.span_id
    assert "trace_id" not in after


# -- whether -----------------------------------------------------------------------------------------------------

HERE = "http://127.0.0.1:4318"


@pytest.mark.parametrize(
    ("tracing", "environment", "endpoint"),
    [
        ("", {}, "nobody"),
        (HERE, {}, f"{HERE}/v1/traces"),
        (f"{HERE}/otlp/", {}, f"{HERE}/otlp/v1/traces"),
        (f"{HERE}/v1/traces", {}, f"{HERE}/v1/traces"),
        (HERE, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://other"}, f"{HERE}/v1/traces"),
        ("", {"OTEL_EXPORTER_OTLP_ENDPOINT": HERE}, None),
        ("", {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{HERE}/v1/traces"}, None),
        ("", {"OTEL_TRACES_EXPORTER": "otlp"}, None),
        ("", {"OTEL_SERVICE_NAME": "shop"}, "nobody"),
        ("off", {"OTEL_EXPORTER_OTLP_ENDPOINT": HERE}, "nobody"),
        (HERE, {"OTEL_SDK_DISABLED": "TRUE"}, "nobody"),
        (HERE, {"OTEL_TRACES_EXPORTER": "none"}, "nobody"),
    ],
)
def test_the_project_says_whether_and_where_else_the_environment(
    tmp_path: Path, tracing: str, environment: dict[str, str], endpoint: str | None
) -> None:
    found = wanted(project(tmp_path, tracing), environment)
    assert found is None if endpoint == "nobody" else found == Wanted(endpoint, found.by)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("tracing", "environment", "word"),
    [
        ("", {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ("", {"OTEL_TRACES_EXPORTER": "console"}, "OTEL_TRACES_EXPORTER is 'console'"),
        (HERE, {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "http/protobuf alone"),
        ("127.0.0.1:4318", {}, "is written as"),
        ("http://me:pass@collector", {}, "OTEL_EXPORTER_OTLP_HEADERS"),
    ],
)
def test_what_cannot_be_given_is_refused(tmp_path: Path, tracing: str, environment: dict[str, str], word: str) -> None:
    with pytest.raises(ConfigurationError, match=word) as caught:
        wanted(project(tmp_path, tracing), environment)
    assert "me:pass" not in str(caught.value)


def project(folder: Path, tracing: str) -> Project:
    service = f'service: {{ tracing: "{tracing}" }}\n' if tracing else ""
    return project_of(folder, f"{CONNECTIONS}  goods: {{ entity: product, from: ut, to: shop }}\n{service}")


# -- by the command line, to a collector ----------------------------------------------------------------------------


class Collector(Sandbox):
    """Takes traces by OTLP over HTTP; ``status``: what it answers."""

    status = 200

    def reset(self) -> None:
        self.taken: list[ExportTraceServiceRequest] = []
        self.asked = 0

    @route("POST", r"/v1/traces")
    def take(self, request: Request) -> Response:
        self.asked += 1
        assert request.headers["content-type"] == "application/x-protobuf"
        if self.status == 200:
            self.taken.append(ExportTraceServiceRequest.FromString(request.body))
        return Response(self.status, b"")

    @property
    def spans(self) -> list[Any]:
        return [
            span
            for one in self.taken
            for resource in one.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


def test_a_sync_tells_its_collector_all_of_it_and_no_secret(
    place: Place,  # noqa: F811 - the fixture
    cli: Cli,  # noqa: F811 - the fixture
    erp: ShelfSandbox,  # noqa: F811 - the fixture
    shop: ShelfSandbox,  # noqa: F811 - the fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place.project(erp.url, shop.url)
    fill(erp, goods=3)
    with Collector() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_SERVICE_NAME", "carpets")
        assert cli("sync").code == 0
        first = list(collector.spans)
        shop.key = "another"
        erp.put("price", {"id": "A-1", "type": "base", "amount": "101.00"})
        assert cli("sync", "prices").code == 4
    names = [span.name for span in first]
    assert sorted(name for name in names if name.startswith("flow")) == ["flow prices", "flow products", "flow stock"]
    assert {"read", "page", "decide", "deliver shop", "batch", "GET", "POST"} <= set(names)
    resource = {one.key: one.value.string_value for one in collector.taken[0].resource_spans[0].resource.attributes}
    assert resource["service.name"] == "carpets"
    assert resource["service.version"]
    failed = next(span for span in collector.spans if span.name == "POST" and span.status.code == 2)
    assert {one.key: one.value.string_value for one in failed.attributes}["error.type"] == "401"
    assert "the key has expired" in failed.status.message
    said = "".join(str(one) for one in collector.taken)
    assert not [word for word in (KEY, "X-Key", "Rug", "100.00") if word in said]


def test_a_collector_that_is_gone_changes_nothing(
    place: Place,  # noqa: F811 - the fixture
    cli: Cli,  # noqa: F811 - the fixture
    erp: ShelfSandbox,  # noqa: F811 - the fixture
    shop: ShelfSandbox,  # noqa: F811 - the fixture
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Collector() as collector:
        gone = collector.url
    monkeypatch.setattr(otel, "FLUSH_WITHIN", float("inf"))
    file = place.project(erp.url, shop.url, more="")
    file.write_text(f"{file.read_text('utf-8')}service: {{ tracing: {gone!r} }}\n", encoding="utf-8")
    fill(erp, goods=3)
    ran = cli("sync")
    assert ran.code == 0
    assert len(shop.records["price"]) == 3
    assert ran.err.count("traces.unsent") == 1
    assert "Traceback" not in ran.err
    assert "telemetry" not in ran.err


def test_a_collector_that_takes_nothing_is_not_asked_again_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otel, "FLUSH_WITHIN", float("inf"))
    with Collector() as collector:
        collector.status = 503
        tracer = otel.Tracer(otel.Sender(f"{collector.url}/v1/traces"), str)
        tracer("flow goods", {}, None, call=False).end()
        tracer.close()
        assert collector.asked == 1


def test_a_collector_that_never_answers_is_waited_for_no_longer_than_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(otel, "FLUSH_WITHIN", 0.05)
    answer = threading.Event()

    class Hanging(Collector):
        @route("POST", r"/v1/traces")
        def take(self, request: Request) -> Response:
            answer.wait(30)
            return Response(200, b"")

    with Hanging() as collector:
        tracer = otel.Tracer(otel.Sender(f"{collector.url}/v1/traces"), str)
        tracer("flow goods", {}, None, call=False).end()
        tracer.close()
        assert not answer.is_set()
        answer.set()


def test_a_collector_that_is_back_is_told_of_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OBMEN_LOG_FORMAT", "json")
    logging.configure(logging.TELLING)
    with Collector() as collector, otel.Road() as road:
        collector.status = 401
        for _ in range(2):
            road.request("POST", f"{collector.url}/v1/traces", headers={"content-type": "application/x-protobuf"})
        collector.status = 200
        road.request("POST", f"{collector.url}/v1/traces", headers={"content-type": "application/x-protobuf"})
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    events = [(one["event"], one.get("reason")) for one in said]
    others = ("traces.unsent", "ConnectionError")  # of a road that an earlier test left to its end
    assert [one for one in events if one != others] == [("traces.unsent", "status 401"), ("traces.sent_again", None)]


def test_a_service_sends_what_is_left_when_it_is_stopped(
    place: Place,  # noqa: F811 - the fixture
    erp: ShelfSandbox,  # noqa: F811 - the fixture
    shop: ShelfSandbox,  # noqa: F811 - the fixture
) -> None:
    place.project(erp.url, shop.url, flows="flows:\n  products: { entity: product, from: erp, to: shop }\n")
    fill(erp, goods=1)
    arrived = threading.Event()
    put = shop.put

    def noted(*args: Any) -> None:
        put(*args)
        arrived.set()

    shop.put = noted  # type: ignore[method-assign]  # a test's ear
    with Collector() as collector:
        place.environment |= {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "3600000",
        }
        process = place.start("run")
        assert arrived.wait(60)
        assert collector.asked == 0
        process.terminate()
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert {"flow products", "deliver shop", "POST"} <= {span.name for span in collector.spans}


@pytest.mark.parametrize("command", ["sync", "run", "worker"])
def test_without_the_extra_it_is_said_what_to_install(
    place: Place,  # noqa: F811 - the fixture
    cli: Cli,  # noqa: F811 - the fixture
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    file = place.project("http://127.0.0.1:9", "http://127.0.0.1:9")
    state = "state: postgresql://nobody@127.0.0.1:9/none\n"
    file.write_text(f"{file.read_text('utf-8')}{state}service: {{ tracing: {HERE!r} }}\n", encoding="utf-8")
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, "runner.observe.otel")
    ran = cli(command)
    assert ran.code == 2
    assert "pip install 'obmen[otel]'" in ran.err
    assert "service: { tracing: … }" in ran.err


def test_who_does_not_ask_does_not_load_it(place: Place) -> None:  # noqa: F811 - the fixture
    program = (
        "import sys; from runner.cli import main; import runner.cli.run, runner.cli.worker; "
        "code = main(['sync', '--wait', '0']); "
        "assert not [name for name in sys.modules if name.partition('.')[0] == 'opentelemetry']; sys.exit(code)"
    )
    (place.folder / "empty").mkdir()
    place.write(
        "obmen.yaml",
        "connections: { erp: { connector: shelf, folder: empty }, shop: { connector: shelf, folder: empty } }\n"
        "flows: { products: { entity: product, from: erp, to: shop } }\n",
    )
    place.begin = ("-c", program)
    ran = place.process()
    assert ran.code == 0, ran.err


def test_nothing_but_its_module_imports_the_library() -> None:
    files = [path for name in ("obmen", "connectors", "runner") for path in (ROOT / name).rglob("*.py")]
    asking = re.compile(r"^\s*(from|import) opentelemetry", re.MULTILINE)
    assert [path.name for path in files if asking.search(path.read_text("utf-8"))] == ["otel.py"]

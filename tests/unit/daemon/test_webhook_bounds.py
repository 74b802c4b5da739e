"""What a webhook cannot do, whoever calls: forge, replay, press on, or lose a call that was let in."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from obmen.endpoint import Request, Response
from obmen.errors import ConfigurationError
from obmen.state import wishes
from obmen.testing.peer import Peer
from runner.daemon import webhooks
from tests.unit.daemon.hooks import (
    FLOWS,
    KNOWN,
    READ,
    SECRET,
    Held,
    Writes,
    call,
    contents,
    forget,
    hooked,
    signed,
    standing,
    told,
)
from tests.unit.daemon.kit import loaded, written


def test_only_the_flows_that_are_named_are_woken(tmp_path: Path) -> None:
    service = f"service: {{ webhooks: {{ erp: {{ secret: {SECRET}, flows: [stocks] }} }} }}\n"
    with hooked(tmp_path, service) as (at, endpoints):
        assert call(endpoints).body == b'{"flows":["stocks"]}'
        assert call(endpoints, b'{"entity": "product", "ids": ["A-1"]}').body == b'{"flows":[]}'
        assert (standing(at.ledger), told(at.ledger, "product")) == ({"stocks"}, [])


def test_what_is_remembered_of_signatures_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "_REMEMBERED", 3)
    with hooked(tmp_path) as (at, endpoints):
        proofs = []
        for _ in range(5):
            at.clock.advance(2)
            proofs.append(signed(at))
            call(endpoints, **proofs[-1])
        assert [call(endpoints, **proof).body != b'{"flows":[]}' for proof in reversed(proofs)] == [0, 0, 0, 1, 1]


def test_those_who_are_not_let_in_take_nobodys_place(tmp_path: Path) -> None:
    with hooked(tmp_path) as (_, endpoints):
        assert {call(endpoints, X_Obmen_Secret="wrong").status for _ in range(200)} == {401}
        assert call(endpoints).status == 200


def test_a_call_within_the_same_second_is_kept_at_its_end(tmp_path: Path) -> None:
    with hooked(tmp_path) as (at, endpoints):
        call(endpoints)
        forget(at.ledger)
        call(endpoints, b'{"entity": "stock"}')
        assert standing(at.ledger) == set()
        Held.last.fire()
        assert standing(at.ledger) == {"stocks"}
        forget(at.ledger)
        call(endpoints, b'{"entity": "product"}')
        endpoints.close()
        assert Held.last.cancelled
        assert standing(at.ledger) == {"goods"}


def test_a_state_in_use_loses_no_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hooked(tmp_path) as (at, endpoints):
        writes = Writes(at.ledger, monkeypatch)
        writes.busy = True
        proof = signed(at)
        assert call(endpoints, **proof).status == 503
        writes.busy = False
        assert call(endpoints, **proof).status == 200
        assert standing(at.ledger) == READ
        forget(at.ledger)
        call(endpoints)
        writes.busy = True
        Held.last.fire()
        writes.busy = False
        Held.last.fire()
        assert standing(at.ledger) == READ


def test_a_body_that_breaks_off_is_refused(tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            raise ConnectionResetError("the caller went away")

    with hooked(tmp_path) as (at, endpoints):
        for _ in range(20):
            headers = {name.replace("_", "-").lower(): value for name, value in signed(at).items()}
            request = Request("POST", "/wake", {}, headers, Broken(), "127.0.0.1")
            assert endpoints.by_connection["erp"].handle(request).status == 400
        assert standing(at.ledger) == set()


NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "entity": st.sampled_from(["product", "stock", "order", "x"]) | st.none() | st.integers(),
        "ids": st.lists(st.text(max_size=5) | st.integers(), max_size=4) | st.text(max_size=3),
        "flows": st.text(max_size=5),
    },
)
BODIES = st.binary(max_size=200) | NEARLY.map(lambda body: json.dumps(body).encode())


def test_forged_bodies_and_headers_harm_nothing(tmp_path: Path) -> None:
    with hooked(tmp_path) as (at, endpoints):
        before = contents(at.ledger)

        @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(BODIES, st.text(max_size=20), st.sampled_from(["X_Obmen_Secret", "Authorization", "signed", "known"]))
        def forged(body: bytes, value: str, way: str) -> None:
            at.clock.advance(60)
            forget(at.ledger)
            headers = KNOWN if way == "known" else signed(at, body) if way == "signed" else {way: value}
            answer = call(endpoints, body, **headers)
            assert answer.status in {200, 400, 401}
            woken = set(json.loads(answer.body)["flows"]) if answer.status == 200 else set()
            assert standing(at.ledger) == woken <= READ

        forged()
        assert contents(at.ledger) == before


def test_the_flow_runs(tmp_path: Path) -> None:
    with hooked(tmp_path) as (at, endpoints):
        at.turn()
        assert not at.runs("goods")
        at.peers["erp"].put("product", {"id": "A-1", "name": "Lamp"})
        assert call(endpoints, b'{"entity": "product", "ids": ["A-1"]}').status == 200
        at.turn()
        assert [run.status for run in at.runs("goods")] == ["done"]
        assert list(at.peers["shop"].of("product")) == ["A-1"]
        assert not at.runs("stocks")
        at.turn()
        assert len(at.runs("goods")) == 1


def test_a_pause_for_a_system_that_does_not_answer_is_kept(tmp_path: Path) -> None:
    with hooked(tmp_path) as (at, endpoints):
        at.peers["erp"].down = True
        for _ in range(100):
            at.clock.advance(2)
            call(endpoints)
            at.turn()
        tried = len(at.runs("goods"))
        at.clock.advance(1)
        at.ask("goods")
        at.turn()
        assert tried < 20
        assert len(at.runs("goods")) == tried + 1
        at.peers["erp"].down = False
        at.pass_time(700, tick=50)
        assert at.runs("stocks")[-1].status == "done"


def test_what_a_person_let_go_once_is_not_let_go_by_calls_that_follow(tmp_path: Path) -> None:
    with hooked(tmp_path) as (at, endpoints):
        at.ask("goods", "prices were checked")
        with at.ledger.read() as tx:
            asked = wishes.of(tx, "goods")
        assert asked is not None
        at.clock.advance(2)
        call(endpoints)
        with at.ledger.write() as tx:
            assert [wish.reason for wish in wishes.waiting(tx) if wish.flow == "goods"] == ["prices were checked"]
            wishes.done(tx, asked)
            assert [wish.reason for wish in wishes.waiting(tx) if wish.flow == "goods"] == [""]


def test_it_stands_beside_a_connectors_own_endpoint(tmp_path: Path) -> None:
    class Own:
        def handle(self, request: Request) -> Response:
            return Response(body=request.path.encode())

        def close(self) -> None:
            """Nothing works in the background."""

    with hooked(tmp_path) as (at, endpoints):
        hook = endpoints.by_connection["erp"]
        assert isinstance(hook, webhooks.Webhook)
        hook.beside = Own()
        assert call(endpoints, path="/exchange").body == b"/exchange"
        assert call(endpoints, path="/wake/").body == b"/wake/"
        assert standing(at.ledger) == set()
        assert call(endpoints).body == b'{"flows":["goods","stocks"]}'


def test_nothing_of_a_body_or_a_secret_is_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hooked(tmp_path) as (at, endpoints), structlog.testing.capture_logs() as logs:
        writes = Writes(at.ledger, monkeypatch)
        call(endpoints, b'{"entity": "product", "ids": ["SAID-1"]}')
        call(endpoints, b'{"entity": "SAID-1"}')
        call(endpoints, X_Obmen_Secret="SAID-1")
        writes.busy = True
        call(endpoints, b'{"entity": "stock", "ids": ["SAID-1"]}')
        assert {entry["event"] for entry in logs} >= {"webhook.heard", "webhook.not_kept"}
        assert "SAID-1" not in str(logs)
        assert SECRET not in str(logs) + repr(at.plant.project)
        assert SECRET in at.plant.project.secrets


@pytest.mark.parametrize(
    ("hooks", "said"),
    [
        (f"{{ epr: {{ secret: {SECRET} }} }}", "There is no connection 'epr'. Did you mean 'erp'?"),
        (f"{{ erp: {{ secret: {SECRET}, flows: [stoks] }} }}", "There is no flow 'stoks'. Did you mean 'stocks'?"),
        (f"{{ erp: {{ secret: {SECRET}, flows: [orders] }} }}", "'orders' reads from 'shop', not from 'erp'."),
        (f"{{ idle: {{ secret: {SECRET} }} }}", "No flow reads from 'idle', so there is nothing to wake."),
        ("{ erp: { secret: short } }", "'secret': a secret has 16 Latin letters, digits and signs at least"),
        ("{ erp: { secret: with a space within it } }", "and no spaces"),
        ("{ erp: {} }", "The key 'secret' is missing"),
        (f"{{ erp: {{ secret: {SECRET}, flow: [{SECRET}] }} }}", "Did you mean 'flows'?"),
        (f"{{ erp: {{ secret: {SECRET}, flows: [{SECRET}] }} }}", "There is no flow '•••'"),
    ],
)
def test_a_webhook_that_cannot_be_is_refused(tmp_path: Path, hooks: str, said: str) -> None:
    peers = {"erp": Peer(), "shop": Peer(), "idle": Peer()}
    with pytest.raises(ConfigurationError) as caught:
        loaded(written(tmp_path, peers, FLOWS, f"service: {{ webhooks: {hooks} }}\n"), peers)
    assert said in str(caught.value)
    assert SECRET not in str(caught.value)

"""The sandbox base: routes, faults before and after the effect, and its control paths."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from obmen.testing.sandbox import Fault, Request, Response, Sandbox, route


class Shop(Sandbox):
    """Keeps a list of records, and a limit on one path."""

    records: list[Any]

    def reset(self) -> None:
        self.records = []

    def state(self) -> Any:
        return {"records": self.records}

    def before(self, request: Request) -> Response | None:
        return Response(401, {"message": "who?"}) if request.headers.get("api-key") == "wrong" else None

    @route("POST", r"/records")
    def create(self, request: Request) -> Response:
        self.records.append(request.json()["value"])
        if self.fault("late"):
            return Response(202, {"later": True})
        return Response(201, {"count": len(self.records)})

    def put(self, value: Any, *more: Any) -> int:
        self.records += [value, *more]
        return len(self.records)

    @route("GET", r"/records/(?P<index>\d+)")
    def one(self, request: Request, index: str) -> Response:
        return Response(json={"value": self.records[int(index)], "query": dict(request.query)})


class Chain(Shop):
    """A subclass: its own handler is asked before its base's."""

    @route("GET", r"/records/(?P<index>\d+)")
    def another(self, request: Request, index: str) -> Response:
        return Response(json={"chain": index})


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop(journal=True) as running:
        yield running


@pytest.fixture
def client() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def _create(client: requests.Session, shop: Shop, value: Any = 1) -> requests.Response:
    return client.post(f"{shop.url}/records", json={"value": value}, timeout=5)


def test_it_keeps_what_it_is_told(shop: Shop, client: requests.Session) -> None:
    assert _create(client, shop, "Ж").status_code == 201
    answer = client.get(f"{shop.url}/records/0?a=%D0%96&b=", timeout=5)
    assert answer.json() == {"value": "Ж", "query": {"a": "Ж", "b": ""}}
    assert client.get(f"{shop.url}/__sandbox__/state", timeout=5).json() == {"records": ["Ж"]}
    assert client.post(f"{shop.url}/__sandbox__/reset", timeout=5).status_code == 204
    assert shop.records == []


def test_it_refuses_what_it_does_not_know(shop: Shop, client: requests.Session) -> None:
    assert client.get(f"{shop.url}/records/1/more", timeout=5).status_code == 404
    assert client.delete(f"{shop.url}/records/1", timeout=5).status_code == 404
    wrong = client.post(f"{shop.url}/records", json={}, headers={"Api-Key": "wrong"}, timeout=5)
    assert wrong.status_code == 401
    assert client.post(f"{shop.url}/records", data=b"{not json", timeout=5).status_code == 400


def test_its_own_failure_is_shown(shop: Shop, client: requests.Session, capsys: pytest.CaptureFixture[str]) -> None:
    answer = client.get(f"{shop.url}/records/7", timeout=5)
    assert answer.status_code == 500
    assert "IndexError" in answer.json()["message"]
    assert "IndexError" in capsys.readouterr().err


def test_a_subclass_answers_first(client: requests.Session) -> None:
    with Chain() as chain:
        assert client.get(f"{chain.url}/records/3", timeout=5).json() == {"chain": "3"}
        assert _create(client, chain).status_code == 201


class TestFaults:
    """Before the effect nothing is kept; after it everything is."""

    @pytest.mark.parametrize(
        ("kind", "kept"),
        [("status", 0), ("status_after", 1)],
    )
    def test_a_status(self, shop: Shop, client: requests.Session, kind: Any, kept: int) -> None:
        shop.faults.append(Fault(kind=kind, status=503, retry_after="7"))
        answer = _create(client, shop)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
        assert len(shop.records) == kept
        assert _create(client, shop).status_code == 201

    @pytest.mark.parametrize(
        ("kind", "kept"),
        [("drop", 0), ("drop_after", 1), ("hang", 0), ("hang_after", 1), ("truncate", 1)],
    )
    def test_an_answer_that_does_not_come(self, shop: Shop, client: requests.Session, kind: Any, kept: int) -> None:
        shop.faults.append(Fault(kind=kind, seconds=0.01))
        with pytest.raises(requests.RequestException):
            _create(client, shop)
        assert len(shop.records) == kept

    def test_a_page_of_html(self, shop: Shop, client: requests.Session) -> None:
        shop.faults.append(Fault(kind="html"))
        answer = _create(client, shop)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/html")
        assert shop.records == []

    def test_a_slow_answer(self, shop: Shop, client: requests.Session) -> None:
        shop.faults.append(Fault(kind="slow", seconds=0.01))
        assert _create(client, shop).status_code == 201

    def test_a_systems_own(self, shop: Shop, client: requests.Session) -> None:
        shop.faults.append(Fault(kind="custom", name="late"))
        assert _create(client, shop).status_code == 202
        assert _create(client, shop).status_code == 201

    def test_which_requests_and_how_often(self, shop: Shop, client: requests.Session) -> None:
        shop.faults.append(Fault(kind="status", match="POST /records", skip=1, times=2, status=429))
        statuses = [_create(client, shop).status_code for _ in range(5)]
        assert statuses == [201, 429, 429, 201, 201]
        assert client.get(f"{shop.url}/records/0", timeout=5).status_code == 200

    def test_a_share_is_repeatable(self, client: requests.Session) -> None:
        runs = []
        for _ in range(2):
            with Shop(seed=7) as shop:
                shop.faults.append(Fault(kind="status", times=None, share=0.5))
                runs.append([_create(client, shop).status_code for _ in range(20)])
        assert runs[0] == runs[1]
        assert set(runs[0]) == {201, 503}

    def test_they_are_injected_and_taken_back_over_http(self, shop: Shop, client: requests.Session) -> None:
        faults = f"{shop.url}/__sandbox__/faults"
        told = client.post(faults, data=json.dumps([{"kind": "status", "status": 500}]), timeout=5)
        assert told.json() == [{"kind": "status", "status": 500}]
        assert client.get(faults, timeout=5).json() == told.json()
        assert client.delete(faults, timeout=5).status_code == 204
        assert _create(client, shop).status_code == 201

    @pytest.mark.parametrize("body", ["{", "{}", '[{"kind": "nonsense"}]', "[{}]", '[{"kind": "drop", "match": "("}]'])
    def test_a_wrong_one_is_refused(self, shop: Shop, client: requests.Session, body: str) -> None:
        answer = client.post(f"{shop.url}/__sandbox__/faults", data=body, timeout=5)
        assert answer.status_code == 400
        assert "not a list of faults" in answer.json()["message"]
        assert shop.faults == []


def test_the_journal_keeps_what_went_as_it_should(shop: Shop, client: requests.Session) -> None:
    shop.faults.append(Fault(kind="status"))
    _create(client, shop)
    _create(client, shop, "Ж")
    kept = client.get(f"{shop.url}/__sandbox__/journal", timeout=5).json()
    assert [(one["method"], one["path"], one["status"]) for one in kept] == [("POST", "/records", 201)]
    assert json.loads(kept[0]["request"]) == {"value": "Ж"}
    assert json.loads(kept[0]["response"]) == {"count": 1}


def test_an_unknown_control_path_says_what_is_known(shop: Shop, client: requests.Session) -> None:
    answer = client.get(f"{shop.url}/__sandbox__/nothing", timeout=5)
    assert answer.status_code == 404
    assert "GET state" in answer.json()["message"]


def test_it_dates_its_answers_by_its_own_clock(
    shop: Shop, client: requests.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop, "now", lambda: 1_900_000_000.0)
    dated = parsedate_to_datetime(_create(client, shop).headers["Date"])
    assert dated.timestamp() == 1_900_000_000.0


def test_it_survives_a_client_that_talks_nonsense(shop: Shop, client: requests.Session) -> None:
    port = int(shop.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"POST /records HTTP/1.1\r\nContent-Length: many\r\n\r\n")
        assert b" 400 " in connection.recv(1000)
    assert _create(client, shop).status_code == 201


def test_when_it_stops_it_is_gone_even_for_an_open_connection(client: requests.Session) -> None:
    shop = Shop()
    shop.start()
    url = shop.url
    assert _create(client, shop).status_code == 201
    shop.stop()
    with pytest.raises(requests.ConnectionError):
        client.get(f"{url}/records/0", timeout=5)
    with pytest.raises(RuntimeError, match="not started"):
        _ = shop.url


def test_stopping_does_not_wait_for_an_answer_that_hangs() -> None:
    shop = Shop()
    shop.start()
    shop.faults.append(Fault(kind="hang", seconds=600))
    port = int(shop.url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(b"GET /records/0 HTTP/1.1\r\n\r\n")
        while shop.faults[0].times:
            continue
        shop.stop()
        assert connection.recv(100) == b""


def test_hands_are_reached_by_name(shop: Shop, client: requests.Session) -> None:
    done = client.post(f"{shop.url}/__sandbox__/do/put", json=["чай", {"sugar": 2}], timeout=5)
    assert (done.status_code, done.json()) == (200, 2)
    assert shop.records == ["чай", {"sugar": 2}]


@pytest.mark.parametrize("name", ["create", "reset", "handle", "_draw", "records", "stop", "nothing"])
def test_what_is_no_hand_is_not_reached(shop: Shop, client: requests.Session, name: str) -> None:
    refused = client.post(f"{shop.url}/__sandbox__/do/{name}", json=["x"], timeout=5)
    assert refused.status_code == 404
    assert "They do: put" in refused.json()["message"]
    assert shop.records == []


@pytest.mark.parametrize("body", [b"{", b"{}", b"[]"])
def test_what_a_hand_cannot_do_is_told(shop: Shop, client: requests.Session, body: bytes) -> None:
    refused = client.post(f"{shop.url}/__sandbox__/do/put", data=body, timeout=5)
    assert refused.status_code == 400
    assert "put cannot be done so" in refused.json()["message"]

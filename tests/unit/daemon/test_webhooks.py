"""Webhooks over HTTP: whoever knows the secret wakes flows, and nobody else does anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from obmen.project.service import Address
from runner import serve as hosting
from runner.daemon.doors import Endpoints, opened
from tests.unit.daemon.hooks import (
    KNOWN,
    READ,
    SECRET,
    Writes,
    call,
    forget,
    hooked,
    post,
    signed,
    standing,
    told,
)
from tests.unit.daemon.kit import Works


@pytest.fixture
def here(tmp_path: Path) -> Iterator[tuple[Works, Endpoints, str]]:
    with (
        hooked(tmp_path) as (at, endpoints),
        opened(hosting.application(endpoints.by_connection), Address(host="127.0.0.1", port=0)) as url,
    ):
        yield at, endpoints, url


@pytest.mark.parametrize(
    "proof",
    [
        lambda _at: {"Authorization": f"Bearer {SECRET}"},
        lambda _at: {"authorization": f"bearer  {SECRET} "},
        lambda _at: {"X_Obmen_Secret": SECRET},
        signed,
        lambda at: signed(at, off=-300),
        lambda at: signed(at, off=300),
    ],
)
def test_whoever_knows_the_secret_wakes_all_that_reads_from_the_connection(
    here: tuple[Works, Endpoints, str], proof: Callable[[Works], dict[str, str]]
) -> None:
    at, _, url = here
    answer = post(url, **proof(at))
    assert (answer.status_code, answer.json()) == (200, {"flows": sorted(READ)})
    assert standing(at.ledger) == READ


def test_strangers_learn_nothing_and_change_nothing(
    here: tuple[Works, Endpoints, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    at, _, url = here
    writes = Writes(at.ledger, monkeypatch)
    moment = str(int(at.clock.now().timestamp()))
    strangers: list[dict[str, str]] = [
        {"X_Nothing": "1"},
        {"X_Obmen_Secret": "wrong"},
        {"X_Obmen_Secret": ""},
        {"X_Obmen_Secret": "wrong", **signed(at)},
        {"Authorization": SECRET},
        {"Authorization": f"Basic {SECRET}"},
        {"Authorization": f"Bearer {SECRET}x"},
        signed(at, off=-301),
        signed(at, off=301),
        signed(at, b"another body"),
        signed(at, secret="another secret"),
        {**signed(at), "X_Obmen_Timestamp": str(int(moment) + 1)},
        {"X_Obmen_Timestamp": moment, "X_Obmen_Signature": "sha256="},
        {"X_Obmen_Timestamp": moment},
        {"X_Obmen_Timestamp": "soon", "X_Obmen_Signature": signed(at)["X_Obmen_Signature"]},
        {"X_Obmen_Timestamp": "9" * 40, "X_Obmen_Signature": signed(at)["X_Obmen_Signature"]},
    ]
    answers = [post(url, **headers) for headers in strangers]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert requests.post(f"{url}/nobody/wake", headers=KNOWN, timeout=20).status_code == 404
    assert requests.post(f"{url}/shop/wake", headers=KNOWN, timeout=20).status_code == 404
    assert requests.post(f"{url}/erp", headers=KNOWN, timeout=20).status_code == 404
    assert requests.get(f"{url}/erp/wake", headers=KNOWN, timeout=20).status_code == 405
    assert (writes.count, standing(at.ledger)) == (0, set())


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{", 400, "JSON such as"),
        (b"[]", 400, "JSON such as"),
        (b"null", 400, "JSON such as"),
        (b"\xff", 400, "JSON such as"),
        (b'{"entity": 1}', 400, "JSON such as"),
        (b'{"entity": "stock", "ids": [1]}', 400, "JSON such as"),
        (b'{"entity": "stock", "ids": "A-1"}', 400, "JSON such as"),
        (b'{"x": ' + b"[" * 60_000, 400, "JSON such as"),
        (json.dumps({"entity": "stock", "ids": ["A"] * 1001}).encode(), 400, "1000 ids"),
        (b'{"entity": "stok"}', 400, "Did you mean 'stock'?"),
        (b'{"ids": ["A-1"]}', 400, "Ids need an 'entity'"),
        (b'{"entity": "product", "ids": ["A-1", "a\\u0000b"]}', 400, "The id number 2 cannot be kept: it holds"),
        (b'{"entity": "product", "ids": [""]}', 400, "it is empty"),
        (json.dumps({"entity": "product", "ids": ["A" * 501]}).encode(), 400, "501 characters"),
        (b" " * (64 << 10) + b" ", 413, "64 kB"),
    ],
    ids=range(15),
)
def test_a_body_that_is_no_hint_is_refused_whole(
    here: tuple[Works, Endpoints, str], monkeypatch: pytest.MonkeyPatch, body: bytes, status: int, said: str
) -> None:
    at, _, url = here
    writes = Writes(at.ledger, monkeypatch)
    answer = post(url, body)
    assert answer.status_code == status
    assert said in answer.text
    assert writes.count == 0


def test_a_hint_wakes_what_it_is_about(here: tuple[Works, Endpoints, str]) -> None:
    at, _, url = here
    assert post(url, b'{"entity": "product", "ids": ["A-1", "A-2", "A-1"]}').json() == {"flows": ["goods"]}
    assert (standing(at.ledger), told(at.ledger, "product")) == ({"goods"}, ["A-1", "A-2"])
    assert post(url, b'{"entity": "stock", "ids": ["A-1|main"]}').json() == {"flows": ["stocks"]}
    assert (standing(at.ledger), told(at.ledger, "stock")) == (READ, [])
    forget(at.ledger)
    assert post(url, b'{"entity": "order", "ids": ["1"]}').json() == {"flows": []}
    assert standing(at.ledger) == set()
    at.clock.advance(2)
    assert post(url, b'{"event": {"kind": "changed"}, "of": ["other", "words"]}').json() == {"flows": sorted(READ)}


def test_a_signed_call_that_comes_again_does_nothing(here: tuple[Works, Endpoints, str]) -> None:
    at, _, url = here
    body = b'{"entity": "product", "ids": ["A-1"]}'
    proof = signed(at, body)
    assert post(url, body, **proof).json() == {"flows": ["goods"]}
    forget(at.ledger)
    for _ in range(5):
        at.clock.advance(60)
        answer = post(url, body, **proof)
        assert (answer.status_code, answer.json()) == (200, {"flows": []})
    at.clock.advance(1)
    assert post(url, body, **proof).status_code == 401
    assert standing(at.ledger) == set()


def test_a_flood_ends_in_memory(here: tuple[Works, Endpoints, str], monkeypatch: pytest.MonkeyPatch) -> None:
    at, endpoints, url = here
    writes = Writes(at.ledger, monkeypatch)
    connection = HTTPConnection(urlsplit(url).netloc, timeout=20)
    statuses = []
    for _ in range(2000):
        connection.request("POST", "/erp/wake", b"{}", KNOWN)
        answer = connection.getresponse()
        answer.read()
        statuses.append((answer.status, answer.getheader("Retry-After")))
    connection.close()
    assert statuses == [(200, None)] * 60 + [(429, "1")] * 1940
    assert writes.count == 1
    at.clock.advance(1)
    assert [call(endpoints).status for _ in range(6)] == [200] * 5 + [429]
    assert writes.count == 2

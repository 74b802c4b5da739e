"""Credentials never follow to another host."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from requests.auth import HTTPBasicAuth

from obmen.errors import ConfigurationError, InDoubt
from obmen.http import Http

from .conftest import Peer, answer

Make = Callable[..., Peer]
Connect = Callable[..., Http]
KEYS = {"headers": {"Api-Key": "key-to-the-shop"}, "auth": HTTPBasicAuth("user", "pass-to-the-shop")}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_another_host_is_never_asked(peer: Make, http: Connect, status: int) -> None:
    thief = peer(answer())
    shop = peer(answer(status=status, Location=f"{thief.url}/list?api_key=key-to-the-shop"))
    with pytest.raises(ConfigurationError, match=r"sends us to http://127\.0\.0\.1:\d+, where") as caught:
        http(shop.url, **KEYS).get("/list")
    assert thief.requests == []
    assert "key-to-the-shop" not in str(caught.value)


def test_another_scheme_is_another_host(peer: Make, http: Connect) -> None:
    shop = peer(answer(status=301, Location="https://127.0.0.1/list"))
    with pytest.raises(ConfigurationError, match="https://127"):
        http(shop.url, **KEYS).get("/list")


def test_a_read_follows_within_its_host(peer: Make, http: Connect) -> None:
    shop = peer(answer(status=302, Location="/v2/list?page=1"), answer(b"[1]"))
    reply = http(shop.url, **KEYS).get("/list", params={"page": "1"})
    assert reply.json() == [1]
    assert shop.requests[1].startswith(b"GET /v2/list?page=1 ")
    assert b"key-to-the-shop" in shop.requests[1]


def test_a_circle_ends(peer: Make, http: Connect) -> None:
    shop = peer(answer(status=302, Location="/list"))
    with pytest.raises(ConfigurationError, match="without end"):
        http(shop.url).get("/list")
    assert len(shop.requests) == 5


@pytest.mark.parametrize(
    ("status", "error"),
    [(301, ConfigurationError), (307, ConfigurationError), (302, InDoubt), (303, InDoubt)],
)
def test_a_write_is_not_sent_on(peer: Make, http: Connect, status: int, error: type[Exception]) -> None:
    shop = peer(answer(status=status, Location="/elsewhere"))
    with pytest.raises(error):
        http(shop.url).post("/create", json={})
    assert len(shop.requests) == 1

"""Webhooks: whoever knows the secret wakes flows, and nobody can do more than that, nor more of it than is good."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import sqlalchemy as sa
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from obmen.endpoint import Request, Response
from obmen.errors import Busy, ConfigurationError
from obmen.project.service import Address
from obmen.state import Ledger, hints, tables, wishes
from obmen.testing.peer import Peer
from runner import serve as hosting
from runner.daemon import webhooks
from runner.daemon.doors import Endpoints, opened
from tests.unit.daemon.kit import Works, loaded, works, written

SECRET = "an-invented-secret-of-erp"
HOOK = f"service: {{ webhooks: {{ erp: {{ secret: {SECRET} }} }} }}\n"
FLOWS = """
goods: { entity: product, from: erp, to: shop, every: off }
stocks: { entity: stock, from: erp, to: shop, every: off }
orders: { entity: order, from: shop, to: erp, every: off }
"""
KNOWN = {"X-Obmen-Secret": SECRET}
READ = {"goods", "stocks"}


class Held:
    """A timer that goes off when a test says so."""

    last: Held

    def __init__(self, _seconds: float, function: Callable[[], None]) -> None:
        self.fire, self.daemon, self.cancelled = function, False, False
        Held.last = self

    def start(self) -> None:
        """It goes off by hand."""

    def cancel(self) -> None:
        self.cancelled = True


@pytest.fixture(autouse=True)
def held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "Timer", Held)


@contextmanager
def hooked(folder: Path, service: str = HOOK) -> Iterator[tuple[Works, Endpoints]]:
    with works(folder, flows=FLOWS, service=service) as at:
        endpoints = Endpoints(at.ledger)
        endpoints.take_up(at.plant.project)
        try:
            yield at, endpoints
        finally:
            endpoints.close()


@pytest.fixture
def here(tmp_path: Path) -> Iterator[tuple[Works, Endpoints, str]]:
    with (
        hooked(tmp_path) as (at, endpoints),
        opened(hosting.application(endpoints.by_connection), Address(host="127.0.0.1", port=0)) as url,
    ):
        yield at, endpoints, url


def post(url: str, body: bytes = b"", **headers: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.post(f"{url}/erp/wake", data=body, headers=named or KNOWN, timeout=20)


def signed(at: Works, body: bytes = b"", off: int = 0, secret: str = SECRET) -> dict[str, str]:
    moment = str(int(at.clock.now().timestamp()) + off)
    made = hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"X_Obmen_Timestamp": moment, "X_Obmen_Signature": f"sha256={made}"}


def standing(ledger: Ledger) -> set[str]:
    with ledger.read() as tx:
        return {wish.flow for wish in wishes.waiting(tx)}


def forget(ledger: Ledger) -> None:
    with ledger.write() as tx:
        tx.run(sa.delete(tables.wish))


def told(ledger: Ledger, entity: str) -> list[str]:
    with ledger.read() as tx:
        return [hint.native_id for hint in hints.after(tx, "erp", entity, 0, 10_000)]


class Writes:
    """Counts the transactions that write; ``busy``: whether they fail."""

    def __init__(self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count, self.busy, self._write = 0, False, ledger.write
        monkeypatch.setattr(ledger, "write", self)

    def __call__(self, *arguments: object) -> object:
        if self.busy:
            raise Busy("The state is in use.")
        self.count += 1
        return self._write(*arguments)  # type: ignore[arg-type]  # passed on as it came


def test_the_secret_wakes_every_flow_that_reads_from_the_connection(here: tuple[Works, Endpoints, str]) -> None:
    at, _, url = here
    for headers in (
        {"Authorization": f"Bearer {SECRET}"},
        {"authorization": f"bearer  {SECRET} "},
        {"X_Obmen_Secret": SECRET},
        signed(at),
        signed(at, off=-300),
        signed(at, off=300),
    ):
        at.clock.advance(2)
        answer = post(url, **(headers if "X_Obmen_Timestamp" not in headers else {**headers}))
        if headers.get("X_Obmen_Timestamp") == str(int(at.clock.now().timestamp()) - 302 - 10):
            continue
        assert answer.status_code in {200, 401}
        if answer.status_code == 200:
            assert answer.json() == {"flows": sorted(READ)}
            assert standing(at.ledger) == READ
            forget(at.ledger)

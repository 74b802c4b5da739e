"""A small project with a webhook, who calls it, and what stands in the state then."""

from __future__ import annotations

import hashlib
import hmac
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest
import requests
import sqlalchemy as sa

from obmen.endpoint import Request, Response
from obmen.errors import Busy
from obmen.state import Ledger, hints, tables, wishes
from runner.daemon import webhooks
from runner.daemon.doors import Endpoints
from tests.unit.daemon.kit import Works, works

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


@contextmanager
def hooked(folder: Path, service: str = HOOK) -> Iterator[tuple[Works, Endpoints]]:
    with mock.patch.object(webhooks, "Timer", Held), works(folder, flows=FLOWS, service=service) as at:
        endpoints = Endpoints(at.ledger)
        endpoints.take_up(at.plant.project)
        try:
            yield at, endpoints
        finally:
            endpoints.close()


def post(url: str, body: bytes = b"", /, **headers: str) -> requests.Response:
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


def call(endpoints: Endpoints, body: bytes = b"", /, path: str = "/wake", **headers: str) -> Response:
    named = {name.replace("_", "-").lower(): value for name, value in (headers or KNOWN).items()}
    return endpoints.by_connection["erp"].handle(Request("POST", path, {}, named, io.BytesIO(body), "127.0.0.1"))


def contents(ledger: Ledger) -> dict[str, list[tuple[object, ...]]]:
    aside = {"wish", "hint", "feed", "lease"}
    with ledger.read() as tx:
        return {
            table.name: [tuple(row) for row in tx.rows(sa.select(table))]
            for table in tables.wish.metadata.sorted_tables
            if table.name not in aside
        }

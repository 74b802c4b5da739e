"""A page over an invented shop: its project, its state, and somebody who calls it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx2
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from obmen.project import Project
from obmen.project.service import Address, PageModel, ProxyModel, UserModel
from obmen.state import Ledger, agreed, outbox, quarantine
from obmen.state.agreed import Agreed
from obmen.state.judging import Judging
from obmen.state.outbox import Decided
from obmen.state.quarantine import Problem
from runner.daemon.pulse import Pulse
from runner.web.app import application
from tests.unit.project_kit import flows

FLOWS = """
goods: { entity: product, from: ut, to: shop }
prices: { entity: price, from: ut, to: [shop, second], every: 10m }
stock: { entity: stock, from: ut, to: shop, every: off }
orders: { entity: order, from: shop, to: ut }
"""
PASSWORD = "a long enough password"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""What the passwords of tests are hashed with: correct, and of no use to anybody."""
HASH = QUICK.hash(PASSWORD)
USERS = {"anna": UserModel(password=HASH, role="operate"), "oleg": UserModel(password=HASH, role="look")}


@dataclass
class Look:
    """A view whose project and pulse a test may change."""

    project: Project
    ledger: Ledger
    beat: Pulse | None = None

    def pulse(self) -> Pulse | None:
        return self.beat

    def page(self, **values: Any) -> None:
        """Change the settings of the page, as a reload of the project does."""
        page = self.project.service.page.model_copy(update=values)
        self.project = replace(self.project, service=self.project.service.model_copy(update={"page": page}))


@dataclass
class Site:
    """The page, and what it looks at."""

    view: Look
    address: str = "127.0.0.1"
    host: str = "http://127.0.0.1:8080"
    clients: list[TestClient] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.app = application(self.view)

    def browser(self, address: str = "", **headers: str) -> Browser:
        """Somebody who calls from an address."""
        told = {"accept-language": "en", **{name.replace("_", "-"): value for name, value in headers.items()}}
        client = TestClient(
            self.app, base_url=self.host, headers=told, client=(address or self.address, 5000), follow_redirects=False
        )
        self.clients.append(client)
        return Browser(client)

    def logged_in(self, user: str) -> Browser:
        """Somebody who has logged in."""
        browser = self.browser()
        answer = browser.send("/login", {"user": user, "password": PASSWORD}, on="/login")
        assert answer.status_code == 303, answer.text
        return browser

    @property
    def ledger(self) -> Ledger:
        return self.view.ledger


@dataclass
class Browser:
    """Calls pages and sends their forms."""

    client: TestClient

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self.client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def token(self, on: str = "/") -> str:
        return token_of(self.get(on).text)

    def send(
        self, path: str, form: Mapping[str, str] | None = None, *, on: str = "/", **headers: str
    ) -> httpx2.Response:
        """Send a form with the token of a page."""
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(path, data={"token": self.token(on), **(form or {})}, headers=told)


def token_of(page: str) -> str:
    found = re.search(r'name="token" value="([0-9a-f]+)"', page)
    assert found is not None, page
    return found[1]


def project(folder: Path, **page: Any) -> Project:
    made = flows(folder, FLOWS)
    settings = PageModel(address=Address(host="127.0.0.1", port=8080), users=USERS).model_copy(update=page)
    return replace(made, service=made.service.model_copy(update={"page": settings}))


def proxy(**values: Any) -> ProxyModel:
    return ProxyModel.model_validate(values)


def price(sku: str, amount: str) -> bytes:
    return b'{"sku":"%s","price_type":"base","amount":"%s","currency":"RUB"}' % (sku.encode(), amount.encode())


def decide(ledger: Ledger, *skus: str, amount: str = "900", reason: str = "", hold: str = "") -> None:
    """Put prices into the outbox; ``hold``: the guards' verdict on them."""
    rows = [Decided(f"{sku}|base", "put", "changed", b"h", price(sku, amount), reason=reason) for sku in skus]
    with ledger.write() as tx:
        outbox.put(tx, "prices", "shop", "price", rows, run=1)
        judging = Judging(tx, "prices", "shop", 1)
        judging.doubt({"*": hold} if hold else {})
        judging.release()


def confirm(ledger: Ledger, *skus: str, amount: str = "100", run: int = 1) -> None:
    with ledger.write() as tx:
        agreed.save(tx, "shop", "price", [Agreed(f"{sku}|base", b"h", price(sku, amount)) for sku in skus], run)


def set_aside(ledger: Ledger, *problems: Problem, flow: str = "prices", connection: str = "shop") -> None:
    with ledger.write() as tx:
        quarantine.add(tx, flow, connection, "price", problems, run=1)


def refused(sku: str, code: str = "too_dear", **more: Any) -> Problem:
    return Problem("deliver", code, f"nobody pays that for {sku}", key=f"{sku}|base", canonical=price(sku, "9"), **more)


class Shown(HTMLParser):
    """A page's elements and attributes, as a browser reads them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

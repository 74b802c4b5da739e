"""A shop for a person at a browser: 1C and Ozon as sandboxes, the page over it, and something that grants wishes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import msgspec
import uvicorn
from argon2 import PasswordHasher

from connectors.onec.sandbox import OneCSandbox
from connectors.ozon.sandbox import OzonSandbox
from obmen.project import load_project
from obmen.state import Ledger, wishes
from obmen.sync.assemble import Assembly
from obmen.sync.engine import Engine
from obmen.testing.exchange import Fault
from runner import serve as hosting
from runner.web.app import application
from runner.web.view import Alone

PASSWORD = "a long enough password"
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
WAREHOUSE = "Основной склад"
GOODS = {"A-1": "Чайник «Полдень»", "A-2": "Кружка «Утро»", "A-3": "Плед «Вечер»"}
FLOWS = {
    "goods": {"entity": "product", "from": "ut", "to": "ozon"},
    "prices": {"entity": "price", "from": "ut", "to": "ozon", "where": {"price_type": "Розничная"}},
    "stock": {"entity": "stock", "from": "ut", "to": "ozon"},
    "orders": {"entity": "order", "from": "ozon", "to": "ut"},
}


class Shop:
    """Two systems, the project between them, and its page."""

    address = ""

    def __init__(self, folder: Path, ut: OneCSandbox, ozon: OzonSandbox) -> None:
        self.ut, self.ozon = ut, ozon
        self.refs = {
            sku: ut.add_good(
                name,
                sku,
                barcodes=[f"20000000000{number}5"],
                weight=Decimal("1.2"),
                vat="20",
                prices={"Розничная": Decimal(1990)},
                stock={WAREHOUSE: 5 + number},
            )
            for number, (sku, name) in enumerate(GOODS.items(), 1)
        }
        users = {"anna": {"password": HASH, "role": "operate"}}
        project = {
            "connections": {
                "ut": {"connector": "onec", **ut.connection(), "warehouses": [WAREHOUSE]},
                "ozon": {"connector": "ozon", **ozon.connection()},
            },
            "flows": FLOWS,
            "service": {"page": {"users": users}},
        }
        (folder / "obmen.yaml").write_bytes(msgspec.json.encode(project))
        self.project = load_project(folder)
        self.ledger = Ledger(f"sqlite:///{folder}/state.db")

    def sync(self, *names: str, force: str | None = None) -> None:
        with Assembly(self.project, ledger=self.ledger) as assembly:
            Engine(self.ledger, assembly.flows).sync(names, patience=20, force=force)

    def grant(self) -> None:
        """Run what somebody wants to be run."""
        with self.ledger.read() as tx:
            asked = wishes.waiting(tx)
        for wish in asked:
            self.sync(wish.flow, force=wish.reason or None)
            with self.ledger.write() as tx:
                wishes.done(tx, wish)

    def bad_morning(self) -> None:
        """All was well; then a price was refused, another fell by nine tenths, and the key was refused for orders."""
        self.sync()
        self.ut.set_price(self.refs["A-2"], "Розничная", 1800)
        self.ozon.faults.append(Fault(kind="custom", name="item_error", match="POST /v1/product/import/prices"))
        self.sync("prices")
        self.ut.set_price(self.refs["A-3"], "Розничная", 199)
        self.ozon.faults.append(Fault(kind="status", status=403, match=".*posting.*"))
        self.sync("prices", "orders")

    def order(self) -> None:
        """A buyer takes something."""
        self.ozon.place_order({"A-1": 1})
        self.sync("orders")

    def price(self, sku: str) -> Decimal:
        """Return what a buyer pays."""
        price = self.ozon.state()["products"][sku]["price"]
        return Decimal(str(price["price"] if isinstance(price, dict) else price))

    @contextmanager
    def served(self) -> Iterator[None]:
        """Serve the page at ``address``, and grant wishes meanwhile."""
        app = application(Alone(self.project, self.ledger))
        config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", proxy_headers=False)
        server, ended = uvicorn.Server(config), threading.Event()
        with hosting.listening("127.0.0.1", 0) as (listener, port):
            threads = [
                threading.Thread(target=server.run, args=([listener],)),
                threading.Thread(target=self._serve_wishes, args=(ended,)),
            ]
            for thread in threads:
                thread.start()
            try:
                self.address = f"http://127.0.0.1:{port}"
                yield
            finally:
                ended.set()
                server.should_exit = True
                for thread in threads:
                    thread.join()
                app.state.jobs.stop()

    def _serve_wishes(self, ended: threading.Event) -> None:
        while not ended.wait(0.2):
            self.grant()


@contextmanager
def opened(folder: Path) -> Iterator[Shop]:
    with OneCSandbox() as ut, OzonSandbox(warehouses={WAREHOUSE: 1020000000001}) as ozon:
        shop = Shop(folder, ut, ozon)
        try:
            yield shop
        finally:
            shop.ledger.close()

"""1C's own «Обмен с сайтом» with Obmen: goods pushed, orders fetched, statuses back, by the very commands."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from connectors.onec.commerceml import CommerceML
from connectors.onec.sandbox.pusher import Base, ExchangeFailed, HttpWire, Pusher
from connectors.ozon.sandbox import OzonSandbox
from obmen.project import load_project
from obmen.state import Ledger
from obmen.sync.assemble import Assembly
from obmen.sync.engine import Engine
from obmen.sync.passes import FlowReport
from obmen.testing.clock import FakeClock
from tests.forks import command

LOGIN, PASSWORD = "Обмен", "очень-тайное-слово"
FLOWS = {
    "goods": {"entity": "product", "from": "ut", "to": "ozon"},
    "prices": {"entity": "price", "from": "ut", "to": "ozon"},
    "stock": {"entity": "stock", "from": "ut", "to": "ozon", "missing": "zero"},
    "orders": {"entity": "order", "from": "ozon", "to": "ut"},
    "statuses": {"entity": "order_status", "from": "ut", "to": "ozon"},
}


class Shop:
    """A project between 1C's exchange and Ozon's sandbox, and the UT that exchanges."""

    def __init__(self, folder: Path, export: Path, ozon: OzonSandbox) -> None:
        self.folder, self.export, self.ozon = folder, export, ozon
        self.base, self.clock = Base(), FakeClock()
        project = {
            "connections": {
                "ut": {
                    "connector": "onec",
                    "commerceml": "exchange",
                    "exchange": {"login": LOGIN, "password": PASSWORD, "file_limit": 50_000},
                },
                "ozon": {"connector": "ozon", **ozon.connection()},
            },
            "flows": {**FLOWS, "prices": {**FLOWS["prices"], "where": {"price_type": "BASE"}}},
        }
        (folder / "obmen.yaml").write_bytes(msgspec.json.encode(project))

    def obmen(self, *words: str, code: int | None = 0) -> str:
        call = [*command("runner.cli"), "--quiet", "--project", str(self.folder / "obmen.yaml"), *words]
        ended = subprocess.run(call, check=False, timeout=240, capture_output=True, text=True)
        assert code is None or ended.returncode == code, ended.stdout + ended.stderr
        return ended.stdout

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Run ``obmen serve``; give the address that it prints for 1C."""
        call = [*command("runner.cli"), "--project", str(self.folder / "obmen.yaml"), "serve", "--port", "0"]
        with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            said = [process.stdout.readline() for _ in range(3)]
            found = re.search(
                r"ut: the address for 1C:Управление торговлей is (http://127\.0\.0\.1:\d+/ut)$", said[1].strip()
            )
            assert found, said
            try:
                yield found[1]
            finally:
                process.send_signal(signal.SIGTERM)
                self.log = process.stderr.read()
                assert process.wait(60) == 0, self.log

    def exchange(self, url: str, *, goods: bool = True) -> None:
        with closing(HttpWire(url)) as wire:
            sender = Pusher(wire, LOGIN, PASSWORD, base=self.base)
            sender.exchange(self.export) if goods else sender.exchange_orders()

    def sync(self) -> dict[str, FlowReport]:
        """Run all flows, two minutes after the last time."""
        self.clock.advance(120)
        project = load_project(self.folder / "obmen.yaml")
        project.make_state_folder()
        ledger = Ledger(project.state_url, clock=self.clock)
        try:
            with Assembly(project, clock=self.clock) as assembly:
                return {report.flow: report for report in Engine(ledger, assembly.flows).sync((), patience=30.0)}
        finally:
            ledger.close()


@pytest.fixture
def shop(tmp_path: Path, specs: Path) -> Iterator[Shop]:
    export = specs / "data" / "commerceml" / "ut-2.07"
    names = {name: 1020000000001 + n for n, name in enumerate(CommerceML(export).warehouses().values())}
    with OzonSandbox(warehouses=names) as ozon:
        yield Shop(tmp_path, export, ozon)


@pytest.mark.field("A5")
@pytest.mark.field("B7")
def test_the_whole_loop(shop: Shop) -> None:
    before = shop.sync()
    assert all(one.read["read"] == 0 and not one.trouble for one in before.values()), "1C has yet to come"
    with shop.serving() as url:
        shop.exchange(url)
        shop.sync()
        products = shop.ozon.state()["products"]
        assert len(products) == 43
        sold = [sku for sku, one in products.items() if any(level["free"] > 3 for level in one["stocks"].values())][:2]
        placed = [shop.ozon.place_order([(sku, 1), (sku, 2)]) for sku in sold]
        shop.sync()
        shop.exchange(url)
        numbers = {order.said["Номер заказа в канале"]: number for number, order in shop.base.orders.items()}
        assert sorted(numbers) == sorted(placed)
        assert all(len(order.lines) == 2 for order in shop.base.orders.values()), "two lines of one SKU stay two"
        assert all(len(number) <= 11 for number in numbers.values())
        assert shop.base.created_goods == shop.base.mistaken == shop.base.cut == []

        shop.base.change(numbers[placed[0]], posted=True, shipped_at=datetime(2026, 6, 16, tzinfo=UTC))
        shop.base.change(numbers[placed[1]], posted=True, cancelled=True)
        shop.exchange(url, goods=False)
        shop.sync()  # learns that 1C has the orders
        shop.sync()  # and then, what became of them
        status = {number: posting["status"] for number, posting in shop.ozon.state()["postings"].items()}
        assert status[placed[1]].startswith("cancelled")
        assert status[placed[0]] == "awaiting_deliver"

        written = shop.ozon.state()["written"]
        for _ in range(2):
            shop.exchange(url)
            shop.sync()
        assert shop.ozon.state()["written"] == written, "a repeated exchange changes nothing"
        assert {order.times for order in shop.base.orders.values()} == {1}
    assert PASSWORD not in shop.log


def test_orders_wait_while_either_side_is_down(shop: Shop) -> None:
    with shop.serving() as url:
        shop.exchange(url)
        shop.sync()
        sku = next(
            sku
            for sku, one in shop.ozon.state()["products"].items()
            if any(s["free"] > 3 for s in one["stocks"].values())
        )
        placed = shop.ozon.place_order({sku: 1})
        shop.sync()
    shop.sync()
    with pytest.raises(OSError, match="refused"):
        shop.exchange("http://127.0.0.1:1/ut")
    with shop.serving() as url:
        shop.exchange(url, goods=False)
        shop.exchange(url, goods=False)
    (order,) = shop.base.orders.values()
    assert order.said["Номер заказа в канале"] == placed
    assert order.times == 1
    shop.sync()
    assert "orders" in shop.obmen("status", code=None)


def test_serve_refuses_a_project_without_an_exchange(shop: Shop) -> None:
    project = msgspec.json.decode((shop.folder / "obmen.yaml").read_bytes())
    del project["connections"]["ut"]["exchange"]
    (shop.folder / "obmen.yaml").write_bytes(msgspec.json.encode(project))
    call = [*command("runner.cli"), "--project", str(shop.folder / "obmen.yaml"), "serve"]
    ended = subprocess.run(call, check=False, timeout=60, capture_output=True, text=True)
    assert ended.returncode == 2
    assert "there is nothing to serve" in ended.stderr


def test_the_command_that_pushes(shop: Shop) -> None:
    with shop.serving() as url:
        address = url.replace("http://", f"http://{LOGIN}:{PASSWORD}@")
        said = shop.obmen("sandbox", "onec", "--push", address, "--folder", str(shop.export))
        assert "import offers0_1.xml: success" in said
        assert "query: 0 orders" in said
        assert PASSWORD not in said
        wrong = url.replace("http://", f"http://{LOGIN}:wrong-password@")
        ended = subprocess.run(
            [*command("runner.cli"), "sandbox", "onec", "--push", wrong],
            check=False,
            timeout=60,
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 4
        assert "Неверный логин или пароль" in ended.stderr
    assert "Неверный логин или пароль" in shop.log, "what 1C was told stands in Obmen's log too"
    assert "wrong-password" not in shop.log
    with suppress(ExchangeFailed), pytest.raises(OSError, match="refused"):
        shop.exchange(url)

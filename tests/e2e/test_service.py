"""``obmen run`` as a process of its own: it carries, takes up changes, and whatever ends it loses nothing."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests

from connectors.onec.sandbox import OneCSandbox
from connectors.ozon.sandbox import OzonSandbox
from runner.exit_codes import ExitCode

WAREHOUSE = "Основной склад"
FLOWS: dict[str, Any] = {
    "goods": {"entity": "product", "from": "ut", "to": "ozon", "every": "2s"},
    "prices": {
        "entity": "price", "from": "ut", "to": "ozon", "where": {"price_type": "Розничная"}, "every": "1s",
        "guards": {"change": "off"},
    },
    "stock": {"entity": "stock", "from": "ut", "to": "ozon", "every": "1s"},
}  # fmt: skip


class Shop:
    """Both sandboxes, the project between them, and the service as a process."""

    def __init__(self, folder: Path, ut: OneCSandbox, ozon: OzonSandbox, state: str) -> None:
        self.ut, self.ozon, self.folder, self.state = ut, ozon, folder, state
        self.file = folder / "obmen.yaml"
        self.write(FLOWS)
        self.good = self.enter("A-1", 100)
        self.process: subprocess.Popen[bytes] | None = None

    def enter(self, article: str, amount: int) -> str:
        prices, stock = {"Розничная": Decimal(amount)}, {WAREHOUSE: 5}
        return self.ut.add_good(f"Чайник {article}", article, weight=Decimal(1), prices=prices, stock=stock)

    def write(self, flows: dict[str, Any]) -> None:
        project = {
            "state": self.state,
            "connections": {
                "ut": {"connector": "onec", **self.ut.connection()},
                "ozon": {"connector": "ozon", **self.ozon.connection()},
            },
            "flows": flows,
            "service": {"page": {"address": "127.0.0.1:0"}, "endpoints": "off"},
        }
        scratch = self.file.with_suffix(".new")
        scratch.write_bytes(msgspec.json.encode(project))
        scratch.replace(self.file)

    def start(self) -> subprocess.Popen[bytes]:
        self.process = self.begun("service.log")
        return self.process

    def begun(self, log: str) -> subprocess.Popen[bytes]:
        """Start the service; what it says goes into a file of that name."""
        words = [sys.executable, "-m", "runner.cli", "--project", str(self.file), "run"]
        with (self.folder / log).open("wb") as output:
            return subprocess.Popen(words, stdout=output, stderr=subprocess.STDOUT)

    def said(self, log: str = "service.log") -> str:
        return (self.folder / log).read_text(encoding="utf-8")

    def shown(self, path: str) -> tuple[int, str]:
        """Return what the page of the service that runs answers."""
        url = re.search(r"The page is at (\S+)", self.said())
        assert url is not None
        answer = requests.get(f"{url[1]}{path}", timeout=20)
        return answer.status_code, answer.text

    def end(self, number: int) -> int:
        """Stop it; return its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        code, self.process = self.process.wait(60), None
        return code

    def price(self, article: str) -> Decimal | None:
        found = self.ozon.state()["products"].get(article)
        price = found["price"] if found else None
        amount = price["price"] if isinstance(price, dict) else price
        return None if amount is None else Decimal(str(amount))


def until(condition: Callable[[], object], seconds: float = 90.0) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)


@pytest.fixture
def shop(tmp_path: Path, state_url: str) -> Iterator[Shop]:
    with OneCSandbox() as ut, OzonSandbox(warehouses={WAREHOUSE: 1020000000001}) as ozon:
        made = Shop(tmp_path, ut, ozon, state_url)
        yield made
        if made.process is not None:
            made.process.kill()
            made.process.wait(60)


def test_it_serves_through_a_stop_a_kill_and_changes_of_its_project(shop: Shop) -> None:
    shop.start()
    until(lambda: shop.price("A-1") == 100)
    until(lambda: shop.shown("/healthz")[0] == 200)
    assert "obmen_flow_lag_seconds" in shop.shown("/metrics")[1]
    status, page = shop.shown("/")
    assert status == 200
    assert all(flow in page for flow in FLOWS)
    assert shop.end(signal.SIGTERM) == ExitCode.DONE, shop.said()
    assert "Traceback" not in shop.said()

    shop.ut.set_price(shop.good, "Розничная", Decimal(110))
    process = shop.start()
    until(lambda: shop.price("A-1") == 110)
    assert shop.begun("second.log").wait(60) == ExitCode.BUSY
    assert "already runs" in shop.said("second.log")

    process.kill()
    process.wait(60)
    shop.ut.set_price(shop.good, "Розничная", Decimal(120))
    process = shop.start()
    until(lambda: shop.price("A-1") == 120)

    shop.write({**FLOWS, "prices": {**FLOWS["prices"], "to": "ozno"}})
    process.send_signal(signal.SIGHUP)
    until(lambda: "Did you mean 'ozon'?" in shop.said())
    shop.ut.set_price(shop.good, "Розничная", Decimal(130))
    until(lambda: shop.price("A-1") == 130)
    shop.write({name: flow for name, flow in FLOWS.items() if name != "stock"})
    process.send_signal(signal.SIGHUP)
    assert shop.end(signal.SIGINT) == ExitCode.DONE, shop.said()

    written = shop.ozon.state()["written"]
    shop.start()
    until(lambda: "service.started" in shop.said())
    time.sleep(3)
    assert shop.end(signal.SIGTERM) == ExitCode.DONE, shop.said()
    assert shop.ozon.state()["written"] == written, "nothing changed, so nothing is said again"

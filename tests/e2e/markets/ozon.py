"""Ozon's sandbox as a cabinet."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from connectors.ozon.sandbox import OzonSandbox
from obmen.testing.clock import FakeClock
from tests.e2e.markets.cabinet import Bought, Sold

_STATES: dict[str, Sold] = {
    "awaiting_packaging": "open",
    "awaiting_deliver": "packed",
    "delivering": "gone",
    "delivered": "delivered",
    "cancelled": "cancelled",
}


class OzonCabinet:
    """FBS postings of one cabinet."""

    connector = "ozon"
    most_lines = 3
    partial = False
    entities: frozenset[str] = frozenset()
    troubles = ("late_task", "ship_slow", "silent_row")
    sandbox: OzonSandbox

    def serve(self, clock: FakeClock, warehouse: str) -> None:
        self.sandbox = OzonSandbox(warehouses={warehouse: 1020000000001})
        self.sandbox.now = lambda: clock.now().timestamp()  # type: ignore[method-assign]
        self.sandbox.reset()
        self.sandbox.start()

    def options(self, _folder: Any) -> dict[str, Any]:
        return self.sandbox.connection()

    def rest(self) -> None:
        """Tasks of Ozon go on while they are asked for."""

    def place(self, lines: Sequence[tuple[str, int]]) -> str:
        return self.sandbox.place_order(lines)

    def give_up(self, number: str) -> None:
        self.sandbox.cancel_by_buyer(number)

    def give_up_part(self, number: str, sku: str, quantity: int) -> None:
        raise NotImplementedError

    def take(self, number: str) -> None:
        self.sandbox.hand_over(number)

    def deliver(self, number: str) -> None:
        self.sandbox.deliver(number)

    def send_back(self, number: str, sku: str, quantity: int) -> None:
        raise NotImplementedError

    def cards(self) -> set[str]:
        return {sku for sku, product in self.sandbox.state()["products"].items() if not product["archived"]}

    def prices(self) -> dict[str, Decimal]:
        return {sku: Decimal(str(one["price"])) for sku, one in self.sandbox.state()["products"].items()}

    def free(self) -> dict[str, int]:
        return {
            sku: sum(level["free"] for level in product["stocks"].values())
            for sku, product in self.sandbox.state()["products"].items()
        }

    def bought(self) -> dict[str, Bought]:
        found = {}
        for number, posting in self.sandbox.state()["postings"].items():
            lines: dict[str, int] = {}
            for line in posting["lines"]:
                lines[line["offer_id"]] = lines.get(line["offer_id"], 0) + line["quantity"]
            prices = {line["offer_id"]: Decimal(str(line["price"])) for line in posting["lines"]}
            found[number] = Bought(_STATES[posting["status"]], lines, prices)
        return found

    def given_back(self) -> dict[str, dict[str, int]]:
        raise NotImplementedError

    def owed(self) -> dict[str, Decimal]:
        raise NotImplementedError

"""Yandex Market's sandbox as a cabinet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from connectors.yandex_market.sandbox import Shop, YandexMarketSandbox
from connectors.yandex_market.sandbox.tree import LEAVES
from obmen.testing.clock import FakeClock
from tests.clocked import by
from tests.e2e.markets.cabinet import Bought, Sold

CAMPAIGN = 2001
_MODERATION = 600.0
_PATH = "a-part-of-the-address-that-only-market-is-told"
_PROCESSING: dict[str, Sold] = {"STARTED": "open", "READY_TO_SHIP": "packed", "SHIPPED": "gone"}
_STATES: dict[str, Sold] = {
    "DELIVERY": "gone",
    "DELIVERED": "delivered",
    "PARTIALLY_RETURNED": "delivered",
    "RETURNED": "delivered",
    "CANCELLED": "cancelled",
}


class YandexMarketCabinet:
    """One FBS shop, as strict about limits and delays as Market is, and with moderators who take their time."""

    connector = "yandex_market"
    most_lines = 3
    partial = True
    entities: frozenset[str] = frozenset({"return", "accrual"})
    troubles = ("calm_down", "expired_key", "moving", "endless_list", "unknown_status", "step_forgotten")
    refusals: frozenset[str] = frozenset()
    unseen: frozenset[str] = frozenset()
    sandbox: YandexMarketSandbox

    def serve(self, clock: FakeClock, warehouse: str) -> None:
        self.sandbox = by(clock, YandexMarketSandbox)(
            shops=[Shop(CAMPAIGN, warehouse, 3001)], limited=True, settle=60.0
        )
        self.sandbox.moderation = _MODERATION
        self.sandbox.demands = ("name", "vendor", "description")
        self.sandbox.start()

    def options(self, folder: Path) -> dict[str, Any]:
        """Each group of 1C is a category of Market's; 1C gives no addresses of pictures."""
        rules = {
            "Материал": {"value": "металл"},
            "Цвет товара": {"attribute": "Цвет", "values": {"Красный": "красный", "Синий": "синий", "Белый": "белый"}},
        }
        entries = {
            f"Раздел {number}": {"category": str(leaf), "attributes": rules}
            for number, leaf in enumerate(LEAVES.values())
        }
        path = folder / "market-categories.yaml"
        path.write_bytes(msgspec.json.encode(entries))
        told = {"path": _PATH, "networks": ["127.0.0.0/8"]}
        options = {"categories": str(path), "timezone": "Europe/Moscow", "notifications": told}
        return {**self.sandbox.connection(), **options}

    def rest(self) -> None:
        """Moderators and reports go on by the clock."""

    def place(self, lines: Sequence[tuple[str, int]]) -> str:
        return self.sandbox.place_order(lines)

    def give_up(self, number: str) -> None:
        self.sandbox.cancel_by_buyer(number)

    def give_up_part(self, number: str, sku: str, quantity: int) -> None:
        self.sandbox.remove_item(number, sku, quantity)

    def take(self, number: str) -> None:
        self.sandbox.hand_over(number)

    def deliver(self, number: str) -> None:
        self.sandbox.deliver(number)

    def send_back(self, number: str, sku: str, quantity: int) -> None:
        self.sandbox.move_return(self.sandbox.give_back(number, {sku: quantity}), goods="PICKED", money="REFUNDED")

    def tell(self, send: Callable[[str, bytes], None]) -> None:
        notes, self.sandbox.notes = self.sandbox.notes * 2, []
        self.sandbox.random.shuffle(notes)
        for note in notes:
            send(f"/{_PATH}/notification", msgspec.json.encode(note))

    def mend(self) -> None:
        """Nothing is refused that would be taken later."""

    def pay(self) -> None:
        self.sandbox.charge("Хранение товаров", "-815.40")
        self.sandbox.pay_out()

    def cards(self) -> set[str]:
        cards = self.sandbox.state()["cards"]
        return {sku for sku, one in cards.items() if one["state"] == "HAS_CARD_CAN_UPDATE" and not one["archived"]}

    def prices(self) -> dict[str, Decimal]:
        return {sku: Decimal(one["value"]) for sku, one in self.sandbox.state()["prices"].items()}

    def free(self) -> dict[str, int]:
        stocks = self.sandbox.state()["stocks"]
        return {sku: sum(level["free"] for level in places.values()) for sku, places in stocks.items()}

    def bought(self) -> dict[str, Bought]:
        found = {}
        for number, order in self.sandbox.state()["orders"].items():
            state = _PROCESSING[order["substatus"]] if order["status"] == "PROCESSING" else _STATES[order["status"]]
            lines = {line["offer_id"]: line["count"] for line in order["lines"]}
            prices = {line["offer_id"]: Decimal(line["cost"]) / line["count"] for line in order["lines"]}
            found[number] = Bought(state, lines, prices)
        return found

    def given_back(self) -> dict[str, dict[str, int]]:
        return {number: back["items"] for number, back in self.sandbox.state()["returns"].items()}

    def owed(self) -> dict[str, Decimal]:
        """What was earned, and what was paid out of it."""
        found = self.sandbox.owed()
        for line in self.sandbox.paid_lines:
            found[line.order] += line.amount
        return found

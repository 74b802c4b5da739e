"""Ozon's sandbox as a cabinet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from connectors.ozon.sandbox import OzonSandbox
from connectors.ozon.sandbox.returns import return_number
from connectors.ozon.sandbox.tree import LEAVES
from obmen.testing.clock import FakeClock
from tests.clocked import by
from tests.e2e.markets.cabinet import Bought, Sold

_STATES: dict[str, Sold] = {
    "awaiting_packaging": "open",
    "awaiting_deliver": "packed",
    "delivering": "gone",
    "delivered": "delivered",
    "cancelled": "cancelled",
}

_GROUPS = 10
_ATTRIBUTES = {"Бренд": {"value": "Образец"}, "Материал": {"value": "металл"}, "6210": {"value": "300"}}
_MORE = {91000033, 91000041, 91000042, 91000043, 91000044}
"""A type that is closed, and those that want a size beside."""


class OzonCabinet:
    """FBS postings of one cabinet."""

    connector = "ozon"
    most_lines = 3
    partial = False
    entities: frozenset[str] = frozenset({"return", "accrual"})
    troubles = ("late_task", "ship_slow", "silent_row", "on_moderation", "cancel_slow", "item_error", "expired_key")
    refusals = frozenset({"EMPTY_REQUIRED", "price_out_of_range", "OVER_MAX_OVH_NON_KGT"})
    unseen: frozenset[str] = frozenset()
    sandbox: OzonSandbox

    def serve(self, clock: FakeClock, warehouse: str) -> None:
        self.sandbox = by(clock, OzonSandbox)(warehouses={warehouse: 1020000000001})
        self.sandbox.subscribed = True
        self.sandbox.start()

    def options(self, folder: Path) -> dict[str, Any]:
        """Each group of 1C is a category of Ozon's, of those that demand no more than what 1C's goods tell."""
        leaves = sorted(leaf for leaf in LEAVES if leaf[1] not in _MORE)
        rules: dict[str, Any] = {"*": {"attributes": _ATTRIBUTES}}
        for number in range(_GROUPS):
            category, type_id = leaves[number % len(leaves)]
            rules[f"Раздел {number}"] = {"category": f"{category}:{type_id}"}
        (folder / "ozon.yaml").write_bytes(msgspec.json.encode(rules))
        options = {**self.sandbox.connection(), "categories": "ozon.yaml", "push": {"networks": []}}
        del options["category"]
        return options

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
        self.sandbox.move_return(self.sandbox.send_back(number, sku, quantity), "ReceivedBySeller")

    def tell(self, send: Callable[[str, bytes], None]) -> None:
        for body in self.sandbox.notifications(copies=2, shuffled=True):
            send("", body)

    def mend(self) -> None:
        """All that was refused is taken when it is tried again."""

    def pay(self) -> None:
        self.sandbox.pay_out()

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
        found: dict[str, dict[str, int]] = {}
        for one in self.sandbox.returned:
            found.setdefault(return_number(one), {})[one.line.product.offer_id] = one.quantity
        return found

    def owed(self) -> dict[str, Decimal]:
        found: dict[str, Decimal] = {}
        for accrued in self.sandbox.accrued:
            number = accrued["unit_number"]
            found[number] = found.get(number, Decimal(0)) + Decimal(accrued["total_amount"]["amount"])
        if self.sandbox.paid:
            found[""] = sum((amount for _, amount in self.sandbox.paid), Decimal(0))
        return found

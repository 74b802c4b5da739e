"""What the tests of a seller's life need of a marketplace's sandbox, in the same words for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Protocol

from obmen.testing.clock import FakeClock
from obmen.testing.sandbox import Sandbox

Sold = Literal["open", "assembling", "packed", "gone", "delivered", "cancelled"]
"""``assembling``: taken up by the seller, where the marketplace does not tell whether it is packed."""


@dataclass(frozen=True)
class Bought:
    """An order as the marketplace has it: where it stands, and how much of each SKU is still wanted."""

    state: Sold
    lines: Mapping[str, int]
    price: Mapping[str, Decimal]


class Cabinet(Protocol):
    """A marketplace's sandbox with its buyers and carriers.

    ``most_lines``: how many lines an order there may have. ``partial``: whether a buyer may give up a part of an
    order that is not packed. ``entities``: what a flow may read there besides goods, prices, stock, orders and
    statuses. ``troubles``: its sandbox's own faults. Most pass by themselves; what they refuse with one of
    ``refusals`` passes when a person has it tried again, and ``unseen`` are the entities whose writes they let
    change nothing, which is only seen by reading back.
    """

    connector: str
    most_lines: int
    partial: bool
    entities: frozenset[str]
    refusals: frozenset[str]
    unseen: frozenset[str]

    @property
    def sandbox(self) -> Sandbox:
        """What serves."""
        ...

    @property
    def troubles(self) -> tuple[str, ...]:
        """Return names of faults."""
        ...

    def serve(self, clock: FakeClock, warehouse: str) -> None:
        """Start the sandbox, by this clock, with one warehouse of this name."""
        ...

    def options(self, folder: Any) -> dict[str, Any]:
        """Return the connection's options; files that they name are written into ``folder``."""
        ...

    def rest(self) -> None:
        """Let the marketplace do what it does by itself: tasks, moderation, reports."""
        ...

    def place(self, lines: Sequence[tuple[str, int]]) -> str:
        """A buyer orders; return the order's number."""
        ...

    def give_up(self, number: str) -> None:
        """The buyer cancels the whole order."""
        ...

    def give_up_part(self, number: str, sku: str, quantity: int) -> None:
        """The buyer cancels some of an order; only called where ``partial``."""
        ...

    def take(self, number: str) -> None:
        """The carrier takes a packed order."""
        ...

    def deliver(self, number: str) -> None:
        """The buyer gets it."""
        ...

    def send_back(self, number: str, sku: str, quantity: int) -> None:
        """The buyer gives goods back, and they arrive at the seller's."""
        ...

    def tell(self, send: Callable[[str, bytes], None]) -> None:
        """Push what happened since, each thing twice and in any order, to the paths of a seller's address."""
        ...

    def mend(self) -> None:
        """A person mends in the cabinet what no faults' end mends."""
        ...

    def pay(self) -> None:
        """The bank pays what is owed, where that is told by itself."""
        ...

    def cards(self) -> set[str]:
        """Return the SKUs whose card is for sale (or would be, with a price and stock)."""
        ...

    def prices(self) -> dict[str, Decimal]:
        """Return what a buyer pays, by SKU."""
        ...

    def free(self) -> dict[str, int]:
        """Return how many a buyer can order, by SKU."""
        ...

    def bought(self) -> dict[str, Bought]:
        """Return the orders, by number."""
        ...

    def given_back(self) -> dict[str, dict[str, int]]:
        """Return what came back to the seller: SKU → how many, by the return's number."""
        ...

    def owed(self) -> dict[str, Decimal]:
        """Return what the marketplace owes for each order that brought or cost money: sales less all that it took."""
        ...

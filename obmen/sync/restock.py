"""Stock that must be told again, because the channel's own count moved under it.

A channel keeps goods back for its orders. When a seller cancels one, or packs less than was bought, the channel
puts those goods back on sale by itself; if it had already been told the stock that 1C freed, it now sells them
twice, and since that number is the one that both sides agreed on, nobody would ever mend it. And a card that comes
back from the archive has no stock, whatever was agreed on before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from obmen.entities import Order, OrderStatus, join_key
from obmen.state import Transaction, agreed, facts, outbox
from obmen.state.outbox import Decided, Row


def of_orders(tx: Transaction, channel: str, steps: Iterable[Row]) -> list[str]:
    """Return the keys of the stock that these steps of orders put back on sale in ``channel``."""
    ended = [row.key for row in steps if _frees(OrderStatus.model_validate_json(row.sent_canonical or row.canonical))]
    return [
        key
        for order in facts.by_key(tx, channel, Order, ended).values()
        for line in order.lines
        for key in _told(tx, channel, line.sku, order.delivery.warehouse if order.delivery else None)
    ]


def of_goods(tx: Transaction, channel: str, products: Iterable[str]) -> list[str]:
    """Return the keys of the stock of products, by their own keys."""
    return [key for product in products for key in agreed.keys_under(tx, channel, "stock", product)]


def tell_again(tx: Transaction, flow: str, channel: str, keys: Sequence[str], run: int, *, every: float) -> None:
    """Queue what was agreed on of these stocks.

    ``flow``: the one that tells the channel of stock. It is the number that its guards have let pass already.
    ``every``: how many seconds the channel wants between two of one product.
    """
    if not keys:
        return
    outbox.retell(tx, channel, "stock", keys)
    queued = {row.key for row in outbox.of(tx, channel, "stock", keys)}
    known = [one for key, one in agreed.of(tx, channel, "stock", keys).items() if key not in queued and one.hash]
    decided = [
        Decided(one.key, "put", "changed", one.hash, one.canonical, not_before=one.at + every if every else 0.0)
        for one in known
    ]
    outbox.put(tx, flow, channel, "stock", decided, run, state="pending")
    agreed.save(tx, channel, "stock", [replace(one, hash=b"") for one in known], run)


def _frees(step: OrderStatus) -> bool:
    return step.status == "cancelled" or step.packages is not None


def _told(tx: Transaction, channel: str, sku: str, warehouse: str | None) -> list[str]:
    if warehouse is not None:
        return [join_key([sku, warehouse])]
    return agreed.keys_under(tx, channel, "stock", join_key([sku]))

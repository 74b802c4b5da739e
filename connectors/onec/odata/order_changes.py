"""What is to be changed in a Заказ клиента whose order changed in its channel: pure, three versions in, one out.

What the channel told last time, what it tells now, and what 1C holds. Only what differs between the first two is
carried over, so what people did in 1C to the rest stays. Nothing is taken off a document: a line that is gone, or a
part of it, becomes a cancelled line, so that 1C's own reports tell of it. Reckoned from what stands, not by how much
it changes, so that saying it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from connectors.onec.odata.client import NO_DATE, NO_REF
from connectors.onec.odata.lines import number, product_id
from connectors.onec.odata.order_body import DAY, NUMBER, kopecks
from connectors.onec.odata.order_sums import resummed, shares
from connectors.onec.odata.statuses import CLOSED
from connectors.onec.options import OrderOptions
from obmen.errors import Refused
from obmen.records import Native

ROWS = "Товары"
_OWN = frozenset({ROWS, NUMBER, DAY, "Date", "Статус", "Комментарий", "СуммаДокумента", "СкидкиРассчитаны"})
_IN_ROWS = ("Склад_Key", "ДатаОтгрузки")
_NEW = ("КодСтроки", "ИдентификаторСтроки")
"""What 1C gives a line itself: a line that is split off gets its own."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a channel told of its order, as ``order_body`` makes it. ``before`` is None where it is not known."""

    now: Native
    before: Native | None


def changes(
    order: Native, told: Told, shipped: Mapping[str, Decimal], options: OrderOptions
) -> tuple[Native, dict[str, Decimal]]:
    """Return the properties of the order to change, none if it stands as told; and how much too much was shipped.

    ``shipped``, and the second: by product's id. What was shipped stands, whatever the channel tells. Where it is
    not known what was told before, all that stands counts as told: what is more than the channel tells now is
    cancelled, and nothing else is touched. Raises Refused where 1C has gone on from the order.
    """
    rows = _Rows(order, options, shipped)
    for product in rows.products(told):
        rows.settle(product, _lines(told.now, product), None if told.before is None else _lines(told.before, product))
    closed = order.get("Статус") == CLOSED
    if rows.changed:
        _allow(order, closed=closed)
    change: Native = {} if closed else _head(order, told)
    moved = [name for name in _IN_ROWS if name in change]
    if rows.changed or moved:
        change[ROWS] = list(rows.native({name: (order.get(name), change[name]) for name in moved}))
        change["СуммаДокумента"] = sum(
            (number(row.get("СуммаСНДС")) for row in change[ROWS] if row.get("Отменено") is not True), Decimal(0)
        )
    return change, rows.out


def _allow(order: Native, *, closed: bool) -> None:
    name = order.get("Number", order.get("Ref_Key"))
    if closed:
        message = (
            f"The lines of the order changed in its channel, and {name} is closed in 1C. See to it there (a return, a"
            " correction), then drop the record; or open the order again and replay it."
        )
        raise Refused(message, code="closed", field=ROWS)


def _head(order: Native, told: Told) -> Native:
    """Return what changed besides the lines; the channel's word wins where people changed the same in 1C."""
    if told.before is None:
        return {}
    change: Native = {}
    for name in sorted((told.now.keys() | told.before.keys()) - _OWN):
        now, before = told.now.get(name), told.before.get(name)
        if now is None and isinstance(before, str):
            now = NO_REF if name.endswith("_Key") else ""
        if now is not None and now != before and _plain(order.get(name)) != _plain(now):
            change[name] = now
    comment = _comment(str(order.get("Комментарий") or ""), str(told.before["Комментарий"]), told.now["Комментарий"])
    if comment != (order.get("Комментарий") or ""):
        change["Комментарий"] = comment
    return change


def _plain(value: object) -> str:
    return "" if value in (None, NO_DATE, NO_REF) else str(value)


def _comment(held: str, before: str, now: str) -> str:
    """Return the comment with what the channel said put anew, and what others wrote after it kept."""
    if now == before:
        return held
    for said in sorted((now, before), key=len, reverse=True):
        if held.startswith(said):
            return now + held.removeprefix(said)
    return held if now in held else f"{held}\n{now}".strip()


def _lines(body: Native, product: str) -> list[Native]:
    return [row for row in body[ROWS] if product_id(row) == product]


class _Rows:
    """The rows of an order while they are changed."""

    def __init__(self, order: Native, options: OrderOptions, shipped: Mapping[str, Decimal]) -> None:
        self._rows: list[Native] = [dict(row) for row in order.get(ROWS) or ()]
        self._options, self._shipped = options, shipped
        self._with_vat = order.get("ЦенаВключаетНДС") is not False
        self.changed = False
        self.out: dict[str, Decimal] = {}

    def products(self, told: Told) -> list[str]:
        """Return the products of which something may have to change."""
        before = self._rows if told.before is None else told.before[ROWS]
        return list(dict.fromkeys(product_id(row) for row in (*told.now[ROWS], *before)))

    def standing(self, product: str) -> Decimal:
        """Return how much of a product stands."""
        return _quantity(self._of(product))

    def settle(self, product: str, now: Sequence[Native], before: Sequence[Native] | None) -> None:
        """Bring what stands of a product to what the channel tells now."""
        if before is not None and _said(now) == _said(before):
            return
        as_told = {(number(line["Цена"]), _each(line)) for line in before or ()}
        untouched = [row for row in self._of(product) if (number(row.get("Цена")), _each(row)) in as_told]
        stands, wanted = self.standing(product), _quantity(now)
        had = stands if before is None else _quantity(before)
        if wanted < had:
            self._cancel(product, stands - wanted, now)
        elif before is not None and wanted > had:
            if stands < had:
                message = (
                    f"The channel now has {wanted} of {product} and had {had}, of which people left {stands} in 1C."
                    " Bring the line in 1C to what is right, then replay the record."
                )
                raise Refused(message, code="conflict", field=ROWS)
            self._add(wanted - stands, now, {row["Цена"] for row in before})
        self._price([row for row in untouched if row.get("Отменено") is not True], now)

    def _cancel(self, product: str, excess: Decimal, now: Sequence[Native]) -> None:
        """Cancel so much of a product: first at prices that the channel no longer tells, and from the end."""
        cancellable = max(self.standing(product) - self._shipped.get(product, Decimal(0)), Decimal(0))
        if excess > cancellable:
            self.out[product] = excess - cancellable
            excess = cancellable
        prices = {number(row["Цена"]) for row in now}
        last_first = self._of(product)[::-1]
        for row in sorted(last_first, key=lambda row: number(row.get("Цена")) in prices):
            if excess <= 0:
                return
            quantity = number(row.get("Количество"))
            gone = row if quantity <= excess else self._split(row, quantity - excess)
            gone["Отменено"] = True
            if self._options.cancel_reason and "ПричинаОтмены_Key" in gone:
                gone["ПричинаОтмены_Key"] = self._options.cancel_reason
            excess -= quantity
            self.changed = True

    def _split(self, row: Native, left: Decimal) -> Native:
        """Leave so much in a row; return a new row with the rest."""
        rest = {name: value for name, value in row.items() if name not in _NEW}
        for name, (part, other) in shares(row, left, self._options, with_vat=self._with_vat).items():
            row[name], rest[name] = part, other
        rest["КлючСвязи"] = self._next()
        self._rows.insert(self._rows.index(row) + 1, rest)
        return rest

    def _add(self, missing: Decimal, now: Sequence[Native], known: set[Decimal]) -> None:
        """Add so much of a product, by the lines that the channel tells anew before others."""
        for line in sorted(now, key=lambda line: line["Цена"] in known):
            if missing <= 0:
                return
            quantity = min(missing, line["Количество"])
            parts = shares(line, quantity, self._options, with_vat=self._with_vat)
            added = {name: part for name, (part, _) in parts.items()}
            self._rows.append({**line, **added, "КлючСвязи": self._next()})
            missing -= quantity
            self.changed = True

    def _price(self, left: list[Native], now: Sequence[Native]) -> None:
        """Bring the sums of rows that stood as the channel told them to what it tells now.

        A row to which people gave another price or another discount is not among them, and keeps it.
        """
        kept = {line["Цена"] for line in now}
        for line in now:
            fits = [row for row in left if number(row.get("Количество")) == line["Количество"]]
            same = [row for row in fits if number(row["Цена"]) == line["Цена"]]
            other = [row for row in fits if number(row["Цена"]) not in kept]
            for row in (same or other)[:1]:
                left = [one for one in left if one is not row]
                sums = resummed(row, line["Цена"], line["Сумма"], self._options, with_vat=self._with_vat)
                self.changed = self.changed or any(number(row.get(name)) != value for name, value in sums.items())
                row.update(sums)

    def native(self, moved: Mapping[str, tuple[object, object]]) -> Iterator[Native]:
        """Yield the rows to send; ``moved``: what follows the head, where a row had the head's value."""
        for at, row in enumerate(self._rows, 1):
            follows = {name: new for name, (old, new) in moved.items() if _plain(row.get(name)) == _plain(old)}
            yield {
                **{name: value for name, value in row.items() if name != "Ref_Key"},
                **follows,
                "LineNumber": str(at),
            }

    def _of(self, product: str) -> list[Native]:
        return [row for row in self._rows if row.get("Отменено") is not True and product_id(row) == product]

    def _next(self) -> str:
        return str(max((int(number(row.get("КлючСвязи"))) for row in self._rows), default=0) + 1)


def _quantity(rows: Sequence[Native]) -> Decimal:
    return sum((number(row.get("Количество")) for row in rows), Decimal(0))


def _said(lines: Sequence[Native]) -> list[tuple[Decimal, Decimal, Decimal]]:
    return [(number(line["Количество"]), number(line["Цена"]), number(line["Сумма"])) for line in lines]


def _each(row: Native) -> Decimal:
    """Return what one of a row comes to, so that rows of other quantities can be compared."""
    return kopecks(number(row.get("Сумма")) / (number(row.get("Количество")) or 1))

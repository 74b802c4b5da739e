"""The commissioner's report (Отчёт комиссионера о продажах) of a channel and a period, made ready for 1C. Pure.

Its rows are the goods that were sold, those that buyers gave back, and the channel's services; each accrual stands in
exactly one row, so its totals are those of the channel's own report. Goods and commission are the document's; what the
channel did besides (delivery, storage) is no part of it in 1C, and stands beside it, to be entered as services bought.
The names of the document's members are those of Документ.ОтчетКомиссионера in 1C's exchange format EnterpriseData.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

from obmen.facts.books import Book, Terms, opened
from obmen.facts.kept import ZERO, Accrual, Facts

Table = Literal["sold", "returned", "services"]
"""What was sold, what came back, and what the channel did for it."""

_GOODS: Mapping[str, Table] = {"sale": "sold", "refund": "returned"}
_REWARD = "commission"
_NAMES: Mapping[Table, str] = {"sold": "Товары", "returned": "ВозвратыПокупателей"}
_KOPECK = Decimal("0.01")
TABLES: tuple[Table, ...] = ("sold", "returned", "services")
SERVICES = {
    "delivery": "Доставка",
    "return_delivery": "Обратная доставка",
    "storage": "Хранение",
    "advertising": "Продвижение",
    "acquiring": "Эквайринг",
    "penalty": "Штрафы",
    "compensation": "Компенсации",
    "bonus": "Баллы и скидки за счёт канала",
    "commission": "Вознаграждение без товара",
    "other": "Прочее",
}


@dataclass(slots=True)
class Row:
    """A row of a table. ``sku``: of goods; ``content``: of services, what they are.

    ``amount`` is positive in both tables of goods; of services, positive is what the channel took. ``reward``: the
    commission in it, likewise. ``quantity`` is None where the channel and the order do not tell it.
    """

    table: Table
    sku: str
    content: str
    quantity: Decimal | None = ZERO
    amount: Decimal = ZERO
    reward: Decimal = ZERO
    vat: str = ""

    @property
    def tax(self) -> Decimal | None:
        """The VAT within the amount; None where the rate is not known."""
        if self.vat == "none":
            return ZERO
        if not self.vat:
            return None
        return (self.amount * Decimal(self.vat) / (100 + Decimal(self.vat))).quantize(_KOPECK, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Report:
    """One report; ``number`` is that of the channel's own report, "" where it is made for a period."""

    channel: str
    currency: str
    number: str
    since: date
    until: date
    rows: Sequence[Row]
    paid: Decimal

    def total(self, table: Table) -> Decimal:
        """Return what a table's rows come to."""
        return sum((row.amount for row in self.rows if row.table == table), ZERO)

    @property
    def reward(self) -> Decimal:
        """The commission of all that was sold, less that of what came back."""
        signs = {"sold": 1, "returned": -1, "services": 0}
        return sum((signs[row.table] * row.reward for row in self.rows), ZERO)

    @property
    def due(self) -> Decimal:
        """What the channel owes for the period: sold, less given back, less commission, less services."""
        return self.total("sold") - self.total("returned") - self.reward - self.total("services")


def reports(facts: Facts, terms: Terms, number: str = "") -> list[Report]:
    """Return a report for each channel and currency that has accruals in the period.

    ``number``: take what stands in that report of the channel instead of a period.
    """
    found: dict[tuple[str, str], dict[tuple[str, str, str], Row]] = {}
    paid: dict[tuple[str, str], Decimal] = {}
    days: dict[tuple[str, str], list[datetime]] = {}
    books = opened(facts)
    rates = {line.sku: line.vat or "" for book in books.values() if book.order for line in book.order.lines}
    for book in books.values():
        owner = book.key.channel, book.key.currency
        for one in _of(book.accruals, terms, number):
            _enter(found.setdefault(owner, {}), book, one, rates)
            days.setdefault(owner, []).append(one.occurred_at)
        for one in _of(book.payouts, terms, number):
            paid[owner] = paid.get(owner, ZERO) + one.amount
    return [
        Report(
            *owner,
            number,
            (terms.since or min(days[owner])).date() if not number else min(days[owner]).date(),
            max(days[owner]).date(),
            sorted(rows.values(), key=lambda row: (TABLES.index(row.table), row.sku, row.content)),
            paid.get(owner, ZERO),
        )
        for owner, rows in sorted(found.items())
    ]


def _of(accruals: Iterable[Accrual], terms: Terms, number: str) -> Iterable[Accrual]:
    return (one for one in accruals if (one.report == number if number else terms.tell(one.occurred_at)))


def _enter(rows: dict[tuple[str, str, str], Row], book: Book, one: Accrual, rates: Mapping[str, str]) -> None:
    """Put an accrual into its row; the commission into that of its goods, where the book has one."""
    sku = book.sku_of(one) or ""
    kind = one.kind
    if kind in _GOODS:
        row = _row(rows, _GOODS[kind], sku, "", rates.get(sku, ""))
        row.amount += one.amount if kind == "sale" else -one.amount
        quantity = one.quantity if one.quantity is not None else _quantity(book, one, sku)
        row.quantity = None if row.quantity is None or quantity is None else row.quantity + quantity
    elif kind == _REWARD and book.of("sale", "refund"):
        back = one.amount > 0 and bool(book.of("refund"))
        row = _row(rows, _GOODS["refund" if back else "sale"], sku, "", rates.get(sku, ""))
        row.reward += one.amount if back else -one.amount
    else:
        _row(rows, "services", "", one.title or SERVICES[kind], "").amount -= one.amount


def _row(rows: dict[tuple[str, str, str], Row], table: Table, sku: str, content: str, vat: str) -> Row:
    return rows.setdefault((table, sku, content), Row(table, sku, content, vat=vat))


def _quantity(book: Book, one: Accrual, sku: str) -> Decimal | None:
    ordered, count = book.ordered(sku or None), book.units(sku or None)
    if not ordered or not count:
        return None
    quantity = abs(one.amount) * count / ordered
    return quantity if quantity == quantity.to_integral_value() else None


# -- as 1C names it --------------------------------------------------------------------------------------------


def as_document(report: Report) -> dict[str, Any]:
    """Return the report with the member names of EnterpriseData's Документ.ОтчетКомиссионера.

    What only the base knows is left to whoever loads it: the references of organization, contragent, agreement and
    goods, and the unit of measure. A good is named by its article.
    """
    number = {"ДанныеВходящегоДокумента": {"НомерВходящегоДокумента": report.number}} if report.number else {}
    return {
        "КлючевыеСвойства": {"Дата": f"{report.until}T00:00:00", **number},
        "Валюта": {"ДанныеКлассификатора": {"Наименование": report.currency}},
        "Сумма": _money(report.total("sold")),
        "СуммаВключаетНДС": True,
        "УдержатьКомиссионноеВознаграждение": True,
        "СпособРасчетаКомиссионногоВознаграждения": "ПроизвольнаяСумма",
        "СуммаВознаграждения": _money(report.reward),
        **{name: _goods(row for row in report.rows if row.table == table) for table, name in _NAMES.items()},
        "НачалоПериодаОтчета": str(report.since),
        "ОкончаниеПериодаОтчета": str(report.until),
    }


def _goods(rows: Iterable[Row]) -> dict[str, Any]:
    return {"Строка": [_good(at, row) for at, row in enumerate(rows, 1)]}


def _good(at: int, row: Row) -> dict[str, Any]:
    told: dict[str, Any] = {"НомерСтрокиДокумента": at}
    told["ДанныеНоменклатуры"] = {"Номенклатура": {"Артикул": row.sku}}
    if row.quantity:
        told["Количество"] = f"{row.quantity.normalize():f}"
    told["Сумма"] = _money(row.amount)
    if row.quantity:
        told["Цена"] = _money(row.amount / row.quantity)
    if row.tax is not None:
        told["СуммаНДС"] = _money(row.tax)
    told["СуммаВознаграждения"] = _money(row.reward)
    return told


def _money(amount: Decimal) -> str:
    return f"{amount.quantize(_KOPECK, ROUND_HALF_UP)}"

"""Receipts: what shops sold and took back, by the till's receipts and by the reports of shifts.

When a shift is closed its receipts live on in a report, so a sale may be told twice: once by the till, once by the
report. ``Вид`` tells which of them a record is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from connectors.onec.odata.client import OData, is_reference
from connectors.onec.odata.journal import Journal, Shaped
from connectors.onec.odata.lines import ZERO, bonuses, line, number
from connectors.onec.odata.names import Names
from connectors.onec.odata.objects import by_refs
from connectors.onec.odata.partners import CARDS, card_number
from connectors.onec.options import OneCOptions
from obmen.clock import Clock
from obmen.connector import Page
from obmen.records import Native

RECEIPT = "Document_ЧекККМ"
RECEIPT_BACK = "Document_ЧекККМВозврат"
REPORT = "Document_ОтчетОРозничныхПродажах"
REPORT_BACK = "Document_ОтчетОРозничныхВозвратах"
KINDS = {RECEIPT: "Чек", RECEIPT_BACK: "Возврат", REPORT: "Отчет", REPORT_BACK: "Отчет о возвратах"}

_NOT_PUNCHED = {"Отложен", "Аннулирован"}


class Receipts:
    """The receipts and retail reports of one base."""

    def __init__(self, base: OData, options: OneCOptions, clock: Clock) -> None:
        self._base = base
        self._names = Names(base, options.order)
        self._journal = Journal(base, options, clock, tuple(KINDS), self._shape)

    def read(self, cursor: str | None) -> Iterator[Page]:
        """Yield receipts and reports in the window of dates; the key is ``Ref_Key``.

        ``Номер`` is unique in the base: kind, number and day. A receipt that was put off or annulled gives nothing.
        """
        self._names.forget()
        return self._journal.pages(cursor)

    def read_of(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Yield the receipts and reports dated in a period."""
        self._names.forget()
        return self._journal.of(since, until)

    def look_up(self, ids: Sequence[str]) -> Iterator[Native]:
        """Yield receipts and reports by their references."""
        return self._journal.look_up([one for one in ids if is_reference(one)])

    def _shape(self, entity_set: str, rows: Sequence[Native]) -> list[Shaped]:
        shown = {str(row.get("КартаЛояльности_Key", "")) for row in rows}
        wanted = sorted(ref for ref in shown if is_reference(ref))
        published = CARDS in self._base.metadata().sets
        cards = by_refs(self._base, CARDS, wanted) if published else {}
        return [[] if row.get("Статус") in _NOT_PUNCHED else [self._receipt(entity_set, row, cards)] for row in rows]

    def _receipt(self, entity_set: str, row: Native, cards: dict[str, Native]) -> Native:
        kind = KINDS[entity_set]
        lines = [line(one, self._names) for one in row.get("Товары") or ()]
        day = datetime.fromisoformat(str(row["Date"])).strftime("%d.%m.%Y")
        told = {
            **row,
            "Вид": kind,
            "Номер": f"{kind} {row['Number']} от {day}",
            "Товары": lines,
            **self._names.currency(row.get("Валюта_Key")),
            "Склад": self._names.warehouse(row.get("Склад_Key")),
            "Касса": self._names.of("КассыККМ", row.get("КассаККМ_Key")),
            "Карта": card_number(cards.get(str(row.get("КартаЛояльности_Key")), {})) or None,
            "Оплаты": _payments(row) or None,
            "ОплаченоБонусами": bonuses(lines) or None,
        }
        return {name: value for name, value in told.items() if value is not None}


def _payments(row: Native) -> list[Native]:
    """Return how a receipt was paid, where it tells: the cards' rows, and cash for what they do not cover."""
    cards = [one for one in row.get("ОплатаПлатежнымиКартами") or () if one.get("ОплатаОтменена") is not True]
    by_card = sum((number(one.get("Сумма")) for one in cards), ZERO)
    cash = number(row.get("СуммаДокумента")) - by_card
    paid = [{"Вид": "Карта", "Сумма": by_card}] if by_card else []
    return paid + ([{"Вид": "Наличные", "Сумма": cash}] if cash > 0 and "ОплатаПлатежнымиКартами" in row else [])

"""Bonus operations: each written once as a document of its own, and read back row by row.

A resend must not add points a second time: the document's reference is made of the operation's id, and the id
stands at the head of its comment for bases that give references of their own. Points are exact: 1C keeps two
decimal places, and what it would round is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID, uuid5

from connectors.onec.odata import documents
from connectors.onec.odata.cards import PROGRAMS, Cards, Purse
from connectors.onec.odata.client import NO_DATE, OData, is_reference
from connectors.onec.odata.documents import Wanted
from connectors.onec.odata.journal import STANDING, Journal, Shaped
from connectors.onec.odata.lines import number
from connectors.onec.odata.marks import mark, marked
from connectors.onec.odata.names import Names
from connectors.onec.options import OneCOptions
from obmen.clock import Clock
from obmen.connector import Page
from obmen.errors import Refused
from obmen.records import Native

DOCUMENT = "Document_НачислениеИСписаниеБонусныхБаллов"
ACCRUED, WRITTEN_OFF = "Начисление", "Списание"
ID = "Операция"
CANCELLED = "Отменена"
NAMESPACE = UUID("0c0bd0a7-3c0e-5f0d-8a39-6a2f7f1c4e58")
"""The namespace of our operations' references: it may never change, or every operation would be said anew."""

_WORD = "операция"
_PROGRAM = "БонуснаяПрограммаЛояльности_Key"
_KOPECK = Decimal("0.01")
_TOO_MUCH = Decimal(10) ** 13


def operation_ref(operation: str) -> str:
    """Return the reference (Ref_Key) that an operation gets in every base."""
    return str(uuid5(NAMESPACE, operation))


class BonusOperations:
    """The bonus operations of one base."""

    def __init__(self, base: OData, options: OneCOptions, clock: Clock) -> None:
        self._base = base
        self._names = Names(base, options.order)
        self._cards = Cards(base, self._names)
        self._journal = Journal(base, options, clock, (DOCUMENT,), self._shape)

    def read(self, cursor: str | None) -> Iterator[Page]:
        """Yield the rows of posted documents in the window of dates; the key is ``Ref_Key``.

        ``Операция``: our id, or the document and its row; ``Баллы`` are signed.
        """
        self._names.forget()
        return self._journal.pages(cursor, STANDING)

    def read_of(self, since: datetime, until: datetime) -> Iterator[Page]:
        """Yield the rows of posted documents dated in a period."""
        self._names.forget()
        return self._journal.of(since, until)

    def look_up(self, ids: Sequence[str]) -> Iterator[Native]:
        """Yield operations by their documents' references, or by their ids as they were written."""
        refs = [one if is_reference(one) else operation_ref(one) for one in ids]
        yield from self._journal.look_up(refs)

    def write(self, payload: Native) -> str:
        """Bring an operation into the base, posted, and return its document's reference.

        A cancelled one is taken back, or not written at all. Raises Refused (1C's own text, or the field that is
        wrong), InDoubt (look again before repeating).
        """
        wanted = self._wanted(payload)
        if payload.get("Состояние") == CANCELLED:
            return documents.take_back(self._base, wanted)
        return documents.bring(self._base, wanted, lambda: self._body(payload))

    def find(self, payload: Native) -> str | None:
        """Return the document's reference if nothing is left to do about the operation."""
        if payload.get("Состояние") == CANCELLED:
            return None
        return documents.find(self._base, self._wanted(payload))

    def _wanted(self, payload: Native) -> Wanted:
        operation = str(payload[ID])
        return Wanted(
            entity_set=DOCUMENT,
            ref=operation_ref(operation),
            search=lambda: self._marked(operation, _day(payload)),
            what=f"the bonus operation {operation}",
            field=ID,
        )

    def _marked(self, operation: str, day: date) -> list[Native]:
        return documents.of_day(self._base, DOCUMENT, day, lambda comment: marked(_WORD, comment)[0] == operation)

    def _body(self, payload: Native) -> Native:
        points = _points(payload)
        purse = self._cards.purse(str(payload.get("Карта") or ""))
        body = {
            "Date": payload["Date"],
            _PROGRAM: purse.program,
            "Комментарий": mark(_WORD, str(payload[ID]), str(payload.get("Комментарий") or "")),
            ACCRUED if points > 0 else WRITTEN_OFF: [
                {"LineNumber": "1", "Партнер_Key": purse.partner, "Баллы": abs(points)}
            ],
        }
        if points > 0:
            body |= _validity(payload)
        self._base.metadata().require(DOCUMENT, body)
        return body

    def _shape(self, entity_set: str, rows: Sequence[Native]) -> list[Shaped]:
        del entity_set
        partners = {str(row["Партнер_Key"]) for one in rows for row in _rows(one)}
        cards = self._cards.of_partners(sorted(partners))
        return [self._operations(one, cards) for one in rows]

    def _operations(self, document: Native, cards: dict[Purse, str]) -> Shaped:
        operation, told = marked(_WORD, document.get("Комментарий"))
        program = str(document.get(_PROGRAM) or "")
        natives = []
        for section, sign in ((ACCRUED, 1), (WRITTEN_OFF, -1)):
            for row in document.get(section) or ():
                card = cards.get(Purse(str(row["Партнер_Key"]), program))
                if card is None:
                    message = (
                        f"The partner {row['Партнер_Key']} of {document['Number']} has no loyalty card of this"
                        " programme in 1C, so nobody outside knows whose points these are. Give the partner a card."
                    )
                    return Refused(message, code="no_card", field="Карта")
                natives.append(
                    {
                        "Ref_Key": document["Ref_Key"],
                        ID: operation or f"{document['Ref_Key']}#{section}#{row['LineNumber']}",
                        "Number": document["Number"],
                        "Date": document["Date"],
                        "Карта": card,
                        "Баллы": sign * number(row["Баллы"]),
                        "Комментарий": told,
                        "Программа": self._names.of(PROGRAMS, program),
                        "Состояние": "Проведена",
                        "ДействуютДо": document.get("ДатаОкончанияСрокаДействия", NO_DATE) if sign > 0 else NO_DATE,
                    }
                )
        return natives


def _rows(document: Native) -> list[Native]:
    return [*(document.get(ACCRUED) or ()), *(document.get(WRITTEN_OFF) or ())]


def _day(payload: Native) -> date:
    if not payload.get("Date"):
        message = "The operation has no Date, and 1C takes none without. Map occurred_at to Date."
        raise Refused(message, code="no_date", field="Date")
    return date.fromisoformat(str(payload["Date"])[:10])


def _points(payload: Native) -> Decimal:
    try:
        points = Decimal(str(payload.get("Баллы")))
    except InvalidOperation:
        points = Decimal("NaN")
    if not points.is_finite() or not points or abs(points) >= _TOO_MUCH or points != points.quantize(_KOPECK):
        message = f"Баллы is {payload.get('Баллы')!r}; a number other than zero with two decimal places is needed."
        raise Refused(message, code="bad_value", field="Баллы")
    return points


def _validity(payload: Native) -> Native:
    """Return from when and until when points count: 1C delays them by days, and ends them at a time."""
    body: dict[str, Any] = {}
    until, since = str(payload.get("ДействуютДо") or ""), str(payload.get("ДействуютС") or "")
    if until and until != NO_DATE:
        body["ДатаОкончанияСрокаДействия"] = until
    if since and since != NO_DATE:
        days = (date.fromisoformat(since[:10]) - _day(payload)).days
        if days > 0:
            body |= {"ПериодОтсрочкиНачалаДействия": "День", "КоличествоПериодовОтсрочкиНачалаДействия": days}
    return body

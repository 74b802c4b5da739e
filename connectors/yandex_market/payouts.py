"""What Market paid out, from its report of payments: made in a while, fetched as an archive of sheets.

The report tells every payment and every service of an order again, which the orders' own money tells already. So
taken from it is only what nothing else tells: for each payment order of the bank, what came for each of the
seller's orders, and what was withheld or paid for no order at all. Lines that no payment order holds yet, and such
as are told for reference, are passed over: they come again when they are paid.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import msgspec

from connectors.yandex_market import paths
from connectors.yandex_market.documents import Documents
from connectors.yandex_market.sheets import rows
from obmen.errors import IncompleteSource, Refused
from obmen.http import encode_json
from obmen.records import Native, Page, decode_json

COLUMNS = (
    "BANK_ORDER_ID",
    "BANK_ORDER_DATE",
    "PAYMENT_STATUS",
    "TRANSACTION_SUM",
    "ORDER_ID",
    "OFFER_OR_SERVICE_NAME",
    "TRANSACTION_SOURCE",
)
"""What has to stand in the report; other columns may come and go."""
LONGEST, OVERLAP = 90, 7
"""Days that one report may cover, and days that are asked for again each time."""
_TICKET = "payouts/report"
_MOSCOW, _A_DAY = timedelta(hours=3), timedelta(days=1)
_PAID = {"переведен по графику выплат", "удержан из платежей покупателей"}
_NOT_PAID = ("будет ", "не будет ", "справочно")
_KINDS = (  # words of a service's name → kind; the first that is found counts
    (("штраф", "неустойк", "нарушен"), "penalty"),
    (("компенсац", "претензи", "возмещен"), "compensation"),
    (("хранени", "storage"), "storage"),
    (("продвижен", "буст", "реклам", "полк", "баннер"), "advertising"),
    (("премия", "балл", "бонус"), "bonus"),
    (("возврат", "невыкуп"), "return_delivery"),
    (("доставк", "логистик", "забор"), "delivery"),
)


class Ticket(msgspec.Struct):
    """A report that was begun. ``id``: "" while it has to be asked for; ``begin``, ``end``: the days that it covers.

    ``since``: up to which day all was told when it was begun; ``after``: Unix seconds before which it is not asked
    for; ``most``: how many days a report may cover, fewer after one that was too large.
    """

    id: str
    since: date | None
    begin: date
    end: date
    after: float = 0.0
    most: int = LONGEST


class Payouts(Documents):
    """Payouts, and money of no order: natives of the entity ``accrual``."""

    def payouts(self, paid: date | None) -> Iterator[tuple[Page, date]]:
        """Yield what was paid after the day ``paid``, once a day, with the day up to which all is told then.

        A report that is not ready is left to the next pass, of this process or another, and one that Market has
        forgotten is begun anew. Raises IncompleteSource where the report cannot be had or has other columns; the
        pass may simply be repeated.
        """
        ticket = self._ticket(paid)
        if ticket is None or self.clock.now().timestamp() < ticket.after:
            return
        if not ticket.id:
            self._begin(ticket)
            return
        try:
            told = self.made(ticket.id)
        except Refused:  # Market has forgotten it
            self._begin(ticket)
            return
        status, why = told["result.status"], told.get("result.subStatus")
        if status in {"PENDING", "PROCESSING"}:
            self._keep(ticket, told.get("result.estimatedGenerationTime"))
        elif status == "DONE" and told.get("result.file"):
            yield Page(self._paid(ticket, str(told["result.file"])), decode=_decoded, where=told.what), ticket.end
        elif why == "NO_DATA":
            yield Page(()), ticket.end
        else:
            self._failed(ticket, f"{told.what}: Market made no report of payments: {why or status}.", why)

    def _ticket(self, paid: date | None) -> Ticket | None:
        """Return the report that was begun for these days, or the next one; None if all is told up to yesterday."""
        kept = self.memory.get(_TICKET)
        ticket = msgspec.json.decode(kept, type=Ticket) if kept else None
        if ticket is not None and ticket.since == paid:
            return ticket
        yesterday = (self.clock.now() + _MOSCOW).date() - _A_DAY
        if paid is not None and paid >= yesterday:
            return None
        return _next(paid or yesterday - timedelta(days=self.options.lookback_days), yesterday, paid, ticket)

    def _begin(self, ticket: Ticket) -> None:
        """Ask for a report (``generateUnitedNettingReport``)."""
        body = {
            "businessId": self.options.business_id,
            "dateFrom": ticket.begin.isoformat(),
            "dateTo": ticket.end.isoformat(),
            "campaignIds": list(self.options.order_campaigns),
        }
        begun = self.call(paths.PAYMENTS_REPORT, safe=True, json=body, params={"format": "CSV", "language": "RU"})
        ticket.id = str(begun["result.reportId"])
        self._keep(ticket, begun.get("result.estimatedGenerationTime"))

    def _keep(self, ticket: Ticket, milliseconds: int | None) -> None:
        ticket.after = self.clock.now().timestamp() + (milliseconds or 0) / 1000
        self.memory.put(_TICKET, msgspec.json.encode(ticket))

    def _failed(self, ticket: Ticket, message: str, why: str | None) -> None:
        """Let the next pass ask for fewer days than were too many, or else for the same again, and say so."""
        days = (ticket.end - ticket.begin).days + 1
        if why == "TOO_LARGE" and days > 1:
            ticket.id, ticket.most = "", days // 2
            ticket.end = ticket.begin + timedelta(days=ticket.most - 1)
            if ticket.since is not None and ticket.end <= ticket.since:
                ticket.begin = ticket.end = ticket.since + _A_DAY
            self._keep(ticket, None)
            return
        self.memory.put(_TICKET, b"")
        raise IncompleteSource(f"{message} It is asked for again by the next pass.")

    def _paid(self, ticket: Ticket, url: str) -> list[bytes]:
        """Return what each payment order of these days held of each order, a slice for each pair."""
        what = f"{self.name}: the report of payments"
        found: dict[tuple[str, str, str], dict[tuple[str, str, str], Decimal]] = {}
        for row in rows(self.fetched(url), COLUMNS, what):
            if not row["BANK_ORDER_ID"]:
                continue
            day = _day(row["BANK_ORDER_DATE"], what)
            if ticket.begin <= day <= ticket.end:
                order = row["ORDER_ID"]
                sums = found.setdefault((row["BANK_ORDER_ID"], day.isoformat(), order), {})
                words = ("", "") if order else (row["OFFER_OR_SERVICE_NAME"], row["TRANSACTION_SOURCE"])
                key = (row["PAYMENT_STATUS"], *words)
                sums[key] = sums.get(key, Decimal(0)) + _sum(row["TRANSACTION_SUM"], what)
        if not found:
            return []
        currency = self.call(paths.SETTINGS, safe=True)["result.settings.currency"]
        return [encode_json(_shown(key, sums, currency)) for key, sums in found.items()]


def _next(told: date, until: date, since: date | None, before: Ticket | None) -> Ticket:
    """Return the report that follows the day ``told``: with an overlap if that fits, else as much as one may cover."""
    most = before.most if before is not None else LONGEST
    if (until - told).days == 1:
        most = min(most * 2, LONGEST)
    begin = told + _A_DAY
    if (until - told).days + OVERLAP <= most:
        return Ticket("", since, begin - timedelta(days=OVERLAP), until, most=most)
    return Ticket("", since, begin, min(begin + timedelta(days=most - 1), until), most=most)


def _shown(key: tuple[str, str, str], sums: dict[tuple[str, str, str], Decimal], currency: str) -> dict[str, Any]:
    bank, day, order = key
    lines = [{"status": s, "service": n, "source": o, "sum": amount} for (s, n, o), amount in sorted(sums.items())]
    return {"bankOrderId": bank, "date": day, "orderId": order, "currency": currency, "lines": lines}


def _decoded(raw: bytes) -> Iterator[Native]:
    for told in decode_json(raw):
        yield from paid_out(told)


def paid_out(told: Native) -> Iterator[Native]:
    """Yield what a payment order held of one order, and of no order also each sum that it is made of.

    Shape as in ``finance.operations``; ``type`` is ``payout:BANK`` or ``unordered:`` and a kind.
    """
    lines = [line for line in told["lines"] if _is_paid(str(line["status"]), told)]
    if not lines:
        return
    name = f"{told['bankOrderId']}/{told['date']}"
    order = told["orderId"]
    common: Native = {
        "currency": told["currency"],
        "occurredAt": f"{told['date']}T00:00:00+03:00",
        "report": told["bankOrderId"],
    }
    if order:
        common["orderId"] = order
    for line in [] if order else lines:
        words = (line["status"], line["service"], line["source"])
        yield {
            **common,
            "operationId": f"{name}/{sha256('|'.join(words).encode()).hexdigest()[:16]}",
            "type": f"unordered:{_kind(line['service'])}",
            "title": line["service"] or line["source"] or line["status"],
            "amount": Decimal(line["sum"]),
        }
    yield {
        **common,
        "operationId": f"{name}/payout/{order}",
        "type": "payout:BANK",
        "title": f"Платёжное поручение {told['bankOrderId']} от {told['date']}",
        "amount": sum((Decimal(line["sum"]) for line in lines), Decimal(0)),
    }


def _is_paid(status: str, told: Native) -> bool:
    words = " ".join(status.lower().replace("ё", "е").split())
    if words in _PAID:
        return True
    if words.startswith(_NOT_PAID):
        return False
    message = f"Payment order {told['bankOrderId']} has a line of the status '{status}', which Obmen does not know."
    raise Refused(message, code="unmapped", field="PAYMENT_STATUS")


def _kind(service: str) -> str:
    lowered = service.lower()
    return next((kind for words, kind in _KINDS if any(word in lowered for word in words)), "other")


def _day(text: str, what: str) -> date:
    for form in ("%d.%m.%Y", "%Y-%m-%d"):
        try:
            return datetime.strptime(text[:10], form).date()  # noqa: DTZ007 - a day of Moscow's, without a time
        except ValueError:
            continue
    raise IncompleteSource(f"{what} has '{text}' as the day of a payment order, which is none.")


def _sum(text: str, what: str) -> Decimal:
    try:
        return Decimal(text.replace("\u00a0", "").replace(" ", "").replace(",", "."))
    except ArithmeticError:
        raise IncompleteSource(f"{what} has '{text}' as a sum, which is none.") from None

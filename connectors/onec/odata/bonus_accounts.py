"""Bonus accounts: a card, and what its owner may spend now and later.

The register keeps points by partner and programme, and its movements of the future (points that begin later, points
that expire) stand beside those of the past: a balance without a date would give points away that are not there yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from connectors.onec.odata.cards import KINDS, PROGRAMS, SELECT, Cards, Purse
from connectors.onec.odata.client import NO_REF, OData, is_reference, moment
from connectors.onec.odata.lines import ZERO
from connectors.onec.odata.names import Names
from connectors.onec.odata.needs import russian
from connectors.onec.odata.objects import by_refs
from connectors.onec.odata.partners import CARDS, PAGE, card_number
from connectors.onec.odata.parts import batches
from connectors.onec.odata.tables import balance, either
from connectors.onec.options import OneCOptions
from obmen.clock import Clock
from obmen.connector import Page
from obmen.errors import ConfigurationError
from obmen.http import encode_json
from obmen.records import Native

REGISTER = "AccumulationRegister_БонусныеБаллы"
_DIMENSIONS = ("Партнер", "БонуснаяПрограммаЛояльности")
_ORDER = ("Партнер_Key", "БонуснаяПрограммаЛояльности_Key")


class _Points(
    msgspec.Struct,
    rename={
        "partner": "Партнер_Key",
        "program": "БонуснаяПрограммаЛояльности_Key",
        "accrued": "НачисленоBalance",
        "expired": "КСписаниюBalance",
        "held": "ЗарезервированоBalance",
    },
):
    """What the register holds of a purse; ``held`` is known since 11.5.20."""

    partner: str = NO_REF
    program: str = NO_REF
    accrued: Decimal = ZERO
    expired: Decimal = ZERO
    held: Decimal = ZERO


_NOTHING = _Points()
_Balances = dict[Purse, _Points]


class BonusAccounts:
    """The bonus accounts of one base, one per card."""

    def __init__(self, base: OData, options: OneCOptions, clock: Clock) -> None:
        self._base, self._options, self._clock = base, options, clock
        self._names = Names(base, options.order)
        self._cards = Cards(base, self._names)

    def read(self, cursor: str | None) -> Iterator[Page]:
        """Yield every card with an owner and a programme; the key is the card's ``Ref_Key``.

        ``Доступно``: points that can be spent now; ``Ожидается``: those that begin later. Cards of one owner in
        one programme share a purse, and each tells what is in it.
        """
        del cursor
        self._require()
        self._names.forget()
        now, later = self._balances(), self._balances(dated=False)
        cards = (card for rows in self._base.pages(CARDS, select=self._select()) for card in rows)
        slices = (encode_json(account) for account in self._accounts(cards, now, later))
        for page in batches(slices, PAGE):
            yield Page(page, where=CARDS)

    def look_up(self, ids: Sequence[str]) -> Iterator[Native]:
        """Yield the accounts of these cards, by the cards' references, as they are now."""
        self._require()
        refs = [one for one in ids if is_reference(one)]
        cards = by_refs(self._base, CARDS, refs, self._select())
        partners = sorted({str(card["Партнер_Key"]) for card in cards.values() if is_reference(card["Партнер_Key"])})
        now, later = self._balances(partners), self._balances(partners, dated=False)
        yield from self._accounts([cards[ref] for ref in refs if ref in cards], now, later)

    def _accounts(self, cards: Iterable[Native], now: _Balances, later: _Balances) -> Iterator[Native]:
        for card in cards:
            purse = Purse(str(card["Партнер_Key"]), self._cards.program(card))
            name = card_number(card)
            if name and purse.program and is_reference(purse.partner) and card.get("DeletionMark") is not True:
                points = _told(now.get(purse, _NOTHING), later.get(purse, _NOTHING))
                yield {**self._account(card, purse, name), **points}

    def _account(self, card: Native, purse: Purse, name: str) -> Native:
        told = {
            "Ref_Key": card["Ref_Key"],
            "Карта": name,
            "Статус": card.get("Статус"),
            "ВидКарты": self._names.of(KINDS, card.get("Owner_Key")),
            "Партнер_Key": purse.partner,
            "Программа": self._names.of(PROGRAMS, purse.program),
        }
        return {key: value for key, value in told.items() if value}

    def _balances(self, partners: Sequence[str] | None = None, *, dated: bool = True) -> _Balances:
        """Return what the register holds up to and with this moment, or with all that is to come."""
        found: _Balances = {}
        for condition in either("Партнер_Key", partners) if partners is not None else ("",):
            table = balance(REGISTER, _ORDER, _DIMENSIONS, condition, self._soon() if dated else "")
            for rows in self._base.rows(table, _Points):
                found.update((Purse(row.partner, row.program), row) for row in rows)
        return found

    def _soon(self) -> str:
        """A balance's period is left out of it, so the next second is asked for."""
        now = self._clock.now().astimezone(ZoneInfo(self._options.timezone)).replace(tzinfo=None)
        return moment(now + timedelta(seconds=1))

    def _select(self) -> tuple[str, ...]:
        known = self._base.metadata().properties(CARDS)
        return tuple(name for name in SELECT if name in known)

    def _require(self) -> None:
        for name in (CARDS, REGISTER):
            if name not in self._base.metadata().sets:
                message = (
                    f"{russian(name)} must be in the composition of the standard OData interface for bonus accounts:"
                    " `obmen check` tells what the administrator of 1C adds."
                )
                raise ConfigurationError(message)


def _told(now: _Points, later: _Points) -> Native:
    """Return an account's points: what is in the register, and what can be spent now and later.

    Points whose last day has passed are still in the register until 1C writes them off, and those kept for an
    order are not free; neither is given away.
    """
    free = now.accrued - max(now.expired, ZERO) - max(now.held, ZERO)
    return {
        "Начислено": now.accrued,
        "КСписанию": now.expired,
        "Зарезервировано": now.held,
        "Доступно": max(free, ZERO),
        "Ожидается": max(later.accrued - now.accrued, ZERO),
    }

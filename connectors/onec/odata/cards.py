"""Loyalty cards: what a card's number means to 1C, whose books are kept by partner and programme, not by card."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from connectors.onec.odata.client import OData, is_reference, text
from connectors.onec.odata.names import Names
from connectors.onec.odata.objects import among
from connectors.onec.odata.partners import CARDS, card_number
from obmen.errors import Refused
from obmen.records import Native

KINDS = "ВидыКартЛояльности"
PROGRAMS = "БонусныеПрограммыЛояльности"
SELECT = ("Ref_Key", "Owner_Key", "Штрихкод", "МагнитныйКод", "Статус", "Партнер_Key", "DeletionMark")
_ACTIVE = "Действует"


@dataclass(frozen=True, slots=True)
class Purse:
    """Where points lie: a partner's account in a programme."""

    partner: str
    program: str


class Cards:
    """The loyalty cards of one base."""

    def __init__(self, base: OData, names: Names) -> None:
        self._base, self._names = base, names

    def program(self, card: Native) -> str:
        """Return the programme of a card, by its kind; empty for a card of discounts alone."""
        program = self._names.row(KINDS, card.get("Owner_Key")).get("БонуснаяПрограммаЛояльности_Key")
        return str(program) if is_reference(program) else ""

    def purse(self, number: str) -> Purse:
        """Return whose points a card's number stands for.

        Raises Refused for a number that no valid card has, or cards of several owners, or one without an owner
        or a programme.
        """
        where = f"Штрихкод eq {text(number)} or МагнитныйКод eq {text(number)}"
        found = [row for page in self._base.pages(CARDS, where=where, select=SELECT) for row in page]
        found = [row for row in found if row.get("DeletionMark") is not True]
        found = [row for row in found if row.get("Статус") == _ACTIVE] or found
        purses = {Purse(str(row["Партнер_Key"]), self.program(row)) for row in found}
        if not purses:
            message = "1C has no loyalty card with this number. Register the card in 1C, then replay the record."
            raise Refused(message, code="no_card", field="Карта")
        if len(purses) > 1:
            message = f"{len(found)} loyalty cards of different owners in 1C have this number. Leave it to one of them."
            raise Refused(message, code="ambiguous", field="Карта")
        purse = purses.pop()
        if not is_reference(purse.partner) or not purse.program:
            missing = "Партнер" if purse.program else "БонуснаяПрограммаЛояльности (in its ВидКарты)"
            message = f"The loyalty card has no {missing} in 1C, so no points. Fill it in, then replay the record."
            raise Refused(message, code="no_account", field="Карта")
        return purse

    def of_partners(self, partners: Iterable[str]) -> dict[Purse, str]:
        """Return each purse's card number: of several cards the first valid one, by number."""
        found: dict[Purse, str] = {}
        rows = list(among(self._base, CARDS, "Партнер_Key", partners, SELECT))
        for row in sorted(rows, key=lambda row: (row.get("Статус") != _ACTIVE, card_number(row))):
            if row.get("DeletionMark") is not True and (number := card_number(row)):
                found.setdefault(Purse(str(row["Партнер_Key"]), self.program(row)), number)
        return found

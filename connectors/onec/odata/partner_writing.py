"""Customers written into 1C: found before they are created, and changed only in what a channel tells.

A buyer is known in 1C long before a channel tells of him: a second partner with the same phone splits his orders,
his debts and his points. So a customer is looked for by reference, card, tax id, phone and e-mail, in this order;
two people who answer to one of them are for a person to decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from uuid import uuid5

from connectors.onec.odata import documents
from connectors.onec.odata.client import OData, is_reference, text
from connectors.onec.odata.contacts import ADDRESS, EMAIL, PHONE, SECTION, Wanted, merged
from connectors.onec.odata.errors import CHANGED_MEANWHILE
from connectors.onec.odata.objects import by_refs
from connectors.onec.odata.partners import CARDS, COMPANY, CONTRAGENTS, NAMESPACE, PARTNERS, customer_ref
from connectors.onec.options import CustomerOptions, OneCOptions
from obmen.connector import Item
from obmen.errors import ConfigurationError, Later, Refused
from obmen.mapping.phones import e164
from obmen.records import Native

_OWN = ("НаименованиеПолное", "ЮрФизЛицо", "Пол", "ДатаРождения", "Комментарий")
_LIGHT = ("Ref_Key", "DeletionMark", "Description")
_LONGEST_NAME = 100
_LOCAL = 10
_ROUNDS = 3


class PartnerWriter:
    """Writes the customers of one base."""

    def __init__(self, base: OData, options: OneCOptions) -> None:
        self._base = base
        self._own = options.order.partner if options.order else ""
        self._options = options.customer or CustomerOptions()

    def write(self, item: Item) -> str:
        """Bring a customer into the base and return the partner's reference.

        Raises Refused (1C's own text, a doubtful match, the field that is wrong), Later (somebody keeps changing
        it), InDoubt (look again before repeating).
        """
        ref = self._ref(item)
        if ref is None:
            ref = documents.create(self._base, self._wanted(item), self._body(item.payload))
        self._bring(ref, item.payload)
        self._bring_legal(ref, item.payload)
        return ref

    def find(self, item: Item) -> str | None:
        """Return the partner's reference if the base holds all that the payload tells."""
        ref = self._ref(item)
        if ref is None or self._change(self._whole(ref), item.payload) or self._missing_legal(ref, item.payload):
            return None
        return ref

    def _ref(self, item: Item) -> str | None:
        if item.native_id is not None:
            return item.native_id
        found = documents.look(self._base, self._wanted(item))
        return None if found is None else str(found["Ref_Key"])

    def _wanted(self, item: Item) -> documents.Wanted:
        return documents.Wanted(
            entity_set=PARTNERS,
            ref=customer_ref(str(item.payload["Ref_Key"])),
            search=lambda: self._matches(item.payload),
            what="this customer",
            field="Телефоны",
            light=_LIGHT,
        )

    # -- looking ---------------------------------------------------------------------------------------------

    def _matches(self, payload: Native) -> Sequence[Native]:
        """Return the partners who answer to the strongest mark that anybody answers to."""
        searches: tuple[Callable[[], Iterable[str]], ...] = (
            lambda: self._by_cards(payload.get("Карты") or ()),
            lambda: self._by_tax_id(str(payload.get("ИНН") or ""), str(payload.get("КПП") or "")),
            lambda: self._by_contact(PHONE, payload.get("Телефоны") or ()),
            lambda: self._by_contact(EMAIL, payload.get("Почты") or ()),
        )
        for search in searches:
            refs = sorted({ref for ref in search() if is_reference(ref) and ref != self._own})
            found = by_refs(self._base, PARTNERS, refs, _LIGHT)
            standing = [row for row in found.values() if row.get("DeletionMark") is not True]
            if standing:
                return standing
        return ()

    def _by_cards(self, cards: Iterable[str]) -> Iterator[str]:
        for card in cards if self._has(CARDS) else ():
            where = f"Штрихкод eq {text(card)} or МагнитныйКод eq {text(card)}"
            yield from (row["Партнер_Key"] for row in self._found(CARDS, where, ("Ref_Key", "Партнер_Key")))

    def _by_tax_id(self, tax_id: str, kpp: str) -> Iterator[str]:
        if tax_id and self._has(CONTRAGENTS):
            where = (
                f"ИНН eq {text(tax_id)}" + (f" and КПП eq {text(kpp)}" if kpp else "") + " and DeletionMark eq false"
            )
            yield from (row["Партнер_Key"] for row in self._found(CONTRAGENTS, where, ("Ref_Key", "Партнер_Key")))

    def _by_contact(self, kind: str, values: Iterable[str]) -> Iterator[str]:
        """Yield who has a phone or an e-mail in whatever spelling, on the partner's card or a contragent's."""
        for value in values:
            where, alike = _phone(value) if kind == PHONE else _email(value)
            for owner in (PARTNERS, CONTRAGENTS):
                rows_set = f"{owner}_{SECTION}"
                if not where or not self._has(rows_set):
                    continue
                rows = self._found(rows_set, where, ("Ref_Key", "Тип", "Представление", "АдресЭП", "НомерТелефона"))
                refs = {str(row["Ref_Key"]) for row in rows if row.get("Тип") == kind and alike(row)}
                if owner == PARTNERS:
                    yield from refs
                else:
                    legal = by_refs(self._base, CONTRAGENTS, sorted(refs), ("Ref_Key", "Партнер_Key", "DeletionMark"))
                    yield from (row["Партнер_Key"] for row in legal.values() if row.get("DeletionMark") is not True)

    def _found(self, entity_set: str, where: str, select: Sequence[str]) -> Iterator[Native]:
        known = self._base.metadata().properties(entity_set)
        names = tuple(name for name in select if not known or name in known)
        return (row for rows in self._base.pages(entity_set, where=where, select=names) for row in rows)

    def _has(self, entity_set: str) -> bool:
        return entity_set in self._base.metadata().sets

    # -- writing ---------------------------------------------------------------------------------------------

    def _body(self, payload: Native) -> Native:
        name = str(payload.get("НаименованиеПолное") or "").strip()
        if not name:
            message = "The customer has no name, and 1C takes no partner without one."
            raise Refused(message, code="no_name", field="НаименованиеПолное")
        body: dict[str, Any] = {"Description": name[:_LONGEST_NAME], "Клиент": True, **_own(payload)}
        if self._options.access_group:
            body["ГруппаДоступа_Key"] = self._options.access_group
        if (rows := self._contacts([], payload)) is not None:
            body[SECTION] = rows
        self._base.metadata().require(PARTNERS, body)
        return body

    def _bring(self, ref: str, payload: Native) -> None:
        """Change what the payload tells otherwise, comparing before the change and after it."""
        for _ in range(_ROUNDS):
            partner = self._whole(ref)
            change = self._change(partner, payload)
            if not change:
                return
            self._base.metadata().require(PARTNERS, change)
            try:
                self._base.change(PARTNERS, ref, change, version=str(partner.get("DataVersion") or ""))
            except Refused as refused:
                if refused.code != CHANGED_MEANWHILE:
                    raise
        if self._change(self._whole(ref), payload):
            message = f"The partner {ref} was changed in 1C {_ROUNDS} times while it was being written."
            raise Later(message)

    def _whole(self, ref: str) -> Native:
        partner = self._base.get(PARTNERS, ref)
        if partner is None:
            message = f"The partner {ref} is no longer in the base: somebody deleted it. Drop the record."
            raise Refused(message, code="not_found", field="Ref_Key")
        return partner

    def _change(self, partner: Native, payload: Native) -> Native:
        change = {name: value for name, value in _own(payload).items() if partner.get(name) != value}
        rows = self._contacts(partner.get(SECTION) or [], payload)
        return change if rows is None else {**change, SECTION: rows}

    def _contacts(self, rows: Sequence[Native], payload: Native) -> list[Native] | None:
        address = payload.get("Адрес")
        wanted = [
            self._wish(PHONE, "phone", payload.get("Телефоны")),
            self._wish(EMAIL, "email", payload.get("Почты")),
            self._wish(ADDRESS, "address", None if address is None else [address]),
        ]
        metadata = self._base.metadata()
        row_type = metadata.properties(PARTNERS)[SECTION].rows
        return merged(rows, [wish for wish in wanted if wish is not None], metadata.properties(row_type))

    def _wish(self, kind: str, option: str, values: Sequence[str] | None) -> Wanted | None:
        if values is None:
            return None
        ref = getattr(self._options, option)
        if ref is None and not values:
            return None
        if ref is None:
            message = (
                f"customer.{option} is not set: it names the Вид контактной информации under which a customer's"
                f" {option} stands on a partner's card in 1C."
            )
            raise ConfigurationError(message)
        return Wanted(kind, ref, values)

    def _missing_legal(self, ref: str, payload: Native) -> bool:
        """Whether the payload tells a tax id that no contragent of the partner has."""
        tax_id = str(payload.get("ИНН") or "")
        return bool(tax_id) and not any(row.get("ИНН") == tax_id for row in self._legal(ref))

    def _legal(self, ref: str) -> list[Native]:
        rows = self._found(
            CONTRAGENTS, f"Партнер_Key eq guid'{ref}'", ("Ref_Key", "ИНН", "DataVersion", "DeletionMark")
        )
        return [row for row in rows if row.get("DeletionMark") is not True]

    def _bring_legal(self, ref: str, payload: Native) -> None:
        """Give the partner a contragent with the tax id: the one that has none yet, else a new one."""
        if not payload.get("ИНН") or not self._missing_legal(ref, payload):
            return
        known = self._base.metadata().properties(CONTRAGENTS)
        told = {"ИНН": payload["ИНН"], "КПП": payload.get("КПП")}
        body = {name: value for name, value in told.items() if value and name in known}
        empty = [row for row in self._legal(ref) if not row.get("ИНН")]
        if empty:
            self._base.change(CONTRAGENTS, empty[0]["Ref_Key"], body, version=str(empty[0].get("DataVersion") or ""))
            return
        company = payload.get("ЮрФизЛицо") == COMPANY
        name = str(payload.get("НаименованиеПолное") or "").strip()
        body |= {
            "Description": name[:_LONGEST_NAME],
            "НаименованиеПолное": name,
            "Партнер_Key": ref,
            "ЮрФизЛицо": "ЮрЛицо" if company else "ФизЛицо",
            "ЮридическоеФизическоеЛицо": "ЮридическоеЛицо" if company else "ФизическоеЛицо",
        }
        self._base.metadata().require(CONTRAGENTS, body)
        wanted = documents.Wanted(
            entity_set=CONTRAGENTS,
            ref=str(uuid5(NAMESPACE, f"{ref}:{payload['ИНН']}")),
            search=lambda: [row for row in self._legal(ref) if row.get("ИНН") == payload["ИНН"]],
            what="this customer's contragent",
            field="ИНН",
            light=_LIGHT,
        )
        documents.create(self._base, wanted, body)


def _own(payload: Native) -> Native:
    return {name: payload[name] for name in _OWN if payload.get(name) is not None}


def _phone(value: str) -> tuple[str, Callable[[Native], bool]]:
    number = e164(value, "RU") or value
    digits = "".join(char for char in number if char.isdigit())[-_LOCAL:]
    where = f"endswith(НомерТелефона,{text(digits)})" if digits else ""
    return where, lambda row: _same_number(row, number)


def _same_number(row: Native, number: str) -> bool:
    spelt = (str(row.get("Представление") or ""), "+" + str(row.get("НомерТелефона") or ""))
    return any(e164(one, "RU") == number for one in (*spelt, spelt[1].lstrip("+")))


def _email(value: str) -> tuple[str, Callable[[Native], bool]]:
    wanted = value.strip().lower()
    where = f"АдресЭП eq {text(wanted)}" if wanted else ""
    return where, lambda row: str(row.get("АдресЭП") or row.get("Представление") or "").strip().lower() == wanted

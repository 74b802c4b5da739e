"""Customers as 1C keeps them: a partner, its contragents (the legal side), and its loyalty cards.

Phones stand with the partner or with a contragent, the tax id always with a contragent, cards in a catalog of
their own. A change of any of the three changes the customer, so a customer's version is made of theirs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID, uuid5

import msgspec

from connectors.onec.odata import contacts
from connectors.onec.odata.client import NO_REF, OData, is_reference
from connectors.onec.odata.needs import russian
from connectors.onec.odata.objects import among, by_refs
from connectors.onec.odata.parts import Parts, batches, decoded, encoded
from connectors.onec.odata.tables import of_set
from connectors.onec.options import OneCOptions
from obmen.connector import Page
from obmen.errors import ConfigurationError
from obmen.http import encode_json
from obmen.records import Native

PARTNERS = "Catalog_Партнеры"
CONTRAGENTS = "Catalog_Контрагенты"
CARDS = "Catalog_КартыЛояльности"
PERSON, COMPANY = "ЧастноеЛицо", "Компания"
PAGE = 1000
NAMESPACE = UUID("6f7d2b52-4f0a-5b0e-9a59-0d3f2d2c7b19")
"""The namespace of our customers' references: it may never change, or every customer would be created anew."""

_BELONGING = (CONTRAGENTS, CARDS)
_PARTS_OF_A_NAME = (2, 3)
_ACTIVE = "Действует"
_GROUP = 500


class _Partner(
    msgspec.Struct,
    rename={
        "ref": "Ref_Key",
        "version": "DataVersion",
        "client": "Клиент",
        "predefined": "Predefined",
        "folder": "IsFolder",
    },
):
    ref: str
    version: str | None = ""
    client: bool | None = True
    predefined: bool | None = False
    folder: bool | None = False

    @property
    def is_customer(self) -> bool:
        return self.client is not False and not self.predefined and not self.folder


class _Belonging(msgspec.Struct, rename={"ref": "Ref_Key", "version": "DataVersion", "owner": "Партнер_Key"}):
    ref: str
    version: str | None = ""
    owner: str | None = NO_REF


def customer_ref(customer: str) -> str:
    """Return the reference of a customer: a GUID is one already, any other id is made into one."""
    return customer.lower() if is_reference(customer) else str(uuid5(NAMESPACE, customer))


class Partners:
    """The customers of one base. Where partners are not published, contragents stand for them."""

    def __init__(self, base: OData, options: OneCOptions) -> None:
        self._base = base
        self._own = frozenset({options.order.partner} if options.order else ())

    def read(self, cursor: str | None) -> Iterator[Page]:
        """Yield every customer by its version; the key is the partner's ``Ref_Key``.

        Left out are suppliers, predefined elements, and the partner on which channels' orders are booked.
        """
        del cursor
        if not (self._has(PARTNERS) or self._has(CONTRAGENTS)):
            message = (
                f"{russian(PARTNERS)} must be in the composition of the standard OData interface for customers:"
                " `obmen check` tells what the administrator of 1C adds."
            )
            raise ConfigurationError(message)
        with Parts() as parts:
            for entity_set in _BELONGING:
                self._put(parts, entity_set)
            parts.index()
            for slices in batches(self._slices(parts), PAGE):
                yield Page(slices, expand=self._expand, where=PARTNERS)

    def look_up(self, ids: Sequence[str]) -> Iterator[Native]:
        """Yield these customers as they are now, each under the id that was asked for: a reference, or another's id."""
        asked = {ref: id_ for id_ in dict.fromkeys(ids) if (ref := customer_ref(id_)) not in self._own}
        refs = list(asked)
        for native in self._joined(refs, [row["Ref_Key"] for row in self._legal(refs)], self._cards(refs)):
            yield {**native, "Ref_Key": asked[native["Ref_Key"]]}

    def buyers(self, refs: Sequence[str]) -> dict[str, Native]:
        """Return partner → how an order names it: ``Имя``, ``Телефон``, ``Почта``."""
        found = by_refs(self._base, PARTNERS, refs) if self._has(PARTNERS) else {}
        return {ref: _buyer(partner) for ref, partner in found.items()}

    def _has(self, entity_set: str) -> bool:
        return entity_set in self._base.metadata().sets

    def _put(self, parts: Parts, entity_set: str) -> None:
        """Keep what belongs to each partner; a contragent without one may be a customer of its own."""
        alone = entity_set == CONTRAGENTS and not self._has(PARTNERS)
        for rows in self._base.rows(of_set(entity_set), _Belonging) if self._has(entity_set) else ():
            owned = ((row.ref if alone and row.owner == NO_REF else row.owner, row) for row in rows)
            told = ((owner, encoded(row.ref, row.version or "")) for owner, row in owned if owner not in (None, NO_REF))
            parts.put(entity_set, told)

    def _slices(self, parts: Parts) -> Iterator[bytes]:
        for partners in self._versions(parts):
            wanted = [one for one in partners if one.is_customer and one.ref not in self._own]
            belonging = parts.of(one.ref for one in wanted)
            for one in wanted:
                theirs = {name: [decoded(said) for said in belonging.get((one.ref, name), ())] for name in _BELONGING}
                yield encode_json({"Ref_Key": one.ref, "DataVersion": one.version, **theirs})

    def _versions(self, parts: Parts) -> Iterator[list[_Partner]]:
        if self._has(PARTNERS):
            yield from self._base.rows(of_set(PARTNERS), _Partner)
        else:
            for owners in parts.each(CONTRAGENTS, PAGE):
                yield [_Partner(ref) for ref in owners]

    def _expand(self, slices: Sequence[bytes]) -> Iterator[list[Native]]:
        for start in range(0, len(slices), _GROUP):
            some = [msgspec.json.decode(raw) for raw in slices[start : start + _GROUP]]
            legal, cards = ([ref for one in some for ref, _ in one[name]] for name in _BELONGING)
            found = {
                native["Ref_Key"]: native for native in self._joined([one["Ref_Key"] for one in some], legal, cards)
            }
            yield from ([found[one["Ref_Key"]]] if one["Ref_Key"] in found else [] for one in some)

    def _legal(self, refs: Sequence[str]) -> list[Native]:
        if not self._has(CONTRAGENTS):
            return []
        found = list(among(self._base, CONTRAGENTS, "Партнер_Key", refs, ("Ref_Key",)))
        if not self._has(PARTNERS):
            found += by_refs(self._base, CONTRAGENTS, refs, ("Ref_Key",)).values()
        return found

    def _cards(self, refs: Sequence[str]) -> list[str]:
        if not self._has(CARDS):
            return []
        return [row["Ref_Key"] for row in among(self._base, CARDS, "Партнер_Key", refs, ("Ref_Key",))]

    def _joined(self, refs: Sequence[str], legal: Iterable[str], cards: Iterable[str]) -> Iterator[Native]:
        partners = by_refs(self._base, PARTNERS, refs) if self._has(PARTNERS) else {}
        contragents = _by_owner(by_refs(self._base, CONTRAGENTS, legal) if self._has(CONTRAGENTS) else {})
        held = _by_owner(by_refs(self._base, CARDS, cards) if self._has(CARDS) else {})
        for ref in refs:
            partner = partners.get(ref)
            if partner is None and (self._has(PARTNERS) or ref not in contragents):
                continue
            if partner is None or msgspec.convert(partner, _Partner).is_customer:
                yield shape(ref, partner, contragents.get(ref, ()), held.get(ref, ()))


def shape(ref: str, partner: Native | None, contragents: Sequence[Native], cards: Sequence[Native]) -> Native:
    """Return a customer: the partner's own properties, and ``Телефоны``, ``Почты``, ``Адрес``, ``Карты``, ``ИНН``.

    ``Фамилия``, ``Имя`` and ``Отчество`` are told of a person whose name has two or three words. Without a
    partner the first contragent gives its properties.
    """
    standing = [row for row in contragents if row.get("DeletionMark") is not True] or list(contragents)
    legal = next((row for row in standing if row.get("ИНН")), standing[0] if standing else {})
    head = partner if partner is not None else {**legal, "ЮрФизЛицо": _kind(legal)}
    rows = [row for one in (*((partner,) if partner else ()), *standing) for row in one.get(contacts.SECTION) or ()]
    native: Native = {
        **{name: value for name, value in head.items() if not isinstance(value, list)},
        "Ref_Key": ref,
        "ИНН": legal.get("ИНН", ""),
        "КПП": legal.get("КПП", ""),
        "Контрагенты": [row["Ref_Key"] for row in standing],
        "Телефоны": contacts.phones(rows),
        "Почты": contacts.emails(rows),
        "Карты": numbers(cards),
    }
    if (address := contacts.address(rows)) is not None:
        native["Адрес"] = address
    words = str(head.get("НаименованиеПолное") or head.get("Description") or "").split()
    if head.get("ЮрФизЛицо") == PERSON and len(words) in _PARTS_OF_A_NAME:
        native |= dict(zip(("Фамилия", "Имя", "Отчество"), words, strict=False))
    return native


def numbers(cards: Iterable[Native]) -> list[str]:
    """Return the numbers of the cards that are valid."""
    valid = (row for row in cards if row.get("DeletionMark") is not True and row.get("Статус") in {_ACTIVE, "", None})
    return sorted({number for row in valid if (number := card_number(row))})


def card_number(card: Native) -> str:
    """Return the number by which a card is known: its bar code, else its magnetic one."""
    return str(card.get("Штрихкод") or card.get("МагнитныйКод") or "").strip()


def _kind(contragent: Native) -> str:
    return PERSON if contragent.get("ЮрФизЛицо") == "ФизЛицо" else COMPANY


def _by_owner(rows: Mapping[str, Native]) -> Mapping[str, list[Native]]:
    found: dict[str, list[Native]] = defaultdict(list)
    for ref, row in sorted(rows.items()):
        owner = row["Партнер_Key"]
        found[ref if owner == NO_REF else owner].append(row)
    return found


def _buyer(partner: Native) -> Native:
    rows = partner.get(contacts.SECTION) or ()
    told = {
        "Имя": partner.get("НаименованиеПолное") or partner.get("Description"),
        "Телефон": next(iter(contacts.phones(rows)), None),
        "Почта": next(iter(contacts.emails(rows)), None),
    }
    return {name: value for name, value in told.items() if value}

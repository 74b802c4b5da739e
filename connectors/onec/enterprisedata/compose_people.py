"""Customers of other systems as Справочник.Контрагенты, under a reference that is always the same."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid5
from xml.sax.saxutils import quoteattr

from connectors.onec.enterprisedata import keep
from connectors.onec.enterprisedata.make import Composition, Maker, Part
from connectors.onec.enterprisedata.xml import Element, child, text
from connectors.onec.odata.client import is_reference
from connectors.onec.odata.orders import NAMESPACE
from obmen.errors import Refused
from obmen.records import Item, Native

_CONTACT = "http://www.v8.1c.ru/ssl/contactinfo"


def customer_ref(customer: str) -> str:
    """Return the reference that a customer gets who was not 1C's before; a customer who was keeps his own."""
    return customer.lower() if is_reference(customer) else str(uuid5(NAMESPACE, f"customer:{customer}"))


def compose_people(maker: Maker, items: Sequence[Item]) -> Composition:
    """Return the customers.

    Payloads: ``Ref_Key``, ``Наименование``, ``НаименованиеПолное``, ``ИНН``, ``КПП``,
    ``ЮридическоеФизическоеЛицо``, ``Телефоны``, ``АдресаЭлектроннойПочты`` (lists), ``Адрес``,
    ``ДополнительнаяИнформация``.
    """
    made = Composition()
    for item in items:
        known = str(item.native_id or customer_ref(item.id))
        try:
            made.add(keep.CONTRAGENT, known, maker.object(keep.CONTRAGENT, _customer(maker, item.payload, known)))
        except Refused as refused:
            made.refused[item.id] = refused
        else:
            made.native_ids[item.id] = known
    return made


def _customer(maker: Maker, payload: Native, known: str) -> list[Part]:
    before = maker.known(keep.CONTRAGENT, known)
    named = child(before, "КлючевыеСвойства")
    told = {
        name: str(payload.get(name) or text(named, name))
        for name in ("Наименование", "НаименованиеПолное", "ИНН", "КПП", "ЮридическоеФизическоеЛицо")
    }
    if not told["Наименование"]:
        raise Refused("The customer has no name, and 1C takes none without.", code="no_name", field="Наименование")
    key: list[Part] = [
        ("Ссылка", known),
        ("Наименование", told["Наименование"]),
        ("НаименованиеПолное", told["НаименованиеПолное"]),
        ("ИНН", told["ИНН"]),
        ("КПП", told["КПП"]),
        ("ЮридическоеФизическоеЛицо", told["ЮридическоеФизическоеЛицо"] or "ФизическоеЛицо"),
        ("Группа", child(named, "Группа")),
    ]
    said = str(payload.get("ДополнительнаяИнформация") or "")
    contacts = _contacts(payload, before)
    return [
        ("КлючевыеСвойства", key),
        ("ДополнительнаяИнформация", None if maker.modern else said),
        ("КонтактнаяИнформация", [("Строка", row) for row in contacts] if contacts else None),
        maker.comment(said if maker.modern else ""),
    ]


def _contacts(payload: Native, before: Element | None) -> list[list[Part]]:
    """The table is replaced as a whole, so the base's own rows of other kinds go along."""
    told: list[tuple[str, str]] = []
    told += [("Телефон", str(phone)) for phone in payload.get("Телефоны") or ()]
    told += [("АдресЭлектроннойПочты", str(email)) for email in payload.get("АдресаЭлектроннойПочты") or ()]
    if payload.get("Адрес"):
        told.append(("ФактическийАдрес", str(payload["Адрес"])))
    kinds = {kind for kind, _ in told}
    rows: list[list[Part]] = [
        [("ВидКонтактнойИнформации", kind), ("ЗначенияПолей", _field(kind, said))] for kind, said in told
    ]
    kept = child(before, "КонтактнаяИнформация")
    others = [] if kept is None or not told else list(kept)
    fields = ("ВидКонтактнойИнформации", "ЗначенияПолей")
    rows += [[(name, text(row, name)) for name in fields] for row in others if text(row, fields[0]) not in kinds]
    return rows


def _field(kind: str, said: str) -> str:
    """Return a contact as the XML in which 1C keeps it, so that it need not guess."""
    shape = {"Телефон": "НомерТелефона", "АдресЭлектроннойПочты": "ЭлектроннаяПочта"}.get(kind, "Адрес")
    value = {"НомерТелефона": "Номер", "ЭлектроннаяПочта": "Значение"}.get(shape, "Представление")
    return (
        f'<КонтактнаяИнформация xmlns="{_CONTACT}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f" Представление={quoteattr(said)}><Состав xsi:type={quoteattr(shape)} {value}={quoteattr(said)}/>"
        "</КонтактнаяИнформация>"
    )

"""Records by what stands in them: what people know of a customer, an order or a good, where it is no key of it.

A customer by a phone, an e-mail, a name, a ИНН or a card; an order by its buyer or by the number of its document in
the books; a good by a barcode. None of it has an index, so the database looks through the records of the one kind that
may hold it: so many at most, and orders not beyond ``DAYS``. That is a tenth of a second for a hundred thousand orders
or customers, and most of a second for as many goods, whose records are larger. What is somebody's own is looked for
only for those who may see it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from obmen.entities import Customer, Order, OrderStatus, Product
from obmen.state import Transaction, tables

DAYS = 180
"""How far back orders are looked through by what stands in them."""
MOST = 20
"""Keys at most; more is no answer but a list."""
_THROUGH, _THROUGH_GOODS = 500_000, 100_000
"""Records at most that are looked through, of each kind; goods are far larger than others."""
_LIKELY = 5000
"""Records at most that hold a text and are read for where it stands."""
_PHONE = re.compile(r"[+(]?\d[\d ()\-.]{8,20}")
_PHONE_DIGITS, _PHONE_MOST = 10, 15
_BARCODE = re.compile(r"\d{8}|\d{12,14}")
_SURE = re.compile(r"[\sеё]+", re.IGNORECASE)
"""Parts what of a name is written alike by everybody."""
_NAMES = ("name", "last_name", "first_name", "middle_name")
_SHORTEST = 3
Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Look:
    """Records of a kind that hold one of ``texts`` in their JSON, if they are what is meant."""

    entity: str
    texts: Sequence[str]
    meant: Callable[[Fields], bool]


def find(
    tx: Transaction, connections: Sequence[str], entities: Container[str], asked: str, *, personal: bool
) -> list[str]:
    """Return the keys of records in which stands what was asked for, at most ``MOST``."""
    found: dict[str, None] = {}
    for look in (*(_personal(asked) if personal else ()), *_looks(asked)):
        for key, canonical in _likely(tx, connections, look) if look.entity in entities else ():
            if key not in found and look.meant(msgspec.json.decode(canonical)):
                found[key] = None
                if len(found) == MOST:
                    return list(found)
    return list(found)


def _looks(asked: str) -> Iterator[_Look]:
    """Yield where to look for what is nobody's own."""
    if len(asked) >= _SHORTEST and any(sign.isdigit() for sign in asked):
        wanted = asked.casefold()
        for entity in (OrderStatus.entity, Order.entity):
            yield _Look(entity, _cases(asked), lambda told: wanted in str(told.get("document", "")).casefold())
    if _BARCODE.fullmatch(asked):
        yield _Look(Product.entity, (asked,), lambda told: asked in (told.get("barcodes") or ()))


def _personal(asked: str) -> Iterator[_Look]:
    """Yield where to look for what is somebody's own."""
    if asked.isdecimal():
        yield _Look(Customer.entity, (asked,), lambda told: asked in (told.get("tax_id"), *(told.get("cards") or ())))
    digits = _digits(asked)
    if _PHONE.fullmatch(asked) and _PHONE_DIGITS <= len(digits) <= _PHONE_MOST:
        tail = digits[-_PHONE_DIGITS:]
        yield from _buyers(_ends(tail), lambda contacts: any(_digits(one).endswith(tail) for one in contacts.phones))
    elif "@" in asked:
        wanted = asked.casefold()
        yield from _buyers(_cases(asked), lambda contacts: wanted in (one.casefold() for one in contacts.emails))
    elif sum(map(str.isalpha, asked)) >= _SHORTEST and not any(map(str.isdigit, asked)):
        words = _folded(asked).split()
        longest = max(_SURE.split(asked), key=len)
        yield from _buyers(_cases(longest), lambda contacts: all(word in _folded(contacts.name) for word in words))


@dataclass(frozen=True, slots=True)
class _Contacts:
    """Whom a record is about and how to reach them, whatever kind it is of."""

    name: str
    phones: Iterable[str]
    emails: Iterable[str]


def _buyers(texts: Sequence[str], meant: Callable[[_Contacts], bool]) -> Iterator[_Look]:
    def of_customer(told: Fields) -> bool:
        name = " ".join(str(told[part]) for part in _NAMES if told.get(part))
        return meant(_Contacts(name, told.get("phones") or (), told.get("emails") or ()))

    def of_order(told: Fields) -> bool:
        buyer = {name: str(value) for name, value in (told.get("customer") or {}).items() if value}
        return meant(_Contacts(buyer.get("name", ""), (buyer.get("phone", ""),), (buyer.get("email", ""),)))

    yield _Look(Customer.entity, texts, of_customer)
    yield _Look(Order.entity, texts, of_order)


def _likely(tx: Transaction, connections: Sequence[str], look: _Look) -> Iterator[tuple[str, bytes]]:
    """Yield key and JSON of records that hold one of the texts."""
    is_order = look.entity in {Order.entity, OrderStatus.entity}
    for table in (tables.fact,) if is_order else (tables.agreed, tables.outbox):
        columns = table.c
        some = sa.select(columns.key, columns.canonical).where(
            columns.connection.in_(connections), columns.entity == look.entity
        )
        if look.entity == Order.entity:
            some = some.where(columns.occurred_at >= tx.now - DAYS * 86400).order_by(columns.occurred_at.desc())
        else:
            some = some.where(columns.key >= "")  # else SQLite may read by an index that holds no record
        if look.entity == OrderStatus.entity:
            some = some.where(columns.read_at >= tx.now - DAYS * 86400)
        through = some.limit(_THROUGH_GOODS if look.entity == Product.entity else _THROUGH).subquery()
        match = sa.or_(*(_holds(tx, through.c.canonical, text) for text in look.texts))
        for row in tx.rows(sa.select(through).where(match).limit(_LIKELY)):
            yield row.key, row.canonical


def _holds(tx: Transaction, column: sa.ColumnElement[bytes], text: str) -> sa.ColumnElement[bool]:
    """Match JSON in which a text stands as it is."""
    if tx.connection.dialect.name == "sqlite":
        return sa.func.instr(column, sa.literal(text.encode(), sa.LargeBinary)) > 0
    return sa.func.strpos(sa.func.convert_from(column, "UTF8"), text) > 0


def _cases(text: str) -> Sequence[str]:
    return tuple(dict.fromkeys((text, text.lower(), text.upper(), text.capitalize())))


def _ends(digits: str) -> Sequence[str]:
    """Return how people write the end of a phone."""
    return tuple(f"{digits[-4:-2]}{between}{digits[-2:]}" for between in ("", "-", " "))


def _folded(text: str) -> str:
    return text.casefold().replace("ё", "е")


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))

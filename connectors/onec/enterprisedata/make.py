"""Makes objects of the format in one of its versions, and names what the base has sent as the base named it.

The format points to nothing by a bare reference: an organization or a good is named by its key properties, some
of which are obligatory. They are taken from the mirror, so that what 1C gets back is what it said itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from lxml import etree

from connectors.onec.enterprisedata import keep
from connectors.onec.enterprisedata.exchange import Sent
from connectors.onec.enterprisedata.header import FORMAT, Header
from connectors.onec.enterprisedata.values import WITHOUT_VAT
from connectors.onec.enterprisedata.xml import Element, child, key, local, parsed, text
from obmen.errors import Refused
from obmen.records import Native

Content = str | Element | Iterable["Part"]
Part = tuple[str, "Content | None"]

_PARTY = ("Ссылка", "Наименование", "НаименованиеПолное", "ИНН", "КПП", "ЮридическоеФизическоеЛицо")
_KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        keep.PRODUCT: ("Ссылка", "НаименованиеПолное", "КодВПрограмме", "Артикул", "Наименование"),
        keep.ORGANIZATION: _PARTY,
        keep.CONTRAGENT: _PARTY,
        keep.WAREHOUSE: ("Ссылка", "Наименование", "ТипСклада"),
        keep.CONTRACT: ("Ссылка", "ВидДоговора", "Организация", "Контрагент", "Наименование", "Дата", "Номер"),
    }
)
"""The key properties that every version of the format has, in the order of its schema."""
_INSIDE = {"Организация", "Контрагент"}
_LATER = {"СсылкаВнешняяНавигационная"}
"""What only some versions have, and nobody needs."""
_WORDS = frozenset({"0", "2", "4", "10", "18", "20"})
_KINDS = {"0": "Нулевая", "5": "Пониженная", "7": "Пониженная", "10": "Пониженная"}
_TOO_MUCH = Decimal(10) ** 12


@dataclass(slots=True)
class Composition:
    """What records become: objects to be sent, and the records that cannot become any.

    ``native_ids``: a record's natural id → the reference of the object that it became.
    """

    objects: list[Element] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    native_ids: dict[str, str] = field(default_factory=dict)
    refused: dict[str, Refused] = field(default_factory=dict)

    def add(self, kind: str, known: str, element: Element) -> None:
        """Take an object over."""
        self.objects.append(element)
        self.sent.append(Sent(kind, known))


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes objects in the version that both sides know; ``database`` is the mirror, ``base`` its last header."""

    version: str
    base: Header
    database: sqlite3.Connection

    @property
    def modern(self) -> bool:
        """Whether VAT rates are objects, and comments are among the common properties: from 1.17 on."""
        return self.version != "1.8"

    def element(self, name: str, content: Content) -> Element:
        """Return an element with a text, with parts (those that are None or empty are left out), or a copy."""
        made: Element = etree.Element(f"{{{FORMAT}/{self.version}}}{name}")
        if isinstance(content, str):
            made.text = content
        elif isinstance(content, etree._Element):  # noqa: SLF001 - lxml's only name for its elements' type
            made.text = content.text
            made.extend(self.element(local(one), one) for one in content if local(one) not in _LATER)
        else:
            made.extend(self.element(part, inner) for part, inner in content if inner is not None and inner != "")
        return made

    def object(self, kind: str, content: Iterable[Part]) -> Element:
        """Return an object of the format. Raises Refused if the base does not load this kind."""
        if not self.base.can_receive(kind, self.version):
            message = (
                f"The base does not load {kind} in version {self.version} of the format. In 1C, change what the"
                " synchronization with the node receives; `obmen check` lists what it does."
            )
            raise Refused(message, code="not_received")
        return self.element(kind, content)

    def known(self, kind: str, known: str) -> Element | None:
        """Return an object that the base has sent."""
        query = "SELECT xml FROM object WHERE type = ? AND ref = ? AND deleted = 0"
        found = self.database.execute(query, (kind, known)).fetchone()
        return parsed(found[0]) if found else None

    def key(self, kind: str, known: str, *, option: str = "") -> list[Part]:
        """Return what an object is named by. Raises Refused if the base has not sent it."""
        element = self.known(kind, known)
        if element is None:
            named = f" ({option})" if option else ""
            message = (
                f"The base has not sent {kind} {known}{named}, and the format names nothing by its reference alone."
                " Let the node send it: register it in 1C for the node."
            )
            raise Refused(message, code="not_sent", field=option)
        return _part(key(element), _KEYS[kind])

    def good(self, id_: str, name: str = "") -> list[Part]:
        """Return ДанныеНоменклатуры of a good by its Ид.

        ``name`` serves for one that the base has not sent. Raises Refused (bad_product, not_sent).
        """
        product, _, variant = id_.partition("#")
        if not product:
            raise Refused("A line names no good.", code="bad_product", field="Товар")
        if self.known(keep.PRODUCT, product) is None and name:
            named: list[Part] = [("Ссылка", product), ("Наименование", name)]
        else:
            named = self.key(keep.PRODUCT, product)
        parts: list[Part] = [("Номенклатура", named)]
        if variant:
            own = self.known(keep.VARIANT, variant)
            full = text(key(own) if own is not None else None, "НаименованиеПолное") or text(own, "Наименование")
            if not full:
                raise Refused(f"The base has not sent the characteristic {variant}.", code="not_sent", field="Товар")
            owner: list[Part] = [("Номенклатура", named)]
            parts.append(
                (
                    "Характеристика",
                    [("Ссылка", variant), ("ВладелецХарактеристики", owner), ("НаименованиеПолное", full)],
                )
            )
        return parts

    def vat(self, rate: str) -> Content | None:
        """Return СтавкаНДС for a rate in percent, or ``БезНДС``. Raises Refused (no_rate)."""
        if not rate:
            return None
        if not self.modern:
            if rate != WITHOUT_VAT and rate not in _WORDS:
                message = (
                    f"Version 1.8 of the format has no VAT rate of {rate} %. Let the base exchange in a later one."
                )
                raise Refused(message, code="no_rate", field="СтавкаНДС")
            return rate if rate == WITHOUT_VAT else f"НДС{rate}"
        free = rate == WITHOUT_VAT
        return [
            ("Ставка", "0" if free else rate),
            ("РасчетнаяСтавка", "false"),
            ("НеОблагается", "true" if free else "false"),
            ("ВидСтавки", WITHOUT_VAT if free else _KINDS.get(rate, "Общая")),
        ]

    def comment(self, said: str) -> Part:
        """Return a comment where this version keeps it."""
        if not said:
            return "Комментарий", None
        return (_COMMON, [("Комментарий", said)]) if self.modern else ("Комментарий", said)


_COMMON = "ОбщиеСвойстваОбъектовФормата"


def _part(element: Element | None, names: Iterable[str]) -> list[Part]:
    parts: list[Part] = []
    for name in names:
        found = child(element, name)
        if found is not None:
            parts.append((name, _part(found, _PARTY) if name in _INSIDE else (found.text or "").strip()))
    return parts


def number(native: Native, name: str, where: str = "") -> Decimal:
    """Return a number of a payload. Raises Refused (bad_value)."""
    try:
        value = Decimal(str(native.get(name)))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not 0 <= value < _TOO_MUCH:
        message = f"{where}{name} is {native.get(name)!r}; a number from 0 to 10^12 is needed."
        raise Refused(message, code="bad_value", field=name)
    return value


def written(value: Any) -> str:
    """Return a number as the format writes it: with a point, and without an exponent."""
    return format(Decimal(str(value)), "f")

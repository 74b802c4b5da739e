"""A message's header: who speaks to whom, what was received, which versions and objects each side knows.

Source: the schema http://www.1c.ru/SSL/Exchange/Message. The acknowledgement of everything stands here, in
ReceivedNo, so the header is read before anything else of a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from lxml import etree

from connectors.onec.enterprisedata.options import VERSIONS
from connectors.onec.enterprisedata.xml import Element, child, text
from obmen.errors import IncompleteSource

MESSAGE = "http://www.1c.ru/SSL/Exchange/Message"
FORMAT = "http://v8.1c.ru/edi/edi_stnd/EnterpriseData"
_FORMAT = re.compile(re.escape(FORMAT) + r"/(\d+\.\d+)\Z")
_MOST_TYPES = 2000

SENT_BY_BASE = (
    "Справочник.Номенклатура",
    "Справочник.НоменклатураГруппа",
    "Справочник.ХарактеристикиНоменклатуры",
    "Справочник.ШтрихкодыНоменклатуры",
    "Справочник.ТипыЦен",
    "Справочник.ЕдиницыИзмерения",
    "Справочник.Контрагенты",
    "Справочник.ФизическиеЛица",
    "Справочник.ДисконтныеКарты",
    "Справочник.Договоры",
    "Справочник.Организации",
    "Справочник.Склады",
    "Справочник.СостояниеЗаказа",
    "Документ.ЗаказКлиента",
    "Документ.УстановкаЦенНоменклатуры",
    "Документ.ОтчетОРозничныхПродажах",
)
"""The objects that Obmen keeps when a base sends them."""

SENT_BY_US = (
    "Справочник.Номенклатура",
    "Справочник.ШтрихкодыНоменклатуры",
    "Справочник.Контрагенты",
    "Документ.ЗаказКлиента",
    "Документ.УстановкаЦенНоменклатуры",
)


@dataclass(frozen=True, slots=True)
class Header:
    """What a header says. ``version`` is that of the format, empty where the message brings settings alone.

    ``sends`` and ``receives``: an object's name → the versions in which its writer sends or receives it.
    ``told`` is false where the header lists no objects, as the oldest bases leave it.
    """

    version: str
    sender: str
    number: int = 0
    received: int = 0
    versions: tuple[str, ...] = ()
    sends: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    receives: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    told: bool = False
    prefix: str = ""

    def encoded(self) -> bytes:
        """Return the header as JSON, to be remembered."""
        return msgspec.json.encode(self)

    def writable(self, allowed: Iterable[str]) -> str:
        """Return the highest version that both sides know; empty if there is none."""
        common = [version for version in VERSIONS if version in self.versions and version in set(allowed)]
        return common[-1] if common else ""

    def can_receive(self, name: str, version: str) -> bool:
        """Whether the base loads this object in this version of the format."""
        return not self.told or version in self.receives.get(name, ())

    def can_send(self, name: str) -> bool:
        """Whether the base sends this object in some version of the format."""
        return not self.told or bool(self.sends.get(name))


def decoded_header(raw: bytes) -> Header:
    """Undo ``Header.encoded``."""
    return msgspec.json.decode(raw, type=Header)


def read_header(element: Element) -> Header:
    """Return what a Header element says. Raises IncompleteSource if it is no header of this exchange."""
    confirmation = child(element, "Confirmation")
    if confirmation is None:
        raise IncompleteSource("The message's header has no Confirmation, so nobody knows which message it is.")
    versions = tuple((one.text or "").strip() for one in element.iterchildren("{*}AvailableVersion"))
    types = child(element, "AvailableObjectTypes")
    listed = [] if types is None else list(types.iterchildren("{*}ObjectType"))[:_MOST_TYPES]
    return Header(
        version=_version(text(element, "Format")),
        sender=text(confirmation, "From"),
        number=_number(confirmation, "MessageNo"),
        received=_number(confirmation, "ReceivedNo"),
        versions=versions,
        sends={text(one, "Name"): _versions(text(one, "Sending"), versions) for one in listed},
        receives={text(one, "Name"): _versions(text(one, "Receiving"), versions) for one in listed},
        told=bool(listed),
        prefix=text(element, "Prefix"),
    )


def _version(found: str) -> str:
    uri = found.split(" ", maxsplit=1)[0]  # extensions of the format are named after a space
    if uri == FORMAT:
        return ""
    match = _FORMAT.fullmatch(uri)
    if match is None:
        raise IncompleteSource(f"The message is in the format {uri or 'of no name'}, and {FORMAT} is expected.")
    return match[1]


def _number(confirmation: Element, name: str) -> int:
    found = text(confirmation, name)
    if not found:
        return 0
    if not re.fullmatch(r"\d{1,15}", found, re.ASCII):
        raise IncompleteSource(f"The message's {name} is '{found[:20]}', and a number is expected.")
    return int(found)


def _versions(found: str, all_of_them: tuple[str, ...]) -> tuple[str, ...]:
    if found == "*":
        return all_of_them
    return tuple(one.strip() for one in found.split(",") if one.strip())


def make_header(
    *, plan: str, sender: str, to: str, number: int, received: int, version: str, versions: Iterable[str], at: datetime
) -> Element:
    """Return the Header of a message of ours; without ``version`` it brings our settings alone."""
    header = etree.Element(f"{{{MESSAGE}}}Header", nsmap={"msg": MESSAGE})
    _add(header, "Format", f"{FORMAT}/{version}" if version else FORMAT)
    _add(header, "CreationDate", at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    confirmation = _add(header, "Confirmation")
    told: dict[str, Any] = {
        "ExchangePlan": plan,
        "To": to,
        "From": sender,
        "MessageNo": number,
        "ReceivedNo": received,
    }
    for name, value in told.items():
        _add(confirmation, name, str(value))
    for known in versions:
        _add(header, "AvailableVersion", known)
    types = _add(header, "AvailableObjectTypes")
    for name in sorted({*SENT_BY_US, *SENT_BY_BASE}):
        kind = _add(types, "ObjectType")
        _add(kind, "Name", name)
        _add(kind, "Sending", "*" if name in SENT_BY_US else "")
        _add(kind, "Receiving", "*" if name in SENT_BY_BASE else "")
    return header


def _add(parent: Element, name: str, value: str | None = None) -> Element:
    element = etree.SubElement(parent, f"{{{MESSAGE}}}{name}")
    element.text = value
    return element

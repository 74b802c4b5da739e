"""The node that a base keeps for its peer: what is registered for it, and the numbers of both sides' messages.

Habits of the library of standard subsystems that are kept: every message takes a new number and brings
everything that is registered, the old with the new; a ReceivedNo clears what went under that number or a lower
one; a message whose number is not above the last one is not loaded and counts as loaded; a message one of whose
objects failed leaves the number where it was, though the other objects are there.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from connectors.onec.sandbox.enterprisedata.loading import Loader, LoadError
from connectors.onec.sandbox.enterprisedata.profile import Profile
from connectors.onec.sandbox.enterprisedata.render import FORMAT, Element, Renderer
from connectors.onec.sandbox.enterprisedata.stock import Key, Shelf

PLAN = "СинхронизацияДанныхЧерезУниверсальныйФормат"
MESSAGE = "http://www.1c.ru/SSL/Exchange/Message"
_PARSER: etree.XMLParser[Any] = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


@dataclass(slots=True)
class Node:
    """A node of the plan. ``finished``: whether a person has finished the setting, so that data may flow."""

    code: str
    base: str
    profile: Profile
    version: str
    finished: bool = True
    sent: int = 0
    received: int = 0
    registered: dict[Key, int | None] = field(default_factory=dict)
    peer_versions: tuple[str, ...] = ()

    def register(self, kind: str, ref: str) -> None:
        """Note that an object changed, if the node takes objects of its kind."""
        if kind in self.profile.sends:
            self.registered[kind, ref] = None

    def message(self, shelf: Shelf, now: datetime) -> bytes:
        """Return the next message as an archive, with everything that is registered."""
        if self.finished:
            self.sent += 1
            for known in self.registered:
                self.registered[known] = self.sent
        header = self._header(now)
        objects = self._objects(shelf) if self.finished else None
        return pack(header, objects, self.version)

    def _objects(self, shelf: Shelf) -> Iterable[Element]:
        renderer = Renderer(shelf.objects, self.version)
        for kind, ref in self.registered:
            yield from renderer.render(kind, ref)

    def _header(self, now: datetime) -> Element:
        header = etree.Element(f"{{{MESSAGE}}}Header", nsmap={"msg": MESSAGE})
        _add(header, "Format", f"{FORMAT}/{self.version}" if self.finished else FORMAT)
        _add(header, "CreationDate", now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"))
        confirmation = _add(header, "Confirmation")
        _add(confirmation, "ExchangePlan", PLAN)
        _add(confirmation, "To", self.code)
        _add(confirmation, "From", self.base)
        _add(confirmation, "MessageNo", str(self.sent if self.finished else 0))
        _add(confirmation, "ReceivedNo", str(self.received if self.finished else 0))
        for version in self.profile.versions:
            _add(header, "AvailableVersion", version)
        types = _add(header, "AvailableObjectTypes")
        for name in sorted({*self.profile.sends, *self.profile.receives}):
            kind = _add(types, "ObjectType")
            _add(kind, "Name", name)
            _add(kind, "Sending", "*" if name in self.profile.sends else "")
            _add(kind, "Receiving", ",".join(self.profile.versions) if name in self.profile.receives else "")
        _add(header, "Prefix", "ОБ")
        return header

    def load(self, raw: bytes, shelf: Shelf) -> None:
        """Load a message of the peer. Raises LoadError with the words that the action fails with."""
        root = etree.fromstring(raw, _PARSER)
        header = root.find(f"{{{MESSAGE}}}Header")
        if root.tag != "Message" or header is None:
            message = "Ошибка загрузки данных: неверный формат сообщения обмена"
            raise LoadError(message)
        confirmation = header.find(f"{{{MESSAGE}}}Confirmation")
        if confirmation is None:
            message = "Ошибка загрузки данных: нет подтверждения в заголовке"
            raise LoadError(message)
        self.peer_versions = tuple(one.text or "" for one in header.findall(f"{{{MESSAGE}}}AvailableVersion"))
        format_ = header.findtext(f"{{{MESSAGE}}}Format", "")
        if not self.finished or format_ == FORMAT:
            return
        self._addressed(confirmation)
        version = format_.rpartition("/")[2]
        if version not in self.profile.versions:
            message = f"Версия {version} формата обмена EnterpriseData не поддерживается."
            raise LoadError(message)
        number = int(confirmation.findtext(f"{{{MESSAGE}}}MessageNo", "0"))
        if 0 < number <= self.received:
            return
        self._acknowledged(int(confirmation.findtext(f"{{{MESSAGE}}}ReceivedNo", "0")))
        common = [one for one in self.profile.versions if one in self.peer_versions]
        self.version = common[-1] if common else self.version
        body = root.find(f"{{{format_}}}Body")
        if body is None:
            message = "Ошибка загрузки данных: нет тела сообщения"
            raise LoadError(message)
        failed = Loader(shelf, self).load(body)
        if failed:
            raise LoadError("\n".join(failed))
        self.received = number

    def _addressed(self, confirmation: Element) -> None:
        to, sender = (confirmation.findtext(f"{{{MESSAGE}}}{name}", "") for name in ("To", "From"))
        if to != self.base or sender != self.code:
            message = f"Не найден узел обмена для загрузки данных. План обмена: {PLAN}, идентификатор: {sender}"
            raise LoadError(message)

    def _acknowledged(self, number: int) -> None:
        self.registered = {known: went for known, went in self.registered.items() if went is None or went > number}


def pack(header: Element, objects: Iterable[Element] | None, version: str) -> bytes:
    """Return a message as an archive with one data.xml."""
    buffer = io.BytesIO()
    spaces = {"msg": MESSAGE, "xs": "http://www.w3.org/2001/XMLSchema"}
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("data.xml", "w") as stream,
        etree.xmlfile(stream, encoding="UTF-8") as xml,
    ):
        xml.write_declaration()
        with xml.element("Message", nsmap=spaces):
            xml.write(header)
            if objects is not None:
                space = f"{FORMAT}/{version}"
                with xml.element(f"{{{space}}}Body", nsmap={None: space}):
                    for element in objects:
                        xml.write(element)
    return buffer.getvalue()


def unpack(raw: bytes) -> bytes:
    """Return the message in an archive. Raises LoadError for what is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            return archive.read(archive.namelist()[0])
    except (zipfile.BadZipFile, IndexError) as error:
        message = "Файл архива пустой или поврежден"
        raise LoadError(message) from error


def _add(parent: Element, name: str, value: str | None = None) -> Element:
    element = etree.SubElement(parent, f"{{{MESSAGE}}}{name}")
    element.text = value
    return element

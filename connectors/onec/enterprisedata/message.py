"""A message read and written as a stream: at no time is more of it held than one object.

A first message brings a whole catalogue. Read into a tree it would take tens of gigabytes; read by a Python
callback for each tag it would take hours. So the parser runs free, calls only for the objects that are kept,
and what is behind it is dropped.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from connectors.onec.enterprisedata.header import FORMAT, MESSAGE, SENT_BY_BASE, Header, read_header
from connectors.onec.enterprisedata.package import NAME
from connectors.onec.enterprisedata.xml import Element, local
from obmen.errors import IncompleteSource

DELETION = "УдалениеОбъекта"
_HEADER = f"{{{MESSAGE}}}Header"
_CHUNK = 1 << 16
LARGEST_OBJECT = 128 << 20
"""The most bytes of one object; a document of a hundred thousand rows takes about as much."""
_SPACES = {"msg": MESSAGE, "xs": "http://www.w3.org/2001/XMLSchema", "xsi": "http://www.w3.org/2001/XMLSchema-instance"}


class Message:
    """A message on a stream. ``header`` is read at once, ``objects`` as they are asked for, once.

    Raises IncompleteSource for what is no message, or breaks off.
    """

    def __init__(self, stream: io.RawIOBase | io.BytesIO) -> None:
        self._stream = stream
        self._parser: etree.XMLPullParser[Any] = etree.XMLPullParser(
            events=("start", "end"),
            tag=[_HEADER, "{*}Body", f"{{*}}{DELETION}", *(f"{{*}}{name}" for name in SENT_BY_BASE)],
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            remove_comments=True,
            remove_pis=True,
        )
        self._body: Element | None = None
        self._passed = 0
        self._events = self._parsed()
        self.header: Header = self._header()

    def objects(self) -> Iterator[Element]:
        """Yield the objects that are kept and the deletions; each lives until the next one is asked for."""
        for event, element in self._events:
            if event == "start":
                if self._body is None and local(element) == "Body":
                    self._body = element
            elif element.getparent() is self._body and self._body is not None:
                self._passed = 0
                yield element
                element.clear(keep_tail=True)
        if self._body is None and self.header.version:
            raise IncompleteSource("The message has no Body.")

    def _header(self) -> Header:
        for event, element in self._events:
            tree = element.getroottree()
            if tree.docinfo.doctype:
                raise IncompleteSource("The message has a DOCTYPE, which 1C never writes.")
            root = element.getparent()
            if event == "end" and element.tag == _HEADER:
                return read_header(element)
            if root is None or root.getparent() is not None or element.tag != _HEADER:
                break
        raise IncompleteSource("The file does not begin as an exchange message: Message with its Header is expected.")

    def _parsed(self) -> Iterator[tuple[str, Element]]:
        try:
            while chunk := self._stream.read(_CHUNK):
                self._parser.feed(chunk)
                yield from self._parser.read_events()
                self._drop(len(chunk))
            self._parser.close()
            yield from self._parser.read_events()
        except etree.XMLSyntaxError as error:
            raise IncompleteSource(f"The message is not whole: {error.msg}.") from error

    def _drop(self, size: int) -> None:
        """Forget what is behind the parser. The last child stays, for the parser still writes beside it."""
        self._passed += size
        if self._body is not None:
            while len(self._body) > 1:
                del self._body[0]
                self._passed = 0
        if self._passed > LARGEST_OBJECT:
            raise IncompleteSource(f"An object of the message is larger than {LARGEST_OBJECT} bytes.")


def read_beginning(raw: bytes) -> Header:
    """Return the header of a message of which only the beginning is there."""
    return Message(io.BytesIO(raw)).header


def write_message(path: Path, header: Element, objects: Iterable[Element] | None, version: str) -> None:
    """Write a message as an archive; ``objects`` None leaves the Body out, as in a message of settings.

    Each object is written before the next one is asked for.
    """
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(NAME, "w", force_zip64=True) as stream,
        etree.xmlfile(stream, encoding="utf-8") as xml,
    ):
        xml.write_declaration()
        with xml.element("Message", nsmap=_SPACES):
            xml.write(header)
            if objects is None:
                return
            space = f"{FORMAT}/{version}"
            with xml.element(f"{{{space}}}Body", nsmap={None: space}):
                for element in objects:
                    xml.write(element)

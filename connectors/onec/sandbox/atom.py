"""Atom, the format that 1C answers in where a client asks for no other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lxml import etree

from connectors.onec.sandbox.edmx import METADATA
from connectors.onec.sandbox.kinds import NAMESPACE, NO_REF
from connectors.onec.sandbox.shapes import Shape

ATOM = "http://www.w3.org/2005/Atom"
DATA = "http://schemas.microsoft.com/ado/2007/08/dataservices"
TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"
XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_SCHEME = f"{DATA}/scheme"
_SPACES = {None: ATOM, "at": TOMBSTONES, "d": DATA, "m": METADATA}
_ENTRY = "application/atom+xml;type=entry;charset=utf-8"


class Writer:
    """Writes records as entries. ``root`` is the interface's own address, ``published`` its objects."""

    def __init__(self, root: str, published: frozenset[str], when: str) -> None:
        self._root = root.rstrip("/") + "/"
        self._published = published
        self._when = when

    def feed(self, entries: Iterable[tuple[Shape, Mapping[str, Any]]], count: int | None = None) -> etree._Element:
        """Return a feed of records, each with its shape. Raises ValueError for what XML cannot carry."""
        root = etree.Element(f"{{{ATOM}}}feed", nsmap=_SPACES)
        root.set(XML_BASE, self._root)
        if count is not None:
            _sub(root, METADATA, "count").text = str(count)
        for shape, record in entries:
            root.append(self.entry(shape, record))
        return root

    def deleted(self, feed: etree._Element, address: str) -> None:
        """Add the trace of an object that is no more."""
        trace = _sub(feed, TOMBSTONES, "deleted-entry")
        trace.set("ref", self._root + address)
        trace.set("when", self._when)

    def entry(self, shape: Shape, record: Mapping[str, Any]) -> etree._Element:
        """Return one record."""
        root = etree.Element(f"{{{ATOM}}}entry", nsmap=_SPACES)
        address = shape.address(record)
        _sub(root, ATOM, "id").text = self._root + address
        _sub(root, ATOM, "category").attrib.update({"term": f"{NAMESPACE}.{shape.name}", "scheme": _SCHEME})
        _sub(root, ATOM, "title").set("type", "text")
        _sub(root, ATOM, "updated").text = self._when
        _sub(root, ATOM, "author")
        _sub(root, ATOM, "summary")
        for name in self.filled(shape, record):
            link = _sub(root, ATOM, "link")
            link.attrib.update({"rel": f"{DATA}/related/{name}", "href": f"{address}/{name}", "type": _ENTRY})
            link.set("title", name)
        _sub(root, ATOM, "link").attrib.update({"rel": "edit", "href": address, "title": "edit-link"})
        content = _sub(root, ATOM, "content")
        content.set("type", "application/xml")
        properties = _sub(content, METADATA, "properties")
        for name, value in record.items():
            self._property(properties, shape, name, value)
        return root

    def filled(self, shape: Shape, record: Mapping[str, Any]) -> list[str]:
        """Return the references to published objects that are not empty."""
        return [
            name
            for name, to in shape.navigations.items()
            if to in self._published and record.get(f"{name}_Key", NO_REF) != NO_REF
        ]

    def _property(self, properties: etree._Element, shape: Shape, name: str, value: Any) -> None:
        element = _sub(properties, DATA, name)
        if name in shape.sections:
            row_type = f"{NAMESPACE}.{shape.row_type(name)}"
            element.set(f"{{{METADATA}}}type", f"Collection({row_type})")
            for row in value:
                line = _sub(element, DATA, "element")
                line.set(f"{{{METADATA}}}type", row_type)
                for part, inner in row.items():
                    _value(_sub(line, DATA, part), inner)
        elif isinstance(value, Mapping):
            for part, inner in value.items():
                if not isinstance(inner, list):
                    _value(_sub(element, DATA, part), inner)
        else:
            _value(element, value)


def _value(element: etree._Element, value: Any) -> None:
    if value is None:
        element.set(f"{{{METADATA}}}null", "true")
    elif isinstance(value, bool):
        element.text = "true" if value else "false"
    elif value != "":
        element.text = str(value)


def _sub(parent: etree._Element, namespace: str, tag: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{namespace}}}{tag}")

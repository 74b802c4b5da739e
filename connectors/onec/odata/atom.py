"""Atom feeds, the only dress in which 1C tells changes, read into the same records that JSON would bring.

Atom says every value as text. Taken so, a changed order would differ from the same order read by its reference
(``"10000"`` is not ``10000``), and every change would be written twice. A feed can hold a whole base, so entries
are read one by one and let go of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO
from typing import IO, Any

from lxml import etree

from connectors.onec.odata.entry import Deleted, Entry
from connectors.onec.odata.metadata import Metadata, Property
from obmen.errors import IncompleteSource
from obmen.records import Native

_M = "{http://schemas.microsoft.com/ado/2007/08/dataservices/metadata}"
_ATOM = "{http://www.w3.org/2005/Atom}"
_TOMBSTONE = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"
_COLLECTION = re.compile(r"Collection\((?:StandardODATA\.)?([^)]+)\)")
_ADDRESS = re.compile(r"(?:^|/)(\w+)\(([^()]*)\)\Z")
_KEY = re.compile(r"(?:(\w+)=)?(?:guid)?'([^']*)'")
_WHOLE = re.compile(r"-?\d{1,18}")
_INTEGERS = frozenset({"Edm.Int16", "Edm.Int32", "Edm.Byte"})
_NUMBERS = frozenset({"Edm.Double", "Edm.Decimal", "Edm.Single"})


def entries(content: bytes | IO[bytes], metadata: Metadata, *, what: str = "the feed") -> Iterator[Entry | Deleted]:
    """Yield what a feed holds, in its order. Types come from ``m:type``, else from the metadata.

    Numbers are int or Decimal, 64-bit ones and times stay text, as in 1C's JSON. Raises IncompleteSource for what
    is no feed of 1C or breaks off.
    """
    stream = etree.iterparse(
        BytesIO(content) if isinstance(content, bytes) else content,
        events=("start", "end"),
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
    )
    depth = 0
    try:
        for event, element in stream:
            if event == "start":
                depth += 1
                if depth == 1:
                    _require_feed(element, what)
                continue
            depth -= 1
            if depth != 1:
                continue
            if element.tag == f"{_ATOM}entry":
                yield _entry(element, metadata, what)
            elif element.tag == _TOMBSTONE:
                yield Deleted(*_address(element.get("ref", ""), what))
            _let_go(element)
    except etree.XMLSyntaxError as error:
        message = f"{what}: the feed breaks off or is damaged ({error}). Nothing of it was taken."
        raise IncompleteSource(message) from error


def _require_feed(root: etree._Element, what: str) -> None:
    if root.tag != f"{_ATOM}feed":
        message = f"{what}: the answer is no Atom feed but <{etree.QName(root).localname}>."
        raise IncompleteSource(message)
    if root.getroottree().docinfo.doctype:
        message = f"{what}: the feed declares a document type, which 1C never does."
        raise IncompleteSource(message)


def _let_go(element: etree._Element) -> None:
    parent = element.getparent()
    element.clear()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _entry(element: etree._Element, metadata: Metadata, what: str) -> Entry:
    category = element.find(f"{_ATOM}category")
    term = "" if category is None else category.get("term", "")
    name = term.removeprefix("StandardODATA.")
    properties = element.find(f"{_ATOM}content/{_M}properties")
    if not name or properties is None:
        message = f"{what}: an entry does not say what it is. Nothing from there on was taken."
        raise IncompleteSource(message)
    return Entry(name, _properties(properties, metadata, name))


def _address(reference: str, what: str) -> tuple[str, dict[str, str]]:
    found = _ADDRESS.search(reference)
    keys = {name or "Ref_Key": value for name, value in _KEY.findall(found[2])} if found else {}
    if found is None or not keys:
        message = f"{what}: a deleted object is named '{reference[:100]}', which is no address of 1C."
        raise IncompleteSource(message)
    return found[1], keys


def _properties(element: etree._Element, metadata: Metadata, type_name: str) -> Native:
    known = metadata.properties(type_name)
    return {
        (name := etree.QName(child).localname): _value(child, metadata, known.get(name))
        for child in element.iterchildren(tag=etree.Element)
    }


def _value(element: etree._Element, metadata: Metadata, known: Property | None) -> Any:
    if element.get(f"{_M}null") == "true":
        return None
    kind = element.get(f"{_M}type") or (known.type if known else "Edm.String")
    if collection := _COLLECTION.fullmatch(kind):
        return [_item(child, metadata, collection[1]) for child in element.iterchildren(tag=etree.Element)]
    if len(element):
        return _properties(element, metadata, kind.removeprefix("StandardODATA."))
    return _scalar("".join(element.itertext()), kind)


def _item(element: etree._Element, metadata: Metadata, kind: str) -> Any:
    if kind.startswith("Edm."):
        return _scalar(element.text or "", kind)
    return _properties(element, metadata, kind)


def _scalar(text: str, kind: str) -> Any:
    if kind == "Edm.Boolean":
        return text == "true"
    if kind in _INTEGERS or kind in _NUMBERS:
        return _number(text)
    return text


def _number(text: str) -> int | Decimal | None:
    """Return a number as the JSON reader would: a whole one as int, any other as Decimal."""
    text = text.strip()
    if not text:
        return None
    if _WHOLE.fullmatch(text):
        return int(text)
    try:
        number = Decimal(text)
    except ArithmeticError:
        number = Decimal("NaN")
    if not number.is_finite():
        message = f"'{text[:40]}' stands in a feed where a number is meant."
        raise IncompleteSource(message)
    return number

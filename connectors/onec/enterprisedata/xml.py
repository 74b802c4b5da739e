"""Looking into elements of the format, whatever version of it their namespace names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from obmen.errors import Refused

Element = etree._Element  # noqa: SLF001 - lxml's only name for its elements' type

_PARSER: etree.XMLParser[Any] = etree.XMLParser(
    encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
)


def parsed(raw: bytes) -> Element:
    """Return a kept object as an element. Raises Refused (not_xml)."""
    try:
        element: Element = etree.fromstring(raw, _PARSER)
    except etree.XMLSyntaxError as error:
        raise Refused(f"The object is no XML: {error.msg}.", code="not_xml") from error
    return element


def local(element: Element) -> str:
    """Return the element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def child(element: Element | None, *path: str) -> Element | None:
    """Return what stands at a path of names below an element."""
    for name in path:
        if element is None:
            return None
        element = next(element.iterchildren(f"{{*}}{name}"), None)
    return element


def text(element: Element | None, *path: str) -> str:
    """Return the stripped text at a path below an element; empty if there is none."""
    found = child(element, *path)
    return (found.text or "").strip() if found is not None else ""


def rows(element: Element | None, *path: str) -> Iterator[Element]:
    """Yield the rows (Строка) of the table at a path below an element."""
    table = child(element, *path)
    if table is not None:
        yield from table.iterchildren("{*}Строка")


def key(element: Element) -> Element | None:
    """Return an object's key properties."""
    return child(element, "КлючевыеСвойства")


def ref(element: Element | None, *path: str) -> str:
    """Return the reference in the key properties at a path, in lower case; empty if there is none."""
    return text(element, *path, "Ссылка").lower()


def good(element: Element | None) -> str:
    """Return what ДанныеНоменклатуры points to as Ид: ``GUID`` or ``GUID#GUID`` of the characteristic."""
    product, variant = ref(element, "Номенклатура"), ref(element, "Характеристика")
    return f"{product}#{variant}" if product and variant else product

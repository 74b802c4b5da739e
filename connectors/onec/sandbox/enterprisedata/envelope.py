"""SOAP envelopes as the platform reads and writes them: document style, both versions of the protocol."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from lxml import etree

from connectors.onec.sandbox.enterprisedata.description import CORE, RESULT, Service
from obmen.testing.sandbox import Response

_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_XS = "http://www.w3.org/2001/XMLSchema"
_PARSER: etree.XMLParser[Any] = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
Value = str | int | bool | bytes | None | Mapping[str, str] | list[str]


class Unreadable(Exception):  # noqa: N818 - the platform's answer to it is a fault
    """The request is no call of this service."""


def operation_of(body: bytes) -> str:
    """Return the name of the operation that a request calls; empty if it is none."""
    try:
        root = etree.fromstring(body, _PARSER)
    except etree.XMLSyntaxError:
        return ""
    calls = root.findall("{*}Body/*")
    return etree.QName(calls[0]).localname if len(calls) == 1 else ""


def arguments(body: bytes, service: Service) -> dict[str, Any]:
    """Return a call's arguments, each of its type. Raises Unreadable for what the description does not allow."""
    calls = etree.fromstring(body, _PARSER).findall("{*}Body/*")
    call = etree.QName(calls[0])
    if call.namespace != service.namespace or call.localname not in service.operations:
        message = f"{call.text} is no operation of {service.name}"
        raise Unreadable(message)
    expected = service.operations[call.localname].takes
    given = [etree.QName(one).localname for one in calls[0]]
    if given != list(expected):
        message = f"{call.localname} takes {list(expected)}, and {given} came"
        raise Unreadable(message)
    found: dict[str, Any] = {}
    for element in calls[0]:
        name = etree.QName(element).localname
        found[name] = _typed(element.text or "", expected[name].rstrip("?"))
    return found


def _typed(text: str, kind: str) -> Any:
    try:
        if kind == "xs:base64Binary":
            return base64.b64decode(text, validate=True)
        if kind in {"xs:int", "xs:decimal"}:
            return int(text)
    except ValueError as error:
        message = f"'{text[:20]}' is no {kind}"
        raise Unreadable(message) from error
    return text in {"true", "1"} if kind == "xs:boolean" else text


def answer(service: Service, operation: str, values: Mapping[str, Value]) -> Response:
    """Return what an operation answers; every element that the description names is there."""
    body = etree.Element(f"{{{_SOAP}}}Body")
    made = etree.SubElement(body, f"{{{service.namespace}}}{operation}Response", nsmap={"m": service.namespace})
    for name in service.operations[operation].gives:
        _put(made, f"{{{service.namespace}}}{name}", values.get(name))
    return _enveloped(body, 200)


def _put(parent: etree._Element, name: str, value: Value) -> None:
    element = etree.SubElement(parent, name, nsmap={"xsi": _XSI, "xs": _XS})
    if value is None:
        element.set(f"{{{_XSI}}}nil", "true")
    elif isinstance(value, Mapping):
        for inner, text in value.items():
            etree.SubElement(element, f"{{{RESULT}}}{inner}").text = text
    elif isinstance(value, list):
        for text in value:
            one = etree.SubElement(element, f"{{{CORE}}}Value")
            one.set(f"{{{_XSI}}}type", "xs:string")
            one.text = text
    elif isinstance(value, bytes):
        element.text = base64.b64encode(value).decode()
    else:
        element.text = str(value).lower() if isinstance(value, bool) else str(value)


def fault(text: str) -> Response:
    """Return a fault, as an exception on the server becomes one."""
    body = etree.Element(f"{{{_SOAP}}}Body")
    made = etree.SubElement(body, f"{{{_SOAP}}}Fault")
    etree.SubElement(made, "faultcode").text = "soap:Server"
    etree.SubElement(made, "faultstring").text = text
    return _enveloped(body, 500)


def _enveloped(body: etree._Element, status: int) -> Response:
    envelope = etree.Element(f"{{{_SOAP}}}Envelope", nsmap={"soap": _SOAP})
    envelope.append(body)
    content = etree.tostring(envelope, xml_declaration=True, encoding="UTF-8")
    return Response(status, body=content, headers={"Content-Type": "text/xml; charset=utf-8"})

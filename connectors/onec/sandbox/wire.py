"""How the sandbox's base puts its answers: JSON where the client accepts it, Atom and XML otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lxml import etree

from connectors.onec.sandbox.edmx import METADATA, NAMESPACE
from connectors.onec.sandbox.model import TYPES
from obmen.http import encode_json
from obmen.testing.sandbox import Request, Response

ATOM = "http://www.w3.org/2005/Atom"
DATA = "http://schemas.microsoft.com/ado/2007/08/dataservices"
SCHEME = f"{DATA}/scheme"
_JSON = "application/json;odata=minimalmetadata;streaming=true;charset=utf-8"
_PAGE = "<html><head><title>1C</title></head><body><h1>Войдите в систему</h1></body></html>"
_ROOT_SET = "odata.metadata"


def speaks_json(request: Request) -> bool:
    """Whether the client asked for JSON; Atom is what 1C gives to one that did not."""
    asked = request.query.get("$format") or request.headers.get("accept", "")
    return "json" in asked


def entry(request: Request, name: str, record: Mapping[str, Any], *, status: int = 200) -> Response:
    """Answer with one object."""
    if speaks_json(request):
        return _json({**_context(request, f"{name}/@Element"), **record}, status=status)
    return _xml(_entry(name, record), "application/atom+xml;type=entry;charset=utf-8", status=status)


def feed(request: Request, name: str, records: Iterable[Mapping[str, Any]], count: int | None = None) -> Response:
    """Answer with a collection; ``count`` is of all that meet the filter."""
    if speaks_json(request):
        counted = {} if count is None else {"odata.count": str(count)}
        return _json({**_context(request, name), **counted, "value": list(records)})
    root = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM, "d": DATA, "m": METADATA})
    if count is not None:
        _sub(root, METADATA, "count").text = str(count)
    for record in records:
        root.append(_entry(name, record))
    return _xml(root, "application/atom+xml;type=feed;charset=utf-8")


def failure(request: Request, status: int, code: str, text: str) -> Response:
    """Answer with an error in the dress that the client accepts."""
    if speaks_json(request):
        return _json({"odata.error": {"code": code, "message": {"lang": "ru", "value": text}}}, status=status)
    root = etree.Element(f"{{{METADATA}}}error", nsmap={"m": METADATA})
    _sub(root, METADATA, "code").text = code
    _sub(root, METADATA, "message").text = text
    return _xml(root, "application/xml;charset=utf-8", status=status)


def exception(text: str) -> Response:
    """Answer with an exception of the platform, which has a dress of its own."""
    return _json({"exception": {"descr": text}}, status=500)


def login_page(status: int = 200) -> Response:
    """Answer with a page of the web server instead of data."""
    headers = {"Content-Type": "text/html; charset=utf-8"}
    return Response(status, body=_PAGE.encode(), headers=headers)


def _context(request: Request, name: str) -> dict[str, str]:
    asked = request.query.get("$format") or request.headers.get("accept", "")
    if "nometadata" in asked:
        return {}
    root = request.path.partition("/standard.odata")[0] + "/standard.odata"
    return {_ROOT_SET: f"{root}/$metadata#{name}"}


def _json(body: Any, *, status: int = 200) -> Response:
    return Response(status, body=encode_json(body), headers={"Content-Type": _JSON})


def _xml(root: etree._Element, kind: str, *, status: int = 200) -> Response:
    body = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return Response(status, body=body, headers={"Content-Type": kind})


def _entry(name: str, record: Mapping[str, Any]) -> etree._Element:
    root = etree.Element(f"{{{ATOM}}}entry", nsmap={None: ATOM, "d": DATA, "m": METADATA})
    _sub(root, ATOM, "id").text = f"{name}(guid'{record.get('Ref_Key', '')}')"
    _sub(root, ATOM, "category").attrib.update({"term": f"{NAMESPACE}.{name}", "scheme": SCHEME})
    content = _sub(root, ATOM, "content")
    content.set("type", "application/xml")
    properties = _sub(content, METADATA, "properties")
    for key, value in record.items():
        element = _sub(properties, DATA, key)
        if key in TYPES[name].sections:
            row_type = f"{NAMESPACE}.{name}_{key}_RowType"
            element.set(f"{{{METADATA}}}type", f"Collection({row_type})")
            for row in value:
                line = _sub(element, DATA, "element")
                line.set(f"{{{METADATA}}}type", row_type)
                for part, inner in row.items():
                    _value(_sub(line, DATA, part), inner)
        else:
            _value(element, value)
    return root


def _value(element: etree._Element, value: Any) -> None:
    if value is None:
        element.set(f"{{{METADATA}}}null", "true")
    elif isinstance(value, bool):
        element.text = "true" if value else "false"
    elif value != "":
        element.text = str(value)


def _sub(parent: etree._Element, namespace: str, tag: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{namespace}}}{tag}")

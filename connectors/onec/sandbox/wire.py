"""How the sandbox's base puts its answers: JSON where the client accepts it, Atom and XML otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lxml import etree

from connectors.onec.sandbox.atom import Writer
from connectors.onec.sandbox.edmx import METADATA
from connectors.onec.sandbox.shapes import Shape
from obmen.http import encode_json
from obmen.testing.sandbox import Request, Response

_JSON = "application/json;odata=minimalmetadata;streaming=true;charset=utf-8"
_PAGE = "<html><head><title>1C</title></head><body><h1>Войдите в систему</h1></body></html>"
_ROOT_SET = "odata.metadata"


def speaks_json(request: Request) -> bool:
    """Whether the client asked for JSON; Atom is what 1C gives to one that did not."""
    return "json" in _asked(request)


def root_of(request: Request, base: str) -> str:
    """Return the address of the interface that was called; ``base`` is the server's own."""
    return base + request.path.partition("/standard.odata")[0] + "/standard.odata"


def entry(request: Request, writer: Writer, shape: Shape, record: Mapping[str, Any], *, status: int = 200) -> Response:
    """Answer with one object."""
    if speaks_json(request):
        told = _linked(request, writer, shape, record)
        return _json({**_context(request, f"{shape.name}/@Element"), **told}, status=status)
    return xml(writer.entry(shape, record), "application/atom+xml;type=entry;charset=utf-8", status=status)


def feed(
    request: Request,
    writer: Writer,
    shape: Shape,
    records: Sequence[Mapping[str, Any]],
    count: int | None = None,
) -> Response:
    """Answer with a collection; ``count`` is of all that meet the filter."""
    if speaks_json(request):
        counted = {} if count is None else {"odata.count": str(count)}
        value = [_linked(request, writer, shape, record) for record in records]
        return _json({**_context(request, shape.name), **counted, "value": value})
    try:
        whole = writer.feed(((shape, record) for record in records), count)
    except ValueError:
        return failure(request, 400, "2", "Недопустимый символ XML")
    return xml(whole, "application/atom+xml;type=feed;charset=utf-8")


def records(request: Request, value: Sequence[Mapping[str, Any]]) -> Response:
    """Answer in JSON with records of several types."""
    return _json({**_context(request, "SelectChanges"), "value": value})


def failure(request: Request, status: int, code: str, text: str) -> Response:
    """Answer with an error in the dress that the client accepts."""
    if speaks_json(request):
        return _json({"odata.error": {"code": code, "message": {"lang": "ru", "value": text}}}, status=status)
    root = etree.Element(f"{{{METADATA}}}error", nsmap={"m": METADATA})
    for tag, value in (("code", code), ("message", text)):
        etree.SubElement(root, f"{{{METADATA}}}{tag}").text = value
    return xml(root, "application/xml;charset=utf-8", status=status)


def exception(text: str) -> Response:
    """Answer with an exception of the platform, which has a dress of its own."""
    return _json({"exception": {"descr": text}}, status=500)


def login_page(status: int = 200) -> Response:
    """Answer with a page of the web server instead of data."""
    headers = {"Content-Type": "text/html; charset=utf-8"}
    return Response(status, body=_PAGE.encode(), headers=headers)


def number(value: int) -> Response:
    """Answer with a bare number, as ``/$count`` does."""
    return Response(body=str(value).encode(), headers={"Content-Type": "text/plain;charset=utf-8"})


def xml(root: etree._Element, kind: str, *, status: int = 200) -> Response:
    """Answer with XML."""
    return Response(status, body=etree.tostring(root, encoding="UTF-8"), headers={"Content-Type": kind})


def _linked(request: Request, writer: Writer, shape: Shape, record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Add where what the record refers to can be read, unless the client wants no metadata."""
    if "nometadata" in _asked(request):
        return record
    address = shape.address(record)
    links = {f"{name}@navigationLinkUrl": f"{address}/{name}" for name in writer.filled(shape, record)}
    return {**record, **links}


def _context(request: Request, name: str) -> dict[str, str]:
    if "nometadata" in _asked(request):
        return {}
    return {_ROOT_SET: f"{root_of(request, '')}/$metadata#{name}"}


def _asked(request: Request) -> str:
    return request.query.get("$format") or request.headers.get("accept", "")


def _json(body: Any, *, status: int = 200) -> Response:
    return Response(status, body=encode_json(body), headers={"Content-Type": _JSON})

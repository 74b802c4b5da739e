"""A client of 1C's standard OData interface: addresses, literals, reads by pages, writes one by one.

Generic OData clients break on 1C: its literals are those of version 2, a Cyrillic login is UTF-8, 64-bit
numbers are strings, and the order of pages is only stable by Ref_Key. Times stay as 1C writes them, naive and
in the base's zone; the mapping turns them into instants.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from connectors.onec.odata.errors import NOT_FOUND
from connectors.onec.odata.metadata import Metadata, read_metadata
from obmen.errors import IncompleteSource, InDoubt, Refused
from obmen.http import Http, Reply
from obmen.records import Native

ROOT = "/odata/standard.odata"
NO_REF = "00000000-0000-0000-0000-000000000000"
NO_DATE = "0001-01-01T00:00:00"

_PAGE_BYTES = 1_000_000
_FIRST_TOP = 100
_LARGEST_TOP = 1000
_METADATA_TIMEOUT = (10.0, 300.0)


def guid(value: str) -> str:
    """Return a reference as a literal: ``guid'…'``."""
    return f"guid'{UUID(value)}'"


def moment(value: datetime) -> str:
    """Return a naive local time as a literal: ``datetime'…'``."""
    return f"datetime'{value.replace(tzinfo=None, microsecond=0).isoformat()}'"


def text(value: str) -> str:
    """Return a string as a literal, its apostrophes doubled."""
    return "'" + value.replace("'", "''") + "'"


def is_reference(value: object) -> bool:
    """Whether the value is a reference to something: a GUID that is not all zeros."""
    try:
        return str(UUID(str(value))) != NO_REF
    except ValueError:
        return False


class OData:
    """One base, by its standard OData interface. Raises what ``errors.Explainer`` says."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._metadata: Metadata | None = None

    def metadata(self) -> Metadata:
        """Return what is published; asked once in the client's life, for it can be of many megabytes."""
        if self._metadata is None:
            reply = self._http.get(
                "/$metadata", headers={"Accept": "application/xml"}, expect="any", timeout=_METADATA_TIMEOUT
            )
            self._metadata = read_metadata(reply.content, what=reply.what)
        return self._metadata

    def get(self, entity_set: str, ref: str, select: Sequence[str] = ()) -> Native | None:
        """Return one object by its reference; None if the base has none."""
        try:
            return _object(self._http.get(_address(entity_set, ref) + _query({"$select": ",".join(select)})))
        except Refused as refused:
            if refused.code == NOT_FOUND:
                return None
            raise

    def some(self, entity_set: str, *, where: str, top: int, select: Sequence[str] = (), skip: int = 0) -> Reply:
        """Return at most ``top`` objects, ordered by reference, from the ``skip``-th on."""
        options = {
            "$filter": where,
            "$select": ",".join(select),
            "$orderby": "Ref_Key",
            "$top": str(top),
            "$skip": str(skip) if skip else "",
        }
        return self._http.get(f"/{entity_set}{_query(options)}")

    def pages(self, entity_set: str, *, where: str, select: Sequence[str] = ()) -> Iterator[list[Native]]:
        """Yield every object that meets the filter; a page's size follows the bytes of the one before."""
        top, skip = _FIRST_TOP, 0
        while True:
            reply = self.some(entity_set, where=where, top=top, select=select, skip=skip)
            rows: list[Native] = reply["value"]
            if rows:
                yield rows
            if len(rows) < top:
                return
            skip += len(rows)
            top = min(max(_PAGE_BYTES * len(rows) // len(reply.content), 1), _LARGEST_TOP)

    def create(self, entity_set: str, body: Native) -> Native:
        """Create an object and return it as 1C answers, with no DataVersion. Never repeated blindly."""
        reply = self._http.post(f"/{entity_set}", json=body)
        try:
            return _object(reply)
        except IncompleteSource as error:
            raise InDoubt(f"{error} Whether the object was created is unknown.") from error

    def change(self, entity_set: str, ref: str, body: Native, *, version: str) -> None:
        """Change the named properties; a tabular section is replaced whole.

        Raises Refused with code 412 when the object is no longer of that version, in bases that look at it.
        """
        headers = {"If-Match": version} if version else {}
        address = _address(entity_set, ref)
        self._http.request("PATCH", address, json=body, headers=headers, safe=True, expect="any")

    def post_document(self, entity_set: str, ref: str) -> None:
        """Post (провести) a document; doing it again does no harm."""
        address = _address(entity_set, ref) + "/Post" + _query({"PostingModeOperational": "false"})
        self._http.post(address, safe=True, expect="any")


def _address(entity_set: str, ref: str) -> str:
    return f"/{entity_set}({guid(ref)})"


def _query(options: Mapping[str, str]) -> str:
    """Join the options that say something.

    Only what would end a value is escaped here; the rest is left for the session.
    """
    said = [f"{name}={_escaped(value)}" for name, value in options.items() if value]
    return "?" + "&".join(said) if said else ""


def _escaped(value: str) -> str:
    return re.sub(r"[%&#+]", lambda match: f"%{ord(match[0]):02X}", value)


def _object(reply: Reply) -> Native:
    body = reply.json()
    if not isinstance(body, dict) or "Ref_Key" not in body:
        raise IncompleteSource(f"{reply.what}: the answer is no object of 1C: it has no Ref_Key.")
    return body

"""A client of 1C's standard OData interface: addresses, literals, reads by pages, writes one by one.

Generic OData clients break on 1C: its literals are those of version 2, a Cyrillic login is UTF-8, 64-bit
numbers are strings, and the order of pages is only stable by Ref_Key. Times stay as 1C writes them, naive and
in the base's zone; the mapping turns them into instants.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Any
from uuid import UUID

import msgspec

from connectors.onec.odata.cache import Cache
from connectors.onec.odata.errors import NO_SUCH_PROPERTY, NOT_FOUND, NotPublished
from connectors.onec.odata.metadata import Metadata, read_metadata
from connectors.onec.odata.tables import NO_REF, Row, Table, Told, columns, decoder, names_of, read_rows, told_in
from connectors.onec.odata.walk import walk
from obmen.clock import Clock
from obmen.connector import Memory, ShortMemory
from obmen.errors import IncompleteSource, InDoubt, Refused
from obmen.http import Http, Reply
from obmen.records import Native

ROOT = "/odata/standard.odata"
NO_DATE = "0001-01-01T00:00:00"

_METADATA_TIMEOUT = (10.0, 300.0)
_CHANGES_TIMEOUT = (10.0, 600.0)

__all__ = ["NO_DATE", "NO_REF", "ROOT", "OData", "guid", "is_reference", "moment", "text"]


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
    """One base, by its standard OData interface. Raises what ``errors.Explainer`` says.

    ``memory`` keeps the metadata over a restart. ``allowed_only``: where 1C restricts rows to some users, read
    those that this one may see, instead of being denied the whole list.
    """

    def __init__(
        self,
        http: Http,
        *,
        memory: Callable[[], Memory] | None = None,
        clock: Clock | None = None,
        allowed_only: bool = False,
    ) -> None:
        short = ShortMemory()
        self._http = http
        self._cache = Cache(memory or (lambda: short), clock or http.clock, http.transport.base_url)
        self._allowed = {"allowedOnly": "true"} if allowed_only else {}

    def metadata(self) -> Metadata:
        """Return what is published, as the base told it at most a day ago, for it can be of many megabytes."""
        known = self._cache.get()
        if known is None:
            reply = self._http.get(
                "/$metadata", headers={"Accept": "application/xml"}, expect="any", timeout=_METADATA_TIMEOUT
            )
            known = read_metadata(reply.content, what=reply.what)
            self._cache.put(known)
        return known

    def get(self, entity_set: str, ref: str, select: Sequence[str] = ()) -> Native | None:
        """Return one object by its reference; None if the base has none."""
        try:
            return _object(self._read(_address(entity_set, ref), {"$select": ",".join(select)}))
        except Refused as refused:
            if refused.code == NOT_FOUND:
                return None
            raise

    def some(self, entity_set: str, *, where: str, top: int, select: Sequence[str] = (), skip: int = 0) -> Reply:
        """Return at most ``top`` objects, ordered by reference, from the ``skip``-th on."""
        return self._listed(Table(f"{entity_set}", entity_set), where, select, skip, top)

    def pages(self, entity_set: str, *, where: str = "", select: Sequence[str] = ()) -> Iterator[list[Native]]:
        """Yield every object that meets the filter; a page's size follows the bytes of the one before.

        Where ``select`` names properties, Ref_Key must be among them.
        """

        def fetch(skip: int, top: int) -> tuple[list[Native], int]:
            reply = self.some(entity_set, where=where, top=top, select=select, skip=skip)
            return reply["value"], len(reply.content)

        return walk(fetch, itemgetter("Ref_Key"))

    def rows(self, table: Table, kind: type[Row], *, where: str = "") -> Iterator[list[Row]]:
        """Yield every row of a table as records of a kind; properties that the base lacks keep their defaults."""
        listed, key = self._listing(table, kind, kind, where)

        def fetch(skip: int, top: int) -> tuple[list[Row], int]:
            rows, content = listed(skip, top)
            return rows, len(content)

        return walk(fetch, key)

    def raw_rows(self, table: Table, kind: type[msgspec.Struct], *, where: str = "") -> Iterator[Told]:
        """Yield the same rows as they came, to be compared or kept; ``tables.read_rows`` makes records of them."""
        listed, key = self._listing(table, kind, msgspec.Raw, where)
        rows: list[msgspec.Raw] = []
        content = b""

        def fetch(skip: int, top: int) -> tuple[list[msgspec.Raw], int]:
            nonlocal rows, content
            rows, content = listed(skip, top)
            return rows, len(content)

        for fresh in walk(fetch, lambda raw: key(read_rows(raw, kind)[0])):
            yield told_in(content, rows, len(fresh))

    def _listing(
        self, table: Table, kind: type[msgspec.Struct], made: Any, where: str
    ) -> tuple[Callable[[int, int], tuple[list[Any], bytes]], Callable[[Any], Hashable]]:
        """Return what fetches rows of a table, made something of, and their answer; and what tells one from another."""
        select = names_of(kind, self.metadata().properties(table.type))
        fields = columns(kind)
        decode = decoder(made).decode

        def listed(skip: int, top: int) -> tuple[list[Any], bytes]:
            reply = self._listed(table, where, select, skip, top)
            try:
                return decode(reply.content).value, reply.content
            except msgspec.DecodeError as error:
                raise IncompleteSource(f"{reply.what}: the answer is no list of {table.type} ({error}).") from error

        return listed, attrgetter(*(fields[name] for name in table.order if name in select))

    def count(self, entity_set: str) -> int:
        """Return how many objects a set has, folders too. Raises Denied if the user may not see one of them."""
        reply = self._noticing(lambda: self._http.get(f"/{entity_set}/$count{_query(self._allowed)}", expect="any"))
        told = reply.content.strip()
        if not told.isdigit():
            raise IncompleteSource(f"{reply.what}: the answer is no number.")
        return int(told)

    def has_rows(self, table: Table, name: str) -> bool:
        """Whether a table has any row; ``name`` is one of its properties."""
        return bool(self._listed(table, "", (name,), 0, 1)["value"])

    def create(self, entity_set: str, body: Native) -> Native:
        """Create an object and return it as 1C answers, with no DataVersion. Never repeated blindly."""
        reply = self._noticing(lambda: self._http.post(f"/{entity_set}", json=body))
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
        self._noticing(
            lambda: self._http.request("PATCH", address, json=body, headers=headers, safe=True, expect="any")
        )

    def post_document(self, entity_set: str, ref: str) -> None:
        """Post (провести) a document; doing it again does no harm."""
        address = _address(entity_set, ref) + "/Post" + _query({"PostingModeOperational": "false"})
        self._noticing(lambda: self._http.post(address, safe=True, expect="any"))

    def unpost_document(self, entity_set: str, ref: str) -> None:
        """Take a document's posting back; doing it again does no harm."""
        address = _address(entity_set, ref) + "/Unpost"
        self._noticing(lambda: self._http.post(address, safe=True, expect="any"))

    def changes(self, plan: str, node: str, number: int) -> Reply:
        """Return all that a node of an exchange plan has not confirmed, as an Atom feed (SelectChanges).

        The feed has no pages, and asking for it again does no harm.
        """
        address = self._point("SelectChanges", plan, node, number)
        headers = {"Accept": "application/atom+xml"}
        reply: Reply = self._noticing(
            lambda: self._http.post(address, headers=headers, safe=True, expect="xml", timeout=_CHANGES_TIMEOUT)
        )
        return reply

    def confirm_changes(self, plan: str, node: str, number: int) -> None:
        """Let the base forget what messages up to this number carried (NotifyChangesReceived)."""
        address = self._point("NotifyChangesReceived", plan, node, number)
        self._noticing(lambda: self._http.post(address, safe=True, expect="any"))

    def _point(self, function: str, plan: str, node: str, number: int) -> str:
        point = f"'{self._http.transport.base_url}/{plan}({guid(node)})'"
        return f"/{function}" + _query({"DataExchangePoint": point, "MessageNo": str(number)})

    def _listed(self, table: Table, where: str, select: Sequence[str], skip: int, top: int) -> Reply:
        known = select or table.order
        options = {
            "$filter": where,
            "$select": ",".join(select),
            "$orderby": ",".join(name for name in table.order if name in known),
            "$top": str(top),
            "$skip": str(skip) if skip else "",
        }
        return self._read(f"/{_escaped(table.path)}", {**(table.options or {}), **options, **self._allowed})

    def _read(self, address: str, options: Mapping[str, str]) -> Reply:
        return self._noticing(lambda: self._http.get(address + _query(options)))

    def _noticing(self, call: Callable[[], Reply]) -> Reply:
        """Call; where the base no longer knows what its metadata told, have that read again next time."""
        try:
            return call()
        except NotPublished:
            self._cache.forget()
            raise
        except Refused as refused:
            if refused.code == NO_SUCH_PROPERTY:
                self._cache.forget()
            raise


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

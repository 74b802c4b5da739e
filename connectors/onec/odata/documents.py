"""Documents that must stand in the base exactly once: orders, returns, bonus operations.

An answer that was lost says nothing of what 1C did, and a part of the bases may not honour a reference that the
client chose. So a document is looked for by its reference and by a mark of its own, before it is created and
whenever a creation is in doubt; two of them are an alarm, never a choice. Posting is a step of its own: one that
was created and not posted is found and posted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from connectors.onec.odata.client import OData, moment
from connectors.onec.odata.errors import ALREADY_EXISTS
from obmen.errors import Denied, InDoubt, Later, Refused, Unavailable
from obmen.records import Native

LIGHT = ("Ref_Key", "Number", "Posted", "DeletionMark", "Комментарий")
"""What is asked of a document that may be the one that is looked for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A document that is to stand in the base. ``ref`` is the reference that it gets where the client may choose.

    ``search`` gives the documents (LIGHT) that carry its mark; ``what`` names it for people, and ``field`` the
    property that carries the mark. ``light``: what of a catalog's element answers for LIGHT.
    """

    entity_set: str
    ref: str
    search: Callable[[], Sequence[Native]]
    what: str
    field: str
    light: tuple[str, ...] = LIGHT


def bring(base: OData, wanted: Wanted, body: Callable[[], Native]) -> str:
    """Bring a document into the base, posted, and return its reference. ``body`` is asked for only if it is new.

    Raises Refused (1C's own text, or what is wrong), InDoubt (look again before repeating).
    """
    document = look(base, wanted)
    ref = str(document["Ref_Key"]) if document is not None else create(base, wanted, body())
    if document is None or not settled(document):
        post(base, wanted.entity_set, ref)
    return ref


def find(base: OData, wanted: Wanted) -> str | None:
    """Return the document's reference if nothing is left to do about it; an unposted one is not done."""
    document = look(base, wanted)
    return str(document["Ref_Key"]) if document is not None and settled(document) else None


def look(base: OData, wanted: Wanted) -> Native | None:
    """Return the document as the base has it, by its reference or else by its mark; None if it has none."""
    found = base.get(wanted.entity_set, wanted.ref, wanted.light)
    if found is not None:
        return found
    hits = _standing(wanted.search())
    if len(hits) > 1:
        numbers = ", ".join(sorted(_name(hit) for hit in hits))
        message = (
            f"1C holds {wanted.what} {len(hits)} times: {numbers}. Mark the superfluous ones for deletion in 1C, then"
            " replay the record."
        )
        raise Refused(message, code="ambiguous", field=wanted.field)
    return hits[0] if hits else None


def post(base: OData, entity_set: str, ref: str) -> None:
    """Post a document and make sure that it is posted; raises Refused with 1C's reason where it is not."""
    base.post_document(entity_set, ref)
    document = base.get(entity_set, ref, ("Ref_Key", "Posted"))
    if document is None or document.get("Posted") is not True:
        message = (
            f"1C took the call but did not post {ref}. Open it in 1C and post it there to see the reason, then replay"
            " the record."
        )
        raise Refused(message, code="not_posted")


def of_day(base: OData, entity_set: str, day: date, belongs: Callable[[str], bool]) -> list[Native]:
    """Return the day's documents (LIGHT) whose comment belongs: 1C may not compare a comment without a length."""
    begins = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - 1C's own times name no zone
    where = f"Date ge {moment(begins)} and Date lt {moment(begins + timedelta(days=1))}"
    rows = (row for page in base.pages(entity_set, where=where, select=LIGHT) for row in page)
    return [row for row in rows if belongs(str(row.get("Комментарий") or ""))]


def take_back(base: OData, wanted: Wanted) -> str:
    """Unpost a document and mark it for deletion, if the base has it; return its reference, the wanted one if not."""
    document = look(base, wanted)
    if document is None:
        return wanted.ref
    ref = str(document["Ref_Key"])
    if document.get("DeletionMark") is not True:
        base.unpost_document(wanted.entity_set, ref)
        base.change(wanted.entity_set, ref, {"DeletionMark": True}, version="")
    return ref


def settled(document: Native) -> bool:
    """Whether nothing is to be done: it is posted, or somebody marked it for deletion."""
    return document.get("Posted") is True or document.get("DeletionMark") is True


def create(base: OData, wanted: Wanted, body: Native) -> str:
    """Create what was looked for and not found, and return the reference that counts; see ``bring``."""
    try:
        ref = str(base.create(wanted.entity_set, {"Ref_Key": wanted.ref, **body})["Ref_Key"])
    except InDoubt as doubt:
        return str(_look_into(doubt, base, wanted)["Ref_Key"])
    except Refused as refused:
        if refused.code != ALREADY_EXISTS:
            raise
        document = look(base, wanted)
        if document is None:
            message = f"1C says that {wanted.what} ({wanted.ref}) exists, and does not show it yet."
            raise Later(message) from refused
        return str(document["Ref_Key"])
    return ref if ref == wanted.ref else _first(base, wanted, ref)


def _look_into(doubt: InDoubt, base: OData, wanted: Wanted) -> Native:
    """Return the document if its creation had its effect after all; what cannot be seen stays in doubt."""
    try:
        document = look(base, wanted)
    except (Denied, Later, Unavailable) as error:
        raise doubt from error
    if document is None:
        raise doubt
    return document


def _first(base: OData, wanted: Wanted, ref: str) -> str:
    """Settle a race where the base gives references of its own, so that nothing kept a second one out.

    Who made a later one takes it back, and both go on with the first: 1C numbers documents as they come.
    """
    hits = sorted(_standing(wanted.search()), key=_name)
    if not any(hit["Ref_Key"] == ref for hit in hits) or hits[0]["Ref_Key"] == ref:
        return ref
    base.change(wanted.entity_set, ref, {"DeletionMark": True}, version="")
    return str(hits[0]["Ref_Key"])


def _name(hit: Native) -> str:
    return str(hit.get("Number") or hit["Ref_Key"])


def _standing(hits: Sequence[Native]) -> Sequence[Native]:
    """Leave out what is deleted while others stand."""
    return [hit for hit in hits if not hit.get("DeletionMark")] or hits[:1]

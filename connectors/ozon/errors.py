"""What Ozon's refusals mean: whose turn it is next.

Ozon says most of it in words: the same status 400 is a wrong record, a posting that is assembled already or
a quota, and a call that answers 200 may refuse each of its records. Here the words become the typed errors,
so that a record that only has to wait is never refused, and one that is wrong never blocks the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from obmen.errors import Denied, Later, ObmenError, Refused, Unavailable
from obmen.http import Reply
from obmen.records import Batch, Outcome, RecordError

Value = TypeVar("Value")

ALREADY_SHIPPED = "POSTING_ALREADY_SHIPPED"
ALREADY_CANCELLED = "POSTING_ALREADY_CANCELLED"
WRONG_STATUS = "HAS_INCORRECT_STATUS"

_CLIENT_ERROR, _TOO_MANY, _SERVER_ERROR = 400, 429, 500
_SHUT_OUT = {401, 403}
_SHOWN = 300
_CODE = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")

_STEPS = {
    "Invalid Api-Key": "Check client_id and api_key of this connection.",
    "deactivated": "Make a new key in the cabinet (Настройки → Seller API) and put it into api_key.",
    "missing a required role": "Give the key the role that this method needs, in the cabinet's list of keys.",
    "restricted to specific IP": "Add this machine's address to the networks that the key allows.",
    "Offer not signed": "Accept the current offer in the seller's cabinet; until then every call is refused.",
}
_ANY_STEP = "Check the connection's client_id, api_key and the key's roles."

_PEER_WAITS = {  # words in an answer's message → seconds until the peer is worth asking again
    "Circle is open": 180.0,
    "request rate limit per second": 1.0,
}
_LIMIT_WAITS = {
    "restore limit exceeded": 3600.0,
    "autoarchive_restore_failed": 3600.0,
    "aren't ready": 45.0,  # labels, for a minute after the assembly
}
_RECORD_WAITS = {  # words in a record's own error → seconds until it is worth sending again
    "TOO_MANY_REQUESTS": 30.0,
    "updated too frequently": 30.0,
    "items limit: limit exceeded": 600.0,
    "product_is_not_created": 300.0,
    "PRODUCT_HAS_NOT_BEEN_TAGGED_YET": 300.0,
    "SOURCE_TYPE_NOT_FOUND": 300.0,
    "item_limit_exceeded": 3600.0,
}


class QuotaLeft(Later):
    """So many items may still be imported now; the others after a while."""

    def __init__(self, message: str, left: int, after: float | None) -> None:
        super().__init__(message, after=after)
        self.left = left


def explain(reply: Reply) -> ObmenError | None:
    """Return the error that an answer means in Ozon's words; None leaves it to its status."""
    said = _message(reply) if reply.status >= _CLIENT_ERROR else None
    if said is None:
        return None
    text = f"{reply.what}: status {reply.status}: {said[:_SHOWN]}"
    wait = _first(_PEER_WAITS, said)
    if wait is not None:
        return Unavailable(text, after=wait)
    if reply.status >= _SERVER_ERROR or reply.status == _TOO_MANY:
        return _quota(reply, text)
    if reply.status in _SHUT_OUT:
        return Denied(f"{text}. {_first(_STEPS, said) or _ANY_STEP}")
    wait = _first(_LIMIT_WAITS, said)
    if wait is not None:
        return Later(text, after=wait)
    return Refused(text, code=code_in(said) or str(reply.status))


def _quota(reply: Reply, text: str) -> QuotaLeft | None:
    """Return how much of an import's quota is left, where Ozon says that there is some."""
    left, minutes = (reply.headers.get(name, "") for name in ("Item-Rate-Limit-Remaining", "Item-Retry-After"))
    if not left.isdecimal() or int(left) == 0:
        return None
    return QuotaLeft(text, int(left), float(minutes) * 60 if minutes.isdecimal() else None)


def code_in(text: str) -> str:
    """Return Ozon's short name of a reason, where its words hold one."""
    found = _CODE.search(text)
    return found[0] if found else ""


def record_errors(rows: Iterable[Mapping[str, Any]]) -> tuple[RecordError, ...]:
    """Return a record's errors in Ozon's words; an import's errors also name the field or the attribute."""
    return tuple(
        RecordError(
            code=str(row.get("code") or "refused"),
            message=str(row.get("description") or row.get("message") or ""),
            field=str(row.get("field") or row.get("attribute_name") or ""),
        )
        for row in rows
    )


def verdict(batch: Batch, id: object, rows: Iterable[Mapping[str, Any]]) -> Outcome:  # noqa: A002 - the peer's word
    """Return what becomes of a record that was not taken: later if each of its errors passes by itself.

    A record refused without a word is asked again as well, for a refusal must have a reason.
    """
    errors = record_errors(rows)
    waits = [_first(_RECORD_WAITS, f"{error.code} {error.message}") for error in errors]
    if any(wait is None for wait in waits):
        return batch.refused(id, errors)
    reason = "; ".join(f"{error.code}: {error.message}" for error in errors) or "not taken, no reason given"
    return batch.later(id, reason, after=max((wait for wait in waits if wait is not None), default=None))


def _message(reply: Reply) -> str | None:
    body = reply.json()
    message = body.get("message") if isinstance(body, dict) else None
    return message if isinstance(message, str) else None


def _first(table: Mapping[str, Value], text: str) -> Value | None:
    return next((value for words, value in table.items() if words in text), None)

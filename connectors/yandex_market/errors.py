"""What Market's refusals mean: whose turn it is next.

A refusal is ``{status: ERROR, errors: [{code, message}]}``. Its status alone misleads: 423 is a setting of the
cabinet or a move of its shops, and 403 is as often a shop that sleeps as a key that lacks a right; the codes are
mere names of the statuses, so the words decide. Here they become the typed errors, so that a record is never
blamed for what a person has to mend in the cabinet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from connectors.yandex_market.limits import UNTIL
from obmen.errors import Denied, ObmenError, Refused, Unavailable
from obmen.http import Reply
from obmen.records import RecordError

_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_NO_KEY, _NOT_ALLOWED, _CALM, _LOCKED = 401, 403, 420, 423
_HEAD, _SHOWN = 64, 500
_MOVING, _MOMENT = 1800.0, 1.0
_ASLEEP = re.compile(r"API for (campaign|business) '?\d+'? (manually )?disabled")
_OFFER = re.compile(r"offerId ?= ?'?")

_STEPS = {
    _NO_KEY: "Check api_key of this connection.",
    _NOT_ALLOWED: (
        "Check the key's rights, and that business_id and the campaign ids of the shops (not the numbers that the "
        "cabinet shows beside their names) belong to the key's cabinet."
    ),
    _LOCKED: (
        "The cabinet keeps one price for all its shops: take price_campaign out of this connection, or allow prices "
        "of single shops in the cabinet's settings."
    ),
}
_WAKE = "`obmen check` tells in which state it is; wake it in the cabinet (Настройки → API и модули)."


class ShopAsleep(Denied):
    """One shop, or all of them, do not work through the API now; the key is good."""


class Rejected(Refused):
    """A whole call was refused; ``errors`` are Market's own, which name the offers that they mean or do not."""

    def __init__(self, message: str, errors: tuple[RecordError, ...]) -> None:
        super().__init__(message, code=errors[0].code)
        self.errors = errors

    def by_offer(self, ids: Iterable[str]) -> dict[str, tuple[RecordError, ...]]:
        """Return which of these offers the errors mean; empty unless every error names one of them.

        An article may hold any sign, so it is found by comparing and not by where it seems to end.
        """
        longest_first = sorted(ids, key=len, reverse=True)
        found: dict[str, tuple[RecordError, ...]] = {}
        for error in self.errors:
            told = _OFFER.search(error.message)
            tail = error.message[told.end() :] if told else ""
            meant = next((id_ for id_ in longest_first if _begins(tail, id_)), None)
            if meant is None:
                return {}
            found[meant] = (*found.get(meant, ()), error)
        return found


def explain(reply: Reply) -> ObmenError | None:
    """Return the error that an answer means in Market's words; None leaves it to its status."""
    if reply.status >= _SERVER_ERROR:
        return None
    if reply.status < _CLIENT_ERROR and b'"ERROR"' not in reply.content[:_HEAD]:
        return None
    body = reply.json()
    errors = record_errors(body.get("errors") or ()) if isinstance(body, dict) else ()
    if not errors:
        return None
    said = "; ".join(f"{error.code}: {error.message}" for error in errors)
    text = f"{reply.what}: status {reply.status}: {said[:_SHOWN]}"
    if reply.status == _CALM:
        return Unavailable(text, after=_pause(reply.headers, said))
    return _meant(text, reply.status, errors)


def _pause(headers: Mapping[str, str], said: str) -> float | None:
    """How long a limit asks to wait: too many calls at once for a moment, a spent limit until it begins anew.

    The moment is measured by Market's own clock. Only here does it mean a wait: every answer tells it.
    """
    if "parallel" in said:
        return _MOMENT
    until, now = headers.get(UNTIL), headers.get("Date")
    if not until or not now:
        return None
    return max((parsedate_to_datetime(until) - parsedate_to_datetime(now)).total_seconds(), _MOMENT)


def _meant(text: str, status: int, errors: tuple[RecordError, ...]) -> ObmenError:
    if status == _LOCKED and "migration" in text:
        return Unavailable(text, after=_MOVING)
    if _ASLEEP.search(text):
        return ShopAsleep(f"{text}. {_WAKE}")
    if status in _STEPS:
        return Denied(f"{text}. {_STEPS[status]}")
    return Rejected(text, errors)


def record_errors(rows: Iterable[Mapping[str, Any]]) -> tuple[RecordError, ...]:
    """Return errors in Market's words; those of a card also name the characteristic."""
    return tuple(
        RecordError(
            code=str(row.get("code") or row.get("type") or "refused"),
            message=str(row.get("message") or ""),
            field="" if row.get("parameterId") is None else f"parameterValues.{row['parameterId']}",
        )
        for row in rows
    )


def _begins(text: str, id_: str) -> bool:
    return text.startswith(id_) and text[len(id_) : len(id_) + 1] in {"", "'", " ", ",", ";", "."}

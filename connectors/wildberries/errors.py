"""What Wildberries' refusals mean: whose turn it is next.

It answers in three shapes: ``{error, errorText, additionalErrors}`` from cards and prices, also with status 200;
``{code, message, data}`` from the marketplace; and ``{title, detail, requestId, …}`` from the gateway before any
of them. A 409 of stock is a list of the second. Read as one, a record that only has to wait would be refused,
and a refusal that came with 200 would pass for a success.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from obmen.errors import Denied, Later, ObmenError, Refused
from obmen.http import Reply

_CLIENT_ERROR, _UNPAID, _NOT_ACCEPTED, _TOO_MANY, _SERVER_ERROR = 400, 402, 406, 429, 500
_WHO_ARE_YOU = {401, 403}
_SHOWN = 300
_PROCESSING = 300.0

_STEPS = {
    "token is malformed": "Copy the whole token from the cabinet (Настройки → Доступ к API) into token.",
    "token expired": "Make a new token in the cabinet (Настройки → Доступ к API) and put it into token.",
    "access token expired": "Make a new token in the cabinet (Настройки → Доступ к API) and put it into token.",
    "withdrawn": "The token was withdrawn. Make a new one in the cabinet (Настройки → Доступ к API).",
    "read-only": "Make a token without 'read only' in the cabinet.",
    "scope not allowed": "Give the token this category when you make a new one in the cabinet.",
}
_ANY_STEP = "Check the token and its categories in the cabinet (Настройки → Доступ к API)."
_UNPAID_STEP = "Wildberries asks the service that issued this token for money; use a personal token instead."

_WAITS = {  # code → seconds until it is worth saying again
    "WarehouseStocksUpdateBlock": _PROCESSING,
    "StoreIsProcessing": _PROCESSING,
    "CurrencySwitchingError": 3600.0,
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One refusal: the vendor's ``code`` and ``message``, and what it is about."""

    code: str
    message: str
    data: Any = None


class ManyRefused(Refused):
    """One call refused for several reasons, each about records of its own (a 409 of stock)."""

    def __init__(self, message: str, faults: tuple[Fault, ...]) -> None:
        super().__init__(message, code=faults[0].code if faults else "refused")
        self.faults = faults


class VendorRefused(Refused):
    """One call refused, with the vendor's details: ``additionalErrors``, by vendor code where it gives them."""

    def __init__(self, message: str, *, code: str, said: str, details: Any = None) -> None:
        super().__init__(message, code=code)
        self.said, self.details = said, details


class _Envelope(msgspec.Struct):
    """The beginning of an answer, whichever of the three shapes it has."""

    error: Any = False
    errorText: str | None = None  # noqa: N815 - the vendor's word
    additionalErrors: Any = None  # noqa: N815 - the vendor's word
    code: Any = None
    message: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")
    title: str | None = None
    detail: str | None = None


_OBJECT = msgspec.json.Decoder(_Envelope)
_LIST = msgspec.json.Decoder(list[_Envelope])


def explain(reply: Reply) -> ObmenError | None:
    """Return the error that an answer means; None leaves it to its status."""
    if reply.status < _CLIENT_ERROR:
        return _said_no(reply)
    if reply.status >= _SERVER_ERROR or reply.status == _TOO_MANY:
        return None
    faults = _faults(reply)
    if faults is None:
        return None
    said = "; ".join(f"{fault.code}: {fault.message}" if fault.code else fault.message for fault in faults)
    text = f"{reply.what}: status {reply.status}: {said[:_SHOWN]}"
    return _denied(reply.status, text, said, faults) or _refused(reply, text, said, faults)


def _denied(status: int, text: str, said: str, faults: Sequence[Fault]) -> ObmenError | None:
    """What is about the account or its warehouse, not about records."""
    if status in _WHO_ARE_YOU:
        return Denied(f"{text}. {_step(said)}")
    if status == _UNPAID:
        return Denied(f"{text}. {_UNPAID_STEP}")
    waits = [_WAITS.get(fault.code) for fault in faults]
    if waits and None not in waits:
        return Later(text, after=max(wait for wait in waits if wait is not None))
    if status == _NOT_ACCEPTED:
        return Denied(f"{text}. Wildberries has blocked the account's stock; ask its support why.")
    return None


def _refused(reply: Reply, text: str, said: str, faults: Sequence[Fault]) -> Refused:
    if reply.content[:1] == b"[":
        return ManyRefused(text, tuple(faults))
    (fault,) = faults
    return VendorRefused(text, code=fault.code or str(reply.status), said=said, details=fault.data)


def _said_no(reply: Reply) -> ObmenError | None:
    """Cards and prices refuse with status 200 too."""
    if reply.content[:1] != b"{" or b'"error"' not in reply.content:
        return None
    try:
        said = _OBJECT.decode(reply.content)
    except msgspec.DecodeError:
        return None
    if said.error is not True:
        return None
    text = f"{reply.what}: refused with status {reply.status}: {said.errorText or ''}{_details(said)}"
    return VendorRefused(
        text[: _SHOWN * 2], code="refused", said=said.errorText or "", details=said.additionalErrors or None
    )


def _faults(reply: Reply) -> list[Fault] | None:
    try:
        if reply.content[:1] == b"[":
            return [_fault(one) for one in _LIST.decode(reply.content)]
        return [_fault(_OBJECT.decode(reply.content))]
    except msgspec.DecodeError:
        return None


def _fault(said: _Envelope) -> Fault:
    if said.title is not None:
        return Fault("", f"{said.title}: {said.detail or ''}".rstrip(": "))
    if said.errorText is not None:
        return Fault("", f"{said.errorText}{_details(said)}", said.additionalErrors or None)
    data = msgspec.json.decode(said.data)
    return Fault(str(said.code or ""), said.message or "", data)


def _details(said: _Envelope) -> str:
    if isinstance(said.additionalErrors, Mapping):
        return "".join(f"; {name}: {text}" for name, text in said.additionalErrors.items())
    return f"; {said.additionalErrors}" if said.additionalErrors else ""


def _step(said: str) -> str:
    return next((step for words, step in _STEPS.items() if words in said), _ANY_STEP)

"""Cancelling a posting, or the goods of one that are in no package, with a reason that Ozon takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connectors.ozon import paths
from connectors.ozon.errors import ALREADY_CANCELLED, WRONG_STATUS
from connectors.ozon.families import CANCELLED, living
from connectors.ozon.postings import posting
from obmen.errors import TOO_LATE, Later, Refused
from obmen.http import Http
from obmen.records import Native

_WRONG_REASON = "HAS_INCORRECT_CANCEL_REASON"
_NO_WORDS = "Нет в наличии"
_SETTLING = 60.0


@dataclass(frozen=True, slots=True)
class Reason:
    """Ozon's id of a reason, and the seller's words."""

    id: int
    message: str

    @classmethod
    def of(cls, options: Any, words: str | None) -> Reason:
        """Choose the reason for what 1C says, by the connection's options."""
        return cls(options.cancel_reasons.get(words, options.cancel_reason), words or options.cancel_message)


def cancel(http: Http, parts: Sequence[Native], reason: Reason) -> None:
    """Cancel what is left of a posting (``PostingAPI_CancelFbsPosting``).

    Raises Refused, with the reasons that Ozon would take if ours is not among them, or Later.
    """
    for part in living(parts):
        number = part["posting_number"]
        body: Native = {"cancel_reason_id": reason.id, "posting_number": number}
        if reason.message:
            body["cancel_reason_message"] = reason.message
        try:
            http.post(paths.CANCEL, json=body)
        except Refused as error:
            if error.code == _WRONG_REASON:
                raise _with_choices(http, number, error) from None
            if error.code == WRONG_STATUS:
                message = (
                    f"Ozon has {number} already and does not let the seller cancel it. Take the cancellation back in"
                    " the books; if the buyer refuses the goods, Ozon tells of their return."
                )
                raise Refused(message, code=TOO_LATE, field="status") from error
            if error.code != ALREADY_CANCELLED:
                raise
        if posting(http, number)["status"] != CANCELLED:
            raise Later("Ozon has not cancelled it yet", after=_SETTLING)


def cancel_goods(http: Http, number: str, items: Sequence[Native], reason: Reason) -> None:
    """Cancel goods of a posting (``PostingAPI_CancelFbsPostingProduct``); words are required here."""
    body = {
        "cancel_reason_id": reason.id,
        "cancel_reason_message": reason.message or _NO_WORDS,
        "items": list(items),
        "posting_number": number,
    }
    try:
        http.post(paths.CANCEL_GOODS, json=body)
    except Refused as error:
        if error.code == _WRONG_REASON:
            raise _with_choices(http, number, error) from None
        raise


def _with_choices(http: Http, number: str, error: Refused) -> Refused:
    reply = http.post(paths.CANCEL_REASONS, json={"related_posting_numbers": [number]}, safe=True)
    choices = [
        f"{reason['id']} '{reason['title']}'"
        for row in reply["result"]
        for reason in row["reasons"]
        if reason["type_id"] == "seller"
    ]
    text = f"{error} For this posting it takes {', '.join(choices) or 'none'}: see cancel_reason and cancel_reasons."
    return Refused(text, code=error.code)

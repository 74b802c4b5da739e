"""What Ozon's checks say of a card that was imported: still looking, good, or refused and why.

The states are words that the specification does not list; one that is not known here counts as good, for the card
is there and the prices and stock of it must not wait for ever.
"""

from __future__ import annotations

from typing import Literal

from obmen.records import Native, RecordError

State = Literal["checking", "good", "refused"]

_CHECKING = {"pending", "new", "processing", "moderating", "in-moderating", "in_moderating", "on_moderation"}
_REFUSED = {"declined", "rejected", "fail", "failed", "failed_moderation", "failed_validation"}
_SERIOUS = ("ERROR", "INTERNAL")


def judge(native: Native) -> tuple[State, list[RecordError]]:
    """Return where a card stands, by its details (``ProductAPI_GetProductInfoList``), and why it was refused."""
    statuses = native.get("statuses") or {}
    words = {statuses.get("moderate_status"), statuses.get("validation_status")}
    if words & _CHECKING or not statuses.get("is_created", True) or not native.get("sku"):
        return "checking", []
    errors = [_error(row) for row in native.get("errors") or () if str(row.get("level", "")).endswith(_SERIOUS)]
    if words & _REFUSED and not errors:
        said = statuses.get("status_description") or statuses.get("status_name") or ", ".join(filter(None, words))
        errors = [RecordError("moderation", f"Ozon's moderators refused the card: {said}. See it in the cabinet.")]
    return ("refused", errors) if errors else ("good", [])


def _error(row: Native) -> RecordError:
    texts = row.get("texts") or {}
    said = texts.get("description") or texts.get("message") or texts.get("short_description") or ""
    hint = texts.get("message") if texts.get("description") else ""
    message = ". ".join(part.rstrip(".") for part in (said, hint) if part)
    return RecordError(
        str(row.get("code") or "moderation"), message, row.get("field") or texts.get("attribute_name") or ""
    )

"""Postings that the seller carries himself or by a service of his choice (rFBS): his word moves them on.

Each step is asked for by itself, is answered per posting, and happens some time later; a step that is not the
next one is refused. So a posting is led one step at a time, and looked at before each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from connectors.ozon import paths
from connectors.ozon.errors import code_in
from connectors.ozon.families import ASSEMBLED, CANCELLED, DELIVERED, DELIVERING, SPLIT
from connectors.ozon.paths import Path
from obmen.http import Http
from obmen.records import Native, RecordError

LIMIT = 20
LAST_MILE = "last-mile"
_SELLERS_CARRIER = "non_integrated"
_TRACKED = {_SELLERS_CARRIER, "3pl_tracking"}
_BEFORE = {"awaiting_registration", ASSEMBLED, "acceptance_in_progress", "sent_by_seller"}
_STEPS: Mapping[str, Path] = {
    DELIVERING: paths.DELIVERING,
    LAST_MILE: paths.LAST_MILE,
    DELIVERED: paths.DELIVERED,
}

Faults = dict[str, RecordError]
"""Posting number → why Ozon did not take what was said of it."""


def is_sellers(part: Native) -> bool:
    """Whether the seller says himself how far a posting is."""
    return part.get("tpl_integration_type") == _SELLERS_CARRIER


def is_tracked(part: Native) -> bool:
    """Whether the seller tells the carrier's number of a posting."""
    return part.get("tpl_integration_type") in _TRACKED


def next_step(part: Native, wanted: str) -> str | None:
    """Return what is to be said next to bring a posting to ``wanted``; None where nothing can or need be said."""
    if not is_sellers(part):
        return None
    if part["status"] in _BEFORE:
        return DELIVERING
    if part["status"] != DELIVERING or wanted != DELIVERED:
        return None
    actions = part.get("available_actions") or ()
    over_a_mile = "non_int_last_mile" in actions and "non_int_delivered" not in actions
    return LAST_MILE if over_a_mile else DELIVERED


def arrived(part: Native, wanted: str) -> bool:
    """Whether a posting is as far as ``wanted``, or where the seller has no word in it."""
    if not is_sellers(part) or part["status"] in {CANCELLED, SPLIT}:
        return True
    if wanted == DELIVERED:
        return bool(part["status"] == DELIVERED)
    return part["status"] not in _BEFORE and not str(part["status"]).startswith("awaiting_")


def take(http: Http, step: str, numbers: Sequence[str]) -> Faults:
    """Say a step of these postings (``PostingAPI_FbsPostingDelivering`` and its kin)."""
    faults: Faults = {}
    for some in _in_twenties(numbers):
        reply = http.post(_STEPS[step], json={"posting_number": list(some)})
        faults.update(_faults(reply["result"]))
    return faults


def track(http: Http, numbers: Mapping[str, str]) -> Faults:
    """Tell posting number → the carrier's number (``PostingAPI_FbsPostingTrackingNumberSet``)."""
    faults: Faults = {}
    for some in _in_twenties(list(numbers)):
        rows = [{"posting_number": number, "tracking_number": numbers[number]} for number in some]
        reply = http.post(paths.TRACKING, json={"tracking_numbers": rows}, safe=True)
        faults.update(_faults(reply["result"]))
    return faults


def _faults(rows: Sequence[Native]) -> Faults:
    """Read the answers; an error comes as a text, or as a list of them that is empty when all is well."""
    faults = {}
    for row in rows:
        if not row.get("result"):
            said = row.get("error") or "no reason given"
            text = said if isinstance(said, str) else "; ".join(map(str, said))
            faults[row["posting_number"]] = RecordError(code_in(text) or "refused", text, "status")
    return faults


def _in_twenties(numbers: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(numbers), LIMIT):
        yield numbers[start : start + LIMIT]

"""Assembling a posting: what is in no package is cancelled, what must be told of each unit is told, then it ships.

``PostingAPI_ShipFbsPostingV4`` cannot be said twice and its 200 is no promise, so each step is looked at before
the next. Every step is decided by what the posting is now: a run that was cut short goes on where it stopped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from connectors.ozon import marking, packages, paths
from connectors.ozon.cancelling import Reason, cancel_goods
from connectors.ozon.errors import ALREADY_SHIPPED, WRONG_STATUS
from connectors.ozon.families import CANCELLED, SPLIT, TO_ASSEMBLE, living
from connectors.ozon.packages import Packages
from connectors.ozon.postings import posting
from obmen.errors import Later, Refused
from obmen.http import Http
from obmen.records import Native

_NOT_YET = {"awaiting_approve", "awaiting_verification"}
_SHIP_FAILED = "ship_failed"
_SETTLING = 60.0


def assemble(http: Http, parts: Sequence[Native], chosen: Packages, reason: Reason) -> bool:
    """Assemble what is left of a posting; return whether that is done, or Ozon still checks what it was told.

    Raises Refused or Later.
    """
    waiting = _to_assemble(http, parts)
    if chosen and len(waiting) > 1:
        _as_parted(waiting, chosen)
    elif chosen and (missing := packages.left_out(waiting[0], chosen)):
        number = waiting[0]["posting_number"]
        cancel_goods(http, number, missing, reason)
        waiting = [posting(http, number)]
        if packages.left_out(waiting[0], chosen):
            return False
    marks = _Marks(chosen)
    for part in waiting:
        if not _units_told(http, part, marks.of(part, last=part is waiting[-1])):
            return False
    for part in waiting:
        _ship(http, part, chosen if len(waiting) == 1 else ())
    return True


def prepared(http: Http, chosen: Packages, parts: Sequence[Native]) -> bool:
    """Whether what was asked for before shipping has happened. Raises Refused if it never will."""
    waiting = [part for part in living(parts) if part["status"] == TO_ASSEMBLE]
    if chosen and len(waiting) == 1 and packages.left_out(waiting[0], chosen):
        return False
    try:
        return all(marking.accepted(http, part["posting_number"]) for part in waiting if marking.needed(part))
    except Later:
        return True


def _to_assemble(http: Http, parts: Sequence[Native]) -> list[Native]:
    alive = living(parts)
    early = next((part["status"] for part in alive if part["status"] in _NOT_YET), None)
    if early is not None:
        raise Later(f"the posting is {early} yet", after=_SETTLING)
    waiting = [part for part in alive if part["status"] == TO_ASSEMBLE]
    disputed = [part for part in alive if "awaiting_delivery" in (part.get("available_actions") or ())]
    if disputed:
        _confirm(http, [part["posting_number"] for part in disputed])
    elif not waiting:
        status = str((alive or parts)[0]["status"])
        raise Refused(
            f"The posting is {status}, so it cannot be assembled.",
            code=CANCELLED if status == CANCELLED else WRONG_STATUS,
        )
    return waiting


def _confirm(http: Http, numbers: list[str]) -> None:
    """Say that disputed postings will be handed over (``PostingAPI_MoveFbsPostingToAwaitingDelivery``)."""
    http.post(paths.AWAITING_DELIVERY, json={"posting_number": numbers})
    for number in numbers:
        now = posting(http, number)
        if "awaiting_delivery" in (now.get("available_actions") or ()):
            raise Later("Ozon still holds it for disputed", after=_SETTLING)


def _as_parted(waiting: Sequence[Native], chosen: Packages) -> None:
    """Boxes cannot be laid anew over parts that a person has made; they must at least hold the same."""
    held = sum((packages.held(part) for part in waiting), Counter[str]())
    if packages.packed(chosen) != held:
        numbers = ", ".join(part["posting_number"] for part in waiting)
        message = f"The posting was split in the cabinet into {numbers}, which hold other goods than the packages."
        raise Refused(f"{message} Assemble them there.", code="packages_differ", field="packages")


class _Marks:
    """The marking codes of the packages; the parts of one posting take theirs in turn."""

    def __init__(self, chosen: Packages) -> None:
        self._left: dict[str, list[str]] = {}
        for package in chosen:
            for product in package["products"]:
                self._left.setdefault(product["offer_id"], []).extend(product.get("marks") or ())

    def of(self, part: Native, *, last: bool) -> dict[int, list[str]]:
        """Take SKU → codes for what a part holds; the last part takes what there is, so that none is lost unseen."""
        taken = {}
        for offer_id, quantity in packages.held(part).items():
            codes = self._left.get(offer_id, [])
            taken[offer_id], self._left[offer_id] = (codes, []) if last else (codes[:quantity], codes[quantity:])
        skus = packages.sku_of(part)
        return {skus[offer_id]: codes for offer_id, codes in taken.items() if codes}


def _units_told(http: Http, part: Native, marks: dict[int, list[str]]) -> bool:
    if not marking.needed(part) and not marking.possible(part, marks):
        return True
    return marking.tell(http, part["posting_number"], marks)


def _ship(http: Http, part: Native, chosen: Packages) -> None:
    number = part["posting_number"]
    try:
        http.post(paths.SHIP, json={"packages": packages.shipment(part, chosen), "posting_number": number})
    except Refused as error:
        if error.code != ALREADY_SHIPPED:
            raise
    after = posting(http, number)
    if after["status"] == SPLIT or after["status"] not in {TO_ASSEMBLE, CANCELLED, *_NOT_YET}:
        return
    failed = after.get("substatus") == _SHIP_FAILED
    raise Later("Ozon failed to assemble it" if failed else "Ozon is still assembling it", after=_SETTLING)

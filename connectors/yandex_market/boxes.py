"""Boxes: what lies in which, and the marking codes of what is marked.

An item that lies in no box is taken out of the order, at once and for ever, and the buyer is told. So a layout is
reckoned from the order as it is now, and one that does not fit it is refused before anything is sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from connectors.yandex_market.order_shape import live
from obmen.errors import Later, Refused
from obmen.records import Native

_SHOWN = 6
_DEMANDED = {"CIS": "cis", "UIN": "uin"}
_KINDS = {**_DEMANDED, "CIS_OPTIONAL": "cis", "RNPT": "rnpt", "GTD": "gtd"}
_CHECKING, _BAD = {"IN_PROGRESS", "NOT_ON_VALIDATION"}, {"INVALID"}
_WAIT = 60.0


def layout(order: Native, packages: Sequence[Native] | None) -> Native | None:
    """Return the body of ``setOrderBoxLayout``; None where the boxes are as they should be already.

    ``packages``: ``lines`` of ``offerId``, ``count``, ``itemId`` (optional) and ``marks``; None is one box with
    everything, unless Market knows the boxes already. Raises Refused for a layout that the order cannot have.
    """
    known = (order.get("delivery") or {}).get("boxesLayout")
    items = {int(item["id"]): item for item in order["items"] if live(item) > 0}
    if packages is None:
        missing = [item for item in items.values() if _demanded(item) and len(item.get("instances") or ()) < live(item)]
        if missing:
            raise _marks_missing(missing[0], live(missing[0]), len(missing[0].get("instances") or ()))
        if known:
            return None
        return {"boxes": [{"items": [{"id": id_, "fullCount": live(item)} for id_, item in items.items()]}]}
    left = Counter({id_: live(item) for id_, item in items.items()})
    boxes = [{"items": _box(package, items, left)} for package in packages]
    packed = {entry["id"] for box in boxes for entry in box["items"]}
    if not packed:
        message = f"Nothing of order {order['orderId']} lies in a box. Cancel the order instead."
        raise Refused(message, code="nothing_packed", field="packages")
    _all_marked(items, boxes)
    marked = any("instances" in entry for box in boxes for entry in box["items"])
    if not marked and _counts(boxes) == _counts(known or ()):
        return None
    return {"boxes": boxes, "allowRemove": True} if +left else {"boxes": boxes}


def demands_marks(order: Native) -> bool:
    """Whether Market wants marking codes before the order may be ready."""
    return any(_demanded(item) for item in order["items"] if live(item) > 0)


def judge_marks(order_id: object, items: Sequence[Native]) -> None:
    """Look at what became of the codes (``getOrderIdentifiersStatus``).

    Raises Later while one is being checked or could not be, Refused with the codes that may not be sold.
    """
    told = [(kind, one) for item in items for kind in ("cis", "uin") for one in item.get(kind) or ()]
    bad = [one for kind, one in told if one["status"] in _BAD or (kind == "uin" and one["status"] == "FAILED")]
    if bad:
        said = "; ".join(f"{masked(one['value'])}: {one.get('substatus') or one['status']}" for one in bad)
        message = f"Market does not take marking codes of order {order_id}: {said}. Pack other units."
        raise Refused(message, code="mark_refused", field="packages.marks")
    waits = [one for _, one in told if one["status"] in _CHECKING or one["status"] == "FAILED"]
    if waits:
        message = f"{len(waits)} marking codes of order {order_id} are not checked yet."
        raise Later(message, after=_WAIT)


def masked(mark: str) -> str:
    """Return a marking code as it may be shown: whoever knows all of it can use it."""
    return f"{mark[:_SHOWN]}… ({len(mark)} signs)"


def without_marks(text: str, body: Native) -> str:
    """Return a text of Market's with every marking code that was sent masked."""
    for box in body["boxes"]:
        for entry in box["items"]:
            for instance in entry.get("instances", ()):
                for mark in instance.values():
                    text = text.replace(mark, masked(mark))
    return text


def _box(package: Native, items: dict[int, Native], left: Counter[int]) -> list[dict[str, Any]]:
    entries: dict[int, dict[str, Any]] = {}
    for line in package["lines"]:
        takes = any(_kind(item) for item in items.values() if item["offerId"] == line["offerId"])
        marks = list(line.get("marks") or ()) if takes else []
        if marks and len(marks) != int(line["count"]):
            message = f"{line['count']} units of '{line['offerId']}' have {len(marks)} marking codes; each needs one."
            raise Refused(message, code="marks_missing", field="packages.marks")
        for id_, units in _from(line, items, left):
            entry = entries.setdefault(id_, {"id": id_, "fullCount": 0})
            entry["fullCount"] += units
            if marks and (kind := _kind(items[id_])):
                entry.setdefault("instances", []).extend({kind: mark} for mark in marks[:units])
                del marks[:units]
    return list(entries.values())


def _from(line: Native, items: dict[int, Native], left: Counter[int]) -> Iterator[tuple[int, int]]:
    """Yield from which items of the order, and how many units of each, a packed line is taken."""
    wanted = int(line["count"])
    named = str(line.get("itemId") or "")
    fitting = [id_ for id_, item in items.items() if item["offerId"] == line["offerId"]]
    fitting.sort(key=lambda id_: str(id_) != named)
    for id_ in fitting:
        units = min(wanted, left[id_])
        if units:
            left[id_] -= units
            wanted -= units
            yield id_, units
    if wanted:
        message = f"{wanted} units of '{line['offerId']}' lie in boxes beyond what the order has."
        raise Refused(message, code="packed_too_much", field="packages")


def _all_marked(items: dict[int, Native], boxes: Sequence[Native]) -> None:
    for id_, item in items.items():
        entries = [entry for box in boxes for entry in box["items"] if entry["id"] == id_]
        units = sum(entry["fullCount"] for entry in entries)
        marks = sum(len(entry.get("instances", ())) for entry in entries)
        if _demanded(item) and marks < units:
            raise _marks_missing(item, units, marks)


def _marks_missing(item: Native, units: int, marks: int) -> Refused:
    message = f"{units} units of '{item['offerId']}' need marking codes, and {marks} are known."
    return Refused(message, code="marks_missing", field="packages.marks")


def _demanded(item: Native) -> bool:
    return any(kind in _DEMANDED for kind in item.get("requiredInstanceTypes") or ())


def _kind(item: Native) -> str | None:
    """Return as what Market takes an item's codes; None for one of which it takes none, whatever was scanned."""
    return next((_KINDS[kind] for kind in item.get("requiredInstanceTypes") or () if kind in _KINDS), None)


def _counts(boxes: Sequence[Native]) -> list[list[tuple[int, int]]]:
    return [sorted((entry["id"], entry.get("fullCount", 0)) for entry in box["items"]) for box in boxes]

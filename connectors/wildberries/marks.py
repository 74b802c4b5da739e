"""Marking codes: which an order needs, which it has, and what became of their check.

A code can be used by whoever holds it. So none stands in a message, an outcome or a log: a refusal names the
kind of the code and the reason, and the order that it belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from connectors.wildberries import paths
from connectors.wildberries.base import Base
from connectors.wildberries.listing import portions
from connectors.wildberries.paths import Path
from connectors.wildberries.schemes import FBS, Scheme
from obmen.errors import Refused
from obmen.records import RecordError

PASSED = {
    "filled",
    "optional",
    "deadlineExceeded",
    "imeiMaySell",
    "imeiSoldB2B",
    "uinMaySell",
    "sgtinIntroduced",
    "sgtinSoldB2B",
}
"""Decisions with which an order may go; any other but ``pending`` needs a person."""
_PENDING = "pending"
_REQUIRED = "required"

_SHAPES = (
    ("gtin", re.compile(r"\d{13}")),
    ("imei", re.compile(r"\d{15}")),
    ("uin", re.compile(r"\d{16}")),
    ("expiration", re.compile(r"\d\d\.\d\d\.\d{4}")),
    ("customsDeclaration", re.compile(r"\d{8}/\d{6}/[\w/]{2,13}")),
)
_PATHS: dict[str, dict[str, Path]] = {
    "fbs": {
        "sgtin": paths.MARK_SGTIN,
        "uin": paths.MARK_UIN,
        "imei": paths.MARK_IMEI,
        "gtin": paths.MARK_GTIN,
        "expiration": paths.MARK_EXPIRATION,
        "customsDeclaration": paths.MARK_CUSTOMS,
    },
    "dbs": {
        "sgtin": paths.DBS_MARK_SGTIN,
        "uin": paths.DBS_MARK_UIN,
        "imei": paths.DBS_MARK_IMEI,
        "gtin": paths.DBS_MARK_GTIN,
    },
    "dbw": {"sgtin": paths.DBW_MARK_SGTIN},
    "click_collect": {"sgtin": paths.CC_MARK_SGTIN},
}


@dataclass(frozen=True, slots=True)
class Marks:
    """What an order's codes amount to: by kind, the value that is kept there and the decision about it."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    decisions: Mapping[str, str] = field(default_factory=dict)

    @property
    def pending(self) -> bool:
        """Whether the check is still going on."""
        return _PENDING in self.decisions.values()

    @property
    def errors(self) -> tuple[RecordError, ...]:
        """Why the order cannot go, a reason for each kind."""
        return tuple(
            RecordError(decision, _said(kind, decision), f"marks.{kind}")
            for kind, decision in self.decisions.items()
            if decision not in PASSED and decision != _PENDING
        )


def kind_of(code: str) -> str:
    """Return the kind of a code by its shape; what has no other shape is one of Честный знак."""
    return next((kind for kind, shape in _SHAPES if shape.fullmatch(code)), "sgtin")


class Marking(Base):
    """Reads and writes the marking codes of orders."""

    def marks(self, scheme: Scheme, ids: Collection[int]) -> dict[int, Marks]:
        """Return what is known of these orders' codes."""
        found: dict[int, Marks] = {}
        for some in portions(sorted(ids), scheme.marks_most):
            reply = self.call(scheme.marks, json={scheme.asked_marks: list(some)}, safe=True)
            for row in reply["orders"]:
                details = row.get("metaDetails") or ()
                found[row[scheme.told_marks]] = Marks(
                    {one["key"]: one["value"] for one in details if one.get("value")},
                    {one["key"]: one["decision"] for one in details},
                )
        return found

    def set_marks(self, scheme: Scheme, id_: int, codes: Sequence[str], known: Marks) -> bool:
        """Give an order those codes that it does not have yet; return whether any was.

        A code that was refused is said again: it may have come back into circulation since. A kind of code that the
        order does not have is left out: sellers scan whatever bears one, asked for or not.
        Raises Refused, before any call, for a kind of code that the scheme has no call for.
        """
        by_kind: dict[str, list[str]] = {}
        for code in codes:
            if (kind := kind_of(code)) in known.decisions:
                by_kind.setdefault(kind, []).append(code)
        addresses = _PATHS[scheme.name]
        for kind in by_kind:
            if kind not in addresses:
                message = f"The order {id_} takes no code of the kind {kind}."
                raise Refused(message, code="MetaKeyNotRequired", field=f"marks.{kind}")
        refused = {error.field.removeprefix("marks.") for error in known.errors}
        missing = {
            kind: several for kind, several in by_kind.items() if kind in refused or not _has(known, kind, several)
        }
        for kind, several in missing.items():
            value = {"sgtins": several} if kind == "sgtin" else {kind: several[0]}
            if scheme is FBS:
                self.call(addresses[kind], parts={"orderId": id_}, json=value, safe=True)
            else:
                body = {"orders": [{"orderId": id_, **value}]}
                _check_row(self.call(addresses[kind], json=body, safe=True)["results"], id_, kind)
        return bool(missing)


def _has(known: Marks, kind: str, codes: Iterable[str]) -> bool:
    return all(code in known.values.get(kind, "") for code in codes)


def _check_row(rows: Sequence[Mapping[str, object]], id_: int, kind: str) -> None:
    for row in rows:
        if row.get("orderId") == id_ and row.get("isError"):
            errors = row.get("errors")
            first = errors[0] if isinstance(errors, list) and errors else {}
            reason = str(first.get("detail") or "refused")
            raise Refused(f"The order {id_} does not take its {kind}: {reason}.", code=reason, field=f"marks.{kind}")


def _said(kind: str, decision: str) -> str:
    if decision == _REQUIRED:
        return f"The order needs a code of the kind {kind}: put it into the marks of its package."
    return f"The code of the kind {kind} was refused as {decision}: put a good one into the marks of its package."

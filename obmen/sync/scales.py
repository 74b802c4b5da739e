"""Weighing what a target shows against what it was told: field by field, by what would be written.

A difference that the mapping does not carry is none, nor is what cannot be read there, nor stock that is less by just
what buyers have reserved: to send any of these again would do harm, or go on for ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec
from pydantic import ValidationError

from obmen.entities import Product, Record, Stock
from obmen.errors import Refused
from obmen.mapping import NotCarried
from obmen.records import Native
from obmen.sync.flow import Flow, Target, payload_of
from obmen.sync.sides import Told, whole

EXAMPLES = 20
"""Reasons, and records that only a target has, that are kept of each side."""
_ARCHIVED = "archived"
DRIFT = "drift"
"""The cause of what is sent again because a target did not keep it."""


class Drift(msgspec.Struct, frozen=True):
    """A record that a target confirmed and does not show so.

    ``fields``: name → [what it shows, what it was told], personal values masked; empty where it shows nothing of it.
    """

    flow: str
    target: str
    key: str
    fields: dict[str, list[Any]]


@dataclass(slots=True)
class Side:
    """What was found of one target.

    ``counts``: ``same``, ``drift``, ``missing`` (confirmed and not there), ``unsent`` (differs and was not confirmed as
    it is now: the next sync, a guard or the quarantine has it), ``unsure`` (not met among what could be read there),
    ``only_there``, ``not_carried``, ``unreadable``.
    ``fields``: by field, how many records drift in it. ``blind``: fields that are written and cannot be read there.
    ``only_there``: the first records that only the target has. ``repaired``: how many are sent again.
    """

    target: str
    counts: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    blind: list[str] = field(default_factory=list)
    only_there: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    repaired: int = 0

    @property
    def drift(self) -> int:
        """How many records are not as they were confirmed."""
        return self.counts["drift"] + self.counts["missing"]


class Scales:
    """Weighs what one target shows against what it is told."""

    def __init__(self, flow: Flow, target: Target, there: Told | None) -> None:
        assert target.back is not None  # noqa: S101 - it was looked at before
        self.flow, self.target = flow, target
        self.whole = whole(flow, target)
        self.unsure = there is not None and (there.partial or there.counts["unreadable"] > 0)
        written = {name for name in target.mapping.carries if name in flow.entity.model_fields}
        written -= set(flow.entity.key_fields)
        seen = target.back.tells if there is None else target.back.tells & there.fields
        self._compared = written & seen
        self._archived = flow.entity is Product and _ARCHIVED in seen
        self._told_if_set = there is not None
        self.blind = sorted(written - seen)

    def told(self, records: Sequence[Record], side: Side) -> Iterator[tuple[Record, Native]]:
        """Yield the records that the target is told of, as they are written."""
        for record in records:
            try:
                yield record, payload_of(self.target.mapping, record)
            except NotCarried:
                side.counts["not_carried"] += 1
            except Refused as error:
                side.counts["unreadable"] += 1
                if len(side.reasons) < EXAMPLES:
                    side.reasons.append(str(error))

    def there(self, record: Record, shown: Native) -> Record | None:
        """Return the record as the target shows it: what cannot be seen there is taken to be as it was told."""
        values = record.model_dump(exclude_unset=True)
        for name in (*self._compared, *((_ARCHIVED,) if self._archived else ())):
            if name in shown:
                values[name] = _overlaid(values.get(name), shown[name])
            elif self._told_if_set and not self.flow.entity.model_fields[name].is_required():
                values.pop(name, None)
        try:
            return self.flow.entity.model_validate(values)
        except ValidationError:
            return None

    def differing(self, record: Record, payload: Native, there: Record, shown: Native) -> list[str]:
        """Return the fields in which what the target shows is not what would be written."""
        gone = bool(getattr(record, _ARCHIVED, False)), bool(getattr(there, _ARCHIVED, False))
        if self._archived and gone[0] != gone[1]:
            return [_ARCHIVED]
        if any(gone) or self._writes_the_same(payload, there):
            return []
        names = sorted(name for name in self._compared if getattr(record, name) != getattr(there, name))
        if _ordered_since(record, there, shown):
            return []
        alone = [name for name in names if not self._writes_the_same(payload, _with(record, name, there))]
        return alone or names

    def _writes_the_same(self, payload: Native, there: Record) -> bool:
        try:
            return _covers(payload, payload_of(self.target.mapping, there))
        except (NotCarried, Refused):
            return False


def is_nothing(record: Record) -> bool:
    """Whether a record says that there is nothing: a target that shows nothing of it holds what it was told."""
    if isinstance(record, Product):
        return bool(record.archived)
    return isinstance(record, Stock) and record.available == 0


def _ordered_since(record: Record, there: Record, shown: Native) -> bool:
    """Whether a stock is less than was told by what buyers have reserved there: to set it anew would oversell."""
    if not (isinstance(record, Stock) and isinstance(there, Stock)):
        return False
    return 0 < record.available - there.available <= Decimal(str(shown.get("reserved") or 0))


def _with(record: Record, name: str, there: Record) -> Record:
    """Return the record with one field as it is there."""
    values = record.model_dump(exclude_unset=True)
    values.pop(name, None)
    if name in there.model_fields_set:
        values[name] = getattr(there, name)
    return type(record).model_validate(values)


def _overlaid(told: Any, shown: Any) -> Any:
    """Return what is shown, with the parts that it leaves out as they were told."""
    if isinstance(told, Mapping) and isinstance(shown, Mapping):
        return {**told, **{name: _overlaid(told.get(name), value) for name, value in shown.items()}}
    if isinstance(told, list | tuple) and isinstance(shown, list | tuple) and len(told) == len(shown):
        return [_overlaid(one, other) for one, other in zip(told, shown, strict=True)]
    return shown


def _covers(told: Any, shown: Any) -> bool:
    """Whether all that is told stands in what is shown; more may stand there."""
    if isinstance(told, Mapping) and isinstance(shown, Mapping):
        return all(name in shown and _covers(value, shown[name]) for name, value in told.items())
    if isinstance(told, list | tuple) and isinstance(shown, list | tuple):
        return len(told) == len(shown) and all(_covers(one, other) for one, other in zip(told, shown, strict=True))
    return bool(told == shown)

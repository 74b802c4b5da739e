"""Sending again what a target did not keep: it is taken back that this was confirmed, and decided anew.

What a target never keeps, however often it is told, is not sent for ever: something there changes it each time, and a
person must find out what. So after a few times it is set aside, with what was told and what is shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import msgspec

from obmen.entities import Record
from obmen.http.redact import Redactor
from obmen.state import Transaction, agreed, bindings, outbox, quarantine, written
from obmen.state.agreed import Agreed
from obmen.state.quarantine import Problem
from obmen.state.written import Written
from obmen.sync import reckon
from obmen.sync.flow import Flow, Target
from obmen.sync.plan import difference_of
from obmen.sync.propose import Proposals, propose_each
from obmen.sync.scales import DRIFT

NOT_KEPT = "not_kept"
"""The code of what is set aside because it was not kept time and again."""
TIMES = 3
"""How often in a row something is sent again."""
_IN_A_ROW = 7 * 86400.0
"""Seconds between two of these times at most; what holds for longer was kept."""
_redact = Redactor()


@dataclass(frozen=True, slots=True)
class Found:
    """A record that drifted: as it was told and confirmed, and what the target shows instead, None where nothing."""

    record: Record
    shown: Record | None
    known: Agreed

    @property
    def fields(self) -> dict[str, list[Any]]:
        """Name → [what is shown, what was told], personal values masked."""
        if self.shown is None:
            return {}
        return difference_of(type(self.record), self.shown.encoded(), self.record.encoded())


@dataclass(frozen=True, slots=True)
class Repaired:
    """``proposals``: what is to be sent. ``aside``: keys of what was set aside instead."""

    proposals: Proposals
    aside: frozenset[str] = frozenset()


def repair(tx: Transaction, flow: Flow, target: Target, found: Sequence[Found], run: int) -> Repaired:
    """Take back that these were confirmed, unless they have changed since, and decide on them anew.

    ``flow``: with all its targets, for its rules divide among them. The caller puts the proposals into the outbox.
    """
    entity = flow.entity
    found = _standing(tx, target, entity.entity, found)
    shown = {one.record.key: one.shown.encoded() if one.shown is not None else None for one in found}
    agreed.doubt(tx, target.name, entity.entity, shown)
    aside = [one for one in found if _again_and_again(tx, target, one)]
    quarantine.add(tx, flow.name, target.name, entity.entity, [_not_kept(target, one) for one in aside], run)
    found = [one for one in found if one not in aside]
    absent = [one.record.key for one in found if one.shown is None]
    if entity.identity and absent:
        bindings.unbind(tx, target.name, entity.entity, absent)
    return Repaired(_anew(tx, flow, target, found), frozenset(one.record.key for one in aside))


def _anew(tx: Transaction, flow: Flow, target: Target, found: Sequence[Found]) -> Proposals:
    causes = dict.fromkeys((one.record.subject_key for one in found), DRIFT)
    if not flow.reckoned:
        return propose_each(tx, flow, {target.name: [one.record for one in found]}, causes=causes)
    if flow.allocate is not None and not flow.allocate.oversell:
        reckon.lock(tx, flow.source.name)
    return reckon.reckon(tx, flow, causes, causes)


def _standing(tx: Transaction, target: Target, entity: str, found: Sequence[Found]) -> list[Found]:
    """Leave out what was confirmed anew, or decided otherwise, since the target was asked."""
    keys = [one.record.key for one in found]
    now = agreed.of(tx, target.name, entity, keys)
    queued = {row.key for row in outbox.of(tx, target.name, entity, keys)}
    return [one for one in found if one.record.key not in queued and now.get(one.record.key) == one.known]


def _again_and_again(tx: Transaction, target: Target, one: Found) -> bool:
    """Whether it was sent again a few times already, each time soon after the one before."""
    rows = written.of_key(tx, target.name, one.record.entity, one.record.key, TIMES)
    return len(rows) == TIMES and all(row.cause == DRIFT for row in rows) and _soon(rows, tx.now)


def _soon(rows: Sequence[Written], now: float) -> bool:
    times = [now, *(row.at for row in rows)]
    return all(later - earlier <= _IN_A_ROW for later, earlier in pairwise(times))


def _not_kept(target: Target, one: Found) -> Problem:
    message = (
        f"{target.name} confirmed it {TIMES + 1} times and shows it otherwise each time ({_said(one.fields)}). Look "
        "there for what changes it (a promotion, a price strategy, another program that writes there), then replay "
        "this entry."
    )
    return Problem(
        "deliver",
        NOT_KEPT,
        _redact(message),
        key=one.record.key,
        canonical=one.record.encoded(),
        fingerprint=one.known.hash,
    )


def _said(fields: Mapping[str, Sequence[Any]]) -> str:
    if not fields:
        return "it is not there"
    return "; ".join(f"{name}: told {_plain(told)}, shown {_plain(shown)}" for name, (shown, told) in fields.items())


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()

"""The guards speak of what was decided, once all of it is known: what is too much at once waits for a person.

A slip in a source rarely comes alone or all at once. So what a run puts behind something that is in flight is judged
with the rest, what was held and is decided anew stays held until less of it is wrong, and a warehouse that vanished is
found in the source, for channels may be told of several together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from obmen.entities import Stock, join_key, split_key
from obmen.rules import guards
from obmen.state import Transaction, agreed, originals
from obmen.state.judging import Judging
from obmen.sync import waiting
from obmen.sync.flow import Flow
from obmen.sync.reckon import told_keys

Emptied = Mapping[str, Iterable[str]]
"""Warehouse, as the source calls it → the SKUs (keys of products) of which it has none any more."""
_NOWHERE: Emptied = MappingProxyType({})


def guard(
    tx: Transaction, flow: Flow, run: int, emptied: Emptied = _NOWHERE, *, only_run: bool = False
) -> dict[str, dict[str, str]]:
    """Let what a run decided go, or hold it; return target → effect or warehouse → why something is held.

    ``only_run``: what other runs decided is left to them, for another process may still be reading.
    """
    held: dict[str, dict[str, str]] = {}
    reasons = _emptied(tx, flow, emptied)
    for target in flow.targets:
        name, entity = target.name, flow.entity.entity
        judging = Judging(tx, flow.name, name, run, only_run=only_run)
        effects = judging.effects()
        now = effects["new"] + effects["again"]
        if not now:
            continue
        known, live = (agreed.count(tx, name, entity, live=alive) for alive in (False, True))
        if effects["again"]:
            judging.trust(guards.verdict(now + effects["held"], known, live, flow.guards))
        verdict = guards.verdict(now, known, live, flow.guards)
        judging.doubt(verdict)
        holding = {
            warehouse: reason for warehouse, (reason, keys) in reasons.items() if judging.doubt_keys(keys, reason)
        }
        if now["zeroed"] and flow.guards.vanished:
            holding |= _vanished(tx, name, judging)
        judging.release()
        waiting.released(tx, name, entity)
        if holding | verdict:
            held[name] = holding | verdict
    return held


def _vanished(tx: Transaction, target: str, judging: Judging) -> dict[str, str]:
    """Hold what would empty a whole warehouse there; return what is held, by warehouse, and why."""
    zeroed: dict[str, list[str]] = {}
    for key in judging.zeroed():
        zeroed.setdefault(split_key(key)[1], []).append(key)
    held = {}
    for warehouse, keys in zeroed.items():
        live = agreed.live_in(tx, target, Stock.entity, join_key([warehouse])) if len(keys) >= guards.FEWEST else 0
        if reason := live and guards.vanished(warehouse, len(keys), live):
            judging.doubt_keys(keys, reason)
            held[warehouse] = reason
    return held


def _emptied(tx: Transaction, flow: Flow, emptied: Emptied) -> dict[str, tuple[str, list[str]]]:
    """Return warehouses of the source that have nothing left → why that is held, and the keys of what is."""
    found = {}
    for warehouse, subjects in emptied.items() if flow.guards.vanished else ():
        goods = sorted(subjects)
        if len(goods) < guards.FEWEST or originals.any_live(tx, flow.source.name, Stock.entity, join_key([warehouse])):
            continue
        reason = guards.vanished(warehouse, len(goods), len(goods), flow.source.name)
        kept = originals.of(tx, flow.source.name, Stock.entity, goods)
        stocks = [Stock.model_validate_json(one.canonical) for rows in kept.values() for one in rows]
        found[warehouse] = reason, told_keys(flow, stocks)
    return found

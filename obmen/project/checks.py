"""What can be told of flows without calling anybody: what they name exists, and they do not collide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations

from obmen.connector import Connector
from obmen.entities import ENTITIES
from obmen.errors import meant
from obmen.project.allocate_checks import check_allocate, check_promises
from obmen.project.pricing_checks import check_pricing
from obmen.project.problems import Problems
from obmen.project.settings import ConnectionSettings, FlowSettings
from obmen.project.verify_model import check_verify

_GUARDED = {
    "change": ("price", "stock"),
    "zeroed": ("stock",),
    "gone": ("product",),
    "floor": ("price",),
    "grown": ("stock",),
    "lowered": ("price",),
    "vanished": ("stock",),
}
_MISSING = {"zero": "stock", "archive": "product"}


def check_flows(
    flows: Mapping[str, FlowSettings],
    connections: Mapping[str, ConnectionSettings],
    known: Mapping[str, type[Connector]],
    problems: Problems,
) -> None:
    """Note whatever keeps the flows from running as they are written."""
    for flow in flows.values():
        at = ("flows", flow.name)
        _check_source(flow, connections, known, problems, at)
        _check_targets(flow, connections, known, problems, at)
        _check_words(flow, connections, problems, at)
        check_allocate(flow, problems)
        check_pricing(flow, flows, problems)
        check_verify(flow, connections, problems)
        if flow.schedule.every is not None and flow.schedule.cron is not None:
            problems.add((*at, "cron"), "Either 'every' or 'cron' says when the flow runs, not both.")
    for one, other in combinations(flows.values(), 2):
        _check_collision(one, other, problems)


def _check_source(
    flow: FlowSettings,
    connections: Mapping[str, ConnectionSettings],
    known: Mapping[str, type[Connector]],
    problems: Problems,
    at: tuple[str, str],
) -> None:
    source = connections.get(flow.source)
    if source is None:
        problems.add((*at, "from"), f"There is no connection '{flow.source}'.{meant(flow.source, connections)}")
        return
    reader = source.connector.readers.get(flow.entity)
    if reader is None:
        able = [name for name, connector in known.items() if flow.entity in connector.readers]
        problems.add(
            (*at, "from"),
            f"The connector '{source.kind}' cannot read '{flow.entity}'; {_those(able)}. "
            f"It reads: {_listed(source.connector.readers)}.",
        )
    elif flow.missing != "ignore" and not reader.complete:
        problems.add(
            (*at, "missing"),
            f"The connector '{source.kind}' reads only changes of '{flow.entity}', so nothing is ever "
            "known to be missing. Take the key 'missing' away.",
        )


def _check_targets(
    flow: FlowSettings,
    connections: Mapping[str, ConnectionSettings],
    known: Mapping[str, type[Connector]],
    problems: Problems,
    at: tuple[str, str],
) -> None:
    for name in dict.fromkeys(flow.targets):
        target = connections.get(name)
        if target is None:
            problems.add((*at, "to"), f"There is no connection '{name}'.{meant(name, connections)}")
        elif name == flow.source:
            message = f"'{name}' is what this flow reads from; it does not write into its own source."
            problems.add((*at, "to"), message)
        elif (flow.entity, "put") not in target.connector.writers:
            able = [other for other, connector in known.items() if (flow.entity, "put") in connector.writers]
            writes = {entity for entity, op in target.connector.writers if op == "put"}
            problems.add(
                (*at, "to"),
                f"The connector '{target.kind}' cannot write '{flow.entity}'; {_those(able)}. "
                f"It writes: {_listed(writes)}.",
            )
        elif flow.missing == "archive" and (flow.entity, "archive") not in target.connector.writers:
            problems.add((*at, "missing"), f"The connector '{target.kind}' cannot archive '{flow.entity}'.")
    for name in {name for name in flow.targets if flow.targets.count(name) > 1}:
        problems.add((*at, "to"), f"'{name}' stands here twice.")


def _check_words(
    flow: FlowSettings,
    connections: Mapping[str, ConnectionSettings],
    problems: Problems,
    at: tuple[str, str],
) -> None:
    fields = ENTITIES[flow.entity].model_fields
    for name in flow.where:
        if name not in fields:
            problems.add((*at, "where", name), f"'{flow.entity}' has no field '{name}'.{meant(name, fields)}")
    if _MISSING.get(flow.missing, flow.entity) != flow.entity:
        meaning = f"'missing: {flow.missing}' is for {_MISSING[flow.missing]}"
        problems.add((*at, "missing"), f"{meaning}, and this flow carries {flow.entity}.")
    for guard, entities in _GUARDED.items():
        if f"guards.{guard}" in flow.lines and flow.entity not in entities:
            message = f"The guard '{guard}' watches {' and '.join(entities)}, and this flow carries {flow.entity}."
            problems.add((*at, "guards", guard), message)
    for name, path in flow.mappings.items():
        if name not in (flow.source, *flow.targets):
            message = f"This flow neither reads from nor writes to '{name}'.{meant(name, connections)}"
            problems.add((*at, "mappings", name), message)
        elif not path.is_file():
            problems.add((*at, "mappings", name), f"There is no file {path}.")


def _check_collision(one: FlowSettings, other: FlowSettings, problems: Problems) -> None:
    """Two flows that write the same records into one place would undo each other for ever."""
    if one.entity != other.entity:
        return
    told_apart = any(one.where[name] != other.where[name] for name in one.where.keys() & other.where.keys())
    if told_apart or (one.source != other.source and "channel" in ENTITIES[one.entity].key_fields):
        return
    check_promises(one, other, problems)
    for name in set(one.targets) & set(other.targets):
        problems.add(
            ("flows", other.name),
            f"The flow '{one.name}' (line {one.line}) writes {one.entity} into '{name}' too, and they would "
            "undo each other. Tell them apart: one field under 'where' in both, with different values.",
        )


def _those(able: list[str]) -> str:
    return f"those that can: {_listed(able)}" if able else "no installed one can"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"

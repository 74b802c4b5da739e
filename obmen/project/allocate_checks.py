"""What can be told of rules of stock before any stock is read."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from obmen.errors import meant
from obmen.project.problems import Problems
from obmen.project.settings import FlowSettings
from obmen.rules.allocation import Allocation

Path_ = tuple[Any, ...]
_ALL = Decimal(1)


def check_allocate(flow: FlowSettings, problems: Problems) -> None:
    """Note whatever keeps the rules of a flow's stock from working as they are written."""
    if flow.allocate is None:
        return
    at = ("flows", flow.name, "allocate")
    if flow.entity != "stock":
        problems.add(at, f"'allocate' is for flows of stock, and this flow carries {flow.entity}.")
        return
    for check in (_channels, _last, _shares, _warehouses, _kits):
        for path, message in check(flow, flow.allocate):
            problems.add((*at, *path), message)


def check_promises(one: FlowSettings, other: FlowSettings, problems: Problems) -> None:
    """Note two flows that share out the same stock, which neither could do without the other."""
    if one.entity != "stock" or one.source != other.source:
        return
    for flow, beside in ((one, other), (other, one)):
        if flow.allocate is not None and not flow.allocate.oversell:
            said = (
                f"'oversell: off' promises each unit once, but '{beside.name}' (line {beside.line}) tells others of it."
            )
            problems.add(("flows", flow.name, "allocate"), f"{said} Let one flow write to all of them.")


def _channels(flow: FlowSettings, rules: Allocation) -> Iterator[tuple[Path_, str]]:
    named: list[tuple[Path_, str]] = [(("channels", name), name) for name in rules.channels]
    named += [(("priority", place), name) for place, name in enumerate(rules.priority)]
    for path, name in named:
        if name not in flow.targets:
            yield path, f"This flow does not write to '{name}'.{meant(name, flow.targets)}"


def _last(_flow: FlowSettings, rules: Allocation) -> Iterator[tuple[Path_, str]]:
    first = rules.priority[0] if rules.last else ""
    if first in rules.channels and rules.channels[first].safety:
        said = f"'last' gives '{first}' the last units, and 'safety' keeps them back there. Take one of them away."
        yield ("channels", first, "safety"), said


def _shares(flow: FlowSettings, rules: Allocation) -> Iterator[tuple[Path_, str]]:
    shares = {name: one.share for name, one in rules.channels.items() if one.share is not None}
    if rules.oversell or not shares:
        return
    total = sum(shares.values(), Decimal(0))
    without = [name for name in flow.targets if name not in shares]
    if total > _ALL:
        yield (
            ("channels",),
            f"The shares add up to {(total * 100).normalize():f}%. With 'oversell: off' that is 100% at most.",
        )
    elif total == _ALL and without:
        said = f"The shares add up to 100%, so nothing is left for {', '.join(without)}. "
        yield ("channels",), f"{said}Give it a share, which may be 0%."
    elif total == 0 and not without:
        yield ("channels",), "All shares are 0%, so nothing would be sold."


def _warehouses(_flow: FlowSettings, rules: Allocation) -> Iterator[tuple[Path_, str]]:
    pool_of: dict[str, str] = {}
    for name, pool in rules.pools.items():
        for warehouse in pool.warehouses:
            if warehouse in pool_of:
                said = f"The warehouse '{warehouse}' is in '{pool_of[warehouse]}' already, and would be sold twice."
                yield ("warehouses", name), said
            pool_of[warehouse] = name


def _kits(_flow: FlowSettings, rules: Allocation) -> Iterator[tuple[Path_, str]]:
    for kit, parts in rules.kits.items():
        for part in parts:
            if part == kit:
                yield ("kits", kit, part), f"The kit '{kit}' is a part of itself."
            elif part in rules.kits:
                said = f"'{part}', a part of '{kit}', is a kit itself. Write its parts into '{kit}' instead."
                yield ("kits", kit, part), said

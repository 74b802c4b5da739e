"""What channels show of a SKU at this moment, as the command line and the page ask them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from obmen.errors import ObmenError
from obmen.state import Ledger
from obmen.sync.explain import Number
from obmen.sync.flow import Flow
from obmen.sync.readback import show

Place = tuple[str, str, str]
"""Flow, channel, and the record's key."""
Shown = dict[Place, dict[str, Any] | str | None]
"""The fields that a channel shows, why it could not be asked, None where nothing is there."""
MAIN = {"stock": "available", "price": "amount"}
"""The field of each entity that is its number."""


def place_of(number: Number) -> Place:
    """Return where a number stands."""
    return number.flow, number.channel, number.key


def shown_now(
    ledger: Ledger, flows: Sequence[Flow], numbers: Sequence[Number], on_asked: Callable[[int], None] = lambda _: None
) -> Shown:
    """Ask the channels. ``on_asked`` is told after each number how many were asked for."""
    by_name = {flow.name: flow for flow in flows}
    found: Shown = {}
    for asked, number in enumerate(numbers, start=1):
        flow = by_name[number.flow]
        target = next(one for one in flow.targets if one.name == number.channel)
        record = number.told_record or number.due
        if record is None:
            continue
        try:
            answer = show(ledger, flow, target, [record])
        except ObmenError as error:
            found[place_of(number)] = str(error)
        else:
            found[place_of(number)] = "it cannot be asked for this" if answer is None else answer.get(number.key)
        on_asked(asked)
    return found

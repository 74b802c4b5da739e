"""The seller's statuses of the schemes without supplies, in their order, and the calls that lead through them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.wildberries import paths
from connectors.wildberries.paths import Path
from connectors.wildberries.statuses import State

CANCEL = "cancel"
_LAST = {"receive", "reject"}


@dataclass(frozen=True, slots=True)
class Route:
    """The seller's statuses of a scheme in their order, each with the call that leads to it.

    ``goals``: the step that is wanted → the status that it means; a step without one is not the seller's.
    ``cancel``: the call that cancels, from one of ``until``. ``coded``: statuses for which the buyer's code is
    needed. ``marked``: the status before which the codes of goods must be there.
    """

    steps: Mapping[str, Path | None]
    goals: Mapping[str, str]
    cancel: Path
    until: frozenset[str]
    marked: str
    coded: frozenset[str] = frozenset()

    def reached(self, wanted: str, state: State) -> bool:
        """Whether what is wanted stands already; a step that is not the seller's is nobody's to wait for."""
        if wanted == CANCEL:
            return state.cancelled
        goal, order = self.goals.get(wanted), list(self.steps)
        if goal is None:
            return True
        if goal in _LAST or state.supplier not in order:
            return state.supplier == goal
        return not state.cancelled and order.index(state.supplier) >= order.index(goal)

    def leads_through(self, status: str, wanted: str, state: State) -> bool:
        """Whether the way to what is wanted leads through a status that is not reached yet."""
        goal, order = self.goals.get(wanted), list(self.steps)
        if goal is None or state.ended or state.supplier not in order or (status in _LAST and status != goal):
            return False
        return order.index(state.supplier) < order.index(status) <= order.index(goal)


ROUTES = {
    "dbs": Route(
        steps={
            "new": None,
            "confirm": paths.DBS_CONFIRM,
            "deliver": paths.DBS_DELIVER,
            "receive": paths.DBS_RECEIVE,
            "reject": paths.DBS_REJECT,
        },
        goals={
            "confirm": "confirm",
            "ready": "confirm",
            "complete": "deliver",
            "receive": "receive",
            "reject": "reject",
        },
        cancel=paths.DBS_CANCEL,
        until=frozenset({"new", "confirm"}),
        marked="deliver",
        coded=frozenset({"receive", "reject"}),
    ),
    "dbw": Route(
        steps={"new": None, "confirm": paths.DBW_CONFIRM, "complete": paths.DBW_DELIVER},
        goals={"confirm": "confirm", "ready": "confirm", "complete": "complete"},
        cancel=paths.DBW_CANCEL,
        until=frozenset({"new", "confirm"}),
        marked="complete",
    ),
    "click_collect": Route(
        steps={
            "new": None,
            "confirm": paths.CC_CONFIRM,
            "prepare": paths.CC_PREPARE,
            "receive": paths.CC_RECEIVE,
            "reject": paths.CC_REJECT,
        },
        goals={
            "confirm": "confirm",
            "ready": "prepare",
            "complete": "prepare",
            "receive": "receive",
            "reject": "reject",
        },
        cancel=paths.CC_CANCEL,
        until=frozenset({"new", "confirm", "prepare"}),
        marked="prepare",
    ),
}

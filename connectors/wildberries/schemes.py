"""The ways of selling in which Wildberries hands orders to a seller, and how each is asked about.

FBS, DBS, DBW and pick-up from the seller's own shop are four sets of methods that differ in small things: the
same list of ids is ``orders`` here and ``ordersIds`` there. Taken for one, an order of the second would never be
asked for again after it was new.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connectors.wildberries import paths
from connectors.wildberries.paths import Path


@dataclass(frozen=True, slots=True)
class Scheme:
    """One way of selling.

    ``new``: all orders that nobody took up; ``listed``: orders by period, with ``ended_only`` only those whose
    life is over. ``states`` takes ids under ``asked`` and tells each under ``told``. ``clients``: who bought.
    ``marks``: what is known of marking codes, asked under ``asked_marks``, ``marks_most`` at once.
    """

    name: str
    new: Path
    listed: Path
    ended_only: bool
    states: Path
    asked: str
    told: str
    clients: Path | None
    marks: Path
    asked_marks: str
    told_marks: str
    marks_most: int


FBS = Scheme(
    name="fbs",
    new=paths.ORDERS_NEW,
    listed=paths.ORDERS,
    ended_only=False,
    states=paths.ORDER_STATES,
    asked="orders",
    told="id",
    clients=None,
    marks=paths.ORDER_MARKS,
    asked_marks="orders",
    told_marks="id",
    marks_most=100,
)
DBS = Scheme(
    name="dbs",
    new=paths.DBS_NEW,
    listed=paths.DBS_ENDED,
    ended_only=True,
    states=paths.DBS_STATES,
    asked="ordersIds",
    told="orderId",
    clients=paths.DBS_CLIENTS,
    marks=paths.DBS_MARKS,
    asked_marks="ordersIds",
    told_marks="orderId",
    marks_most=1000,
)
DBW = Scheme(
    name="dbw",
    new=paths.DBW_NEW,
    listed=paths.DBW_ENDED,
    ended_only=True,
    states=paths.DBW_STATES,
    asked="orders",
    told="id",
    clients=None,
    marks=paths.DBW_MARKS,
    asked_marks="ordersIds",
    told_marks="orderId",
    marks_most=1000,
)
CLICK_COLLECT = Scheme(
    name="click_collect",
    new=paths.CC_NEW,
    listed=paths.CC_ENDED,
    ended_only=True,
    states=paths.CC_STATES,
    asked="ordersIds",
    told="orderId",
    clients=None,
    marks=paths.CC_MARKS,
    asked_marks="ordersIds",
    told_marks="orderId",
    marks_most=1000,
)

_ALL = {scheme.name: scheme for scheme in (FBS, DBS, DBW, CLICK_COLLECT)}


def chosen(names: Iterable[str]) -> Sequence[Scheme]:
    """Return the schemes that a connection's option names; ``fbw`` has no assembly orders, so it is none of these."""
    return [_ALL[name] for name in names if name in _ALL]

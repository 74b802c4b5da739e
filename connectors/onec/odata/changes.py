"""Changes by an exchange plan: 1C itself registers what changed, and forgets it once it is told to.

Registration is a set without an order, and a node has one reader: whoever confirms a number makes 1C forget what
every message up to it carried. So a message's number is kept with what it brought, and it is confirmed only then;
a node whose number is not the one that was confirmed was read by somebody else, or is out of a restored base.
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.onec.doors import DoorEntity
from connectors.onec.odata.client import OData
from connectors.onec.odata.entry import Deleted, Entry
from connectors.onec.odata.meanings import TOLD_BY, cards_of, gone, partners_of, touched, untold
from connectors.onec.odata.needs import PUBLISH, russian
from connectors.onec.options import OneCOptions
from obmen.connector import Finding
from obmen.errors import Refused
from obmen.records import Hints

_NOTHING = -1
"""Stands for the number of a message where there was none: of a node that is gone, of another node."""


class Changes:
    """What one node of one exchange plan tells of changes; nothing where ``exchange_plan`` is not set."""

    def __init__(self, base: OData, options: OneCOptions) -> None:
        self._base = base
        self._options = options.exchange_plan

    @property
    def plan(self) -> str:
        """The plan's entity set; empty where none is set."""
        return f"ExchangePlan_{self._options.name}" if self._options else ""

    def listens(self, entity: str) -> bool:
        """Whether the plan tells of an entity: it covers it, and the plan and the entity's objects are published."""
        if self._options is None or entity not in self._options.entities:
            return False
        return self.plan in self._base.metadata().sets and bool(self._told_by(entity))

    def way(self, entity: str) -> str:
        """Say how changes of an entity come."""
        return russian(self.plan) if self.listens(entity) else "lists of versions"

    def check(self) -> Iterator[Finding]:
        """Say whether the plan and its node are there, and what must stand in the plan's composition."""
        if self._options is None:
            return
        plan = russian(self.plan)
        if self.plan not in self._base.metadata().sets:
            message = f"{plan} is not published, so lists of versions are read. {PUBLISH}"
            yield Finding("warning", message, "exchange_plan.name")
            return
        node = self._base.get(self.plan, self._options.node, ("Ref_Key", "DeletionMark"))
        if node is None or node.get("DeletionMark") is True:
            message = f"{plan} has no node {self._options.node}: everything would be read anew at each run."
            yield Finding("problem", message, "exchange_plan.node")
            return
        covered = [entity for entity in self._options.entities if self.listens(entity)]
        objects = sorted({russian(name) for entity in covered for name in self._told_by(entity)})
        message = (
            f"{plan} tells changes of {', '.join(covered) or 'nothing'}. Whatever of these is not in its composition"
            f" with automatic registration is seen only once a day: {', '.join(objects)}."
        )
        yield Finding("ok", message, "exchange_plan.entities")

    def _told_by(self, entity: str) -> list[str]:
        """Return the published objects that tell of an entity."""
        tellers: tuple[str, ...] = next((sets for name, sets in TOLD_BY.items() if name == entity), ())
        return [name for name in tellers if name in self._base.metadata().sets]

    def read(self, cursor: str | None) -> Iterator[Hints]:
        """Yield what is registered for the node, in one message; nothing where nothing changed.

        The cursor is ``plan/node/number`` of the message. Raises Refused where 1C cannot make the message: it says
        what a person must mend, and until then lists of versions are read.
        """
        if self._options is None:
            return
        known = self._number(cursor)
        node = self._base.get(self.plan, self._options.node, ("Ref_Key", "ReceivedNo"))
        if node is None:
            yield Hints({}, self._cursor(_NOTHING), lost=True)
            return
        received = int(node["ReceivedNo"])
        number = received + 1
        ids, lost = self._told(number)
        lost = lost or (cursor is not None and known != received)
        if lost or any(ids.values()):
            yield Hints({entity: sorted(told) for entity, told in ids.items()}, self._cursor(number), lost)

    def acknowledge(self, cursor: str) -> None:
        """Let 1C forget what the cursor's message carried; it may be said twice."""
        number = self._number(cursor)
        if self._options is not None and number > 0:
            self._base.confirm_changes(self.plan, self._options.node, number)

    def _told(self, number: int) -> tuple[dict[str, set[str]], bool]:
        """Return entity → native ids of what a message carries, and whether it leaves open what else changed."""
        told: dict[str, set[str]] = {}
        partners: set[str] = set()
        lost = False
        for one in self._message(number):
            if isinstance(one, Deleted):
                pairs = gone(one)
                lost = lost or any(self.listens(entity) for entity in untold(one))
            else:
                pairs = touched(one, self._base)
                partners.update(partners_of(one))
            for entity, id_ in pairs:
                self._add(told, entity, id_)
        if self.listens("bonus_account"):
            for card in cards_of(partners, self._base):
                self._add(told, "bonus_account", card)
        return told, lost

    def _add(self, told: dict[str, set[str]], entity: DoorEntity, id_: str) -> None:
        if entity in told or self.listens(entity):
            told.setdefault(entity, set()).add(id_)

    def _message(self, number: int) -> Iterator[Entry | Deleted]:
        options = self._options
        if options is None:
            return
        try:
            reply = self._base.changes(self.plan, options.node, number)
        except Refused as refused:
            raise Refused(f"{refused} {self._advice(refused.code)}", code=refused.code) from refused
        from connectors.onec.odata.atom import entries  # noqa: PLC0415 - OData speaks JSON, and most processes never meet XML

        yield from entries(reply.content, self._base.metadata(), what=reply.what)

    def _advice(self, code: str) -> str:
        if code == "too_large":
            return (
                f"More is registered for the node of {russian(self.plan)} than one answer holds. Clear the node's"
                " registration in 1C; until then everything is read by lists of versions."
            )
        return (
            f"1C cannot put the changes of {russian(self.plan)} together: most often some text holds a character that"
            " XML does not allow. Find it in the objects that were changed last and write them anew. Until then"
            " everything is read by lists of versions."
        )

    def _cursor(self, number: int) -> str:
        node = self._options.node if self._options else ""
        return f"{self.plan}/{node}/{number}"

    def _number(self, cursor: str | None) -> int:
        """Return the number of the message that a cursor names, if it is of this node."""
        place, _, number = (cursor or "").rpartition("/")
        return int(number) if place and self._cursor(_NOTHING).rpartition("/")[0] == place else _NOTHING

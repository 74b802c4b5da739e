"""What lies in quarantine, moved by the group: one statement, however many records it is about."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from obmen.state import Transaction, tables

_Q = tables.quarantine.c
_MOVABLE = ("open", "waiting")


@dataclass(frozen=True, slots=True)
class Cause:
    """What entries have in common that are shown as one."""

    flow: str
    connection: str
    entity: str
    stage: str
    code: str
    state: str

    @property
    def _match(self) -> tuple[sa.ColumnElement[bool], ...]:
        return (
            _Q.flow == self.flow,
            _Q.connection == self.connection,
            _Q.entity == self.entity,
            _Q.stage == self.stage,
            _Q.code == self.code,
            _Q.state == self.state,
        )

    def replay(self, tx: Transaction, newest: int) -> int:
        """Have them tried again, up to the newest that the person saw; return how many."""
        if self.state not in _MOVABLE:
            return 0
        return tx.run(sa.update(tables.quarantine).where(*self._match, _Q.id <= newest).values(state="due"))

    def drop(self, tx: Transaction, newest: int) -> int:
        """Let go of them, up to the newest that the person saw; return how many."""
        values = {"state": "closed", "raw": None, "canonical": None, "waits_for": None}
        unsettled = _Q.state.in_((*_MOVABLE, "due"))
        return tx.run(sa.update(tables.quarantine).where(*self._match, unsettled, _Q.id <= newest).values(**values))

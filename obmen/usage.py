"""What a project's flows carry from and to one connection: for a connector whose ``check`` looks at that alone.

An administrator opens what is needed and nothing else, so it must be said which flow needs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Usage:
    """Entity → the names of the flows that read it from the connection, and of those that write it there."""

    reads: Mapping[str, Sequence[str]]
    writes: Mapping[str, Sequence[str]]

    def __contains__(self, entity: object) -> bool:
        return entity in self.reads or entity in self.writes

    def flows(self, *entities: str) -> str:
        """Return the flows that carry these, for people: ``flow orders``, ``flows orders, statuses``."""
        return named([name for entity in entities for of in (self.reads, self.writes) for name in of.get(entity, ())])


def named(flows: Sequence[str]) -> str:
    """Return flows by name, for people."""
    names = list(dict.fromkeys(flows))
    return f"flow{'s' if len(names) > 1 else ''} {', '.join(names)}"

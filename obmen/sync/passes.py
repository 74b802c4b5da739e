"""One pass over a flow: what it is, what it reports, and who is told how it goes on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from obmen import spans
from obmen.errors import Interrupted, ObmenError
from obmen.sync.flow import Flow

_LOG = structlog.get_logger("obmen.sync")


class Listener(Protocol):
    """Who is told how work goes on, such as a progress bar."""

    def reading(self, flow: str, done: int, total: int | None) -> None:
        """So many records of a flow have been read."""
        ...

    def delivering(self, flow: str, target: str, count: int) -> None:
        """So many more records came to an outcome."""
        ...


class Silent:
    """A listener that tells nobody."""

    def reading(self, flow: str, done: int, total: int | None) -> None:
        """Ignore it."""

    def delivering(self, flow: str, target: str, count: int) -> None:
        """Ignore it."""


@dataclass(slots=True)
class FlowReport:
    """What a run did for one flow.

    ``read`` and ``sent`` count records by what became of them. ``held``: reasons of guards that spoke in this
    run. ``outbox`` and ``quarantine`` tell what is left, by state. ``trouble``: what stopped a part of it.
    ``warnings``: what stopped nothing and should still be seen: a source that gives nothing any more. ``paused``: what
    of it was not done because a person has paused it, which is no trouble.
    """

    flow: str
    read: Counter[str] = field(default_factory=Counter)
    sent: dict[str, Counter[str]] = field(default_factory=dict)
    held: dict[str, dict[str, str]] = field(default_factory=dict)
    outbox: dict[str, int] = field(default_factory=dict)
    quarantine: dict[str, int] = field(default_factory=dict)
    trouble: list[ObmenError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    paused: list[str] = field(default_factory=list)
    released: int = 0

    @property
    def written(self) -> int:
        """How many records targets confirmed."""
        return sum(counts["done"] for counts in self.sent.values())

    @property
    def status(self) -> str:
        """One word for the run.

        It is stopped (the process was told to), failed, held, emptied, attention (something lies in quarantine),
        paused (by a person), partial or done.
        """
        if self.trouble:
            return "stopped" if all(isinstance(error, Interrupted) for error in self.trouble) else "failed"
        if self.outbox.get("held"):
            return "held"
        if self.warnings:
            return "emptied"
        if self.quarantine.get("open"):
            return "attention"
        if self.paused:
            return "paused"
        return "partial" if set(self.outbox) - {"waiting"} else "done"

    def pause(self, sentence: str) -> None:
        """Note, once, that a part of it was not done because a person has paused it."""
        if sentence not in self.paused:
            self.paused.append(sentence)
            _LOG.debug("flow.paused", flow=self.flow, paused=sentence)

    @property
    def idle(self) -> bool:
        """Whether all that there was to be done is paused."""
        return bool(self.paused) and not (self.trouble or self.read.total() or any(self.sent.values()))


@dataclass(slots=True)
class Pass:
    """One pass over a flow: it is read, then delivered to its targets. ``run``: its number, once it has begun.

    ``kind``: what it is kept as. ``busy``: another process has the flow. ``span``: what all that is done in it belongs
    to, whichever thread does it.
    """

    flow: Flow
    kind: str = "sync"
    report: FlowReport = field(init=False)
    run: int = 0
    busy: bool = False
    span: spans.Span = spans.UNFOLLOWED

    def __post_init__(self) -> None:
        self.report = FlowReport(self.flow.name)

    def begin(self, run: int, kind: str = "") -> None:
        """Be kept under this number from now on, and as this kind."""
        self.run = run
        flow = self.flow
        facts = {"obmen.flow": flow.name, "obmen.entity": flow.entity.entity, "obmen.source": flow.source.name}
        self.span = spans.begin(f"flow {flow.name}", {**facts, "obmen.run": run, "obmen.kind": kind or self.kind})

    def end(self) -> None:
        """Tell who follows what became of it."""
        report = self.report
        for error in report.trouble:
            self.span.failed(error)
        self.span.note({"obmen.status": report.status, "obmen.written": report.written, **spans.counted(report.read)})
        self.span.end()

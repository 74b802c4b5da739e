"""What a lane is given to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from runner.daemon.schedule import Timer

Kind = Literal["written", "whole"]


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do for one connection: read a flow (``target`` empty), or deliver it to a target.

    ``check``: instead, compare what the target shows with what it was told.
    """

    flow: str
    target: str = ""
    check: Kind | Literal[""] = ""

    def __str__(self) -> str:
        if self.check:
            return f"checking {self.flow}"
        return f"delivering {self.flow}" if self.target else f"reading {self.flow}"


@dataclass(slots=True)
class Check:
    """When one target of a flow is compared: what was ``written``, or both sides ``whole``."""

    target: str
    kind: Kind
    timer: Timer
    wanted: bool = False
    running: bool = False

"""The steps at which a process may die, by name, so that tests can let it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Step = Literal[
    "file.received",
    "import.validated",
    "import.moved",
    "import.listed",
    "import.pruned",
    "answers.kept",
    "query.given",
    "success.kept",
]
STEPS: tuple[Step, ...] = (
    "file.received",
    "import.validated",
    "import.moved",
    "import.listed",
    "import.pruned",
    "answers.kept",
    "query.given",
    "success.kept",
)
OnStep = Callable[[Step], None]


def ignore(_step: Step) -> None:
    """Do nothing at a step."""

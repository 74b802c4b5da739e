"""The named steps of the commit protocol, so that a test can stop a process at each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

Step = Literal[
    "listen.told",  # a source told of changes, nothing is written
    "listen.kept",  # its hints and its mark are written, it does not know
    "listen.acknowledged",  # it knows, which is not written
    "read.examined",  # a page's changes are decided, nothing is written
    "read.committed",  # the page, its changes and the checkpoint are written
    "read.ending",  # all pages are written, the guards have not spoken
    "read.ended",  # the guards have spoken
    "deliver.taken",  # rows are chosen and put into the target's words
    "deliver.marked",  # they are marked as sent, the call is not made
    "deliver.called",  # the peer has answered, the receipt is not written
    "deliver.recorded",  # the receipt is written
    "poll.called",  # the peer has said what became of accepted records, nothing is written
    "poll.recorded",  # that is written
    "recover.looked",  # a record in doubt was looked for, nothing is written
    "recover.recorded",  # what was found is written
]
STEPS: tuple[Step, ...] = get_args(Step)
OnStep = Callable[[Step], None]


def ignore(_step: Step) -> None:
    """Do nothing at a step."""

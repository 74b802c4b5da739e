"""Lanes: what goes to different systems goes at the same time, so that a slow one holds up no other.

A marketplace that asks for a minute's peace, or allows three calls in it, would otherwise keep every other account
of the project waiting for its turn.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextvars import copy_context
from functools import partial
from queue import SimpleQueue

Lane = Callable[[], bool]


def run(lanes: Mapping[str, Lane], *, together: bool) -> bool:
    """Run the lanes to their ends, each in a thread of its own; return whether any of them returned True.

    ``together`` False: one after the other in this thread, for who wants to watch the steps in a fixed order. The
    first error of a lane is raised once all have ended. If this thread is told to stop, it waits for none of them:
    the threads end with the process, and what they left undone is found by the next one.
    """
    if len(lanes) <= 1 or not together:
        return sum(lane() for lane in lanes.values()) > 0
    ends: SimpleQueue[tuple[bool, BaseException | None]] = SimpleQueue()

    def go(lane: Lane) -> None:
        try:
            ends.put((lane(), None))
        except BaseException as error:
            ends.put((False, error))

    for name, lane in lanes.items():
        work = partial(copy_context().run, go, lane)  # what it logs says the same of itself as this thread's words
        threading.Thread(target=work, name=f"to {name}", daemon=True).start()
    ended = [ends.get() for _ in lanes]
    for _, error in ended:
        if error is not None:
            raise error
    return any(progress for progress, _ in ended)

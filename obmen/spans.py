"""What a host may follow: each piece of work is told as it begins and ends, so that a slow run can be taken apart.

Nobody follows unless the host says who does, and then each piece costs a function call. What is told are names, counts
and kinds of work, never what a record says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol, Self, TypeVar

Fact = str | int | float
Thing = TypeVar("Thing")


class Span(Protocol):
    """One piece of work. Entered, it is what all others of this thread that begin meanwhile belong to.

    Left, it ends; an error that leaves with it is noted. One that is not entered lasts until ``end``, whichever thread
    that is called from.
    """

    def __enter__(self) -> Self:
        """Let what begins meanwhile belong to it."""
        ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        """End it."""
        ...

    def note(self, facts: Mapping[str, Fact]) -> None:
        """Tell more of it."""
        ...

    def failed(self, error: BaseException) -> None:
        """Tell what went wrong: by the fact ``error.type`` if that was noted, else by the error's class."""
        ...

    def end(self) -> None:
        """Tell that it is over; telling it again changes nothing."""
        ...

    def forget(self) -> None:
        """Tell that it came to nothing: it is not shown, unless something else was done within it."""
        ...


class _Unfollowed:
    """A piece of work that nobody follows."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        """Nobody is told."""

    def note(self, facts: Mapping[str, Fact]) -> None:
        """Nobody is told."""

    def failed(self, error: BaseException) -> None:
        """Nobody is told."""

    def end(self) -> None:
        """Nobody is told."""

    def forget(self) -> None:
        """Nobody is told."""


class Follower(Protocol):
    """Who is told."""

    def __call__(self, name: str, facts: Mapping[str, Fact], parent: Span | None, *, call: bool) -> Span:
        """Hear that a piece of work begins: within ``parent``, else within what this thread is at.

        ``call``: it is one call of another system.
        """
        ...


UNFOLLOWED: Span = _Unfollowed()
_follower: Follower | None = None


def follow(follower: Follower | None) -> None:
    """Have somebody told of all that this process does from now on; None: nobody."""
    global _follower  # noqa: PLW0603 - like logs: one for the process, so that no part has to hand it to another
    _follower = follower


def followed() -> bool:
    """Whether somebody is told, for facts that cost something to gather."""
    return _follower is not None


def begin(
    name: str, facts: Mapping[str, Fact] | None = None, *, parent: Span | None = None, call: bool = False
) -> Span:
    """Begin a piece of work; see Span and Follower. A parent that nobody followed counts as none."""
    if _follower is None:
        return UNFOLLOWED
    return _follower(name, facts or {}, None if parent is UNFOLLOWED else parent, call=call)


def counted(counts: Mapping[str, int]) -> dict[str, Fact]:
    """Return as facts how many records came to which outcome."""
    return {f"obmen.records.{outcome}": count for outcome, count in counts.items()}


def each(name: str, things: Iterable[Thing], facts: Callable[[Thing], Mapping[str, Fact]]) -> Iterator[Thing]:
    """Return the things; how each was got is a piece of work of its own."""
    return iter(things) if _follower is None else _each(name, iter(things), facts)


def _each(name: str, things: Iterator[Thing], facts: Callable[[Thing], Mapping[str, Fact]]) -> Iterator[Thing]:
    while True:
        with begin(name) as span:
            try:
                thing = next(things)
            except StopIteration:
                span.forget()
                return
            span.note(facts(thing))
        yield thing
        del thing  # let go of before the next one is got

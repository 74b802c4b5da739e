"""Which files of a folder count, where it is Obmen that fills it: the list that an exchange leaves behind.

1C pushes whole exports and changes one after the other. Without the list the newest of them could not be told
from the one that it replaces, nor a push that is still coming from one that is complete. The list changes in
one step, so a reader sees a push wholly or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from obmen.errors import IncompleteSource

INDEX = Path(".site") / "live.json"
Aspect = Literal["goods", "offers", "prices", "rests"]
GOODS: Aspect = "goods"
OFFERS: Aspect = "offers"
PRICES: Aspect = "prices"
RESTS: Aspect = "rests"
ASPECTS: tuple[Aspect, ...] = (GOODS, OFFERS, PRICES, RESTS)


class Topic(msgspec.Struct, frozen=True, array_like=True):
    """What a file speaks of: an aspect of a catalogue's records, all of them if ``whole``, else changed ones."""

    aspect: Aspect
    catalogue: str
    whole: bool


class Live(msgspec.Struct, frozen=True):
    """A file that counts.

    ``name`` is relative to the folder. ``age`` grows with every push that was taken over, ``push`` names the
    exchange that brought it and ``started`` when that began (Unix seconds). ``topics`` are those for which it
    still counts; a newer whole export takes them away.
    """

    name: str
    age: int
    push: str
    started: float
    digest: str
    topics: tuple[Topic, ...]

    @property
    def aspects(self) -> frozenset[Aspect]:
        """The aspects for which it still counts."""
        return frozenset(topic.aspect for topic in self.topics)


class Index(msgspec.Struct, frozen=True):
    """The list. ``old``: files that count no longer and that a reader may still have open."""

    files: tuple[Live, ...] = ()
    old: tuple[str, ...] = ()

    @property
    def complete(self) -> frozenset[Aspect]:
        """The aspects of which nothing is missing: each catalogue's has a whole export below the changes."""
        spoken = {(topic.aspect, topic.catalogue) for topic in self._topics()}
        based = {(topic.aspect, topic.catalogue) for topic in self._topics() if topic.whole}
        lacking = {aspect for aspect, _ in spoken - based}
        return frozenset(aspect for aspect in ASPECTS if aspect not in lacking)

    def _topics(self) -> Iterable[Topic]:
        return (topic for file in self.files for topic in file.topics)


def read_index(folder: Path) -> Index | None:
    """Return the list of a folder that an exchange fills; None of any other. Raises IncompleteSource."""
    path = folder / INDEX
    try:
        return msgspec.json.decode(path.read_bytes(), type=Index)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, msgspec.DecodeError) as error:
        message = f"{path}, the list of what 1C has sent, cannot be read: {error}."
        raise IncompleteSource(f"{message} Delete it and run a full export in 1C.") from error

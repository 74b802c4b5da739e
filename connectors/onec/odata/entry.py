"""What an exchange plan tells: an object as it is now, or that it is gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from obmen.records import Native


@dataclass(frozen=True, slots=True)
class Entry:
    """An object or a register's set of records as it is now; ``set`` is the name of its entity set."""

    set: str
    native: Native


@dataclass(frozen=True, slots=True)
class Deleted:
    """An object that was deleted for good; ``keys`` are its key's properties, such as ``Ref_Key``."""

    set: str
    keys: Mapping[str, str]

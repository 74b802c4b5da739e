"""What one exchange has brought so far, and the imports that 1C has asked for."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from connectors.onec.site.generations import Accepted
from connectors.onec.site.uploads import Upload


@dataclass(slots=True)
class Job:
    """The import of one file: ``seen`` records so far; once ``done``, ``failure`` tells why it failed, if so."""

    name: str
    done: threading.Event = field(default_factory=threading.Event)
    seen: int = 0
    failure: str | None = None


@dataclass(slots=True)
class Push:
    """The files that wait, those that were found whole, and the imports, by the files' names."""

    files: dict[str, Upload] = field(default_factory=dict)
    accepted: dict[str, Accepted] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)

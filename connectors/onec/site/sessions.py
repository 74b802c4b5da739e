"""Exchanges that are under way, each known by a cookie that cannot be guessed.

They live in memory: when the process ends, 1C's call is answered by a failure, and its next exchange begins
anew. What had been imported by then is in the exchange folder.
"""

from __future__ import annotations

import secrets
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from connectors.onec.site.answers import Failure
from connectors.onec.site.push import Push
from connectors.onec.site.uploads import Limits, Uploads
from obmen.clock import Clock

COOKIE = "obmen"
LIFETIME = 3600.0
MOST = 32
_UNKNOWN = "Сеанс обмена не найден или истёк. Начните обмен заново (mode=checkauth)."


@dataclass(slots=True)
class Session:
    """One exchange. ``name`` is its name in the exchange folder; ``given``: which orders its last query gave."""

    token: str
    name: str
    uploads: Uploads
    started: float
    used: float
    lock: threading.RLock = field(default_factory=threading.RLock)
    push: Push = field(default_factory=Push)
    given: dict[str, int] | None = None


class Sessions:
    """The exchanges of one connection; their uploads stand in sub-folders of ``folder``."""

    def __init__(self, folder: Path, limits: Limits, clock: Clock) -> None:
        self.folder = folder
        self._limits, self._clock = limits, clock
        self._lock = threading.Lock()
        self._by_token: dict[str, Session] = {}

    def open(self) -> Session:
        """Begin an exchange; where there are too many, the one that was idle longest ends."""
        now = self._clock.monotonic()
        name = secrets.token_hex(8)
        session = Session(secrets.token_hex(24), name, self._uploads(), self._clock.now().timestamp(), now)
        with self._lock:
            self._expire(now)
            while len(self._by_token) >= MOST:
                self._end(min(self._by_token.values(), key=lambda one: one.used))
            self._by_token[session.token] = session
        return session

    @contextmanager
    def using(self, cookies: str) -> Iterator[Session]:
        """Give the exchange of a call, to this call alone. Raises Failure if there is none."""
        now = self._clock.monotonic()
        with self._lock:
            self._expire(now)
            session = self._by_token.get(_cookie(cookies))
            if session is None:
                raise Failure(_UNKNOWN)
            session.used = now
        with session.lock:
            yield session

    def renew(self, session: Session) -> None:
        """Forget what an exchange has uploaded and not imported."""
        shutil.rmtree(session.uploads.folder, ignore_errors=True)
        session.uploads, session.push = self._uploads(), Push()

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            for session in list(self._by_token.values()):
                self._end(session)

    def _uploads(self) -> Uploads:
        return Uploads(self.folder / secrets.token_hex(8), self._limits)

    def _expire(self, now: float) -> None:
        for session in list(self._by_token.values()):
            if now - session.used > LIFETIME:
                self._end(session)

    def _end(self, session: Session) -> None:
        del self._by_token[session.token]
        shutil.rmtree(session.uploads.folder, ignore_errors=True)


def _cookie(header: str) -> str:
    for pair in header.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            return value.strip()
    return ""

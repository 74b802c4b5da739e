"""What 1C sends before it asks for an import: files in chunks, whole or not at all.

A chunk counts once all of it is here; what a broken connection left behind is cut off by the next one. Nothing
of it is seen by anybody until it has been validated.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from connectors.onec.site.answers import Failure

MAX_FILES = 200_000
_PIECE = 1 << 16


@dataclass(slots=True)
class Upload:
    """A file on its way. ``size``: how much of it has surely come."""

    path: Path
    size: int = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """How many bytes one call and one whole exchange may bring."""

    call: int
    push: int


@dataclass(slots=True)
class Uploads:
    """The files of one exchange by the names that 1C gave them; on disk they have numbers."""

    folder: Path
    limits: Limits
    by_name: dict[str, Upload] = field(default_factory=dict)
    total: int = 0
    _number: int = 0

    def receive(self, name: str, body: BinaryIO, expected: int | None) -> None:
        """Add a chunk to a file. Raises Failure, and OSError if the caller went away."""
        upload = self.by_name.get(name) or self.new()
        self.by_name[name] = upload
        room = min(self.limits.call, self.limits.push - self.total)
        with upload.path.open("r+b") as file:
            file.truncate(upload.size)
            file.seek(upload.size)
            got = _copy(body, file, room)
        if got > room:
            raise Failure(_too_much(self.limits, expected))
        if expected is not None and got != expected:
            message = f"Файл {name} пришёл не полностью: соединение оборвалось. Повторите обмен."
            raise Failure(message)
        upload.size += got
        self.total += got

    def new(self) -> Upload:
        """Return an empty file that has no name yet. Raises Failure if there are too many."""
        self._number += 1
        if self._number > MAX_FILES:
            message = f"Слишком много файлов в одном обмене: больше {MAX_FILES}."
            raise Failure(message)
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / str(self._number)
        path.touch(mode=0o600)
        return Upload(path)

    def drain(self) -> dict[str, Upload]:
        """Return the files and begin to gather others; one that is sent again under its name is a new one."""
        gathered, self.by_name = self.by_name, {}
        return gathered


def _copy(body: BinaryIO, file: BinaryIO, room: int) -> int:
    got = 0
    while got <= room and (piece := body.read(_PIECE)):
        got += len(piece)
        file.write(piece[: max(0, len(piece) - max(0, got - room))])
    return got


def _too_much(limits: Limits, expected: int | None) -> str:
    if (expected or 0) > limits.call:
        return f"Больше {limits.call} байт в одном запросе: 1С должна делить файлы по file_limit из ответа на init."
    return f"Обмен больше {limits.push >> 20} МиБ. Увеличьте push_limit в проекте Obmen или выгружайте частями."

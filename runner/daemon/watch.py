"""Whether the project's files have changed, so that the service takes them up without being started anew."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_KINDS = (".yaml", ".yml", ".env")
_MOST = 5000
_DEPTH = 4


class Watch:
    """Looks at the YAML files and the ``.env`` of a project's folder: their times and sizes, not what is in them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known = self._look()

    def changed(self) -> bool:
        """Whether anything has changed since it was last asked."""
        now = self._look()
        different, self._known = now != self._known, now
        return different

    def _look(self) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for entry in _files(self._folder, _DEPTH):
            try:
                about = entry.stat()
            except OSError:
                continue  # it went away meanwhile, which is a change that the next look sees
            found[entry.path] = (about.st_mtime_ns, about.st_size)
            if len(found) >= _MOST:
                break
        return found


def _files(folder: Path | str, depth: int) -> Iterator[os.DirEntry[str]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name.endswith(_KINDS):
            yield entry
        elif depth and not entry.name.startswith((".", "_")) and entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path, depth - 1)

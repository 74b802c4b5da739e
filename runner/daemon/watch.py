"""Whether the project's files have changed, so that the service takes them up without being started anew."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

_KINDS = (".yaml", ".yml", ".env")
_MOST = 5000
_DEPTH = 4


class Watch:
    """Looks at the YAML files and the ``.env`` of a project's folder, and at the files that it names besides.

    It looks at their times and sizes, not at what is in them.
    """

    def __init__(self, folder: Path, files: Iterable[Path] = ()) -> None:
        self._folder = folder
        self._files = frozenset(files)
        self._known = self._look()

    def follow(self, files: Iterable[Path]) -> None:
        """Look at these files from now on, beside those of the folder; that they are others is no change."""
        before, self._files = self._files, frozenset(files)
        for path in before - self._files:
            self._known.pop(str(path), None)
        self._known.update(_marks(self._files - before))

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
        return found | _marks(self._files)


def _marks(files: Iterable[Path]) -> dict[str, tuple[int, int]]:
    found = {}
    for path in files:
        try:
            about = path.stat()
        except OSError:
            continue
        found[str(path)] = (about.st_mtime_ns, about.st_size)
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

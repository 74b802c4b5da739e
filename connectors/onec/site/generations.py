"""Takes a push over into the exchange folder: all of its files at once, or none.

Each push that was taken over has a folder of its own. Which of them count stands in one list
(``commerceml.live``), and changing the list is the one step by which a push comes into force. A whole export
takes away the word of what older pushes said of the same things; a change set lies on top of them. Files that
count no longer stay for one more push, for a reader may be half through them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from connectors.onec.commerceml.files import listed_sources
from connectors.onec.commerceml.live import INDEX, Index, Live, Topic, read_index
from connectors.onec.site.database import Database
from connectors.onec.site.durable import replace_contents, sync_file, sync_folders
from connectors.onec.site.pictures import Picture, keep_pictures, sweep_pictures
from connectors.onec.site.steps import OnStep, ignore

_FOLDER = "push-"
_Subject = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A file that was looked into: where it lies, its name, its digest, and what it speaks of."""

    path: Path
    name: str
    digest: str
    topics: tuple[Topic, ...]


class Generations:
    """The pushes in one exchange folder."""

    def __init__(self, folder: Path, database: Database, on_step: OnStep = ignore) -> None:
        self.folder = folder
        self._database = database
        self._on_step = on_step

    def prepare(self) -> None:
        """Make an empty list in a folder that holds nothing yet, so that readers wait for the first push."""
        if (self.folder / INDEX).exists():
            return
        if not self.folder.exists() or not any(file.suffix == ".xml" for file in self.folder.rglob("*")):
            with self._database.writing():
                if read_index(self.folder) is None:
                    self._list(Index())

    def take_over(
        self, push: str, started: float, files: Sequence[Accepted], pictures: Mapping[str, Picture], *, replaces: bool
    ) -> None:
        """Bring a push into force.

        ``replaces``: where it says that it holds everything, older pushes have no word any more; otherwise it
        lies on top of them until ``all_of``. What is in force already changes nothing.
        """
        for path in (*(file.path for file in files), *(picture.path for picture in pictures.values())):
            sync_file(path)
        with self._database.writing() as tx:
            index = read_index(self.folder) or Index()
            self._tidy(index)
            keep_pictures(self.folder, tx, pictures)
            if _is_newest(index, files):
                return
            moved = self._move(index, push, started, files, replaces=replaces)
            self._on_step("import.moved")
            listed = self._replace(index, moved, _subjects(moved) if replaces else set())
        if listed.old:
            sweep_pictures(self.folder, self._database, listed_sources(self.folder, listed))

    def all_of(self, push: str, since: float | None) -> None:
        """Say that what this exchange brought is everything; what older ones said of the same counts no more.

        ``since``: exchanges that began at that time (Unix seconds) or later belong to it too.
        """
        with self._database.writing():
            index = read_index(self.folder) or Index()
            mine = [file for file in index.files if file.push == push or (since or float("inf")) <= file.started]
            whole = [_as_whole(file) for file in mine]
            kept = [file for file in index.files if file not in mine]
            if whole:
                self._replace(Index(tuple(kept), index.old), whole, {_subject(t) for f in whole for t in f.topics})

    def _move(
        self, index: Index, push: str, started: float, files: Sequence[Accepted], *, replaces: bool
    ) -> list[Live]:
        ages = [int(name.partition("/")[0].removeprefix(_FOLDER)) for name in _named(index)]
        age = max(ages, default=0) + 1
        home = self.folder / f"{_FOLDER}{age:08d}"
        moved = []
        for file in files:
            target = home / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            file.path.replace(target)
            topics = file.topics if replaces else tuple(msgspec.structs.replace(t, whole=False) for t in file.topics)
            moved.append(Live(f"{home.name}/{file.name}", age, push, started, file.digest, topics))
        sync_folders({*((home / file.name).parent for file in files), home, self.folder})
        return moved

    def _replace(self, index: Index, newer: Sequence[Live], taken: set[_Subject]) -> Index:
        """List newer files, take the word about ``taken`` from older pushes, and let go of who has none left."""
        pushes = {file.push for file in newer}
        kept: list[Live] = []
        gone: list[Live] = []
        for file in index.files:
            left = file if file.push in pushes else _without(file, taken)
            (gone if left is None or _is_repeated(file, newer) else kept).append(left or file)
        listed = Index((*kept, *newer), tuple(file.name for file in gone))
        self._list(listed)
        self._on_step("import.listed")
        self._tidy(listed)
        self._on_step("import.pruned")
        return listed

    def _list(self, index: Index) -> None:
        replace_contents(self.folder / INDEX, msgspec.json.format(msgspec.json.encode(index), indent=1))

    def _tidy(self, index: Index) -> None:
        """Remove the files of pushes that are in no list: replaced twice, or never taken over."""
        named = _named(index)
        for home in self.folder.glob(f"{_FOLDER}[0-9]*"):
            for path in sorted(home.rglob("*"), reverse=True):
                if path.is_dir():
                    _remove_if_empty(path)
                elif path.relative_to(self.folder).as_posix() not in named:
                    path.unlink()
            _remove_if_empty(home)


def _named(index: Index) -> set[str]:
    return {*(file.name for file in index.files), *index.old}


def _is_newest(index: Index, files: Iterable[Accepted]) -> bool:
    """Whether the push that came last brought just these files, and all of them still count."""
    newest = max((file.age for file in index.files), default=0)
    last = {(file.name.partition("/")[2], file.digest) for file in index.files if file.age == newest}
    return last == {(file.name, file.digest) for file in files}


def _is_repeated(file: Live, newer: Iterable[Live]) -> bool:
    """Whether a newer file says the same, or is the same file of the same push sent again."""
    name = file.name.partition("/")[2]
    return any(
        other.digest == file.digest or (other.push == file.push and other.name.partition("/")[2] == name)
        for other in newer
        if other.age > file.age
    )


def _without(file: Live, taken: set[_Subject]) -> Live | None:
    """Return a file without the word about what was taken from it; None if it has none left."""
    left = tuple(topic for topic in file.topics if _subject(topic) not in taken)
    if left == file.topics and (file.topics or not taken):
        return file
    return msgspec.structs.replace(file, topics=left) if left else None


def _as_whole(file: Live) -> Live:
    return msgspec.structs.replace(file, topics=tuple(msgspec.structs.replace(t, whole=True) for t in file.topics))


def _subjects(files: Iterable[Live]) -> set[_Subject]:
    return {_subject(topic) for file in files for topic in file.topics if topic.whole}


def _subject(topic: Topic) -> _Subject:
    return topic.aspect, topic.catalogue


def _remove_if_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()

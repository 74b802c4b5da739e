"""Where an id stands in the files of a source: the line that a person opens to mend a record.

A reader tells ids, not lines, since most sources have none. Where a connection reads files, its options name
them, and the ids are looked for in these.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

_DIGITS = re.compile(r"(\d+)")


def find_lines(options: Any, ids: Iterable[str]) -> dict[str, str]:
    """Return id → ``file:line`` of the first place where it stands, for those found in the source's files.

    An id is looked for as a whole text between tags or quotes, in UTF-8 and windows-1251.
    """
    wanted = set(ids)
    found: dict[str, str] = {}
    for path, places in _found(options, wanted):
        for one, line in places:
            found.setdefault(one, f"{path}:{line}")
        if len(found) == len(wanted):
            break
    return found


def find_doubles(options: Any, ids: Iterable[str], most: int) -> dict[str, list[str]]:
    """Return id → the first so many places where it stands: in files that hold it twice, or else in all."""
    everywhere: dict[str, list[str]] = {}
    twice: dict[str, list[str]] = {}
    for path, places in _found(options, set(ids)):
        here: dict[str, list[str]] = {}
        for one, line in places:
            if len(held := here.setdefault(one, [])) < most:
                held.append(f"{path}:{line}")
        for one, held in here.items():
            for found in (everywhere, twice) if len(held) > 1 else (everywhere,):
                found.setdefault(one, []).extend(held)
    return {one: held[:most] for one, held in (everywhere | twice).items()}


def _found(options: Any, ids: set[str]) -> Iterator[tuple[Path, Iterator[tuple[str, int]]]]:
    """Yield the source's files, each with the ids in it and their lines."""
    wanted = {spelling: one for one in ids for spelling in _spellings(one)}
    if wanted:
        pattern = re.compile(rb"(?<=[>\"'])(?:" + b"|".join(map(re.escape, wanted)) + rb")(?=[<\"'])")
        for path in _files(options):
            yield path, ((wanted[spelling], line) for spelling, line in _in_file(path, pattern))


def _in_file(path: Path, pattern: re.Pattern[bytes]) -> Iterator[tuple[bytes, int]]:
    line, counted = 1, 0
    with path.open("rb") as file:
        if not path.stat().st_size:
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            for match in pattern.finditer(data):
                line += data[counted : match.start()].count(b"\n")
                counted = match.start()
                yield match[0], line


def _spellings(one: str) -> set[bytes]:
    return {one.encode(), one.encode("cp1251", "replace")} if one else set()


def _files(options: Any) -> Iterator[Path]:
    for path in _paths(options):
        if path.is_file():
            yield path
        elif path.is_dir():
            files = (file for file in path.rglob("*") if file.is_file() and not _hidden(file.relative_to(path)))
            yield from sorted(files, key=_natural)


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _paths(value: Any) -> Iterator[Path]:
    if isinstance(value, Path):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _paths(getattr(value, name))
    elif isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _paths(item)


def _natural(path: Path) -> list[str | int]:
    return [int(part) if part.isdigit() else part for part in _DIGITS.split(str(path))]

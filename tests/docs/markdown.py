"""Reads Markdown as far as its tests need it: headings, links, and blocks that are to be run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUN = "<!-- run -->"
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})\s*(\w*)")
_HEADING = re.compile(r" {0,3}(#{1,6})\s+(.+?)\s*#*")
_INLINE = re.compile(r"(?<!\\)\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(\s*<?([^()\s<>]+(?:\([^()\s]*\)[^()\s<>]*)*)>?[^()]*\)")
_REFERENCE = re.compile(r" {0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s.*)?")
_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")


@dataclass(frozen=True)
class Step:
    """A command of a block, and the lines that must be among what it prints."""

    line: int
    command: str
    prints: tuple[str, ...]


def documents() -> list[Path]:
    """Every Markdown file of the project."""
    folders = ("docs", "connectors", "config", "mappings", "obmen", "runner")
    found = [*ROOT.glob("*.md"), *(path for folder in folders for path in (ROOT / folder).rglob("*.md"))]
    return sorted(found)


def prose(text: str) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines that stand outside of fenced blocks."""
    fence = ""
    for number, line in enumerate(text.splitlines(), 1):
        matched = _FENCE.match(line)
        if fence:
            if matched and matched[1].startswith(fence) and not matched[2]:
                fence = ""
        elif matched:
            fence = matched[1]
        else:
            yield number, line


def headings(text: str) -> list[tuple[int, str]]:
    """The headings: their levels and texts."""
    found = [matched for _, line in prose(text) if (matched := _HEADING.fullmatch(line))]
    return [(len(matched[1]), matched[2]) for matched in found]


def anchors(text: str) -> set[str]:
    """The anchors that the usual renderers make of the headings."""
    made: dict[str, int] = {}
    found = set()
    for _, title in headings(text):
        slug = re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")
        again = made.get(slug, 0)
        made[slug] = again + 1
        found.add(f"{slug}-{again}" if again else slug)
    return found


def links(text: str) -> Iterator[tuple[int, str]]:
    """Yield line and target of every link that leads to no other site."""
    for number, line in prose(text):
        plain = _CODE.sub("", line)
        reference = _REFERENCE.fullmatch(plain)
        for target in [reference[1]] if reference else _INLINE.findall(plain):
            if not re.match(r"[a-z][a-z0-9+.-]*:", target, re.IGNORECASE):
                yield number, target


def steps(text: str) -> list[Step]:
    """The commands of all blocks marked for running, in order.

    A block is marked by a line ``<!-- run -->`` before its fence. Where any of its lines begins with ``$ ``,
    those are the commands and what follows each is printed by it (``…`` stands for anything); else each line
    is a command. A backslash at the end of a command's line continues it.
    """
    lines = text.splitlines()
    found: list[Step] = []
    for number, line in enumerate(lines):
        if line.strip() == RUN:
            found += _block(lines, number + 1)
    return found


def _block(lines: list[str], start: int) -> list[Step]:
    while start < len(lines) and not lines[start].strip():
        start += 1
    opening = _FENCE.match(lines[start]) if start < len(lines) else None
    if opening is None or opening[2] not in {"console", "sh", "bash", "shell"}:
        message = f"line {start + 1}: {RUN} must stand before a console or sh block"
        raise ValueError(message)
    body: list[tuple[int, str]] = []
    for number in range(start + 1, len(lines)):
        if lines[number].strip() == opening[1]:
            break
        body.append((number + 1, lines[number]))
    prompted = any(line.startswith("$ ") for _, line in body)
    found: list[tuple[int, str, list[str]]] = []
    for number, line in body:
        if found and found[-1][1].endswith("\\"):
            found[-1] = (found[-1][0], f"{found[-1][1]}\n{line}", [])
        elif line.startswith("$ "):
            found.append((number, line[2:], []))
        elif not prompted and line.strip() and not line.startswith("#"):
            found.append((number, line, []))
        elif found and line.strip() and line.strip() not in {"…", "..."}:
            found[-1][2].append(line.strip())
    return [Step(number, command, tuple(prints)) for number, command, prints in found]

"""Finding a vendor's category by words: for a person who searches, and as a suggestion for one of the shop's own."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from heapq import nlargest

from obmen.categories.model import CategoryNode

_WORD = re.compile(r"\w+")
_HEAD = 3
_LONGEST_STEM = 5
_LONGEST_ENDING = 3
_ENOUGH = 0.5


def find_nodes(nodes: Iterable[CategoryNode], text: str) -> list[CategoryNode]:
    """Return the categories whose path holds every word of the text, and the one of that id, which comes first."""
    words = _words([text])
    found = [node for node in nodes if node.id == text or all(word in " ".join(node.path).casefold() for word in words)]
    return sorted(found, key=lambda node: (node.id != text, _misses(node, words), len(node.path), node.path))


class Suggestions:
    """The vendor's categories by the beginnings of their names, to find those nearest to one of the shop's own."""

    def __init__(self, nodes: Iterable[CategoryNode]) -> None:
        self._by_head: dict[str, list[CategoryNode]] = defaultdict(list)
        for node in nodes:
            for head in {word[:_HEAD] for word in _words(node.path[-1:])}:
                self._by_head[head].append(node)

    def of(self, path: Sequence[str], most: int = 3) -> list[CategoryNode]:
        """Return those whose names come nearest to a canonical path, best first.

        Words count by their beginnings, so that "Чайники" meets "Чайник"; those of the last name count most.
        """
        last, above = _words(path[-1:]), _words(path[:-1])
        near = {node.id: node for head in {word[:_HEAD] for word in last} for node in self._by_head.get(head, ())}
        rated = [(score, node) for node in near.values() if (score := _score(last, above, node)) >= _ENOUGH]
        return [node for _, node in nlargest(most, rated, key=lambda one: (one[0], -len(one[1].path), one[1].id))]


def _score(last: set[str], above: set[str], node: CategoryNode) -> float:
    own, over = _words(node.path[-1:]), _words(node.path[:-1])
    common = _common(last, own)
    alike = common / max(len(last) + len(own) - common, 1)
    return alike + 0.25 * _common(last, over) / len(last) + 0.25 * _common(above, own | over) / max(len(above), 1)


def _common(words: set[str], others: set[str]) -> int:
    return sum(any(_meets(word, other) for other in others) for word in words)


def _meets(one: str, other: str) -> bool:
    """Whether two words differ in their endings only."""
    shorter = min(len(one), len(other))
    stem = max(_HEAD, min(_LONGEST_STEM, shorter) - 1) if shorter > _HEAD else shorter
    return one[:stem] == other[:stem] and abs(len(one) - len(other)) <= _LONGEST_ENDING


def _misses(node: CategoryNode, words: Iterable[str]) -> int:
    own = node.path[-1].casefold() if node.path else ""
    return sum(word not in own for word in words)


def _words(names: Iterable[str]) -> set[str]:
    return {word for name in names for word in _WORD.findall(name.casefold()) if len(word) > 1 or word.isdecimal()}

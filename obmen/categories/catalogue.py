"""A vendor's catalogue of attributes, kept for a day, and the filling of a card by it.

Every card of a category needs the same description of it, and vendors count these calls; so they are made
once and remembered across restarts. What a card lacks is told all at once, before the vendor is asked to take it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from obmen.categories.judge import Card, refusal
from obmen.categories.model import CategoryAttribute, CategoryNode, Fault, Filled
from obmen.errors import Unavailable

if TYPE_CHECKING:
    from obmen.connector import Connector

DAY = 86400.0
_FOUND = 30 * DAY
_NOT_FOUND = 3600.0
_ABSENT = ""


class _Attributes(msgspec.Struct, frozen=True):
    at: float
    attributes: tuple[CategoryAttribute, ...]


class _Nodes(msgspec.Struct, frozen=True):
    at: float
    nodes: tuple[CategoryNode, ...]


class _Choice(msgspec.Struct, frozen=True, array_like=True):
    """A text's value id, "" if the vendor's list did not have it, and when it was looked up."""

    id: str
    at: float


_Kept = TypeVar("_Kept", _Attributes, _Nodes, dict[str, _Choice])


class Catalogue:
    """The categories of one connection, through its memory.

    Descriptions are asked for again after a day, a value's id after a month, a value that was not there after
    an hour. Where the vendor cannot be reached, what is known already goes on to serve.
    """

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._held: dict[str, Any] = {}

    def nodes(self) -> tuple[CategoryNode, ...]:
        """Return the categories in which cards can be made; none where the connector cannot list them."""
        name = "categories"
        kept = self._recall(name, _Nodes)
        if kept is None or self._age(kept.at) > DAY:
            try:
                kept = self._keep(name, _Nodes(self._now, tuple(self._connector.categories())))
            except Unavailable:
                if kept is None:
                    raise
        return kept.nodes

    def attributes(self, category: str) -> tuple[CategoryAttribute, ...]:
        """Return the attributes of a category; raises Refused where the vendor has no such category."""
        name = f"category_attributes/{category}"
        kept = self._recall(name, _Attributes)
        if kept is None or self._age(kept.at) > DAY:
            try:
                told = tuple(self._connector.category_attributes(category))
                kept = self._keep(name, _Attributes(self._now, told))
            except Unavailable:
                if kept is None:
                    raise
        return kept.attributes

    def choices(self, category: str, attribute: CategoryAttribute, texts: Iterable[str]) -> Mapping[str, str]:
        """Return text → the vendor's value id for those texts that its list has, and whatever else of it is known."""
        name = f"attribute_choices/{category}/{attribute.id}"
        kept = self._recall(name, dict[str, _Choice]) or {}
        lacking = [text for text in dict.fromkeys(texts) if not self._fresh(kept.get(text))]
        if lacking:
            told = self._connector.attribute_choices(category, attribute, lacking)
            folded = {" ".join(text.casefold().split()): id_ for text, id_ in told.items()}
            new = {text: told.get(text) or folded.get(" ".join(text.casefold().split()), _ABSENT) for text in lacking}
            kept = {**kept, **{text: _Choice(id_, self._now) for text, id_ in {**told, **new}.items()}}
            self._keep(name, kept)
        return {text: choice.id for text, choice in kept.items() if choice.id != _ABSENT}

    def fill(self, payload: Mapping[str, Any]) -> list[Filled]:
        """Return a payload's attributes in the vendor's terms, in the order of the payload.

        ``payload``: ``category``, and ``attributes`` as a mapping's ``categories`` writes them. Raises Refused
        (code ``bad_attributes``) that names everything that is missing, unknown or does not fit.
        """
        filled, faults = self.judge(payload)
        if faults:
            raise refusal(str(payload.get("category") or ""), faults)
        return filled

    def judge(self, payload: Mapping[str, Any]) -> tuple[list[Filled], list[Fault]]:
        """Return what can be filled and what keeps the rest from it; see ``fill``."""
        category = str(payload.get("category") or "")
        described = self.attributes(category) if category else ()
        if not described and (unknown := self._unknown(category)) is not None:
            return [], [unknown]
        card = Card(described, payload.get("attributes") or ())
        for attribute, texts in card.choosable():
            card.choose(attribute, self.choices(category, attribute, texts))
        return card.result()

    def _unknown(self, category: str) -> Fault | None:
        if not category:
            return Fault("category", "", "the product has no category of the vendor's")
        nodes = self.nodes()
        if nodes and all(node.id != category for node in nodes):
            return Fault("category", "", f"there is no category {category}")
        return None

    @property
    def _now(self) -> float:
        return self._connector.clock.now().timestamp()

    def _age(self, at: float) -> float:
        return abs(self._now - at)

    def _fresh(self, choice: _Choice | None) -> bool:
        return choice is not None and self._age(choice.at) < (_NOT_FOUND if choice.id == _ABSENT else _FOUND)

    def _recall(self, name: str, kind: type[_Kept]) -> _Kept | None:
        if name not in self._held:
            raw = self._connector.memory.get(name)
            try:
                self._held[name] = None if raw is None else msgspec.json.decode(raw, type=kind)
            except msgspec.DecodeError:
                self._held[name] = None  # written by another version: it is asked for anew
        found: _Kept | None = self._held[name]
        return found

    def _keep(self, name: str, value: _Kept) -> _Kept:
        self._connector.memory.put(name, msgspec.json.encode(value))
        self._held[name] = value
        return value

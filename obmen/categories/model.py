"""The few shapes in which a connector tells of its vendor's categories, and what becomes of a card's attributes."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["text", "number", "boolean"]


class CategoryAttribute(msgspec.Struct, frozen=True):
    """One attribute of cards of a category, as the vendor describes it.

    ``choices``: it takes only values of the vendor's own list, each with an id. ``many``: it takes several
    values; ``most``: so many at most. ``unit``: the unit that its number is in, "" if the vendor tells none.
    """

    id: str
    name: str
    required: bool = False
    kind: Kind = "text"
    choices: bool = False
    many: bool = False
    unit: str = ""
    most: int | None = None


class CategoryNode(msgspec.Struct, frozen=True):
    """A category in which cards can be made: its id, and the names from the top of the tree down to it."""

    id: str
    path: tuple[str, ...]

    @property
    def title(self) -> str:
        """The path in one line."""
        return " / ".join(self.path)


class Filled(msgspec.Struct, frozen=True):
    """An attribute of a card in the vendor's terms.

    ``values`` are texts: a number in the attribute's unit, "true" or "false" for a boolean; ``ids`` has the
    vendor's id of each, None where the attribute has no list of choices.
    """

    attribute: CategoryAttribute
    values: tuple[str, ...]
    ids: tuple[str | None, ...]


class Fault(msgspec.Struct, frozen=True):
    """Why a card's attributes cannot be filled.

    ``kind``: category (there is none such), unknown (the category has no such attribute), missing (a required
    one has no value), choice (its list has no such value), value (not a number, not a yes or no, a unit that
    does not fit), many (too many values), twice (one attribute is given by two rules).
    """

    kind: Literal["category", "unknown", "missing", "choice", "value", "many", "twice"]
    attribute: str
    message: str
    value: str = ""

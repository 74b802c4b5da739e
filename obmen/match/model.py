"""What a match is made of: of each good and each card only what it can be known by."""

from __future__ import annotations

from typing import Literal

import msgspec

Key = Literal["sku", "article", "barcode"]
How = Literal["chosen", "bound", "sku", "article", "barcode"]
KEYS: tuple[Key, ...] = ("sku", "article", "barcode")
"""By what a card is looked for, the surest first."""
HOWS: tuple[How, ...] = ("chosen", "bound", *KEYS)


class Good(msgspec.Struct, frozen=True, gc=False):
    """A good of the project's source. ``key`` is the product's key, ``sku`` what it would be called as a new card."""

    key: str
    sku: str
    name: str = ""
    article: str = ""
    barcodes: tuple[str, ...] = ()
    archived: bool = False


class Card(msgspec.Struct, frozen=True, gc=False):
    """A card of the connection: ``native_id`` is its system's own id, ``sku`` what its system calls it."""

    native_id: str
    sku: str
    name: str = ""
    article: str = ""
    barcodes: tuple[str, ...] = ()
    archived: bool = False


class Matched(msgspec.Struct, frozen=True, gc=False):
    """A good and its card, and how they were found to be one; ``stored``: the ledger knows it just so."""

    good: Good
    card: Card
    how: How
    stored: bool = False


class Ambiguous(msgspec.Struct, frozen=True, gc=False):
    """A good that may be any of several cards, or one card that may be any of several goods."""

    good: Good
    candidates: tuple[tuple[Card, Key], ...]


class Result(msgspec.Struct, frozen=True):
    """What a match found. ``lost``: keys whose card is bound and is not there any more."""

    matched: list[Matched]
    ambiguous: list[Ambiguous]
    goods: list[Good]
    cards: list[Card]
    lost: list[str]

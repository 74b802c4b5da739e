"""The first match: which of the goods already have a card in a connection, found by what both sides tell of them."""

from obmen.match.model import HOWS, KEYS, Ambiguous, Card, Good, How, Key, Matched, Result
from obmen.match.pairs import match
from obmen.match.read import Told, read_cards, read_goods
from obmen.match.store import Choices, Stored, store

__all__ = [
    "HOWS",
    "KEYS",
    "Ambiguous",
    "Card",
    "Choices",
    "Good",
    "How",
    "Key",
    "Matched",
    "Result",
    "Stored",
    "Told",
    "match",
    "read_cards",
    "read_goods",
    "store",
]

"""Pairs of goods and cards: what is bound stays, then by each key those that mean each other and nobody else.

A pair that could be another is left to a person: a card bound to the wrong good gets its price.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from obmen.match.model import KEYS, Ambiguous, Card, Good, How, Key, Matched, Result
from obmen.state.bindings import Binding


def match(
    goods: Sequence[Good], cards: Sequence[Card], bound: Mapping[str, Binding], by: Sequence[Key] = KEYS
) -> Result:
    """Match goods with cards; ``bound``: key → what the ledger knows. Neither side is used twice.

    A card that is bound to a good which the source no longer tells stays out of it.
    """
    pairs = _Pairs(goods, cards, bound)
    pairs.keep_bound()
    for key in KEYS:
        if key in by:
            pairs.find(key)
    return pairs.result([key for key in KEYS if key in by])


class _Pairs:
    def __init__(self, goods: Sequence[Good], cards: Sequence[Card], bound: Mapping[str, Binding]) -> None:
        self._goods = {good.key: good for good in goods}
        self._cards = {card.native_id: card for card in cards}
        self._bound = bound
        self._matched: list[Matched] = []
        self._lost: list[str] = []
        self._free_goods = dict(self._goods)
        self._free_cards = dict(self._cards)

    def keep_bound(self) -> None:
        """Take what is bound. Where its card is gone, only what no person chose is looked for anew."""
        for key, binding in self._bound.items():
            card = self._free_cards.get(binding.native_id)
            good = self._free_goods.get(key)
            if card is None:
                self._lost.append(key)
                if binding.chosen:
                    self._free_goods.pop(key, None)
            elif good is None:
                del self._free_cards[card.native_id]
            else:
                self._take(good, card, "chosen" if binding.chosen else "bound")

    def find(self, key: Key) -> None:
        """Take the pairs that mean each other and nobody else by one key."""
        found = self._candidates(key)
        wanted_by: dict[str, list[str]] = defaultdict(list)
        for good, candidates in found.items():
            for card in candidates:
                wanted_by[card].append(good)
        for good, candidates in found.items():
            if len(candidates) == 1 and len(wanted_by[candidates[0]]) == 1:
                self._take(self._goods[good], self._cards[candidates[0]], key)

    def result(self, by: Iterable[Key]) -> Result:
        """Return what was found; what is left and has candidates among what is left is ambiguous."""
        candidates: dict[str, dict[str, Key]] = defaultdict(dict)
        for key in by:
            for good, cards in self._candidates(key).items():
                for card in cards:
                    candidates[good].setdefault(card, key)
        ambiguous = [
            Ambiguous(self._goods[good], tuple((self._cards[card], key) for card, key in found.items()))
            for good, found in candidates.items()
        ]
        meant = {card for found in candidates.values() for card in found}
        return Result(
            self._matched,
            ambiguous,
            [good for key, good in self._free_goods.items() if key not in candidates],
            [card for native_id, card in self._free_cards.items() if native_id not in meant],
            self._lost,
        )

    def _take(self, good: Good, card: Card, how: How) -> None:
        del self._free_goods[good.key], self._free_cards[card.native_id]
        known = self._bound.get(good.key)
        stored = known is not None and (known.native_id, known.natural_id) == (card.native_id, natural_id(good, card))
        self._matched.append(Matched(good, card, how, stored))

    def _candidates(self, key: Key) -> dict[str, list[str]]:
        """Return key of a good → native ids of cards that share this with it, of those that are free."""
        by_value: dict[str, list[str]] = defaultdict(list)
        for card in self._free_cards.values():
            for value in dict.fromkeys(_of_card(card, key)):
                by_value[value].append(card.native_id)
        found: dict[str, list[str]] = {}
        for good in self._free_goods.values():
            cards = [card for value in _of_good(good, key) for card in by_value.get(value, ())]
            if cards:
                found[good.key] = list(dict.fromkeys(cards))
        return found


def natural_id(good: Good, card: Card) -> str | None:
    """Return the name by which a card goes, None where it is the good's own sku."""
    return None if card.sku == good.sku else card.sku


def _of_card(card: Card, key: Key) -> Iterator[str]:
    if key == "barcode":
        yield from map(_barcode, card.barcodes)
    else:
        yield card.sku
        if key == "article" and card.article:
            yield card.article


def _of_good(good: Good, key: Key) -> Iterator[str]:
    if key == "barcode":
        yield from map(_barcode, good.barcodes)
    elif key == "sku":
        yield good.sku
    else:
        yield from filter(None, (good.article, good.sku))


def _barcode(text: str) -> str:
    """Return a barcode as it compares: UPC-12 and EAN-13 differ by a zero in front."""
    return text.lstrip("0") if text.isdecimal() else text

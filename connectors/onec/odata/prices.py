"""Prices by OData: the latest of each price type, for one base unit, of each thing that can be sold.

The register has no versions but its rows are small, so it is read whole, and what is new in it is told by its rows.
A price that 1C holds for a good without characteristic is the price of each characteristic without one of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from zoneinfo import ZoneInfo

import msgspec
import xxhash

from connectors.onec.odata.client import NO_REF, OData, moment
from connectors.onec.odata.lists import Lists
from connectors.onec.odata.naming import chosen, unambiguous
from connectors.onec.odata.needs import CURRENCIES, GOODS, PRICE_TYPES, PRICES_25, UNITS, demand, russian
from connectors.onec.odata.objects import by_refs
from connectors.onec.odata.packages import coefficient, needs_good, per_unit
from connectors.onec.odata.price_rows import (
    Price,
    PriceRow,
    UnitRow,
    of_kinds,
    price_list,
    prices_in,
    register_of,
    units_in,
)
from connectors.onec.odata.shares import Good, OfGood, OfOwner, Share, Shares
from connectors.onec.odata.tables import Table, either, of_set
from connectors.onec.odata.variants import (
    PRICED,
    USES,
    VARIANT_LIST,
    Characteristic,
    Priced,
    Used,
    Variants,
    existing,
    expand_ids,
    item_id,
    split,
)
from connectors.onec.odata.words import Words
from connectors.onec.options import OneCOptions
from obmen.clock import Clock
from obmen.connector import Memory
from obmen.errors import Refused
from obmen.records import Late, Native, Page

_EPOCH, _MARKS, _UNITS = "odata.words.price", "odata.marks.price", "odata.units.price"
_USERS = of_set(GOODS)
"""The goods that use characteristics."""


class _Slice(msgspec.Struct, array_like=True):
    """A product's Ид and its prices: several of one type where they are for several units."""

    item: str
    prices: list[Price]


class Prices:
    """The prices of one base. ``memory`` outlives the process."""

    def __init__(self, base: OData, options: OneCOptions, memory: Callable[[], Memory], clock: Clock) -> None:
        self._base, self._options = base, options
        self._memory, self._clock = memory, clock
        self._register = ""

    def way(self) -> str:
        """Say where prices are read, once they were."""
        return f"OData, {russian(self._register)}" if self._register else "OData"

    def read(self, cursor: str | None) -> Iterator[Page]:
        """Yield the prices of all products: one slice each, with all its price types.

        Raises ConfigurationError where the base does not publish prices, or has no price type of a name in
        ``price_types``.
        """
        del cursor
        words, kinds = self._began()
        only = of_kinds(kinds) if self._options.price_types else ""
        listed = price_list(self._register, self._now(), only)
        wanted: dict[Table, type[msgspec.Struct]] = {listed: PriceRow, _USERS: Used, VARIANT_LIST: Priced}
        with Lists(self._base, wanted, {_USERS: USES}) as lists, Variants(lists) as variants:
            digest = lists.read()
            words.read([UNITS])
            words.look_up(UNITS, self._units(lists, listed))
            salt = words.epoch(self._memory(), _EPOCH) + xxhash.xxh3_128_digest(
                msgspec.json.encode(sorted(kinds.items()))
            )
            expand = partial(self._expanded, words)
            with Shares(lists, {listed: OfGood, _USERS: Good, VARIANT_LIST: OfOwner}) as shares:
                for number, mark in enumerate(shares.marks(digest, self._memory(), _MARKS)):
                    late = Late(partial(self._slices, shares.share(number), listed, kinds, variants))
                    yield Page(late, expand=expand, salt=salt, where=self._register, mark=mark)

    def look_up(self, ids: Sequence[str]) -> Iterator[Native]:
        """Yield the prices of the products with these ids; the GUID of a good names all its characteristics."""
        words, kinds = self._began()
        goods = by_refs(self._base, GOODS, (split(one)[0] for one in ids))
        products = expand_ids(self._base, ids, goods)
        variants = existing(self._base, products)
        held: dict[str, list[Price]] = {}
        for where in either("Номенклатура_Key", goods):
            for rows in self._base.rows(price_list(self._register, self._now(), where), PriceRow):
                for good, price in prices_in(rows, kinds):
                    held.setdefault(good, []).append(price)
        words.fill(goods.values())
        words.look_up(UNITS, {price.unit for prices in held.values() for price in prices} - {""})
        for good, variant in products:
            if variant and variant not in variants:
                continue
            key = self._key(variant, str(variants.get(variant, {}).get(PRICED) or NO_REF))
            prices = _own(held.get(good, ()), key)
            yield from self._natives(_Slice(item_id(good, variant), prices), goods[good], words)

    def _began(self) -> tuple[Words, Mapping[str, str]]:
        """Return the classifiers, and the names of the price types that are wanted by reference."""
        demand("price", self._base.metadata().sets)
        self._register = register_of(self._base)
        words = Words(self._base)
        words.read([PRICE_TYPES, CURRENCIES])
        names = unambiguous({ref: word.name or "" for ref, word in words.of(PRICE_TYPES).items()})
        return words, chosen(names, self._options.price_types, "price_types", russian(PRICE_TYPES))

    def _now(self) -> str:
        """Return the base's own time as a literal: a price that is set for tomorrow is not yet one."""
        return moment(self._clock.now().astimezone(ZoneInfo(self._options.timezone)))

    def _key(self, variant: str, priced: str) -> str:
        """Return what the register calls a characteristic."""
        return (priced if self._register == PRICES_25 else variant) or NO_REF

    def _units(self, lists: Lists, listed: Table) -> set[str]:
        """Return what prices are for, as far as it is not a good's own unit; known again while no price changed."""
        digest = lists.digest(listed)
        kept = self._memory().get(_UNITS) or b""
        if kept[: len(digest)] == digest:
            return set(kept[len(digest) :].decode().split())
        units = units_in(row for rows in lists.rows(listed, UnitRow) for row in rows)
        self._memory().put(_UNITS, digest + " ".join(sorted(units)).encode())
        return units

    def _slices(self, share: Share, listed: Table, kinds: Collection[str], variants: Variants) -> Iterator[bytes]:
        prices: dict[str, list[Price]] = {}
        for rows in share.rows(listed, PriceRow):
            for good, price in prices_in(rows, kinds):
                prices.setdefault(good, []).append(price)
        users = [row for rows in share.rows(_USERS, Used) for row in rows if row.ref in prices]
        owners = {row.ref: row.owner for row in users}
        owned = variants.of(share, users)
        for good, own in prices.items():
            for one in owned.get(owners.get(good, "")) or [Characteristic("")]:
                if found := _own(own, self._key(one.ref, one.priced or "")):
                    yield msgspec.json.encode(_Slice(item_id(good, one.ref), found))

    def _expanded(self, words: Words, slices: Sequence[bytes]) -> list[Iterable[Native] | Refused]:
        told = [msgspec.json.decode(raw, type=_Slice) for raw in slices]
        measured = {
            split(one.item)[0] for one in told for price in one.prices if needs_good(words.word(UNITS, price.unit))
        }
        goods = by_refs(self._base, GOODS, measured)
        words.fill(goods.values())
        return [list(self._natives(one, goods.get(split(one.item)[0]), words)) for one in told]

    def _natives(self, one: _Slice, good: Native | None, words: Words) -> Iterator[Native]:
        """Yield a price for each type, that of the base unit where there are several."""
        names = unambiguous({ref: word.name or "" for ref, word in words.of(PRICE_TYPES).items()})
        best: dict[str, tuple[tuple[bool, bool, str], Native]] = {}
        for price in one.prices:
            unit = words.word(UNITS, price.unit)
            holds = coefficient(unit, good, words) if price.unit else Decimal(1)
            native = {
                "Ид": one.item,
                "ИдТипаЦены": price.kind,
                "ТипЦены": names.get(price.kind, price.kind),
                **_amount(price, holds, (unit.name if unit else "") or price.unit),
                **_currency(price, words),
            }
            rank = (bool(price.unit) and holds != 1, holds is None, price.unit)
            if price.kind not in best or rank < best[price.kind][0]:
                best[price.kind] = rank, native
        return (native for _, native in best.values())


def _own(prices: Iterable[Price], key: str) -> list[Price]:
    """Return a product's prices: its own, and of each other type the good's."""
    prices = list(prices)
    own = [price for price in prices if price.variant == key]
    if key == NO_REF:
        return sorted(own)
    types = {price.kind for price in own}
    return sorted(own + [price for price in prices if price.variant == NO_REF and price.kind not in types])


def _amount(price: Price, holds: Decimal | None, unit: str) -> Native:
    """Return the price of one base unit; where it is not known how many a package holds, words that are no number."""
    amount = Decimal(price.amount)
    if holds == 1:
        return {"ЦенаЗаЕдиницу": per_unit(amount, Decimal(1))}
    if not holds:
        return {"ЦенаЗаЕдиницу": f"{price.amount} / {unit}", "Упаковка": unit}
    return {"ЦенаЗаЕдиницу": per_unit(amount, holds), "Упаковка": unit, "ЦенаЗаУпаковку": amount}


def _currency(price: Price, words: Words) -> Native:
    kind = words.word(PRICE_TYPES, price.kind)
    ref = price.currency if price.currency != NO_REF else (kind.currency if kind else NO_REF)
    word = words.word(CURRENCIES, ref)
    told = {"Валюта": word.name, "КодВалюты": word.code} if word else {}
    return {name: text.strip() for name, text in told.items() if text and text.strip()}

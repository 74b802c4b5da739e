"""Marking codes («Честный знак») of an order, as they were scanned into its Реализация товаров и услуг.

A shipment's rows refer to codes in a catalog, which keeps them normalised: in brackets, without the tail that proves
them. No channel takes that, so a code is told only where the pool of codes has it in full. A code can be used by
whoever holds it: none stands in an address, a message or a version, and the pool is asked by hashes.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import NamedTuple

import msgspec

from connectors.onec.odata.client import NO_REF, OData, guid, is_reference, text
from connectors.onec.odata.lines import ZERO, product_id
from connectors.onec.odata.needs import MARKS, MARKS_IN_FULL
from connectors.onec.odata.objects import by_refs
from connectors.onec.odata.order_body import DOCUMENT
from connectors.onec.odata.return_body import SHIPMENT
from connectors.onec.odata.shipments import quantities
from connectors.onec.odata.tables import of_set
from obmen.connector import Page
from obmen.errors import Denied, Refused
from obmen.http import encode_json
from obmen.records import Native, decode_json

Scanned = Mapping[str, Sequence[Native]]
"""An order's reference → its shipments with codes: their references and versions."""

SCANNED = "Отгрузки"
_ORDER = "ЗаказКлиента"
_SECTION = "ШтрихкодыУпаковок"
_REF = "ШтрихкодУпаковки_Key"
_NESTED = "ВложенныеШтрихкоды"
_FULL = "ПолныйКодМаркировки"
_VERSION = ("Ref_Key", "DataVersion")
_NAMED = (*_VERSION, _ORDER, f"{_ORDER}_Type")
_CODE = ("Ref_Key", "ТипУпаковки", "ЗначениеШтрихкода", "Номенклатура_Key", "Характеристика_Key", _NESTED)
_BOXES = frozenset({"МонотоварнаяУпаковка", "МультитоварнаяУпаковка"})
_PACKED = frozenset({"КОтгрузке", "Отгружен", "Закрыт"})
_WAITS = "КОтгрузке"
_ORDERS_AT_ONCE = 10
_HASHES_AT_ONCE = 7
_AI = re.compile(r"\((\d{2,4})\)")
_GTIN = 16
"""So long is 01 with its GTIN."""
_GS = "\x1d"


class _PoolRow(
    msgspec.Struct, rename={"digest": "ХешСуммаКодаМаркировки", "code": "КодМаркировки", "full": _FULL}, frozen=True
):
    """A row of the pool: a code as the catalog has it, its hash, and the whole of it."""

    digest: str
    code: str
    full: str | None = ""


_POOL = of_set(MARKS_IN_FULL, ("ХешСуммаКодаМаркировки", "КодМаркировки"))


class _Unit(NamedTuple):
    """The code of one unit of a product, normalised."""

    product: str
    code: str


class Marking:
    """The marking codes of one base's orders."""

    def __init__(self, base: OData) -> None:
        self._base = base

    def since(self, dated: str) -> Scanned:
        """Return the orders with codes in a shipment that meets a condition; none where the base tells no codes."""
        return self._scanned([dated])

    def among(self, orders: Sequence[str]) -> Scanned:
        """Return those of the orders with codes in a shipment."""
        groups = (orders[start : start + _ORDERS_AT_ONCE] for start in range(0, len(orders), _ORDERS_AT_ONCE))
        these = (" or ".join(f"{_ORDER} eq cast({guid(ref)},'{DOCUMENT}')" for ref in some) for some in groups)
        return self._scanned([f"({some})" for some in these])

    def page(self, natives: Iterable[Native], scanned: Scanned) -> Page:
        """Return a page of orders; the codes of those that have some are fetched where they changed, and only then."""
        versions = [self._versioned(native, scanned) for native in natives]
        slices = [encode_json(native) for native in versions]
        if not any(SCANNED in native for native in versions):
            return Page(slices, where=DOCUMENT)
        return Page(slices, ids=[str(one["Ref_Key"]) for one in versions], expand=self._expand, where=DOCUMENT)

    def told(self, natives: Iterable[Native], scanned: Scanned) -> Iterator[Native]:
        """Yield orders with their codes. Raises Refused for one that waits for a person."""
        for one in self._with_codes([self._versioned(native, scanned) for native in natives]):
            if isinstance(one, Refused):
                raise one
            yield one

    def _expand(self, slices: Sequence[bytes]) -> Iterator[Sequence[Native] | Refused]:
        natives = [native for raw in slices for native in decode_json(raw)]
        return (one if isinstance(one, Refused) else [one] for one in self._with_codes(natives))

    def _versioned(self, native: Native, scanned: Scanned) -> Native:
        found = scanned.get(str(native["Ref_Key"]), ()) if native["Состояние"] in _PACKED else ()
        shown = sorted(({name: row[name] for name in _VERSION} for row in found), key=lambda row: str(row["Ref_Key"]))
        return {**native, SCANNED: shown} if shown else native

    # -- which shipments --------------------------------------------------------------------------------------

    @property
    def _is_told(self) -> bool:
        metadata = self._base.metadata()
        return (
            {SHIPMENT, MARKS, MARKS_IN_FULL} <= metadata.sets
            and {_SECTION, _ORDER} <= metadata.properties(SHIPMENT).keys()
            and _FULL in metadata.properties(MARKS_IN_FULL)
        )

    def _scanned(self, conditions: Iterable[str]) -> Scanned:
        found: dict[str, list[Native]] = {}
        for where in conditions if self._is_told else ():
            for row in self._shipments(f"{where} and DeletionMark eq false"):
                if str(row.get(f"{_ORDER}_Type") or "").endswith(DOCUMENT) and is_reference(row.get(_ORDER)):
                    found.setdefault(str(row[_ORDER]), []).append(row)
        return found

    def _shipments(self, where: str) -> list[Native]:
        """Return the shipments with codes, posted or not: codes are scanned before the goods leave."""
        any_code = f"{_SECTION}/any(d: d/{_REF} ne {guid(NO_REF)})"
        pages = partial(self._base.pages, SHIPMENT)
        try:
            return [row for rows in pages(where=f"{where} and {any_code}", select=_NAMED) for row in rows]
        except Refused:
            rows_of_all = pages(where=where, select=(*_NAMED, _SECTION))
            return [row for rows in rows_of_all for row in rows if row.get(_SECTION)]

    # -- which codes ------------------------------------------------------------------------------------------

    def _with_codes(self, natives: Sequence[Native]) -> list[Native | Refused]:
        """Return each order with its codes, or why it waits."""
        waiting = [native for native in natives if SCANNED in native]
        try:
            units, full, rows = self._fetched(waiting)
        except Denied as error:
            return [_plain(native, _hidden(native, error)) for native in natives]
        made: list[Native | Refused] = []
        for native in natives:
            own = [unit for row in native.get(SCANNED, ()) for unit in units.get(str(row["Ref_Key"]), ())]
            made.append(_marked(native, own, full, rows.get(str(native["Ref_Key"]), ())) if own else _plain(native))
        return made

    def _fetched(
        self, orders: Sequence[Native]
    ) -> tuple[dict[str, list[_Unit]], dict[str, str], dict[str, Sequence[Native]]]:
        """Return shipment → units with a code, code → the whole of it, and order → its lines."""
        shipments = by_refs(
            self._base,
            SHIPMENT,
            (str(row["Ref_Key"]) for order in orders for row in order[SCANNED]),
            ("Ref_Key", _SECTION),
        )
        refs = {ref: [str(row.get(_REF)) for row in one.get(_SECTION) or ()] for ref, one in shipments.items()}
        codes = self._codes(ref for several in refs.values() for ref in several if is_reference(ref))
        units = {ref: list(_units(several, codes)) for ref, several in refs.items()}
        full = self._in_full({unit.code for several in units.values() for unit in several})
        whole = by_refs(
            self._base,
            DOCUMENT,
            (str(one["Ref_Key"]) for one in orders if "Упаковки" not in one),
            ("Ref_Key", "Товары"),
        )
        return units, full, {ref: order.get("Товары") or () for ref, order in whole.items()}

    def _codes(self, refs: Iterable[str]) -> dict[str, Native]:
        """Return these elements of the catalog and, of boxes, all that lie in them."""
        known: dict[str, Native] = {}
        asked: set[str] = set()
        wanted = set(refs)
        while wanted:
            asked |= wanted
            found = by_refs(self._base, MARKS, sorted(wanted), _CODE)
            known |= found
            wanted = {ref for row in found.values() for ref in _inside(row)} - asked
        return known

    def _in_full(self, codes: set[str]) -> dict[str, str]:
        """Return code → the whole of it, for those that the pool has in full."""
        found: dict[str, str] = {}
        by_hash = {_digest(code): code for code in sorted(codes)}
        digests = list(by_hash)
        for start in range(0, len(digests), _HASHES_AT_ONCE):
            some = digests[start : start + _HASHES_AT_ONCE]
            where = " or ".join(f"ХешСуммаКодаМаркировки eq {text(digest)}" for digest in some)
            for row in (row for rows in self._base.rows(_POOL, _PoolRow, where=where) for row in rows):
                if row.code == by_hash.get(row.digest) and (full := whole_code(row.full or "", row.code)):
                    found[row.code] = full
        return found


def whole_code(kept: str, code: str) -> str:
    """Return the code that the pool keeps in full, in Base64 or as it is; empty where it is not in full.

    ``code`` is the normalised one: of the two readings that one is right which begins with the same goods.
    """
    begins = _AI.sub(r"\1", code)
    begins = begins[:_GTIN] if code.startswith("(01)") else begins
    readings = [kept]
    with contextlib.suppress(binascii.Error, ValueError):
        readings.append(base64.b64decode(kept, validate=True).decode())
    return next((one for one in readings if begins and one.replace(_GS, "").startswith(begins)), "")


def _digest(code: str) -> str:
    return base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()


def _inside(row: Native) -> list[str]:
    nested = (str(one.get("Штрихкод_Key")) for one in row.get(_NESTED) or ())
    return [ref for ref in nested if is_reference(ref)]


def _units(refs: Iterable[str], codes: Mapping[str, Native]) -> Iterator[_Unit]:
    """Yield the units of codes, once each; what a box says of itself is nobody's unit."""
    left, seen = list(refs)[::-1], set[str]()
    while left:
        ref = left.pop()
        row = codes.get(ref)
        if row is None or ref in seen:
            continue
        seen.add(ref)
        inside = _inside(row)
        left += inside[::-1]
        code = str(row.get("ЗначениеШтрихкода") or "")
        if not inside and code and row.get("ТипУпаковки") not in _BOXES:
            yield _Unit(product_id(row), code)


def _marked(
    native: Native, units: Sequence[_Unit], full: Mapping[str, str], rows: Sequence[Native]
) -> Native | Refused:
    """Return an order with the codes of what it packs, as its one package."""
    left = _left(native, rows)
    codes: dict[str, list[str]] = {}
    ours = [unit for unit in dict.fromkeys(units) if unit.product in left]
    for unit in ours:
        if unit.code in full:
            codes.setdefault(unit.product, []).append(full[unit.code])
    over = [product for product, several in codes.items() if len(several) > left[product]]
    if not codes and any(_AI.match(unit.code) for unit in ours):
        return _plain(native, _not_full(native, len(ours)))
    if over:
        return _plain(native, _too_many(native, len(codes[over[0]]), left[over[0]]))
    if not codes:
        return _plain(native)
    lines = [
        {"Товар": product, "Количество": left[product]}
        | ({"КодыМаркировки": codes[product]} if product in codes else {})
        for product in sorted(left)
    ]
    return {**_without_versions(native), "Упаковки": [{"Товары": lines}]}


def _left(native: Native, rows: Sequence[Native]) -> dict[str, Decimal]:
    """Return product → how much of it is packed: what people left of the order, or all that stands in it."""
    if "Упаковки" in native:
        return {line["Товар"]: line["Количество"] for package in native["Упаковки"] for line in package["Товары"]}
    return {product: quantity for product, quantity in quantities(rows).items() if quantity > ZERO}


def _plain(native: Native, wrong: Refused | None = None) -> Native | Refused:
    """Return an order without codes; it waits for them only before it is shipped, for then nobody scans any more."""
    if wrong is not None and SCANNED in native and native["Состояние"] == _WAITS:
        return wrong
    return _without_versions(native)


def _without_versions(native: Native) -> Native:
    return {name: value for name, value in native.items() if name != SCANNED}


def _named(native: Native) -> str:
    return str(native.get("Number") or native["Ref_Key"])


def _not_full(native: Native, units: int) -> Refused:
    message = (
        f"1C has none of the {units} marking codes of the order {_named(native)} in full, and channels take no others."
        " Scan them again in the shipment, each from its package, and write it."
    )
    return Refused(message, code="marks_not_full", field=_SECTION)


def _too_many(native: Native, codes: int, units: Decimal) -> Refused:
    message = (
        f"The shipment of the order {_named(native)} has {codes} marking codes for {units} units of one product. Take"
        " out those of units that stay, and write it."
    )
    return Refused(message, code="marks_too_many", field=_SECTION)


def _hidden(native: Native, error: Denied) -> Refused:
    message = f"The marking codes of the order {_named(native)} may not be read: {error}"
    return Refused(message, code="marks_hidden", field=_SECTION)

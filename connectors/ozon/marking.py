"""Marking codes and customs numbers of the units in a posting, which Ozon checks before it lets it be assembled.

The check is asynchronous: 200 says only that a task was made. A code can be used by whoever holds it, so texts
for people show no more of one than its beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from connectors.ozon import paths
from obmen.errors import Later, Refused
from obmen.http import Http
from obmen.records import Native

Marks = Mapping[int, Sequence[str]]
"""SKU → the codes of its units."""

_BY_UNIT = ("mandatory_mark", "jw_uin", "imei", "gtd", "rnpt")
_BY_HAND = {
    "products_requiring_country": "the country where it was made",
    "products_requiring_change_country": "another country where it was made",
    "products_requiring_weight": "the weight of each unit",
}
_TOLD_ALREADY = "EXEMPLAR_INFO_ALREADY_DEFINED"
_SHOWN = 3
_AGAIN = 60.0


def needed(part: Native) -> bool:
    """Whether Ozon wants something of each unit before it lets the posting be assembled.

    Raises Refused where it wants what only a person can tell it.
    """
    requirements: Mapping[str, Any] = part.get("requirements") or {}
    for field, what in _BY_HAND.items():
        if requirements.get(field):
            goods = ", ".join(map(str, requirements[field]))
            message = f"Ozon wants {what} (SKU {goods}). Tell it in the cabinet, then replay this entry."
            raise Refused(message, code="told_by_hand", field=field)
    return any(requirements.get(f"products_requiring_{kind}") for kind in _BY_UNIT)


def possible(part: Native, marks: Marks) -> bool:
    """Whether Ozon takes codes of some of these goods, though it does not insist on them."""
    optional: Mapping[str, Any] = part.get("optional") or {}
    taken = {int(sku) for sku in optional.get("products_with_possible_mandatory_mark") or ()}
    return any(sku in taken for sku in marks)


def tell(http: Http, number: str, marks: Marks) -> bool:
    """Tell Ozon what it wants of each unit; return whether it has found all of it good already.

    Raises Refused if codes are missing or were found bad.
    """
    known = http.post(paths.EXEMPLARS, json={"posting_number": number}, safe=True)
    products: list[Native] = known["products"]
    wanted = [
        {"product_id": product["product_id"], "exemplars": _units(product, marks.get(product["product_id"], ()))}
        for product in products
    ]
    if not any(_differs(product, told) for product, told in zip(products, wanted, strict=True)):
        try:
            return accepted(http, number)
        except Later:
            pass  # the check was given up: ask for another
    body: Native = {"posting_number": number, "products": wanted}
    if known.get("multi_box_qty"):
        body["multi_box_qty"] = known["multi_box_qty"]
    try:
        http.post(paths.EXEMPLARS_SET, json=body, safe=True, expect="any")
    except Refused as error:
        if error.code != _TOLD_ALREADY:
            raise Refused(hide(str(error), _all(marks)), code=error.code, field="packages") from None
    return accepted(http, number)


def accepted(http: Http, number: str) -> bool:
    """Return whether Ozon has found everything good; False while it is still at it. Raises Refused or Later."""
    reply = http.post(paths.EXEMPLARS_STATE, json={"posting_number": number}, safe=True)
    if reply["status"] == "ship_available":
        return True
    faults = [fault for product in reply["products"] for fault in _faults(product)]
    if faults:
        codes = [code for code, _ in faults]
        raise Refused("Ozon does not take " + "; ".join(text for _, text in faults), code=codes[0], field="packages")
    if reply["status"] == "ship_not_available" and not _checking(reply["products"]):
        raise Later("Ozon has not come to check the marking codes", after=_AGAIN)
    return False


def mask(code: str) -> str:
    """Return what people may see of a code."""
    return f"{code[:_SHOWN]}••• ({len(code)} signs)" if len(code) > 2 * _SHOWN else "•••"


def hide(text: str, codes: Iterable[str]) -> str:
    """Return a text with every one of these codes masked."""
    for code in sorted(codes, key=len, reverse=True):
        text = text.replace(code, mask(code))
    return text


def _units(product: Native, codes: Sequence[str]) -> list[Native]:
    """Return a product's exemplars as they are to be; a number of customs that is not known is said to be absent."""
    kind = _kind(product)
    units: list[Native] = product["exemplars"]
    demanded = kind != "mandatory_mark" or product.get("is_mandatory_mark_needed")
    if not demanded and not product.get("is_mandatory_mark_possible"):
        codes = ()
    if (demanded or codes) and len(codes) != len(units):
        message = f"Ozon wants a marking code for each of {len(units)} units of SKU {product['product_id']}"
        step = "Scan them in 1C and tell them in the packages."
        raise Refused(f"{message}, {len(codes)} are told. {step}", code="marks_missing", field="packages")
    made = []
    for unit, code in zip(units, codes or [""] * len(units), strict=True):
        one: Native = {"exemplar_id": unit["exemplar_id"]}
        if product.get("is_gtd_needed"):
            one |= {"gtd": unit["gtd"]} if unit.get("gtd") else {"is_gtd_absent": True}
        if product.get("is_rnpt_needed"):
            one |= {"rnpt": unit["rnpt"]} if unit.get("rnpt") else {"is_rnpt_absent": True}
        made.append({**one, "marks": [{"mark": code, "mark_type": kind}] if code else []})
    return made


def _kind(product: Native) -> str:
    if product.get("is_jw_uin_needed"):
        return "jw_uin"
    return "imei" if product.get("has_imei") else "mandatory_mark"


def _differs(product: Native, told: Native) -> bool:
    """Whether what Ozon knows of a product's units is not what it is to know."""
    return any(
        bool(unit.get("is_gtd_absent")) != bool(one.get("is_gtd_absent"))
        or bool(unit.get("is_rnpt_absent")) != bool(one.get("is_rnpt_absent"))
        or [mark["mark"] for mark in unit.get("marks") or ()] != [mark["mark"] for mark in one["marks"]]
        for unit, one in zip(product["exemplars"], told["exemplars"], strict=True)
    )


def _faults(product: Native) -> Iterator[tuple[str, str]]:
    for unit in product["exemplars"]:
        for mark in unit.get("marks") or ():
            for code in mark.get("error_codes") or ():
                shown = f"the code {mask(mark['mark'])} of SKU {product['product_id']} ({hide(code, [mark['mark']])})"
                yield hide(code, [mark["mark"]]), shown
        for kind in ("gtd", "rnpt", "weight"):
            for code in unit.get(f"{kind}_error_codes") or ():
                yield code, f"the {kind} of SKU {product['product_id']} ({code})"


def _checking(products: Iterable[Native]) -> bool:
    return any(
        mark.get("check_status") == "processing"
        for product in products
        for unit in product["exemplars"]
        for mark in unit.get("marks") or ()
    )


def _all(marks: Marks) -> list[str]:
    return [code for codes in marks.values() for code in codes]

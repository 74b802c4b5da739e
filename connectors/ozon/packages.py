"""Assembling: which goods go into which package, and which are in none and so are cancelled.

Ozon takes a shipment only if its packages hold all that the posting still holds, each product by its SKU in a
field that is called ``product_id``. So what is left out is cancelled first, and nothing is packed by guess.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from obmen.errors import Refused
from obmen.records import Native

Packages = Sequence[Mapping[str, Any]]
"""``packages`` of a payload: {products: [{offer_id, quantity, marks}], tracking_number}."""


def held(part: Native) -> Counter[str]:
    """Return article → how many of it a posting holds."""
    found: Counter[str] = Counter()
    for product in part["products"]:
        found[product["offer_id"]] += product["quantity"]
    return found


def packed(packages: Packages) -> Counter[str]:
    """Return article → how many of it lie in all packages together."""
    found: Counter[str] = Counter()
    for package in packages:
        for product in package["products"]:
            found[product["offer_id"]] += product["quantity"]
    return found


def left_out(part: Native, packages: Packages) -> list[Native]:
    """Return the goods of a posting that lie in no package, as ``items`` of a cancellation.

    Raises Refused if a package holds what the posting does not.
    """
    there, wanted = held(part), packed(packages)
    strange = [offer_id for offer_id, quantity in wanted.items() if quantity > there[offer_id]]
    if strange:
        told = ", ".join(f"{wanted[one]} of {one} where it holds {there[one]}" for one in strange)
        raise Refused(f"The packages hold more than the posting: {told}.", code="packages_differ", field="packages")
    skus = sku_of(part)
    return [{"sku": skus[one], "quantity": there[one] - wanted[one]} for one in there if there[one] > wanted[one]]


def shipment(part: Native, packages: Packages) -> list[Native]:
    """Return the ``packages`` of ``PostingAPI_ShipFbsPostingV4``; without any, everything is in one."""
    skus = sku_of(part)
    chosen = packages or [{"products": part["products"]}]
    made = []
    for package in chosen:
        quantities: Counter[int] = Counter()
        for product in package["products"]:
            quantities[skus[product["offer_id"]]] += product["quantity"]
        made.append({"products": [{"product_id": sku, "quantity": many} for sku, many in quantities.items()]})
    return made


def sku_of(part: Native) -> dict[str, int]:
    """Return article → SKU of what a posting holds."""
    return {product["offer_id"]: int(product["sku"]) for product in part["products"]}

"""What is left of a price: fees of the channel, VAT and the cost; and the least price that leaves enough.

VAT is taken to be within the price that the buyer pays, on the whole of it, at the product's rate: of 1200 at 20 %
it is 200. Nothing is taken off for VAT within the cost and the fees: who deducts it gives them without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from obmen.entities import Product
from obmen.entities.product import Vat
from obmen.rules.rounding import Rounding

_WHOLE = Decimal(100)
_KOPECK = Decimal("0.01")
_SHARE = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Fees:
    """What a sale costs in a channel: shares of the price (0.15 is 15 %) and ``logistics`` per unit.

    ``vat`` is the rate of products that do not tell their own.
    """

    commission: Decimal = Decimal(0)
    acquiring: Decimal = Decimal(0)
    logistics: Decimal = Decimal(0)
    vat: Vat = "none"


@dataclass(frozen=True, slots=True)
class Margin:
    """Where the money of one unit goes. Amounts are rounded to kopecks, ``share`` (of the revenue) to 0.01 %.

    ``revenue`` less all between is ``profit``, to the kopeck.
    """

    revenue: Decimal
    commission: Decimal
    acquiring: Decimal
    logistics: Decimal
    vat: Decimal
    cost: Decimal
    profit: Decimal
    share: Decimal


def vat_percent(fees: Fees, product: Product | None) -> Decimal:
    """Return the rate in percent: the product's own where it tells one; none counts as zero."""
    rate = product.vat if product is not None and product.vat is not None else fees.vat
    return Decimal(0) if rate == "none" else Decimal(rate)


def least_price(fees: Fees, cost: Decimal, share: Decimal, vat: Decimal, allowed: Rounding) -> Decimal | None:
    """Return the least allowed price p that leaves ``share`` of itself, or None if none does.

    p − p·commission − p·acquiring − logistics − p·vat/(100 + vat) − cost ≥ p·share, both sides times 100 + vat.
    """
    left = (1 - fees.commission - fees.acquiring - share) * (_WHOLE + vat) - vat
    if left <= 0:
        return None
    return allowed.least((fees.logistics + cost) * (_WHOLE + vat), left)


def margin_of(fees: Fees, price: Decimal, cost: Decimal, vat: Decimal) -> Margin:
    """Return what becomes of a price."""
    commission, acquiring = _kopecks(price * fees.commission), _kopecks(price * fees.acquiring)
    tax = _kopecks(price * vat / (_WHOLE + vat))
    profit = price - commission - acquiring - fees.logistics - tax - cost
    share = (profit / price).quantize(_SHARE, ROUND_HALF_UP) if price else Decimal(0)
    return Margin(price, commission, acquiring, fees.logistics, tax, cost, profit, share)


def _kopecks(amount: Decimal) -> Decimal:
    return amount.quantize(_KOPECK, ROUND_HALF_UP)

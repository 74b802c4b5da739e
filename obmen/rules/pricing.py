"""The seller's rules of prices: from the source's price to what one channel is told, step by step.

A slip in such a formula sells thousands of orders at a loss within minutes, so it stands here once, exact and without
memory: the same prices give the same answer, and what falls below its cost is held or raised, whatever led to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Any

from pydantic import ValidationError

from obmen.entities import Price, Product
from obmen.entities.base import plain
from obmen.errors import Refused
from obmen.rules.costs import Margin, least_price, margin_of, vat_percent
from obmen.rules.habits import PriceHabits, after_discount, before_discount, whole_discount
from obmen.rules.pricing_terms import Aside, Floor, Pricing, Rule, Terms
from obmen.rules.rounding import Rounding
from obmen.rules.steps import Step

__all__ = ["Aside", "Floor", "Priced", "Pricing", "Rule", "Terms", "margin", "price"]

_DIGITS = 60
"""Enough for every product of amounts and shares to be exact."""
_KOPECKS = Rounding()
_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Priced:
    """What a channel is told, the steps to it, and why a person must look before it is sent ("" if nobody must).

    Steps are named: ``price``, ``markup`` or ``rule``, ``round``, ``floor`` (the least price), ``raised``, ``old``,
    ``min``, and ``channel`` for what the channel's own rules made of it; each with the amount after it.
    """

    record: Price
    steps: tuple[Step, ...]
    held: str = ""


def price(
    rules: Pricing,
    channel: str,
    base: Price,
    others: Mapping[str, Price],
    product: Product | None,
    habits: PriceHabits,
) -> Priced:
    """Return what a channel is told of a price. ``others``: price type → price of the same SKU.

    Raises Refused for a record for which there is no answer: another currency (``currency``), no price of the type
    that the channel sells at (``price_type``), more than a price can be (``amount``).
    """
    terms = rules.of(channel)
    start = base
    if terms.price_type:
        if terms.price_type not in others:
            message = f"'{base.sku}' has no price of the type '{terms.price_type}', at which '{channel}' sells."
            raise Refused(message, code="price_type", field="price_type")
        start = others[terms.price_type]
    for one in (start, *(others[name] for name in terms.price_types if name in others)):
        if one.currency != rules.currency:
            message = (
                f"The price of '{one.sku}' of the type '{one.price_type}' is in {one.currency}, and the rules of "
                f"prices are in {rules.currency}. Mend the price, or say currency: in pricing:."
            )
            raise Refused(message, code="currency", field="currency")
    case = _Case(channel, terms, start, others, product, habits)
    with localcontext(prec=_DIGITS):
        record = _record(base, start, channel, case.told())
    return Priced(record, tuple(case.steps), "; ".join(case.held))


def _record(base: Price, start: Price, channel: str, told: Mapping[str, Decimal]) -> Price:
    fields: dict[str, Any] = {"sku": base.sku, "price_type": base.price_type, "currency": base.currency, **told}
    if start.valid_from is not None:
        fields["valid_from"] = start.valid_from
    try:
        return Price(**fields)
    except ValidationError as error:
        message = f"The price of '{base.sku}' would be {told['amount']:f} in '{channel}', which is no price."
        raise Refused(message, code="amount", field="amount") from error


def margin(rules: Pricing, channel: str, price: Decimal, cost: Decimal, product: Product | None) -> Margin:
    """Return what becomes of the price of one unit in a channel."""
    fees = rules.of(channel).fees
    with localcontext(prec=_DIGITS):
        return margin_of(fees, price, cost, vat_percent(fees, product))


@dataclass(slots=True)
class _Case:
    """One price on its way to one channel."""

    channel: str
    terms: Terms
    start: Price
    others: Mapping[str, Price]
    product: Product | None
    habits: PriceHabits
    steps: list[Step] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    rounding: Rounding = _KOPECKS

    def told(self) -> dict[str, Decimal]:
        """Return the amounts that the channel is told."""
        amount = self._marked_up()
        if amount <= 0:
            self.held.append("the price is 0")
            return {"amount": amount}
        amount = self._rounded(amount)
        floor = self._floor()
        if floor is not None and amount < floor:
            amount = self._below(amount, floor)
        amount, old = self._crossed_out(amount)
        least = self._minimum(amount, floor)
        found = {"amount": amount, "old_amount": old, "min_amount": least}
        return {name: value for name, value in found.items() if value is not None}

    def _step(self, name: str, amount: Decimal, note: str = "") -> None:
        self.steps.append(Step(name, plain(amount), note))

    # -- the price itself

    def _marked_up(self) -> Decimal:
        self._step("price", self.start.amount, self.start.price_type)
        rule = self._rule()
        if rule is not None and rule.amount is not None:
            self._step("rule", rule.amount, rule.name)
            return rule.amount
        self.rounding = self.terms.round or _KOPECKS
        markup = self.terms.markup if rule is None else rule.markup
        amount = self.start.amount * (1 + markup)
        if rule is not None:
            self._step("rule", amount, f"{rule.name}: {_percent(markup):+f} %")
        elif markup:
            self._step("markup", amount, f"{_percent(markup):+f} %")
        return amount

    def _rule(self) -> Rule | None:
        for rule in self.terms.rules:
            if rule.skus and self.start.sku not in rule.skus:
                continue
            if rule.needs_product and self.product is None:
                self.held.append(f"the product is not known, and {rule.name} asks for its brand or category")
                return None
            if self.product is None or _fits(rule, self.product):
                return rule
        return None

    def _rounded(self, amount: Decimal) -> Decimal:
        rounded = self.rounding.of(amount)
        if rounded != amount:
            self._step("round", rounded, str(self.rounding))
        taken = Rounding(self.habits.step, self.rounding.way).of(rounded)
        if taken != rounded:
            self._step("channel", taken, f"{self.channel} takes multiples of {self.habits.step:f}")
        return taken

    # -- the least price

    def _floor(self) -> Decimal | None:
        """Return the least price that leaves enough; None without such a rule, or where it cannot be told."""
        floor, terms = self.terms.floor, self.terms
        if floor is None:
            return None
        cost = self.others[terms.cost].amount if terms.cost in self.others else _NOTHING
        if not cost:
            self.held.append(f"its cost is not known: there is no price of the type '{terms.cost}', or it is 0")
            return None
        vat = vat_percent(terms.fees, self.product)
        least = least_price(terms.fees, cost, floor.margin, vat, Rounding(self.habits.step))
        if least is None:
            self.held.append("commission, acquiring, VAT and margin take all of any price")
            return None
        fees = terms.fees
        words = [
            f"cost {cost:f}",
            f"logistics {fees.logistics:f}",
            f"commission {_percent(fees.commission):f} %",
            f"acquiring {_percent(fees.acquiring):f} %",
            f"VAT {vat:f} % within the price",
            f"margin {_percent(floor.margin):f} %",
        ]
        self._step("floor", least, ", ".join(words))
        return least

    def _below(self, amount: Decimal, floor: Decimal) -> Decimal:
        if self.terms.floor is not None and self.terms.floor.below == "raise":
            raised = Rounding(self.habits.step).least(self.rounding.least(floor))
            self._step("raised", raised, f"{plain(amount):f} is below the floor")
            return raised
        self.held.append(
            f"the price {plain(amount):f} is below {plain(floor):f}, the least that covers the cost, the fees and "
            "the margin"
        )
        return amount

    # -- what stands beside it

    def _crossed_out(self, amount: Decimal) -> tuple[Decimal, Decimal | None]:
        """Return the price and what is crossed out; in whole percents both give way by less than a unit."""
        old = self._aside("old", self.terms.old, amount, self.start.old_amount)
        if old is None:
            return amount, None
        habits, channel = self.habits, self.channel
        old = Rounding(habits.old_step, "up").of(old)
        if old <= amount:
            return self._left_out(amount, old, "it is not above the price")
        if habits.whole_percent:
            percent = whole_discount(amount, old)
            if not percent:
                return self._left_out(amount, old, f"{channel} takes discounts in whole percents")
            old = before_discount(amount, percent)
            sold = after_discount(old, percent)
        else:
            percent, sold = 0, amount
        if habits.near(sold, old):
            return self._left_out(amount, old, f"{channel} wants it further above the price")
        if habits.deep(sold, old):
            return self._left_out(amount, old, f"{channel} takes no discount so deep")
        self._step("old", old)
        if sold != amount:
            self._step("channel", sold, f"{channel} takes a whole percent: {old:f} − {percent} %")
        return sold, old

    def _left_out(self, amount: Decimal, old: Decimal, reason: str) -> tuple[Decimal, None]:
        self._step("old", old, f"left out: {reason}")
        return amount, None

    def _minimum(self, amount: Decimal, floor: Decimal | None) -> Decimal | None:
        least = self._aside("min", self.terms.min, amount, self.start.min_amount)
        if least is None:
            return None
        up = Rounding(self.habits.step, "up")
        least = up.of(least)
        self._step("min", least)
        if floor is not None and least < floor <= amount:
            least = floor
            self._step("min", least, "not below the floor")
        share = self.habits.least_min
        if share is not None and least < amount * share:
            least = up.of(amount * share)
            self._step("channel", least, f"{self.channel} takes no minimum below {_percent(share):f} % of the price")
        if least > amount:
            self.held.append(f"the price {plain(amount):f} is below the minimum price {plain(least):f}")
            return amount
        return least

    def _aside(self, name: str, rule: Aside | None, amount: Decimal, told: Decimal | None) -> Decimal | None:
        """Return what a price beside the price is before the channel's own rules; ``told``: by the source itself."""
        found: Decimal | None
        if rule is None:
            found = told
        elif not rule.price_type:
            found = self.rounding.of(amount * (1 + rule.markup))
        else:
            other = self.others.get(rule.price_type)
            found = other.amount if other is not None else None
            if not found:
                self._step(name, _NOTHING, f"left out: there is no price of the type '{rule.price_type}'")
        return found or None


def _fits(rule: Rule, product: Product) -> bool:
    if rule.brands and (product.brand or "").casefold() not in rule.brands:
        return False
    return not rule.categories or any(level.casefold() in rule.categories for level in product.category or ())


def _percent(share: Decimal) -> Decimal:
    return plain(share * 100)

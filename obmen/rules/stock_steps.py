"""The steps in which the number of a stock came about, in the order in which they are taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from obmen.rules.available import Left, Stocks, left_of, portion, warehouses_of
from obmen.rules.steps import Step
from obmen.rules.stock import Allocation, Service
from obmen.rules.wanted import at_most


def steps_of(
    service: Service,
    sku: str,
    pool: str,
    free: Stocks,
    taken: Mapping[str, Decimal],
    wanted: Mapping[str, int],
    told: Mapping[str, int],
) -> tuple[Step, ...]:
    """Return each step with the number after it; the notes tell by how much it moved, and why.

    What concerns all channels comes first: ``free`` (on hand), ``orders``, ``safety``, ``kits`` (the rest is for
    kits with it), ``whole``, ``stop``. A kit begins with ``part:SKU/free`` and so on to ``part:SKU/kit`` of each
    part, and ``kit``. Then follow, per channel, the steps that changed its number: ``channel:NAME/stop``,
    ``…/safety``, ``…/most``, ``…/share``, ``…/last``, ``…/split``, ``…/wait``, and ``…/told``, what it is told.
    """
    rules = service.rules
    parts = rules.kits.get(sku)
    steps: list[Step] = []
    if parts is None:
        one = left_of(rules, sku, pool, free, taken)
        steps += _of_one(rules, sku, pool, sku, free, one, "")
        units, whole = int(portion(rules, sku, sku, one.free)), int(one.left)
    else:
        kits, before = {}, []
        for part, quantity in parts.items():
            one = left_of(rules, part, pool, free, taken)
            steps += _of_one(rules, part, pool, sku, free, one, f"part:{part}/")
            kits[part] = int(portion(rules, part, sku, one.free) // quantity)
            before.append(int(one.left // quantity))
            steps.append(Step(f"part:{part}/kit", Decimal(kits[part]), f"{quantity} in one kit"))
        units, whole = min(kits.values()), min(before)
        fewest = ", ".join(part for part, number in kits.items() if number == units)
        steps.append(Step("kit", Decimal(units), f"as many as {fewest} allows"))
    if units and sku in rules.stop:
        steps.append(Step("stop", Decimal(0), "on the stop list"))
    for place, name in enumerate(service.order):
        steps += _of_channel(service, place, sku, units, whole, wanted[name], told[name])
    return tuple(steps)


def _of_one(rules: Allocation, part: str, pool: str, sku: str, free: Stocks, one: Left, prefix: str) -> Iterator[Step]:
    stock = free.get(part, {})
    there = ", ".join(f"{name} {stock[name]}" for name in warehouses_of(rules, pool) if name in stock)
    first = "the first that has any of " if pool in rules.pools and rules.pools[pool].take == "first" else ""
    yield Step(f"{prefix}free", one.there, f"{first}{there}" if there else "in none of its warehouses")
    if one.gone:
        yield Step(f"{prefix}orders", one.left, f"orders took {one.gone} that the source does not count yet")
    if one.free != one.left:
        kept = rules.safety
        why = (
            f"{kept} kept back"
            if one.left * rules.safety_share <= kept
            else f"{_percent(rules.safety_share)} kept back"
        )
        yield Step(f"{prefix}safety", one.free, why)
    number = Decimal(portion(rules, part, sku, one.free))
    if number != one.free and (names := rules.sold_as.get(part, ())) and not rules.oversell and len(names) > 1:
        yield Step(f"{prefix}kits", number, f"sold as {', '.join(names)}, and promised once")
    if not prefix and number != int(number):
        yield Step("whole", Decimal(int(number)), "whole units")


def _of_channel(
    service: Service, place: int, sku: str, units: int, whole: int, wanted: int, told: int
) -> Iterator[Step]:
    at = f"channel:{service.order[place]}"
    number = 0 if sku in service.rules.stop else units
    for name, limit, note in _limits(service, place, sku, units, whole):
        if limit < number:
            number = limit
            yield Step(f"{at}/{name}", Decimal(number), note)
    if wanted < number:
        number = wanted
        if units <= service.rules.last:
            yield Step(f"{at}/last", Decimal(number), f"{service.rules.last} or fewer are shown in one channel only")
        else:
            yield Step(f"{at}/split", Decimal(number), _split(service, place, units))
    if told != number:
        yield Step(f"{at}/wait", Decimal(told), f"{number} once the others no longer show them")
    yield Step(f"{at}/told", Decimal(told))


def _limits(service: Service, place: int, sku: str, units: int, whole: int) -> Iterator[tuple[str, int, str]]:
    if sku in service.stop[place]:
        yield "stop", 0, "on the channel's stop list"
    safety, most, share = service.safety[place], service.most[place], service.shares[place]
    if safety is not None:
        yield "safety", max(0, int(whole - safety)), f"{safety} kept back in this channel"
    if most is not None:
        yield "most", most, f"at most {most}"
    if service.rules.oversell and share != service.scale:
        yield "share", at_most(service, place, units, whole), f"{_of(service, place)} of {units}, rounded up"


def _split(service: Service, place: int, units: int) -> str:
    if service.turns:
        before = ", ".join(service.order[:place])
        return f"what {before} left of {units}" if before else f"of {units}"
    return f"{_of(service, place)} of {units}"


def _of(service: Service, place: int) -> str:
    whole = sum(service.shares)
    return _percent(Decimal(service.shares[place]) / whole) if whole else "0%"


def _percent(share: Decimal) -> str:
    return f"{(share * 100).quantize(Decimal('0.1')).normalize():f}%"

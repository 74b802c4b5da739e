"""Values that codecs are made for, records that mappings should carry, and junk that none should fear."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from obmen.mapping.canonical import fields_of
from obmen.mapping.rules import Rule, Scope
from obmen.mapping.values import BadValue

ZONE = ZoneInfo("Europe/Moscow")

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
_NAMES = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12)


def _decimals(places: int, largest: int = 10**9) -> st.SearchStrategy[Decimal]:
    return st.decimals(0, largest, places=places, allow_nan=False, allow_infinity=False)


def _unambiguous(moment: datetime) -> bool:
    """Whether the local time in ZONE names one moment only."""
    local = moment.astimezone(ZONE).replace(tzinfo=None)
    return local.replace(fold=0, tzinfo=ZONE).utcoffset() == local.replace(fold=1, tzinfo=ZONE).utcoffset()


_FIRST, _LAST = datetime(1900, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
_MOMENTS = st.datetimes(_FIRST.replace(tzinfo=None), _LAST.replace(tzinfo=None), timezones=st.just(UTC))
_WHOLE = st.integers(0, 10**9).map(Decimal)
_PARTS = _TEXTS.map(str.strip).filter(lambda text: text and ";" not in text)

_PHONES = st.integers(9_000_000_000, 9_999_999_999).map("+7{}".format)

DOMAINS: dict[str, st.SearchStrategy[Any]] = {
    "text": _TEXTS,
    "decimal": _decimals(6),
    "money_string": _decimals(2),
    "number": _decimals(6),
    "integer": _WHOLE,
    "integer_string": _WHOLE,
    "comma_decimal": _decimals(4),
    "floor_zero": st.nothing(),
    "percent": _decimals(6),
    "kg_g": _decimals(3),
    "mm": _WHOLE,
    "cm_mm": _decimals(4),
    "m_mm": _decimals(4),
    "integer_id": st.integers(0, 10**19).map(str),
    "guid": st.uuids().map(str).filter(lambda guid: set(guid) != {"0", "-"}),
    "boolean": st.booleans(),
    "boolean_string": st.booleans(),
    "utc": _MOMENTS,
    "local_time": _MOMENTS.map(lambda moment: moment.replace(microsecond=0)).filter(_unambiguous),
    "date": st.dates(),
    "midnight": st.dates().filter(lambda day: day.year > 1),
    "phone": _PHONES,
    "phones": st.lists(_PHONES, max_size=3, unique=True).map(tuple),
    "list": st.lists(_TEXTS, max_size=4).map(tuple),
    "joined": st.lists(_PARTS, min_size=1, max_size=4).map(tuple),
    "map": st.dictionaries(_NAMES, _TEXTS, max_size=4),
}
"""The canonical values that each codec promises to bring back, by its name."""

JUNK: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.decimals()
    | st.sampled_from([10**4000, Decimal("sNaN"), "1e999999", "0001-01-01T00:00:00", "٣", "9" * 5000, b"bytes"])
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
"""Whatever a peer may send one day."""


def _fits(rule: Rule, value: Any) -> bool:
    try:
        return bool(rule.field.valid(value) == value)
    except BadValue:
        return False


@cache
def values(rule: Rule) -> st.SearchStrategy[Any]:
    """Canonical values that the rule should carry both ways. Made once: that takes longer than to draw one."""
    if rule.each is not None:
        return st.lists(records(rule.each, every_required=True), min_size=1, max_size=3).map(tuple)
    if rule.table is not None:
        carried = list(rule.table.carried)
        return st.sampled_from(carried) if carried else st.nothing()
    if rule.field.choices:
        return st.sampled_from(rule.field.choices)
    if rule.field.name == "currency":
        return st.text("ABCRUSD", min_size=3, max_size=3)
    if rule.codec is None:
        return st.nothing()
    domain = DOMAINS[rule.codec.name]
    if rule.codec.kind == "number":
        domain = _WHOLE if domain is _WHOLE else _decimals(2)
    return domain.filter(lambda value: _fits(rule, value))


@st.composite
def records(draw: st.DrawFn, scope: Scope, *, every_required: bool = False) -> dict[str, Any]:
    """Nested canonical values: every required field that push writes, and some of the others."""
    required = {name for name, field in fields_of(scope.model).items() if field.required}
    found: dict[str, Any] = {}
    done: set[str] = set()
    for rule in scope.rules:
        if not rule.pushes or rule.expression is not None or rule.name in done:
            continue
        done.add(rule.name)
        if (rule.name in required and every_required) or draw(st.booleans()) or rule.each is not None:
            target = found
            for step in rule.field.steps[:-1]:
                target = target.setdefault(step, {})
            target[rule.field.steps[-1]] = draw(values(rule))
    return found

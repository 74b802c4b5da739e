"""Whole mappings, made up: what push writes, pull reads back; junk is refused; no input is changed."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from obmen.entities import ENTITIES, Product, Record
from obmen.errors import Refused
from obmen.mapping import BoundMapping, Context, NotCarried, Unresolved, dump_mapping, parse_mapping
from obmen.mapping.canonical import CanonicalField, field_of, fields_of, normalise
from obmen.mapping.codecs import CODECS
from obmen.mapping.selftest import RoundTrip
from obmen.mapping.yaml import write_yaml

from .mapping_strategies import JUNK, ZONE, records

STEPS = st.text(st.characters(categories=["L", "Nl", "Pd", "Zs"]), min_size=1, max_size=8).filter(
    lambda step: step == step.strip() and step.isprintable()
)
NATIVES = st.text(min_size=1, max_size=5) | st.integers(-5, 99) | st.booleans()
NESTED = {"order": ["customer.name", "customer.phone", "delivery.kind", "delivery.cost", "delivery.ship_by"]}
CONTEXT = Context("made", {"warehouses": {"Основной": 1}}, ZONE)


@st.composite
def rules(draw: st.DrawFn, field: CanonicalField, path: str) -> Any:
    """One line of a mapping for a field."""
    if field.kind == "parts" and field.model is not None:
        inner = [item for item in fields_of(field.model).values() if item.required or draw(st.booleans())]
        return {"path": path, "each": {item.name: draw(rules(item, f"n{n}")) for n, item in enumerate(inner)}}
    if field.name == "currency" or (field.kind == "text" and not field.choices and draw(st.booleans())):
        return path
    if field.choices or (field.kind in ("text", "boolean") and draw(st.booleans())):
        keys = field.choices or (("true", "false") if field.kind == "boolean" else ("a", "b", "c"))
        natives = draw(st.lists(NATIVES, min_size=len(keys), max_size=len(keys), unique_by=repr))
        return {"path": path, "table": dict(zip(keys, natives, strict=True))}
    fitting = [codec for codec in CODECS.values() if codec.kind == field.kind and codec.push is not None]
    rule: dict[str, Any] = {"path": path, "as": draw(st.sampled_from([codec.name for codec in fitting]))}
    if draw(st.booleans()):
        rule["path"] = [path, f"{path}§"]
    if rule["as"] in ("money_string", "decimal") and draw(st.booleans()):
        rule["when_absent"] = "0"
    elif draw(st.booleans()):
        rule["empty"] = "keep"
    return rule


@st.composite
def mappings(draw: st.DrawFn) -> BoundMapping:
    """A mapping of any entity with any of its fields, on paths of its own."""
    model = ENTITIES[draw(st.sampled_from(sorted(ENTITIES)))]
    wanted = [field for field in fields_of(model).values() if field.required or draw(st.booleans())]
    wanted = [field for field in wanted if field.kind != "part"]
    wanted += [field_of(model, name) for name in NESTED.get(model.entity, ()) if draw(st.booleans())]
    bases = draw(st.lists(STEPS, min_size=len(wanted), max_size=len(wanted), unique=True))
    tails = [draw(st.sampled_from(["", ".вложено", ".0", ".a.1.b"])) for _ in wanted]
    fields = {
        field.name: draw(rules(field, base + tail)) for field, base, tail in zip(wanted, bases, tails, strict=True)
    }
    assume(len({base.rstrip() for base in bases}) == len(bases))
    text = write_yaml({"entity": model.entity, "fields": fields})
    try:
        return parse_mapping(text).bind(CONTEXT)
    except Exception as error:
        error.add_note(text)
        raise


@given(st.data())
def test_what_push_writes_pull_reads_back(data: st.DataObject) -> None:
    bound = data.draw(mappings())
    values = data.draw(records(bound.scope, every_required=True))
    assert RoundTrip(bound)(normalise(bound.spec.model, values)) == [], bound.source_code


@given(st.data())
def test_junk_is_refused_and_nothing_worse(data: st.DataObject) -> None:
    bound = data.draw(mappings())
    native = data.draw(st.dictionaries(st.text(max_size=5), JUNK, max_size=3))
    for rule in bound.scope.rules:
        if data.draw(st.booleans()):
            native[str(rule.paths[0][0])] = data.draw(JUNK | st.lists(st.dictionaries(st.just("n0"), JUNK)))
    before = copy.deepcopy(native)
    outcomes = []
    for _ in range(2):
        try:
            outcomes.append(repr(bound.pull(native, {})))
        except (Refused, NotCarried, Unresolved) as error:
            outcomes.append(repr(error))
    assert repr(native) == repr(before)
    assert outcomes[0] == outcomes[1]
    bound.pull_refs(native)


@settings(max_examples=40)
@given(mappings())
def test_a_dumped_mapping_means_the_same(bound: BoundMapping) -> None:
    mapping = parse_mapping(write_yaml(bound.spec.document.data))
    again = parse_mapping(dump_mapping(mapping))
    assert again.version == mapping.version == bound.spec.digest
    assert again.bind(CONTEXT).source_code == bound.source_code


@given(st.data())
def test_push_is_pure_and_keeps_the_order_of_the_file(data: st.DataObject) -> None:
    bound = data.draw(mappings())
    values = normalise(bound.spec.model, data.draw(records(bound.scope, every_required=True)))
    record: Record = bound.spec.model.model_construct(**{**dict.fromkeys(bound.spec.model.model_fields), **values})
    assume(not any(isinstance(value, dict | tuple) for value in values.values()) or isinstance(record, Product))
    try:
        first, second = (bound.push(record, {}, {}) for _ in range(2))
    except (Refused, NotCarried):
        return
    assert repr(first) == repr(second)
    order = [str(rule.paths[0][0]) for rule in bound.scope.rules]
    assert list(first) == [name for name in dict.fromkeys(order) if name in first]

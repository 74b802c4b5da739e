"""What the engine relies on: purity, versions that change with the results, code that can be read."""

from __future__ import annotations

import copy
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from obmen.entities import Product
from obmen.errors import ConfigurationError
from obmen.mapping import Context, dump_mapping, load_mapping, parse_mapping
from obmen.mapping.yaml import write_yaml

TEXT = """\
entity: stock
fields:
  sku: offer_id
  warehouse: { path: warehouse_id, table: warehouses }
  available: { path: stock, as: integer }
tests:
  - { native: { offer_id: A, warehouse_id: 1, stock: 2 }, canonical: { sku: A } }
"""
OPTIONS = {"warehouses": {"Основной": 1}, "other": 5}


def version(text: str) -> bytes:
    return parse_mapping(text).version


def test_the_version_is_the_same_for_the_same_meaning() -> None:
    comments = "# a remark\n" + TEXT.replace("sku: offer_id", "sku:   'offer_id'   # the seller's own")
    reordered = TEXT.replace("entity: stock\n", "") + "entity: stock\n"
    untested = TEXT[: TEXT.index("tests:")]
    assert version(TEXT) == version(comments) == version(reordered) == version(untested)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("offer_id\n", "offer\n"),
        ("as: integer", "as: number"),
        ("table: warehouses", "table: { a: 1 }"),
        ("stock, as: integer", "stock, as: integer, when_absent: 0"),
        ("entity: stock", "entity: stock\nonly: pull"),
        ("fields:", "fixed: { a: 1 }\nfields:"),
        ("fields:", 'fixed: { a: "1" }\nfields:'),
        ("fields:", "fixed: { a: true }\nfields:"),
    ],
)
def test_the_version_changes_with_the_meaning(old: str, new: str) -> None:
    assert version(TEXT.replace(old, new, 1)) != version(TEXT)


def test_numbers_texts_and_yes_no_have_versions_of_their_own() -> None:
    values = ("1", '"1"', "true", "1.0", "~")
    assert len({version(TEXT + f"fixed: {{ a: {value} }}\n") for value in values}) == len(values)


def test_the_version_is_stable_between_runs() -> None:
    code = f"from obmen.mapping import parse_mapping; print(parse_mapping({TEXT!r}).version.hex())"
    environment = {"PYTHONHASHSEED": "7", "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == version(TEXT).hex() == "ff019879ecb23a21f2ae2bce5456d7d2"


def test_the_bound_version_covers_what_the_connection_decides() -> None:
    mapping = parse_mapping(TEXT)
    here = mapping.bind(Context("ozon", OPTIONS)).version
    assert mapping.bind(Context("other", {**OPTIONS, "other": 6})).version == here
    assert mapping.bind(Context("ozon", {"warehouses": {"Основной": 2}})).version != here
    local = parse_mapping("entity: price\nonly: push\nfields:\n  valid_from: { path: a, as: local_time }\n")
    zones = [local.bind(Context("ut", zone=ZoneInfo(name))).version for name in ("Europe/Moscow", "Asia/Omsk")]
    assert zones[0] != zones[1]
    named = parse_mapping("entity: order_status\nfields:\n  channel: { value: connection }\n  number: n\n  status: s\n")
    assert named.bind(Context("a")).version != named.bind(Context("b")).version


def test_pull_and_push_leave_what_they_are_given_as_it_was() -> None:
    text = "entity: product\nfields:\n  sku: id\n  barcodes: codes\n  attributes: a.b\n  name: rows.0.x\n"
    mapping = parse_mapping(text).bind(Context("x"))
    native = {"id": "A", "codes": ["1"], "a": {"b": {"k": "v"}}, "rows": [{"x": "y"}]}
    before = copy.deepcopy(native)
    record = Product.model_validate(mapping.pull(native, {}))
    mapping.pull_refs(native)
    payload = mapping.push(record, {}, {})
    assert payload == native == before
    payload["codes"].append("2")
    payload["a"]["b"]["k"] = "w"
    assert record.barcodes == ("1",)
    assert record.attributes == {"k": "v"}
    assert list(payload) == ["id", "codes", "a", "rows"]


def test_what_runs_can_be_read() -> None:
    mapping = parse_mapping(TEXT, "mappings/ozon/stock.yaml").bind(Context("ozon", OPTIONS))
    assert "# stock of the connection 'ozon', from 'mappings/ozon/stock.yaml'" in mapping.source_code
    lines = [line.strip() for line in mapping.source_code.splitlines()]
    start = lines.index("# available ← stock, as integer")
    assert lines[start + 1 : start + 5] == [
        'at = "available"',
        'value = native.get("stock")',
        'if value is not None and value != "":',
        'out["available"] = integer_in(value)',
    ]


def test_a_file_cannot_bring_code() -> None:
    hostile = ['a"); import os; x = ("', "#'; raise SystemExit", "'" * 3, '"' * 3 + "\nimport os"]
    fields = {
        "sku": hostile[0],
        "name": {"expr": "'a\n    import os'", "path": hostile[1], "only": "push"},
        "vat": {"path": hostile[2], "table": {"10": hostile[3]}},
        f"attributes.{hostile[0]}": {"path": "attribute", "table": {"v": 1}},
    }
    mapping = parse_mapping(write_yaml({"entity": "product", "fields": fields}), "a\nimport os.yaml")
    bound = mapping.bind(Context("b\nimport os"))
    record = Product(sku="S", vat="10", attributes={hostile[0]: "v"})
    assert bound.push(record, {}, {}) == {
        hostile[0]: "S",
        hostile[1]: "a\n    import os",
        hostile[2]: hostile[3],
        "attribute": 1,
    }
    assert not any(line.strip().startswith("import") for line in bound.source_code.splitlines())


def test_a_dumped_mapping_means_the_same(tmp_path: Path) -> None:
    mapping = parse_mapping(TEXT)
    file = tmp_path / "stock.yaml"
    file.write_text(dump_mapping(mapping), "utf-8")
    again = load_mapping(file)
    assert again.version == mapping.version
    assert again.spec.tests[0].native == mapping.spec.tests[0].native
    assert again.source == str(file)


def test_what_push_carries() -> None:
    text = """\
    entity: order
    only: push
    fields:
      number: n
      delivery.address: a
      lines: { path: p, each: { sku: s, name: { path: t } } }
    """
    assert parse_mapping(text).bind(Context("x")).carries == {
        "number", "delivery", "delivery.address", "lines", "lines.sku", "lines.name",
    }  # fmt: skip


def test_a_direction_that_was_not_asked_for_is_not_done() -> None:
    mapping = parse_mapping(TEXT)
    pull = mapping.bind(Context("ozon", OPTIONS), only="pull")
    assert (pull.pulls, pull.pushes, pull.carries) == (True, False, frozenset())
    with pytest.raises(ConfigurationError, match="does not push"):
        pull.push(Product(sku="A"), {}, {})

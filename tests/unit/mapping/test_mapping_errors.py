"""Every mistake in a mapping file is found when it is loaded, with its line and the word that was meant."""

from __future__ import annotations

import pytest

from obmen.errors import ConfigurationError
from obmen.mapping import Context, parse_mapping

PRICE = """\
entity: price
fields:
  sku: offer_id
  price_type: { fixed: base }
  currency: currency_code
"""
STOCK = """\
entity: stock
fields:
  sku: offer_id
  warehouse: { path: warehouse_id, table: warehouses }
"""
ORDER = """\
entity: order
only: push
fields:
  number: posting_number
"""

CASES = [
    ("", 1, "a mapping is a set of words (entity, "),
    ("- 1\n", 1, "a mapping is a set of words"),
    ("entity: price\nfeilds: {}\n", 2, "a mapping has no word 'feilds'. Did you mean 'fields'?"),
    ("entity: prise\nfields: {}\n", 1, "not 'prise'. Did you mean 'price'?"),
    ("fields: {}\n", 1, "`entity` is one of Obmen's, not None"),
    ("entity: price\n", 1, "a mapping needs `fields`"),
    ("entity: price\nfields:\n", 2, "this is where fields stand"),
    ("entity: price\nfields: {}\n", 2, "this is where fields stand"),
    (PRICE + "  amout: price\n", 6, "price has no field 'amout'. Did you mean 'amount'?"),
    (PRICE + "  1: price\n", 6, "1 is not the name of a canonical field"),
    (PRICE + "  amount: { path: price, az: decimal }\n", 6, "amount has no word 'az'. Known: as, each, "),
    (
        PRICE + "  amount:\n    path: price\n    as: decimel\n",
        8,
        "no codec 'decimel'. Did you mean 'decimal'?",
    ),
    (PRICE + "  amount: 12\n", 6, "amount is a native path, or a set of words"),
    (PRICE + "  amount:\n", 6, "amount is a native path, or a set of words"),
    (PRICE + "  amount: price\n", 6, "amount is a number; say with `as` how the peer writes it: decimal, "),
    (PRICE + "  amount: { path: price, as: utc }\n", 6, "amount is a number, and the codec utc gives a time"),
    (
        PRICE + "  amount: { path: price, as: floor_zero }\n",
        6,
        "floor_zero has no way back: say `only: pull`",
    ),
    (PRICE + "  amount: { path: price, as: { decimal: x } }\n", 6, "the codec decimal takes no argument"),
    (PRICE + "  amount: { as: decimal }\n", 6, "amount needs one of path, expr, fixed, value"),
    (PRICE + "  amount: { path: a..b, as: decimal }\n", 6, "the path 'a..b' has an empty step"),
    (PRICE + '  amount: { path: "a[0]", as: decimal }\n', 6, "write names joined by dots, a position as .0"),
    (PRICE + "  amount: { path: 0.a, as: decimal }\n", 6, "begins with a position"),
    (PRICE + "  amount: { path: 12, as: decimal }\n", 6, "a path is a text"),
    (PRICE + "  amount: { path: [], as: decimal }\n", 6, "the list of paths is empty"),
    (PRICE + '  amount: { path: "a\\nb", as: decimal }\n', 6, "holds a character that cannot be shown"),
    (PRICE + "  amount: { path: price, as: decimal, only: both }\n", 6, "`only` is pull or push, not 'both'"),
    (PRICE + "  amount: { path: price, as: decimal, empty: drop }\n", 6, "`empty` is keep, not 'drop'"),
    (PRICE + "  amount: { fixed: many }\n", 6, "amount is a number, and 'many' is not a valid one"),
    (PRICE + "  amount: { fixed: 5, path: price }\n", 6, "`path` has no meaning beside `fixed`"),
    (
        PRICE + "  amount: { fixed: 5, only: push }\n",
        6,
        "`fixed` gives a canonical value, which only pull does",
    ),
    (PRICE + "  amount: { value: connection, as: decimal }\n", 6, "`as` has no meaning beside `value`"),
    (PRICE + "  amount: { value: account }\n", 6, "`value` is connection, not 'account'"),
    (
        PRICE
        + "  amount: { path: price, as: money_string }\n"
        + "  old_amount: { path: old, as: money_string, when_absent: 0 }\n",
        7,
        "`when_absent` is a text in quotes, as the codec writes it, not 0",
    ),
    (PRICE + '  amount: { path: price, as: number, when_absent: "0" }\n', 6, "`when_absent` is a number"),
    (
        PRICE + "  amount: { path: price, as: decimal, empty: keep, when_absent: '0' }\n",
        6,
        "exclude each other",
    ),
    (
        PRICE + "  amount: { path: price, as: decimal, table: { '1': 2 } }\n",
        6,
        "`as` and `table` exclude each other",
    ),
    (
        PRICE + "  amount: { expr: price.a, path: price }\n",
        6,
        "an expression has no way back: say `only: pull`",
    ),
    (PRICE + "  amount: { expr: price.a, path: price, only: pull }\n", 6, "`path` has no use"),
    (PRICE + "  amount: { expr: price.a, only: push }\n", 6, "the expression needs a `path`"),
    (PRICE + "  amount: { expr: 5 }\n", 6, "an expression is a text"),
    (PRICE + "  amount: { expr: 'a.[' }\n", 6, "the expression is wrong at character 4"),
    (
        PRICE + "  amount: { expr: 'Цена' }\n",
        6,
        "at character 1 ('Цена'): a name that is not Latin stands in double quotes",
    ),
    (
        PRICE + "  amount: { expr: 'summ(a)' }\n",
        6,
        "calls summ(), which JMESPath has not. Did you mean 'sum'?",
    ),
    (PRICE + "  amount: { expr: 'join(a)' }\n", 6, "join() takes 2 arguments and the expression gives 1"),
    (PRICE + "  amount: { expr: '&a' }\n", 6, "begins with &"),
    (PRICE + "  amount: { expr: '' }\n", 6, "cannot be empty"),
    (PRICE, 2, "pull never gives 'amount', which price requires"),
    (PRICE + "  amount: { path: price, as: decimal, only: push }\n", 2, "pull never gives 'amount'"),
    (
        PRICE + "  amount: { path: offer_id, as: decimal }\n",
        6,
        "to 'offer_id', where sku is written as 'offer_id' in m.yaml:3",
    ),
    (
        PRICE + "  amount: { path: offer_id.x, as: decimal }\n",
        6,
        "where sku is written as 'offer_id' in m.yaml:3",
    ),
    (
        PRICE + "  amount: { path: price, as: decimal }\nfixed:\n  price: 1\n",
        8,
        "where amount is written as 'price'",
    ),
    (
        PRICE + "  amount: { path: price, as: decimal }\nfixed:\n  a: { optoin: x }\n",
        8,
        "no word 'optoin'. Did you mean 'option'?",
    ),
    (PRICE + "  amount: { path: price, as: decimal }\nfixed: 5\n", 7, "`fixed` is native path: constant"),
    (
        PRICE + "  amount: [{ path: a, as: decimal }, { path: b, as: decimal }]\n",
        6,
        "several rules pull amount",
    ),
    (PRICE + "  amount: []\n", 6, "amount has no rule"),
    (PRICE + "  amount: { path: a, as: decimal }\nsubject: Ид\n", 3, "sku comes from `subject` already"),
    (
        PRICE + "  amount: { path: a, as: decimal }\nsubject: { path: Ид, onli: push }\n",
        7,
        "Did you mean 'only'?",
    ),
    (
        PRICE + "  amount: { path: a, as: decimal }\nsubject: { only: push }\n",
        7,
        "the subject needs a `path`",
    ),
    (
        PRICE + "  amount: { path: a, as: decimal }\nsubject: { path: b, as: number, only: push }\n",
        7,
        "number gives a number",
    ),
    ("entity: product\nsubject: Ид\nfields:\n  sku: a\n", 2, "product is no facet of another record"),
    ("entity: product\nfields:\n  sku: a\n  archived: b\n", 4, "archived is true or false; say with `as`"),
    (
        "entity: product\nfields:\n  sku: a\n  vat:\n    path: b\n    table:\n      '10': x\n      '11': y\n",
        8,
        "vat is never '11'.",
    ),
    (
        "entity: product\nfields:\n  sku: a\n  vat: { path: b, table: { '10': x, '20': x } }\n",
        4,
        "'x' stands in two rows, so there is no way back from it; say `only: push`",
    ),
    (
        "entity: product\nfields:\n  sku: a\n  vat: { path: b, table: { '10': [x, y] } }\n",
        4,
        "10 has several natives, so there is no way back: say `only: pull`",
    ),
    (
        "entity: product\nfields:\n  sku: a\n  vat: { path: b, table: { '10': [x, y] }, only: push }\n",
        4,
        "10 has several natives, so there is no way back: write the one",
    ),
    (
        "entity: product\nfields:\n  sku: a\n  vat: { path: b, table: { '10': x, '20': x }, only: pull }\n",
        4,
        "'x' stands in two rows",
    ),
    (
        "entity: product\nfields:\n  sku: a\n  vat: { path: b, table: { '10': x, 10: y } }\n",
        4,
        "two rows are for 10",
    ),
    ("entity: product\nfields:\n  sku: a\n  vat: { path: b, table: {} }\n", 4, "the table is empty"),
    (
        "entity: product\nfields:\n  sku: a\n  vat: { path: b, table: { '10': [] } }\n",
        4,
        "the row 10 has no value",
    ),
    (
        "entity: product\nfields:\n  sku: a\n  vat: { path: b, table: { '10': { x: 1 } } }\n",
        4,
        "neither one value nor a list",
    ),
    ("entity: product\nfields:\n  sku: a\n  vat: { path: b, table: 5 }\n", 4, "a table is canonical: native"),
    (
        "entity: product\nfields:\n  sku: a\n  name: { path: b, table: { true: x } }\n",
        4,
        "put 'true' in quotes",
    ),
    (
        "entity: product\nfields:\n  sku: a\n  images: { path: b, table: { a: x } }\n",
        4,
        "which no table gives",
    ),
    (
        "entity: product\nfields:\n  sku: a\n  vat: { path: b, table: { '10': x }, when_absent: x }\n",
        4,
        "stands in the table too",
    ),
    (
        "entity: product\nfields:\n  sku: a\n  barcodes: { path: b, as: { joined: 5 } }\n",
        4,
        "the argument of joined is a text",
    ),
    (
        "entity: product\nfields:\n  sku: a\n  name: { path: b, ref: prodict }\n",
        4,
        "no entity 'prodict'. Did you mean 'product'?",
    ),
    (
        "entity: product\nfields:\n  sku: a\n  weight_kg: { path: b, ref: product }\n",
        4,
        "weight_kg is a number, not a key",
    ),
    (
        "entity: product\nfields:\n  sku: a\nonly: pull\nfixed:\n  a: b\n",
        5,
        "`fixed` is for push, and this mapping only pulls",
    ),
    (
        "entity: product\nonly: pull\nfields:\n  sku: { path: a, only: push }\n",
        4,
        "`only: push` stands in a part that is `only: pull`",
    ),
    (ORDER + "  customer: buyer\n", 5, "customer is a part; map its fields"),
    (ORDER + "  lines: products\n", 5, "lines is a list of parts; map its elements with `each`"),
    (ORDER + "  lines.sku: products\n", 5, "lines is a list of parts; map its elements with `each`"),
    (
        ORDER + "  lines: { path: p, each: { skuu: a } }\n",
        5,
        "OrderLine has no field 'skuu'. Did you mean 'sku'?",
    ),
    (
        ORDER + "  lines: { path: p, each: { sku: a, name: a } }\n",
        5,
        "push writes name to 'a', where sku is written",
    ),
    (ORDER + "  lines: { each: { sku: a } }\n", 5, "`each` needs the `path` of the list"),
    (ORDER + "  lines: { path: p, each: { sku: a }, when_absent: x }\n", 5, "is the empty list []"),
    (ORDER + "  number: { path: p, each: { sku: a } }\n", 5, "'number' stands here twice"),
    (
        ORDER + "  channel: { path: p, each: { sku: a } }\n",
        5,
        "channel is a text; `each` is for a list of parts",
    ),
    (ORDER + "  delivery.adress: x\n", 5, "order.delivery has no field 'adress'. Did you mean 'address'?"),
    (ORDER + "with:\n  prise: {}\n", 6, "no entity 'prise'. Did you mean 'price'?"),
    (
        ORDER + "with:\n  price: { sku: posting_number }\n",
        6,
        "push writes price.sku to 'posting_number', where number",
    ),
    (ORDER + "with:\n  price: { sku: { path: a, ref: product } }\n", 6, "`with` takes plain fields"),
    (
        ORDER + "with:\n  price: { sku: { path: a, only: pull } }\n",
        6,
        "stands in a part that is `only: push`",
    ),
    (ORDER + "tests: 5\n", 5, "`tests` is a list of examples"),
    (ORDER + "tests:\n  - { native: {} }\n", 6, "a test needs `canonical`"),
    (
        ORDER + "tests:\n  - { native: {}, canonical: {}, onyl: push }\n",
        6,
        "a test has no word 'onyl'. Did you mean 'only'?",
    ),
    (
        ORDER + "tests:\n  - { native: {}, canonical: {}, refs: [{ entity: product }] }\n",
        6,
        "a ref needs `connection_id`",
    ),
    (ORDER + "tests:\n  - { native: {}, canonical: {}, timezone: 3 }\n", 6, "`timezone` of a test is a text"),
    (
        "entity: order\nfields:\n  customer: { expr: buyer }\n  customer.name: buyer.name\n",
        4,
        "customer.name is pulled here and as customer in m.yaml:3",
    ),
    (
        ORDER.replace("only: push\n", "")
        + "  channel: b\n  placed_at: { path: c, as: utc }\n  currency: d\n  lines: { path: e, each: { sku: f } }\n",
        7,
        "pull never gives 'quantity', which a part of order.lines requires",
    ),
]


@pytest.mark.parametrize(("text", "line", "message"), CASES, ids=[case[2][:40] for case in CASES])
def test_a_mistake_is_named_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_mapping(text, "m.yaml")
    assert message in str(caught.value)
    assert caught.value.where == f"m.yaml:{line}"


BOUND = [
    ({}, "warehouse, connection 'ozon': the connection has no option 'warehouses'"),
    ({"warehauses": {"a": 1}}, "Did you mean 'warehauses'?"),
    ({"warehouses": 5}, "option 'warehouses' is not a table of canonical: native"),
    ({"warehouses": {}}, "the table is empty"),
    ({"warehouses": {"a": 1, "b": 1}}, "1 stands in two rows, so there is no way back"),
]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("table: w, when_absent: 0", "`when_absent` is 0, which stands in the table too"),
        ("table: w, when_absent: { option: none }", "`when_absent` is 0, which stands in the table too"),
        (
            "as: guid, when_absent: { option: none }",
            "`when_absent` is a text in quotes, as the codec writes it, not 0",
        ),
    ],
)
def test_an_option_that_cannot_stand_for_nothing_is_refused(words: str, message: str) -> None:
    text = STOCK.replace("table: warehouses", words) + "  available: { path: stock, as: integer }\n"
    with pytest.raises(ConfigurationError) as caught:
        parse_mapping(text, "m.yaml").bind(Context("x", {"w": {"Основной": 0}, "none": 0}))
    assert str(caught.value).startswith(f"m.yaml:4: warehouse, connection 'x': {message}")


@pytest.mark.parametrize(("options", "message"), BOUND, ids=[case[1][:40] for case in BOUND])
def test_an_option_that_cannot_serve_is_named_when_bound(options: dict[str, object], message: str) -> None:
    mapping = parse_mapping(STOCK + "  available: { path: stock, as: integer }\n", "m.yaml")
    with pytest.raises(ConfigurationError) as caught:
        mapping.bind(Context("ozon", options))
    assert message in str(caught.value)
    assert caught.value.where == "m.yaml:4"


def test_a_constant_from_an_option_that_is_missing_is_named_only_where_it_is_sent() -> None:
    mapping = parse_mapping(
        "entity: product\nfields:\n  sku: id\nfixed:\n  org: { option: order.organization }\n", "m.yaml"
    )
    with pytest.raises(ConfigurationError, match=r"m\.yaml:5: 'org' is sent as the option 'order\.organization' says"):
        mapping.bind(Context("ut", {"order": {}}))
    assert mapping.bind(Context("ut", {}), only="pull").pull({"id": "A"}, {}) == {"sku": "A"}
    assert mapping.bind(Context("ut", {"order": {"organization": "G"}})).source_code.count('"G"') == 1

"""``obmen check``: everything that is wrong, each with the line to mend, before anything is written."""

from __future__ import annotations

import pytest

from obmen.testing.sandbox import Fault
from tests.unit.cli.conftest import Cli
from tests.unit.cli.kit import FLOWS, KEY, Place, Ran, ShelfSandbox, fill

STATUSES = """\
  statuses: { entity: order_status, from: erp, to: shop }
  orders: { entity: order, from: erp, to: shop }
"""


@pytest.fixture
def files(place: Place, shop: ShelfSandbox) -> Place:
    """The goods' shelf is a folder of files."""
    place.write(
        "obmen.yaml",
        f"connections:\n  erp: {{ connector: shelf, folder: export }}\n  shop:\n    connector: shelf\n"
        f"    url: {shop.url}\n    key: {KEY}\n    places: {{ Main: m }}\n{FLOWS}{STATUSES}",
    )
    place.write("mappings/erp/product.yaml", "entity: product\nfields:\n  sku: article\n  name: name\n")
    place.write("export/product.jsonl", "".join(good(number, f"A-{number}") for number in range(1, 8)))
    return place


def good(number: int, article: str) -> str:
    return f'{{"id": "g-{number}", "article": "{article}", "name": "Rug {number}"}}\n'


def order(number: int, sku: str) -> str:
    line = f'{{"sku": "{sku}", "n": 1, "price": 5}}'
    return f'{{"number": "N-{number}", "at": "2026-06-15T06:00:00Z", "lines": [{line}]}}\n'


def problems(ran: Ran) -> list[str]:
    return [line for line in ran.out.splitlines() if line.startswith("problem")]


def test_a_project_in_order_is_told_what_comes_next(
    cli: Cli, place: Place, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    fill(erp)
    place.project(erp.url, shop.url)
    ran = cli("check")
    assert ran.code == 0, ran
    assert "Everything is in order." in ran.out
    assert "Next: obmen plan" in ran.out
    assert problems(ran) == []
    assert shop.writes == []
    assert not (place.folder / ".obmen").exists()


@pytest.mark.field("N19")
@pytest.mark.field("J5")
def test_doubled_articles_unmapped_statuses_and_lonely_warehouses_are_named_with_their_lines(
    cli: Cli, files: Place, shop: ShelfSandbox
) -> None:
    articles = ["A-1", "A-2", "A-3", "A-1", "A-2", "A-3", "A-7"]
    files.write("export/product.jsonl", "".join(good(n, article) for n, article in enumerate(articles, 1)))
    stock = ['{"id": "A-1", "place": "Main", "free": 1}', '{"id": "A-7", "place": "Attic", "free": 2}']
    files.write("export/stock.jsonl", "\n".join(stock) + "\n")
    files.write("export/order.jsonl", order(1, "A-1") + order(2, "A-2") + order(3, "A-7"))
    statuses = ["LOST", "NEW", "EATEN"]
    rows = [f'{{"number": "N-{n}", "status": "{status}"}}' for n, status in enumerate(statuses, 1)]
    files.write("export/order_status.jsonl", "\n".join(rows) + "\n")
    files.write(
        "mappings/erp/order_status.yaml",
        "entity: order_status\nsubject: number\nfields:\n"
        "  status: { path: status, table: { new: NEW, confirmed: OK, shipped: GONE, cancelled: STOP } }\n",
    )
    ran = cli("check")
    assert ran.code == 2
    found = problems(ran)
    assert len(found) == 6, ran.out
    for number in (4, 5, 6):
        line = next(one for one in found if f"product.jsonl:{number}:" in one)
        assert f"'A-{number - 3}'" in line
        assert f"The first stands at export/product.jsonl:{number - 3}" in line
    for status in ("LOST", "EATEN"):
        assert any("mappings/erp/order_status.yaml:4:" in one and f'"{status}"' in one for one in found), ran.out
    assert any("obmen.yaml:7:" in one and '"Attic"' in one for one in found), ran.out
    assert "6 problems" in ran.out
    assert shop.writes == []
    data = cli("check", "--json")
    assert data.code == 2
    assert data.data["problems"] == 6
    assert all(one["where"] for one in data.data["findings"] if one["level"] == "problem")


@pytest.mark.field("N19")
def test_an_article_of_several_goods_is_named_once_with_all_lines(cli: Cli, files: Place) -> None:
    articles = ["A-1", "A-2", "A-1", "A-3", "A-1", "A-1"]
    files.write("export/product.jsonl", "".join(good(n, article) for n, article in enumerate(articles, 1)))
    ran = cli("check")
    (found,) = problems(ran)
    assert "export/product.jsonl:3: Two records have the sku 'A-1'" in found
    assert "The first stands at export/product.jsonl:1." in found
    assert found.endswith("The same goes for export/product.jsonl:5 and export/product.jsonl:6. (3 records)")


@pytest.mark.field("N19")
def test_a_doubled_id_is_named_once_with_all_lines(cli: Cli, files: Place) -> None:
    rows = [good(1, "A-1"), good(2, "A-2"), good(3, "A-3"), good(2, "A-4"), good(2, "A-5")]
    files.write("export/product.jsonl", "".join(rows))
    files.write("export/price.jsonl", '{"id": "g-2", "type": "base", "amount": 5}\n')
    ran = cli("check")
    (found,) = [line for line in problems(ran) if "g-2" in line and "duplicate" not in line and "wait" not in line]
    assert "export/product.jsonl:2: Two records of erp have the id g-2" in found
    assert "The others stand at export/product.jsonl:4 and export/product.jsonl:5." in found


def test_a_status_that_the_target_has_no_word_for_is_found_without_any_record(cli: Cli, files: Place) -> None:
    files.write(
        "mappings/shop/order_status.yaml",
        "entity: order_status\nsubject: number\nfields:\n  status:\n    path: status\n"
        "    table: { new: NEW, confirmed: OK, cancelled: ~ }\n",
    )
    ran = cli("check")
    assert ran.code == 2
    (found,) = problems(ran)
    assert "mappings/shop/order_status.yaml:4:" in found
    assert "erp can give 'shipped'" in found


def test_another_value_without_a_word_is_told_only_where_a_record_has_it(cli: Cli, files: Place) -> None:
    files.write(
        "mappings/erp/price.yaml",
        "entity: price\nsubject: id\nfields:\n  price_type: type\n  amount: { path: amount, as: number }\n"
        "  currency: { path: money, table: { RUB: rub, USD: usd, CNY: cny } }\n",
    )
    files.write(
        "mappings/shop/price.yaml",
        "entity: price\nsubject: id\nfields:\n  price_type: type\n  amount: { path: amount, as: number }\n"
        "  currency: { path: money, table: { RUB: rub } }\n",
    )
    files.write("export/price.jsonl", '{"id": "g-1", "type": "base", "amount": 5, "money": "rub"}\n')
    ran = cli("check")
    assert (ran.code, "warning" in ran.out) == (0, False), ran.out
    files.write("export/price.jsonl", '{"id": "g-1", "type": "base", "amount": 5, "money": "usd"}\n')
    ran = cli("check")
    (found,) = problems(ran)
    assert "mappings/shop/price.yaml:6:" in found
    assert '"USD"' in found
    assert "CNY" not in ran.out


@pytest.mark.field("E4")
def test_a_status_that_the_system_knows_and_the_projects_own_table_lacks_is_found_without_any_record(
    cli: Cli, files: Place
) -> None:
    files.write(
        "mappings/erp/order_status.yaml",
        "entity: order_status\nsubject: number\nfields:\n  status:\n    path: status\n    table: { new: NEW }\n",
    )
    ran = cli("check")
    assert ran.code == 2
    (found,) = problems(ran)
    assert "mappings/erp/order_status.yaml:4:" in found
    assert "erp can give 'OK', 'GONE', 'STOP'" in found


def test_orders_of_goods_that_the_base_lacks_are_a_warning(
    cli: Cli, place: Place, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    fill(erp)
    place.project(erp.url, shop.url, flows=ORDERS)
    place.write("mappings/erp/order.yaml", ORDER_WITH_REFERENCES)
    for number, sku in enumerate(("A-1", "B-1", "B-2", "B-1"), 1):
        lines = [{"sku": sku, "n": 1, "price": 5}]
        shop.put("order", {"number": f"N-{number}", "at": "2026-06-15T06:00:00Z", "lines": lines})
    ran = cli("check")
    assert ran.code == 0, ran
    (line,) = [line for line in ran.out.splitlines() if line.startswith("warning")]
    assert "obmen.yaml:6: 3 records would wait in vain" in line
    assert "(2, such as B-1, B-2)" in line


ORDERS = """\
flows:
  goods: { entity: product, from: erp, to: [] }
  orders: { entity: order, from: shop, to: erp }
"""
ORDER_WITH_REFERENCES = """\
entity: order
only: push
fields:
  number: number
  lines: { path: lines, each: { sku: { path: good, ref: product }, quantity: { path: n, as: number } } }
"""


def test_a_mapping_that_fails_its_own_test_is_named(cli: Cli, files: Place) -> None:
    files.write(
        "mappings/erp/product.yaml",
        "entity: product\nfields: { sku: article, name: name }\ntests:\n"
        "  - { native: { article: A, name: B }, canonical: { sku: A, name: C } }\n",
    )
    ran = cli("check")
    assert ran.code == 2
    assert "mappings/erp/product.yaml:4: test 1 (pull) failed" in problems(ran)[0]


def test_a_mapping_that_does_not_compile_hides_nothing_else(cli: Cli, files: Place, shop: ShelfSandbox) -> None:
    files.write("mappings/erp/price.yaml", "entity: price\nfields: { sku: id, amout: amount }\n")
    shop.key = "another"
    ran = cli("check")
    assert ran.code == 2
    found = problems(ran)
    assert any("mappings/erp/price.yaml:2:" in one and "Did you mean 'amount'" in one for one in found)
    assert any("obmen.yaml:3:" in one and "401" in one for one in found)


def test_a_peer_that_cannot_be_reached_is_a_problem_with_the_connections_line(
    cli: Cli, place: Place, shop: ShelfSandbox
) -> None:
    place.project("http://127.0.0.1:9", shop.url)
    ran = cli("check")
    assert ran.code == 2
    assert any("obmen.yaml:2:" in one and "cannot be reached" in one for one in problems(ran))
    assert KEY not in ran.out + ran.err


def test_a_peer_that_fails_in_the_middle_is_told_once(cli: Cli, place: Place, erp: ShelfSandbox) -> None:
    fill(erp)
    erp.faults.append(Fault(kind="status", match="GET /price", times=None))
    place.project(erp.url, erp.url)
    ran = cli("check")
    assert ran.code == 2
    assert len(problems(ran)) == 1
    assert "status 503" in problems(ran)[0]


def test_a_state_that_cannot_be_used_is_a_problem(cli: Cli, place: Place, erp: ShelfSandbox) -> None:
    place.project(erp.url, erp.url)
    place.write(".obmen/state.db", "this is a letter to a friend " * 40)
    ran = cli("check")
    assert ran.code == 2
    assert "not an SQLite database" in problems(ran)[0]


def test_many_of_a_kind_are_counted(cli: Cli, files: Place) -> None:
    articles = [f"A-{number // 2}" for number in range(80)]
    files.write("export/product.jsonl", "".join(good(n, article) for n, article in enumerate(articles)))
    ran = cli("check")
    assert len(problems(ran)) == 21
    assert "and 20 records more of this kind (duplicate_key)." in ran.out

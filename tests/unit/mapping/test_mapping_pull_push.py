"""What a mapping reads and writes: each word of the grammar in both directions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from obmen.entities import Order, OrderStatus, Price, Stock
from obmen.errors import ConfigurationError
from obmen.mapping import Context, NotCarried, parse_mapping

from .mapping_kit import ORDER, REFS, bound, product, pulled


class TestPaths:
    def test_a_name_is_read_and_written(self) -> None:
        mapping = bound("product", "name: title")
        assert pulled(mapping, {"title": "Куртка"}, "name") == "Куртка"
        assert mapping.push(product(name="Куртка"), REFS, {}) == {"title": "Куртка"}

    @pytest.mark.parametrize("native", [{}, {"title": None}, {"title": ""}])
    def test_absent_stays_absent(self, native: dict[str, Any]) -> None:
        mapping = bound("product", "name: title")
        assert pulled(mapping, native, "name") == "absent"
        assert mapping.push(product(), REFS, {}) == {}
        assert mapping.push(product(name=None), REFS, {}) == {}
        assert mapping.push(product(name=""), REFS, {}) == {}

    def test_dots_go_into_records_on_both_sides(self) -> None:
        mapping = bound("order", "customer.name: buyer.full.name\ncustomer.phone: buyer.phone")
        native = {"buyer": {"full": {"name": "И"}, "phone": "+7"}}
        assert pulled(mapping, native, "customer") == {"name": "И", "phone": "+7"}
        order = Order.model_validate({**ORDER, "customer": {"name": "И", "phone": "+7"}})
        assert mapping.push(order, REFS, {}) == native
        assert mapping.push(Order.model_validate(ORDER), REFS, {}) == {}

    @pytest.mark.parametrize("native", [{}, {"buyer": None}, {"buyer": []}, {"buyer": ""}, {"buyer": {"full": []}}])
    def test_an_empty_thing_on_the_way_is_absent(self, native: dict[str, Any]) -> None:
        mapping = bound("order", "customer.name: buyer.full.name")
        assert "customer" not in mapping.pull(native, REFS)

    def test_a_number_is_a_position_in_a_list(self) -> None:
        mapping = bound("product", "name: titles.0\nbrand: titles.2\ngroup: rows.1.x")
        assert mapping.push(product(name="a", brand="b", group="c"), REFS, {}) == {
            "titles": ["a", None, "b"],
            "rows": [None, {"x": "c"}],
        }
        assert pulled(mapping, {"titles": ["a", None, "b"]}, "brand") == "b"
        assert pulled(mapping, {"titles": ["a"]}, "brand") == "absent"

    def test_of_several_paths_the_first_that_is_present_is_read_and_the_first_is_written(self) -> None:
        mapping = bound("product", "name: { path: [Наименование, Полное.Имя] }")
        assert pulled(mapping, {"Наименование": "", "Полное": {"Имя": "Б"}}, "name") == "Б"
        assert pulled(mapping, {"Наименование": "А", "Полное": {"Имя": "Б"}}, "name") == "А"
        assert mapping.push(product(name="В"), REFS, {}) == {"Наименование": "В"}

    def test_a_name_within_a_map(self) -> None:
        mapping = bound("product", "attributes.Цвет: color\nattributes.Размер: size")
        assert pulled(mapping, {"color": "красный"}, "attributes") == {"Цвет": "красный"}
        assert mapping.push(product(attributes={"Цвет": "красный"}), REFS, {}) == {"color": "красный"}
        assert mapping.push(product(), REFS, {}) == {}

    def test_several_rules_write_one_field_to_several_paths(self) -> None:
        mapping = bound("product", "name: [title, { path: short.title, only: push }]")
        assert mapping.push(product(name="A"), REFS, {}) == {"title": "A", "short": {"title": "A"}}
        assert pulled(mapping, {"title": "A", "short": {"title": "B"}}, "name") == "A"

    def test_a_text_is_read_from_a_number(self) -> None:
        mapping = bound("product", "name: id")
        assert pulled(mapping, {"id": 22142605}, "name") == "22142605"
        assert pulled(mapping, {"id": Decimal("1.50")}, "name") == "1.50"


class TestWords:
    def test_only_takes_one_direction(self) -> None:
        mapping = bound("product", "name: { path: a, only: pull }\nbrand: { path: b, only: push }")
        assert mapping.pull({"a": "1", "b": "2"}, REFS) == {"name": "1", "sku": "S"}
        assert mapping.push(product(name="1", brand="2"), REFS, {}) == {"b": "2"}

    def test_only_for_the_whole_file(self) -> None:
        mapping = parse_mapping("entity: price\nonly: push\nfields:\n  amount: { path: price, as: decimal }\n")
        both = mapping.bind(Context("x"))
        assert (both.pulls, both.pushes) == (False, True)
        with pytest.raises(ConfigurationError, match=r"mapping\.yaml:3: This mapping of price does not pull"):
            both.pull({"price": "1"}, REFS)

    def test_a_codec_stands_between(self) -> None:
        mapping = bound("price", "amount: { path: price, as: money_string }")
        assert pulled(mapping, {"price": "1990.50"}, "amount") == Decimal("1990.50")
        price = Price(sku="A", price_type="b", amount=Decimal("1990.5"), currency="RUB")
        assert mapping.push(price, REFS, {}) == {"price": "1990.50"}

    @pytest.mark.parametrize(
        ("rule", "empty", "like_empty"),
        [
            ('{ path: p, as: money_string, when_absent: "0" }', "0", ["0", "0.00", "0.0000", None, ""]),
            ("{ path: p, as: number, when_absent: 0 }", 0, [0, Decimal("0.0"), None]),
            ("{ path: p, as: number, when_absent: ~ }", None, [None, ""]),
        ],
    )
    def test_when_absent_is_written_for_nothing_and_read_as_nothing(
        self, rule: str, empty: Any, like_empty: list[Any]
    ) -> None:
        mapping = bound("price", f"old_amount: {rule}")
        for native in like_empty:
            assert pulled(mapping, {"p": native}, "old_amount") == "absent"
        price = Price(sku="A", price_type="b", amount=Decimal(1), currency="RUB")
        assert mapping.push(price, REFS, {}) == {"p": empty}
        full = price.model_copy(update={"old_amount": Decimal(5)})
        assert mapping.pull(mapping.push(full, REFS, {}), REFS)["old_amount"] == 5

    def test_when_absent_of_a_text_and_of_a_table(self) -> None:
        mapping = bound(
            "product",
            'name: { path: n, when_absent: "-" }\nvat: { path: v, table: { "10": a }, when_absent: no }',
        )
        assert mapping.pull({"n": "-", "v": "no"}, REFS) == {"sku": "S"}
        assert mapping.push(product(), REFS, {}) == {"n": "-", "v": "no"}
        assert mapping.push(product(name="x", vat="10"), REFS, {}) == {"n": "x", "v": "a"}

    def test_when_absent_by_an_option_that_need_not_be_there(self) -> None:
        fields = "weight_kg: { path: w, as: kg_g, when_absent: { option: assumed.weight_g } }"
        mapping = bound("product", fields, options={"assumed": {"weight_g": 100}})
        assert mapping.push(product(), REFS, {}) == {"w": 100}
        assert pulled(mapping, {"w": 100}, "weight_kg") == "absent"
        assert mapping.version != bound("product", fields, options={"assumed": {"weight_g": 200}}).version
        assert bound("product", fields).push(product(), REFS, {}) == {}

    def test_empty_keep_tells_emptied_from_absent(self) -> None:
        mapping = bound("product", "name: { path: n, empty: keep }\nbarcodes: { path: b, as: joined, empty: keep }")
        assert mapping.pull({"n": "", "b": ""}, REFS) == {"sku": "S", "name": "", "barcodes": ()}
        assert mapping.pull({"n": None, "b": None}, REFS) == {"sku": "S", "name": None, "barcodes": None}
        assert mapping.pull({}, REFS) == {"sku": "S"}
        assert mapping.push(product(name=None, barcodes=()), REFS, {}) == {"n": None, "b": ""}
        assert mapping.push(product(name="", barcodes=None), REFS, {}) == {"n": "", "b": None}
        assert mapping.push(product(), REFS, {}) == {}

    def test_empty_keep_of_a_part_and_of_a_number(self) -> None:
        mapping = bound(
            "order", "customer.name: { path: c.n, empty: keep }\ntotal: { path: t, as: number, empty: keep }"
        )
        assert mapping.pull({"c": {"n": None}, "t": ""}, REFS)["customer"] == {"name": None}
        assert mapping.pull({"t": ""}, REFS)["total"] is None
        order = Order.model_validate({**ORDER, "customer": {"name": None}, "total": None})
        assert mapping.push(order, REFS, {}) == {"c": {"n": None}, "t": None}
        assert mapping.push(Order.model_validate(ORDER), REFS, {}) == {}

    def test_value_and_fixed_are_for_pull(self) -> None:
        mapping = bound("order", "channel: { value: connection }\ncurrency: { fixed: USD }\ncomment: note")
        assert mapping.pull({}, REFS)["channel"] == "ozon"
        assert mapping.pull({}, REFS)["currency"] == "USD"
        assert mapping.push(Order.model_validate({**ORDER, "comment": "x"}), REFS, {}) == {"note": "x"}

    def test_fixed_of_the_file_and_of_elements_is_for_push(self) -> None:
        fields = """
        lines:
          path: rows
          each: { sku: id, quantity: { path: n, as: integer }, price: { path: p, as: number } }
          fixed: { kind: goods }
        """
        options = {"order": {"organization": "guid", "tags": ["a"]}}
        rest = "fixed: { a.b: 1, org: { option: order.organization }, none: ~, tags: { option: order.tags } }"
        mapping = bound("order", fields, rest, options=options)
        payload = mapping.push(Order.model_validate(ORDER), REFS, {})
        assert payload == {
            "rows": [{"id": "A-1", "n": 2, "p": 10, "kind": "goods"}],
            "a": {"b": 1},
            "org": "guid",
            "none": None,
            "tags": ["a"],
        }
        payload["tags"].append("b")
        assert mapping.push(Order.model_validate(ORDER), REFS, {})["tags"] == ["a"]

    def test_expressions_read_or_write(self) -> None:
        fields = """
        name: { expr: "join(' ', [brand, title])", only: pull }
        brand: { expr: "not_null(brand, group)", path: maker, only: push }
        weight_kg: { expr: "sum(boxes[].weight)", as: kg_g, only: pull }
        """
        mapping = bound("product", fields)
        native = {
            "brand": "Б",
            "title": "Т",
            "boxes": [{"weight": Decimal("0.1")}, {"weight": Decimal("0.2")}],
        }
        assert pulled(mapping, native, "name") == "Б Т"
        assert pulled(mapping, native, "weight_kg") == Decimal("0.0003")
        assert mapping.push(product(group="Г"), REFS, {}) == {"maker": "Г"}
        assert mapping.push(product(), REFS, {}) == {}

    def test_an_expression_sees_a_record_as_plain_data(self) -> None:
        fields = """
        comment:
          { expr: "to_string([placed_at, sum(lines[].price), lines[0].sku, keys(@)])", path: x, only: push }
        """
        order = Order.model_validate(
            {**ORDER, "lines": [{"sku": "A", "quantity": 1, "price": p} for p in ("0.1", "0.2")]}
        )
        assert bound("order", fields).push(order, REFS, {})["x"] == (
            '["2026-06-15T06:50:09Z","0.3","A",["channel","currency","lines","number","placed_at"]]'
        )


class TestTables:
    FIELDS = 'status: { path: s, table: { new: 1, shipped: "1", delivered: true, returned: ~ } }'

    def test_scalars_keep_their_type(self) -> None:
        mapping = bound("order_status", self.FIELDS)
        for native, status in ((1, "new"), ("1", "shipped"), (True, "delivered")):
            assert pulled(mapping, {"s": native}, "status") == status
            record = OrderStatus(channel="o", number="1", status=status)
            written = mapping.push(record, REFS, {})["s"]
            assert (written, type(written)) == (native, type(native))

    def test_a_null_says_that_a_value_is_not_carried(self) -> None:
        fields = "status: { path: s, table: { new: a, returned: ~, ~: [b, c] } }"
        mapping = bound("order_status", fields)
        with pytest.raises(NotCarried):
            mapping.push(OrderStatus(channel="o", number="1", status="returned"), REFS, {})
        for native in ("b", "c"):
            with pytest.raises(NotCarried):
                mapping.pull({"s": native}, REFS)

    def test_several_natives_for_pull_and_several_canonicals_for_push(self) -> None:
        fields = """
        status:
          - { path: s, table: { new: [a, b], shipped: c }, only: pull }
          - { path: s, table: { new: a, confirmed: a, shipped: c }, only: push }
        """
        mapping = bound("order_status", fields)
        assert pulled(mapping, {"s": "b"}, "status") == "new"
        assert mapping.push(OrderStatus(channel="o", number="1", status="confirmed"), REFS, {}) == {"s": "a"}

    def test_an_option_of_the_connection_by_its_dotted_name(self) -> None:
        options = {"stock": {"warehouses": {"Основной": 22142605, "Дальний": 7}}}
        mapping = bound("stock", "warehouse: { path: w, table: stock.warehouses }", options=options)
        assert pulled(mapping, {"w": 22142605}, "warehouse") == "Основной"
        stock = Stock(sku="A", warehouse="Дальний", available=Decimal(1))
        assert mapping.push(stock, REFS, {}) == {"w": 7}

    def test_numbers_and_yes_no_have_tables_too(self) -> None:
        mapping = bound(
            "product",
            "archived: { path: s, table: { true: Удален, false: Жив } }\n"
            'weight_kg: { path: w, table: { 1.5: X, "2": XL } }',
        )
        assert mapping.pull({"s": "Удален", "w": "X"}, REFS) == {
            "sku": "S",
            "archived": True,
            "weight_kg": Decimal("1.5"),
        }
        assert mapping.push(product(archived=False, weight_kg=Decimal(2)), REFS, {}) == {
            "s": "Жив",
            "w": "XL",
        }


class TestTimes:
    def test_local_times_follow_the_connection(self) -> None:
        fields = "placed_at: { path: Date, as: local_time }"
        mapping = bound("order", fields, zone=ZoneInfo("Asia/Yekaterinburg"))
        assert pulled(mapping, {"Date": "2026-06-15T11:50:09"}, "placed_at") == ORDER["placed_at"]
        assert mapping.push(Order.model_validate(ORDER), REFS, {}) == {"Date": "2026-06-15T11:50:09"}
        assert pulled(mapping, {"Date": "0001-01-01T00:00:00"}, "placed_at") == "absent"

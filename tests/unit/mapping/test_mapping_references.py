"""References, subjects and companions: what a record needs of others, in both directions."""

from __future__ import annotations

from decimal import Decimal

import pytest

from obmen.entities import Order, OrderStatus, Price, Product
from obmen.mapping import Context, Unresolved, parse_mapping

from .mapping_kit import ORDER, REFS, bound, product


class TestReferences:
    LINES = """
    lines:
      path: rows
      each:
        sku: { path: item, ref: product, as: CODEC }
        quantity: { path: n, as: integer }
        price: { path: p, as: number }
    """

    def test_a_native_id_becomes_a_key_and_back(self) -> None:
        mapping = bound("order", self.LINES.replace("CODEC", "guid"))
        guid = "cbcf4984-55bc-11d9-848a-00112f43529a"
        native = {"rows": [{"item": guid.upper(), "n": 2, "p": 10}, {"item": guid, "n": 1, "p": 10}]}
        assert mapping.pull_refs(native) == [("product", guid)]
        lines = mapping.pull(native, {("product", guid): "A-1"})["lines"]
        assert [line["sku"] for line in lines] == ["A-1", "A-1"]
        order = Order.model_validate(ORDER)
        assert mapping.push_refs(order) == [("product", "A-1")]
        assert mapping.push(order, {("product", "A-1"): guid}, {}) == {"rows": [{"item": guid, "n": 2, "p": 10}]}

    def test_a_separator_within_a_key_is_no_separator(self) -> None:
        mapping = bound("order", self.LINES.replace("CODEC", "text"))
        order = Order.model_validate({**ORDER, "lines": [{"sku": "A|1\\", "quantity": 1, "price": 1}]})
        [(entity, key)] = mapping.push_refs(order)
        assert key == Product(sku="A|1\\").key
        payload = mapping.push(order, {(entity, key): "id"}, {})
        assert mapping.pull(payload, {(entity, "id"): key})["lines"][0]["sku"] == "A|1\\"

    def test_what_is_not_bound_is_named(self) -> None:
        mapping = bound("order", self.LINES.replace("CODEC", "integer_id"))
        with pytest.raises(Unresolved) as caught:
            mapping.pull({"rows": [{"item": 5, "n": 1, "p": 1}]}, REFS)
        assert (caught.value.entity, caught.value.id) == ("product", "5")
        with pytest.raises(Unresolved) as caught:
            mapping.push(Order.model_validate(ORDER), REFS, {})
        assert (caught.value.entity, caught.value.id) == ("product", "A-1")

    def test_an_absent_reference_asks_for_nothing(self) -> None:
        mapping = bound("order", self.LINES.replace("CODEC", "guid"))
        empty = "00000000-0000-0000-0000-000000000000"
        assert mapping.pull_refs({"rows": [{"item": empty}, {"item": None}, {}]}) == []
        assert mapping.pull({"rows": [{"item": empty, "n": 1, "p": 2}]}, REFS)["lines"] == [{"quantity": 1, "price": 2}]

    def test_a_list_of_references_is_listed_up_to_a_fault_which_pull_tells(self) -> None:
        mapping = bound("order", self.LINES.replace("CODEC", "guid"))
        guid = "cbcf4984-55bc-11d9-848a-00112f43529a"
        assert mapping.pull_refs({"rows": [{"item": guid}, {"item": "junk"}, {"item": guid}]}) == [("product", guid)]
        assert mapping.pull_refs({"rows": "junk"}) == []


class TestSubjects:
    def test_the_subject_fills_the_key_and_is_written_as_its_id(self) -> None:
        mapping = parse_mapping(
            "entity: price\nsubject: { path: Ид, as: integer_id }\nfields:\n  price_type: { fixed: b }\n"
            "  currency: { fixed: RUB }\n  amount: { path: p, as: number }\n"
        ).bind(Context("ut"))
        native = {"Ид": 7, "p": 5}
        assert mapping.pull_refs(native) == [("product", "7")]
        assert mapping.pull(native, {("product", "7"): "A\\|1"})["sku"] == "A|1"
        price = Price(sku="A|1", price_type="b", amount=Decimal(5), currency="RUB")
        assert mapping.push_refs(price) == [("product", "A\\|1")]
        assert mapping.push(price, {("product", "A\\|1"): "7"}, {}) == native
        assert {"sku", "amount"} == mapping.carries

    def test_a_key_of_several_parts(self) -> None:
        mapping = parse_mapping(
            "entity: order_status\nsubject: Ref_Key\nfields:\n  status: { path: s, table: { new: a } }\n"
        ).bind(Context("ut"))
        assert mapping.pull({"Ref_Key": "g", "s": "a"}, {("order", "g"): "ozon|1\\|2"}) == {
            "channel": "ozon",
            "number": "1|2",
            "status": "new",
        }
        with pytest.raises(Unresolved) as caught:
            mapping.push(OrderStatus(channel="ozon", number="1|2", status="new"), REFS, {})
        assert (caught.value.entity, caught.value.id) == ("order", "ozon|1\\|2")

    def test_in_one_direction_alone(self) -> None:
        mapping = bound(
            "price",
            "sku: offer_id\namount: { path: p, as: number }",
            "subject: { path: product_id, only: push }",
        )
        native = {"offer_id": "A", "p": 5}
        assert mapping.pull_refs(native) == []
        assert mapping.pull(native, REFS)["sku"] == "A"
        price = Price(sku="A", price_type="b", amount=Decimal(5), currency="RUB")
        assert mapping.push(price, {("product", "A"): "77"}, {}) == {"product_id": "77", **native}


class TestCompanions:
    def test_another_record_goes_along(self) -> None:
        rest = """
        with:
          price:
            amount: { path: price, as: money_string }
            old_amount: { path: old, as: decimal, when_absent: '0' }
        """
        mapping = bound("product", "sku: offer_id", rest)
        assert mapping.needs == {"price"}
        price = Price(sku="A-1", price_type="b", amount=Decimal(5), currency="RUB")
        assert mapping.push(product(), REFS, {"price": price}) == {
            "offer_id": "A-1",
            "price": "5.00",
            "old": "0",
        }
        with pytest.raises(Unresolved) as caught:
            mapping.push(product(), REFS, {})
        assert (caught.value.entity, caught.value.id) == ("price", "A-1")
        assert mapping.carries == {"sku"}
        assert mapping.push(product(), REFS, None) == {"offer_id": "A-1"}

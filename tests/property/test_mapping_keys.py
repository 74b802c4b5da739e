"""Which native field is the key is one line of a mapping; the same goods are found by any of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obmen.entities import Product
from obmen.mapping import BoundMapping, Context, dump_mapping, parse_mapping

MODES = {"Артикул": "Артикул", "Ид": "Ид", "Штрихкод": "Штрихкоды.0", "Код": "Реквизиты.Код"}


def bound(path: str) -> BoundMapping:
    text = f"entity: product\nfields:\n  sku: {path}\n  name: Наименование\n  unit: Единица.Код\n"
    return parse_mapping(dump_mapping(parse_mapping(text))).bind(Context("ut"))


BOUND = {mode: bound(path) for mode, path in MODES.items()}


@st.composite
def goods(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Goods with every id of their own, as a 1C export writes them; numbers of codes may lead with zeros."""
    count = draw(st.integers(1, 20))
    keys = st.text(st.characters(categories=["L", "N"]) | st.sampled_from("-|\\/ ."), min_size=1, max_size=12)
    ids = {
        mode: draw(st.lists(keys.map(str.strip).filter(bool), min_size=count, max_size=count, unique=True))
        for mode in MODES
    }
    return [
        {
            "Ид": ids["Ид"][number],
            "Артикул": ids["Артикул"][number],
            "Штрихкоды": [ids["Штрихкод"][number], "4600000000000"],
            "Реквизиты": {"Код": ids["Код"][number]},
            "Наименование": f"Товар {number}",
        }
        for number in range(count)
    ]


@pytest.mark.field("B2")
@given(goods())
def test_b2_each_key_mode_finds_the_same_goods(natives: list[dict[str, Any]]) -> None:
    found = {}
    for mode, mapping in BOUND.items():
        products = [Product.model_validate(mapping.pull(native, {})) for native in natives]
        by_key = {product.key: product.name for product in products}
        assert len(by_key) == len(natives)
        found[mode] = sorted(str(name) for name in by_key.values())
    assert len({tuple(names) for names in found.values()}) == 1


@pytest.mark.field("B2")
@pytest.mark.parametrize("mode", MODES)
def test_b2_the_key_goes_back_to_where_it_came_from(mode: str) -> None:
    native = {
        "Ид": "g",
        "Артикул": "0012",
        "Штрихкоды": ["460"],
        "Реквизиты": {"Код": "00-7"},
        "Наименование": "Т",
    }
    product = Product.model_validate(BOUND[mode].pull(native, {}))
    payload = BOUND[mode].push(product, {}, {})
    assert BOUND[mode].pull(payload, {}) == BOUND[mode].pull(native, {})

"""The version of a base is told by what it publishes, and as closely as that allows."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from connectors.onec.odata.metadata import Metadata, read_metadata
from connectors.onec.odata.needs import ALLOCATION, FREE_STOCK, GOODS, PRICES_25, SUPPLY_AND_NEED
from connectors.onec.odata.version import vat_is_catalog, version_of
from connectors.onec.sandbox.edmx import metadata
from connectors.onec.sandbox.model import model_of


def publishing(version: str, names: Iterable[str] | None = None) -> Metadata:
    model = model_of(version)
    return read_metadata(metadata(model.usual if names is None else frozenset(names), model))


@pytest.mark.parametrize(("version", "told"), [("11.4.2", "11.4"), ("11.5.8", "11.5.8"), ("11.5.20", "11.5.20")])
def test_a_base_that_publishes_everything_tells_its_version(version: str, told: str) -> None:
    assert version_of(publishing(version)) == told
    assert vat_is_catalog(publishing(version)) is (version != "11.4.2")


@pytest.mark.parametrize(
    ("version", "names", "told"),
    [
        ("11.4.2", {GOODS}, "11.4"),
        ("11.4.2", {FREE_STOCK}, "11.4"),
        ("11.4.2", {"Document_ЗаказКлиента"}, ""),
        ("11.5.8", {GOODS}, "11.5"),
        ("11.5.8", {"Document_ЗаказКлиента"}, "11.5"),
        ("11.5.8", {PRICES_25}, "11.5"),
        ("11.5.8", {ALLOCATION}, "11.5.8"),
        ("11.5.20", {GOODS}, "11.5"),
        ("11.5.20", {ALLOCATION}, "11.5.20"),
        ("11.5.20", {SUPPLY_AND_NEED}, "11.5.20"),
        ("11.5.20", {"AccumulationRegister_БонусныеБаллы"}, "11.5.20"),
        ("11.5.20", set(), ""),
    ],
)
def test_of_a_few_objects_as_much_is_told_as_they_tell(version: str, names: set[str], told: str) -> None:
    assert version_of(publishing(version, names)) == told


def test_the_real_base_is_an_11_5(specs: Path) -> None:
    real = read_metadata((specs / "data/odata/ut11_trade_demo/msg001_metadata.xml").read_bytes())
    assert version_of(real) == "11.5"
    assert vat_is_catalog(real)

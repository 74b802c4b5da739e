"""The metadata is asked for once a day, whatever restarts, and anew when the base contradicts it."""

import zlib
from datetime import timedelta

import msgspec
import pytest

from connectors.onec.odata.cache import LASTS
from connectors.onec.odata.client import OData
from connectors.onec.odata.errors import NotPublished
from connectors.onec.odata.metadata import read_metadata
from connectors.onec.odata.needs import GOODS
from connectors.onec.sandbox.edmx import metadata
from connectors.onec.sandbox.model import model_of
from obmen.errors import Refused
from tests.unit.onec.goods_kit import Door, door
from tests.unit.onec.odata_support import connection

ASKED = "$metadata"


def test_it_is_asked_for_once_in_a_process() -> None:
    with door() as one:
        base = one.base()
        assert base.metadata() is base.metadata()
        assert one.asked() == [ASKED]


def test_a_restart_does_not_ask_again_and_knows_the_same() -> None:
    with door() as one:
        told = one.base().metadata()
        one.asked()
        again = one.base().metadata()
        assert again == told
        assert one.asked() == []
    kept = one.memory.get("odata.metadata")
    assert kept is not None
    assert len(kept) < 20_000, "the filtered form alone"


def test_without_a_memory_a_client_remembers_by_itself() -> None:
    with door() as one:
        base = OData(one.onec.http)
        base.metadata()
        base.metadata()
        assert one.asked() == [ASKED]


def test_after_a_day_it_is_asked_for_anew() -> None:
    with door() as one:
        base = one.base()
        base.metadata()
        one.clock.advance(LASTS.total_seconds() - 1)
        base.metadata()
        assert one.asked() == [ASKED]
        one.ut.published -= {"Catalog_Марки"}
        one.clock.advance(2)
        assert "Catalog_Марки" not in base.metadata().sets
        assert one.asked() == [ASKED]


def test_a_clock_that_was_set_back_does_not_keep_it_for_ever() -> None:
    with door() as one:
        one.clock.advance(timedelta(days=400).total_seconds())
        one.base().metadata()
        one.asked()
        earlier = OData(one.onec.http, memory=lambda: one.memory, clock=type(one.clock)())
        earlier.metadata()
        assert one.asked() == [ASKED]


def restarted(one: Door) -> list[str]:
    one.asked()
    one.base().metadata()
    return one.asked()


def test_an_object_that_is_no_longer_published_has_it_read_again() -> None:
    with door() as one:
        base = one.base()
        base.metadata()
        one.ut.published -= {GOODS}
        with pytest.raises(NotPublished, match="not in the composition"):
            list(base.pages(GOODS, where=""))
        assert GOODS not in base.metadata().sets
        assert one.asked().count(ASKED) == 2


def test_a_property_that_the_base_does_not_know_has_it_read_again_also_after_a_restart() -> None:
    with door() as one:
        base = one.base()
        base.metadata()
        with pytest.raises(Refused) as refused:
            base.some(GOODS, where="", top=1, select=("Ref_Key", "Придумано"))
        assert refused.value.code == "10"
        assert restarted(one) == [ASKED]


def test_another_refusal_leaves_it_as_it_is() -> None:
    with door() as one:
        base = one.base()
        base.metadata()
        with pytest.raises(Refused):
            base.some(GOODS, where="Ref_Key eq", top=1)
        assert restarted(one) == []


def test_what_was_kept_of_another_address_is_not_believed() -> None:
    with door() as one:
        one.base().metadata()
        one.asked()
        moved = connection(one.ut.url, one.clock, url=f"{one.ut.url}/moved")
        OData(moved.http, memory=lambda: one.memory, clock=one.clock).metadata()
        moved.close()
        assert one.asked() == [ASKED]


@pytest.mark.parametrize("damaged", [b"no zlib", b"", zlib.compress(b"{"), zlib.compress(b"{}")])
def test_what_was_kept_and_cannot_be_read_is_asked_for_anew(damaged: bytes) -> None:
    with door() as one:
        one.memory.put("odata.metadata", damaged)
        assert one.base().metadata().sets
        assert one.asked() == [ASKED]


@pytest.mark.parametrize("version", ["11.4.2", "11.5.8", "11.5.20"])
def test_what_is_kept_comes_back_equal(version: str) -> None:
    model = model_of(version)
    told = read_metadata(metadata(model.usual, model))
    kept = msgspec.json.decode(msgspec.json.encode(told), type=type(told))
    assert kept == told

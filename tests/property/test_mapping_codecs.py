"""The law of codecs: what is written is read back as it was, and is then written again the same."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obmen.mapping import CODECS, Codec

from .mapping_strategies import DOMAINS, JUNK, ZONE

TWO_WAY = [codec for codec in CODECS.values() if codec.push is not None]
ARGUMENTS = {"joined": ";", "phone": "RU", "phones": "RU"}


def pair(codec: Codec) -> tuple[Any, Any]:
    return codec.pair(ZONE, ARGUMENTS.get(codec.name))


def test_every_codec_has_a_domain() -> None:
    assert set(DOMAINS) == set(CODECS)


@pytest.mark.parametrize("codec", TWO_WAY, ids=lambda codec: codec.name)
@given(data=st.data())
def test_pull_undoes_push_and_push_writes_the_same_again(codec: Codec, data: st.DataObject) -> None:
    pull, push = pair(codec)
    value = data.draw(DOMAINS[codec.name])
    native = push(value)
    assert type(native) in codec.natives
    back = pull(native)
    assert back == value
    assert push(back) == native
    assert type(push(back)) is type(native)


@pytest.mark.parametrize("codec", CODECS.values(), ids=lambda codec: codec.name)
@given(junk=JUNK)
def test_junk_is_a_bad_value_and_nothing_worse(codec: Codec, junk: Any) -> None:
    pull, push = pair(codec)
    with suppress(ValueError):
        value = pull(junk)
        if push is not None and value is not None:
            written = push(value)
            assert push(pull(written)) == written


@pytest.mark.parametrize("codec", [codec for codec in TWO_WAY if codec.absent], ids=lambda codec: codec.name)
def test_what_stands_for_nothing_is_read_as_nothing(codec: Codec) -> None:
    pull, push = pair(codec)
    assert pull(codec.absent) is None
    with pytest.raises(ValueError, match=r"^is "):
        push(codec.absent)


@pytest.mark.parametrize(
    ("name", "native", "canonical"),
    [
        ("decimal", 1990, "1990"),
        ("decimal", " 1990.00 ", "1990"),
        ("number", "2", "2"),
        ("integer", "12.000", "12"),
        ("integer", Decimal("3.0"), "3"),
        ("comma_decimal", "1 990,50", "1990.5"),
        ("comma_decimal", "1\u00a0990", "1990"),
        ("comma_decimal", Decimal("1.5"), "1.5"),
        ("floor_zero", -3, "0"),
        ("floor_zero", "2.5", "2.5"),
        ("percent", 15, "0.15"),
        ("kg_g", 950, "0.95"),
        ("cm_mm", 40, "400"),
        ("m_mm", "0.4", "400"),
    ],
)
def test_a_peer_may_write_a_number_in_its_own_way(name: str, native: Any, canonical: str) -> None:
    assert pair(CODECS[name])[0](native) == Decimal(canonical)


@pytest.mark.parametrize(
    ("name", "value", "native"),
    [
        ("kg_g", Decimal("0.4567"), 457),
        ("mm", Decimal("10.5"), 11),
        ("money_string", Decimal(0), "0.00"),
        ("money_string", Decimal("-0.00"), "0.00"),
        ("decimal", Decimal("1E+3"), "1000"),
        ("number", Decimal("1.50"), Decimal("1.5")),
    ],
)
def test_measures_are_rounded_and_money_is_written_plainly(name: str, value: Decimal, native: Any) -> None:
    assert pair(CODECS[name])[1](value) == native


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("money_string", Decimal("0.005")),
        ("integer", Decimal("1.5")),
        ("integer_string", Decimal("0.1")),
        ("integer_id", "007"),
        ("integer_id", "A-1"),
        ("guid", "00000000-0000-0000-0000-000000000000"),
        ("guid", "A-1"),
        ("joined", ("a;b",)),
        ("boolean", 1),
        ("text", 1),
    ],
)
def test_what_would_not_come_back_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=r"^(is|has) "):
        pair(CODECS[name])[1](value)

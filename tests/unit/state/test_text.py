"""Which text is kept: told alike for both databases, and a look-up of what cannot be kept finds nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from obmen.state import Ledger, bindings
from obmen.state.text import LONGEST_ID, fault, storable


@pytest.fixture
def ledger(state_url: str) -> Iterator[Ledger]:
    opened = Ledger(state_url)
    yield opened
    opened.close()


@pytest.mark.parametrize("text", ["", "SKU-1", "Коврик\t\x01\n", "寿司 🍣", "\x7f\ufffd\ue000\uffff"])
def test_what_can_be_kept_is_kept_as_it_is(ledger: Ledger, text: str) -> None:
    assert fault(text) == ""
    assert storable(text) == text
    with ledger.write() as tx:
        bindings.bind(tx, "shop", "product", {f"key-{text}": f"id-{text}"})
    with ledger.read() as tx:
        assert bindings.native_ids(tx, "shop", "product", [f"key-{text}"]) == {f"key-{text}": f"id-{text}"}


@pytest.mark.parametrize(("text", "name"), [("a\0b", "U+0000"), ("a\ud83d", "U+D83D"), ("\udfffЖ", "U+DFFF")])
def test_what_cannot_be_kept_is_named_and_nowhere_found(ledger: Ledger, text: str, name: str) -> None:
    assert fault(text) == f"it holds the character {name}, which no database keeps"
    assert fault(storable(text)) == ""
    with ledger.write() as tx:
        bindings.bind(tx, "shop", "product", {"A": "1"})
    with ledger.read() as tx:
        assert bindings.native_ids(tx, "shop", "product", ["A", text]) == {"A": "1"}


def test_an_id_of_the_greatest_length_is_kept_in_any_alphabet(ledger: Ledger) -> None:
    longest = "".join(chr(0x20000 + 7919 * number % 40000) for number in range(LONGEST_ID))
    assert fault(longest, LONGEST_ID) == ""
    assert fault(longest + "x", LONGEST_ID) == "it is 501 characters long, and 500 are the most"
    with ledger.write() as tx:
        assert bindings.bind(tx, "shop", "product", {"A": longest}) == {}
    with ledger.read() as tx:
        assert bindings.keys(tx, "shop", "product", [longest]) == {longest: "A"}

"""As long as nothing arrived that a page is made of, its mark stays; whatever changes the page changes it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.onec.enterprisedata import keep
from connectors.onec.sandbox.enterprisedata import RETAIL, EnterpriseDataSandbox
from obmen.records import Page
from obmen.testing.clock import FakeClock

from .enterprisedata_kit import (
    BUYER,
    CARD,
    CLOTHES,
    HAT,
    JACKET,
    JACKET_XL,
    ORDER,
    PERSON,
    connected,
    door,
    fill,
)

Marks = list[tuple[bytes, bytes]]
OTHER = "22222222-0000-4000-8000-000000000009"
_CHANGES: dict[str, tuple[Callable[[EnterpriseDataSandbox], object], set[str]]] = {
    "nothing": (lambda _base: None, set()),
    "good": (lambda base: base.shelf.put(keep.PRODUCT, HAT, name="Шапка вязаная"), {"product"}),
    "group": (lambda base: base.shelf.put(keep.GROUP, CLOTHES, name="Верхняя одежда"), {"product"}),
    "characteristic": (lambda base: base.shelf.put(keep.VARIANT, JACKET_XL, name="48"), {"product", "price"}),
    "barcode": (lambda base: base.shelf.put(keep.BARCODES, "2900000000018", goods=[]), {"product", "price"}),
    "price": (lambda base: base.shelf.set_prices(OTHER, "2026-06-02T00:00:00", {RETAIL: [(HAT, "", "1")]}), {"price"}),
    "customer": (lambda base: base.shelf.put(keep.CONTRAGENT, BUYER, name="Пробный"), {"customer"}),
    "person": (lambda base: base.shelf.put(keep.PERSON, PERSON, birthday="1991-05-17"), {"customer"}),
    "card": (lambda base: base.shelf.put(keep.CARD, CARD, number="2900000000118"), {"customer"}),
    "deletion": (lambda base: base.shelf.delete(keep.PRODUCT, HAT), {"product", "price", "customer"}),
    "order": (lambda base: base.shelf.put(keep.ORDER, ORDER, comment="Срочно"), set()),
}
_AFFECTED = {"price": {"product"}}
"""A price may name a characteristic, so goods are looked at too, and found as they were."""


def marks(pages: Iterable[Page]) -> Marks:
    return [(page.salt, page.mark) for page in pages]


def whole(pages: Iterable[Page]) -> list[tuple[bytes, bytes, list[bytes]]]:
    return [(page.salt, page.mark, list(page.slices)) for page in pages]


def marks_of(found: list[tuple[bytes, bytes, list[bytes]]]) -> Marks:
    return [(salt, mark) for salt, mark, _ in found]


def slices(pages: Iterable[Page]) -> list[bytes]:
    return [raw for page in pages for raw in page.slices]


@pytest.mark.parametrize("change", _CHANGES)
def test_marks_change_with_what_pages_are_made_of_and_with_nothing_else(tmp_path: Path, change: str) -> None:
    make, expected = _CHANGES[change]
    with connected(tmp_path) as (opened, base):
        fill(base)
        readers = {"product": opened.products, "price": opened.prices, "customer": opened.customers}
        before = {entity: whole(read()) for entity, read in readers.items()}
        make(base)
        after = {entity: whole(read()) for entity, read in readers.items()}
    assert all(mark for found in before.values() for _, mark, _ in found)
    changed = {entity for entity in readers if marks_of(before[entity]) != marks_of(after[entity])}
    assert changed == expected | _AFFECTED.get(change, set())
    assert {entity for entity in readers if before[entity] != after[entity]} <= changed


def test_a_price_that_begins_to_stand_changes_the_mark(tmp_path: Path) -> None:
    clock = FakeClock(datetime(2026, 6, 15, 20, 0, tzinfo=UTC))
    with connected(tmp_path, clock=clock) as (opened, base):
        fill(base)
        base.shelf.set_prices(OTHER, "2026-06-16T00:00:00", {RETAIL: [(HAT, "", "7")]})
        before = marks(opened.prices())
        clock.advance(60)
        assert marks(opened.prices()) == before
        clock.advance(3600)
        assert marks(opened.prices()) != before


def test_a_folder_that_was_put_back_from_a_copy_never_has_a_mark_of_what_it_lost(tmp_path: Path) -> None:
    folder, copy = tmp_path / "folder", tmp_path / "copy"
    with connected(folder) as (opened, base):
        fill(base)
        marks(opened.products())
        shutil.copytree(folder, copy)
        base.shelf.put(keep.PRODUCT, HAT, name="Шапка зимняя")
        lost = marks(opened.products())
        shutil.rmtree(folder)
        shutil.copytree(copy, folder)
        base.shelf.put(keep.PRODUCT, HAT, name="Шапка летняя")
        other = door(base, folder)
        found = list(other.products())
        other.close()
    assert {mark for _, mark in lost}.isdisjoint(page.mark for page in found)


def test_a_folder_of_the_version_before_gets_marks_and_keeps_what_it_has(tmp_path: Path) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        known = slices(opened.products())
        with closing(sqlite3.connect(tmp_path / "mirror.sqlite", isolation_level=None)) as database:
            database.execute("DROP TABLE arrival")
            database.execute("PRAGMA user_version = 1")
        before = marks(opened.products())
        assert slices(opened.products()) == known
        base.shelf.put(keep.PRODUCT, JACKET, name="Куртка «Опыт»")
        assert marks(opened.products()) != before

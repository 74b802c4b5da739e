"""A site of two sandboxes for one test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.onec.commerceml import CommerceML
from runner.demo.catalogue import write_catalogue
from tests.e2e.site import Site


@pytest.fixture
def new_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Make a site from an export, or from so many invented goods."""
    made: list[Site] = []

    def make(export: Path | None = None, *, goods: int = 12, state: str = "") -> Site:
        folder = tmp_path / f"site{len(made)}"
        folder.mkdir()
        if export is None:
            export = folder / "export"
            write_catalogue(export, goods, seed=3)
        site = Site(folder, export, state)
        site.flows["prices"]["where"] = {"price_type": _first_type(site)}
        made.append(site)
        return site

    yield make
    for site in made:
        site.close()


def _first_type(site: Site) -> str:
    return next(iter(CommerceML(site.export).price_types().values()))

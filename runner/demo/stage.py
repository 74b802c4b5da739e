"""The demonstration's stage: two sandboxes, an export of 1C, and a project like an integrator's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from obmen.connector import connector_class
from obmen.project import Project, load_project
from obmen.records import Page
from obmen.state import Ledger
from obmen.sync.assemble import Assembly
from runner.demo.catalogue import write_catalogue
from runner.sandboxes import load_sandbox

RETAIL = "Розничная"
FIRST_WAREHOUSE = 1020000000001
_SAMPLE = 20_000


@dataclass(frozen=True)
class Stage:
    """Where the demonstration plays. ``ozon`` and ``ut`` are the sandboxes, by what they can do.

    ``price_type`` is the Ид of the price type that is carried.
    """

    folder: Path
    export: Path
    project: Project
    ledger: Ledger
    ozon: Any
    ut: Any
    price_type: str

    @contextmanager
    def assembly(self) -> Iterator[Assembly]:
        """Make the flows anew, as every start of Obmen does."""
        with Assembly(self.project) as made:
            yield made


@contextmanager
def stage(folder: Path, *, commerceml: Path | None, goods: int, seed: int) -> Iterator[Stage]:
    """Set the stage in an empty folder; ``commerceml`` is a real export to be used instead of invented goods."""
    export = folder / "exchange"
    if commerceml is None:
        write_catalogue(export, goods, seed)
    else:
        shutil.copytree(commerceml, export)
    types, warehouses = _told(export)
    chosen = next((id_ for id_, name in types.items() if name == RETAIL), next(iter(types), ""))
    with ExitStack() as stack:
        ids = {name: FIRST_WAREHOUSE + number for number, name in enumerate(warehouses)}
        ozon: Any = stack.enter_context(_made("ozon", seed=seed, warehouses=ids))
        ut: Any = stack.enter_context(_made("onec", seed=seed))
        file = folder / "obmen.yaml"
        file.write_bytes(_project(ozon.connection(), ut.connection(), types.get(chosen, ""), warehouses))
        project = load_project(file)
        project.make_state_folder()
        ledger = Ledger(project.state_url)
        stack.callback(ledger.close)
        yield Stage(folder, export, project, ledger, ozon, ut, chosen)


def _made(name: str, **options: Any) -> Any:
    return load_sandbox(name)(**options)


def _told(export: Path) -> tuple[dict[str, str], list[str]]:
    """Read from an export which price types (Ид → name) and warehouses it tells of."""
    onec = connector_class("onec")
    connector = onec("ut", onec.options_model.model_validate({"commerceml": export}))
    try:
        types = {native["ИдТипаЦены"]: native["ТипЦены"] for native in _natives(connector.read("price", None))}
        warehouses = {native["Склад"]: None for native in _natives(connector.read("stock", None))}
    finally:
        connector.close()
    return types, list(warehouses)


def _natives(pages: Iterator[Page]) -> Iterator[dict[str, Any]]:
    seen = 0
    for page in pages:
        for raw in page.slices:
            yield from page.decode(raw)
        seen += len(page.slices)
        if seen >= _SAMPLE:
            return


def _project(ozon: dict[str, Any], ut: dict[str, Any], price_type: str, warehouses: list[str]) -> bytes:
    """A project as an integrator would write it; JSON is YAML too."""
    base = {**ut, "commerceml": "exchange"}
    own = base["order"]
    first = next(iter(own["warehouses"].values()))
    base["order"] = {**own, "warehouses": {**dict.fromkeys(warehouses, first), **own["warehouses"]}}
    flows = {
        "goods": {"entity": "product", "from": "ut", "to": "ozon", "missing": "archive"},
        "prices": {"entity": "price", "from": "ut", "to": "ozon", "where": {"price_type": price_type}},
        "stock": {"entity": "stock", "from": "ut", "to": "ozon", "missing": "zero"},
        "orders": {"entity": "order", "from": "ozon", "to": "ut"},
        "statuses": {"entity": "order_status", "from": "ozon", "to": "ut"},
        "statuses_back": {"entity": "order_status", "from": "ut", "to": "ozon"},
    }
    connections = {"ut": {"connector": "onec", **base}, "ozon": {"connector": "ozon", **ozon}}
    encoded = msgspec.json.encode({"connections": connections, "flows": flows})
    return msgspec.json.format(encoded, indent=2)

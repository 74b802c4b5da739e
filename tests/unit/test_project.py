"""A project as it is meant: settings, defaults, variables, order, mappings."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from obmen.errors import ConfigurationError
from obmen.project import load_project
from obmen.project.presets import presets_folder
from obmen.rules.guards import Guards

from .project_kit import SYSTEMS, Base, Shop, flows, project

MAPPING = """
entity: price
fields:
  sku: id
  price_type: { fixed: base }
  amount: { path: price, as: money_string }
  currency: currency
tests:
  - native: { id: A-1, price: "19.90", currency: RUB }
    canonical: { sku: A-1, price_type: base, amount: "19.90", currency: RUB }
"""


def test_four_lines_make_a_flow(tmp_path: Path) -> None:
    made = flows(
        tmp_path,
        """
        stock:
          entity: stock
          from: ut
          to: shop
        """,
    )
    flow = made.flows["stock"]
    assert (flow.entity, flow.source, flow.targets) == ("stock", "ut", ("shop",))
    assert (flow.where, flow.missing, flow.schedule.every, flow.attempts) == ({}, "ignore", timedelta(minutes=2), 10)
    assert flow.guards == Guards(zeroed=Decimal("0.3"), vanished=True, grown=Decimal(100))
    assert (flow.line, flow.lines["to"]) == (6, 9)
    assert flow.where_line == f"{tmp_path}/obmen.yaml:6"
    assert made.state_url == f"sqlite:///{tmp_path}/.obmen/state.db"
    assert made.folder == tmp_path
    assert made.where(flow.line) == f"{tmp_path}/obmen.yaml:6"


def test_every_word_of_a_flow(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(MAPPING, encoding="utf-8")
    made = flows(
        tmp_path,
        """
        prices:
          entity: price
          from: ut
          to: [shop, second]
          where: { price_type: Розничная }
          every: 1h30m
          attempts: 3
          guards: { change: 12.5%, share: "20 %" }
          mappings: { shop: own.yaml }
        goods: { entity: product, from: ut, to: shop, missing: archive, guards: { gone: off } }
        """,
    )
    prices = made.flows["prices"]
    assert prices.targets == ("shop", "second")
    assert prices.where == {"price_type": "Розничная"}
    assert prices.where_line.endswith("obmen.yaml:10")
    assert prices.schedule.every == timedelta(minutes=90)
    assert prices.attempts == 3
    assert prices.guards == Guards(change=Decimal("0.125"), share=Decimal("0.2"), lowered=Decimal("0.5"))
    assert prices.mappings == {"shop": tmp_path / "own.yaml"}
    assert made.flows["goods"].guards == Guards()
    assert made.flows["goods"].missing == "archive"


@pytest.mark.parametrize(
    ("entity", "guards"),
    [
        ("price", Guards(change=Decimal("0.5"), lowered=Decimal("0.5"))),
        ("stock", Guards(zeroed=Decimal("0.3"), vanished=True, grown=Decimal(100))),
        ("product", Guards(gone=Decimal("0.1"))),
    ],
)
def test_guards_stand_unless_said_otherwise(tmp_path: Path, entity: str, guards: Guards) -> None:
    made = flows(tmp_path, f"x: {{ entity: {entity}, from: ut, to: shop, guards: {{ share: 90% }} }}")
    assert made.flows["x"].guards == replace(guards, share=Decimal("0.9"))


@pytest.mark.parametrize(
    ("written", "meant"),
    [("90s", 90), ("2m", 120), ("1h", 3600), ("1d", 86400), ("1d 2h 3m 4s", 93784)],
)
def test_times_as_people_write_them(tmp_path: Path, written: str, meant: int) -> None:
    made = flows(tmp_path, f"x: {{ entity: price, from: ut, to: shop, every: {written} }}")
    assert made.flows["x"].schedule.every == timedelta(seconds=meant)


def test_a_flow_may_only_read(tmp_path: Path) -> None:
    assert flows(tmp_path, "x: { entity: product, from: shop, to: [] }").flows["x"].targets == ()


def test_connections_are_made_of_their_connectors_options(tmp_path: Path) -> None:
    made = project(
        tmp_path,
        """
        connections:
          ut:
            connector: base
            folder: exchange
            files: [a.xml, /b.xml]
            factor: 1.5
            order:
              organization: Пример
          shop:
            { connector: shop, client_id: "1", api_key: abcd, warehouses: { Основной: 7 } }
        """,
    )
    ut, shop = made.connections["ut"], made.connections["shop"]
    assert (ut.name, ut.kind, ut.connector, ut.line) == ("ut", "base", Base, 3)
    assert type(ut.options).__qualname__ == "Base.Options"
    assert ut.options.folder == tmp_path / "exchange"
    assert ut.options.files == (tmp_path / "a.xml", Path("/b.xml"))
    assert ut.options.factor == 1.5
    assert ut.lines["order.organization"] == 9
    assert shop.lines["warehouses.Основной"] == 11
    assert shop.connector is Shop
    assert made.flows == {}


class TestState:
    @pytest.mark.parametrize(
        ("written", "url"),
        [
            ("postgresql+psycopg://u:p@db/obmen", "postgresql+psycopg://u:p@db/obmen"),
            ("postgresql://u:p@db/obmen", "postgresql+psycopg://u:p@db/obmen"),
            ("postgres://u:p@db/obmen", "postgresql+psycopg://u:p@db/obmen"),
            ("sqlite:///state/x.db", "sqlite:///{folder}/state/x.db"),
            ("sqlite:////var/x.db", "sqlite:////var/x.db"),
        ],
    )
    def test_one_key_moves_it(self, tmp_path: Path, written: str, url: str) -> None:
        made = project(tmp_path, f"state: {written}\nconnections: {{ ut: {{ connector: base }} }}")
        assert made.state_url == url.format(folder=tmp_path)

    def test_its_folder_is_made_only_by_default(self, tmp_path: Path) -> None:
        project(tmp_path, "connections: { ut: { connector: base } }").make_state_folder()
        assert (tmp_path / ".obmen").is_dir()
        project(tmp_path, "state: sqlite:///other/x.db\nconnections: { ut: { connector: base } }").make_state_folder()
        assert not (tmp_path / "other").exists()

    def test_its_password_is_not_shown(self, tmp_path: Path) -> None:
        text = "state: postgresql://u:${P}@db/obmen\nconnections: { ut: { connector: base, password: '${P}' } }"
        made = project(tmp_path, text, P="hunter2hunter")
        assert "hunter2hunter" in made.state_url
        assert "hunter2hunter" not in repr(made)


class TestVariables:
    TEXT = """
    connections:
      ut: { connector: base, password: "${PASSWORD}", retries: "${RETRIES:-5}", url: "a${X:-}b$${c}" }
    """

    def test_they_come_from_the_environment(self, tmp_path: Path) -> None:
        options = project(tmp_path, self.TEXT, PASSWORD="p@ss: #1", RETRIES="7").connections["ut"].options
        assert options.password.get_secret_value() == "p@ss: #1"
        assert options.retries == 7
        assert options.url == "ab${c}"

    def test_a_default_fills_in_for_one_that_is_not_set_or_empty(self, tmp_path: Path) -> None:
        assert project(tmp_path, self.TEXT, PASSWORD="abcd").connections["ut"].options.retries == 5
        assert project(tmp_path, self.TEXT, PASSWORD="abcd", RETRIES="").connections["ut"].options.retries == 5

    def test_a_file_beside_the_project_fills_in_what_the_environment_lacks(self, tmp_path: Path) -> None:
        (tmp_path / ".env").write_text(
            "\ufeff# secrets\n\nexport PASSWORD='from # file'\nRETRIES = 9   # of nine\nEMPTY=\n",
            encoding="utf-8",
        )
        made = project(tmp_path, self.TEXT, RETRIES="8").connections["ut"].options
        assert made.password.get_secret_value() == "from # file"
        assert made.retries == 8

    def test_the_real_environment_is_the_default(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PASSWORD", "really")
        (tmp_path / "obmen.yaml").write_text(self.TEXT, encoding="utf-8")
        made = load_project(tmp_path / "obmen.yaml", connectors=SYSTEMS)
        assert made.connections["ut"].options.password.get_secret_value() == "really"

    def test_an_alias_may_share_options(self, tmp_path: Path) -> None:
        made = project(
            tmp_path,
            """
            connections:
              a: { connector: base, order: &party { organization: Пример } }
              b: { connector: base, order: *party }
            """,
        )
        assert made.connections["b"].options.order.organization == "Пример"


def test_flows_run_after_those_whose_records_they_need(tmp_path: Path) -> None:
    made = flows(
        tmp_path,
        """
        statuses: { entity: order_status, from: ut, to: shop }
        orders: { entity: order, from: shop, to: ut }
        prices: { entity: price, from: ut, to: shop }
        stock: { entity: stock, from: ut, to: shop }
        goods: { entity: product, from: ut, to: shop }
        cards: { entity: product, from: shop, to: [] }
        """,
    )
    order = [flow.name for flow in made.ordered_flows()]
    assert order == ["cards", "goods", "orders", "prices", "stock", "statuses"]


class TestMappings:
    """The flow's own file, else the connection's, else the connector's, else the presets."""

    def _write(self, path: Path, native: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(MAPPING.replace("path: price", f"path: {native}"), encoding="utf-8")

    def test_the_nearest_counts(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        presets = tmp_path / "presets"
        monkeypatch.setattr("obmen.project.presets.presets_folder", lambda: presets)
        monkeypatch.setattr(Shop, "presets", tmp_path / "brought")
        places = [
            presets / "shop" / "price.yaml",
            tmp_path / "brought" / "price.yaml",
            tmp_path / "mappings" / "shop" / "price.yaml",
            tmp_path / "mappings" / "second" / "price.yaml",
            tmp_path / "own.yaml",
        ]
        for number, place in enumerate(places):
            self._write(place, f"native{number}")
        made = flows(tmp_path, "prices: { entity: price, from: ut, to: [second], mappings: { second: own.yaml } }")
        assert made.mapping("second", "price", flow=made.flows["prices"]).source == str(places[4])
        for place in reversed(places[:4]):
            assert made.mapping("second", "price").source == str(place)
            place.unlink()
        with pytest.raises(ConfigurationError) as caught:
            made.mapping("second", "price", flow=replace(made.flows["prices"], mappings={}))
        assert all(str(place) in str(caught.value) for place in places[:4])

    def test_one_for_another_entity_is_refused(self, tmp_path: Path) -> None:
        self._write(tmp_path / "mappings" / "shop" / "stock.yaml", "x")
        made = flows(tmp_path, "stock: { entity: stock, from: ut, to: shop }")
        with pytest.raises(ConfigurationError, match=r"obmen\.yaml:6: .*stock\.yaml maps 'price'; 'stock' is meant"):
            made.mapping("shop", "stock", flow=made.flows["stock"])

    def test_the_presets_of_a_checkout_stand_beside_the_package(self) -> None:
        assert presets_folder().name == "mappings"
        assert presets_folder().is_dir()

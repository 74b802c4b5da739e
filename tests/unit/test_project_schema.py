"""The JSON Schema: what editors complete is what the loader takes, and the shipped file is this one."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # ships no types
from pydantic import BaseModel

from obmen.connector import Connector, connectors
from obmen.errors import ConfigurationError
from obmen.mapping.yaml import parse_yaml, read_yaml
from obmen.project import load_project, project_schema
from obmen.project.alerts import AlertsModel, DeadlineModel, RulesModel, SilenceModel, TelegramModel
from obmen.project.model import FlowModel, GuardsModel, ProjectModel
from obmen.project.money_model import MoneyModel
from obmen.project.service import PageModel, ServiceModel, UserModel, WakeModel
from obmen.project.settings import default_state

from .project_kit import SYSTEMS, project

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "config" / "example"
INVENTED = {
    "UT_PASSWORD": "an-invented-password",
    "OZON_API_KEY": "an-invented-key",
    "UT_HOOK": "an-invented-secret-of-ut",
    "BOT_TOKEN": "1000001:an-invented-token",
    "OBMEN_ANNA": "$argon2id$v=19$m=8,t=1,p=1$aW52ZW50ZWQ$aW52ZW50ZWQ",
}
MODELS = (
    ProjectModel, FlowModel, GuardsModel, ServiceModel, PageModel, UserModel, WakeModel, AlertsModel, TelegramModel,
    RulesModel, SilenceModel, DeadlineModel, MoneyModel,
)  # fmt: skip
"""What the example shows whole; the longer blocks of rules have pages of their own, which it names."""


@pytest.fixture(scope="module")
def own() -> dict[str, type[Connector]]:
    """Obmen's own connectors, as its package declares them."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    found = {}
    for name, target in declared["obmen.connectors"].items():
        module, _, attribute = target.partition(":")
        found[name] = getattr(import_module(module), attribute)
    return found


def _errors(schema: dict[str, Any], data: Any) -> list[str]:
    return [error.message for error in Draft202012Validator(schema).iter_errors(json.loads(json.dumps(data)))]


def test_the_shipped_schema_is_up_to_date(own: dict[str, type[Connector]]) -> None:
    shipped = json.loads((ROOT / "config" / "schema.json").read_text("utf-8"))
    assert shipped == project_schema(own), "the schema is stale: run `make schema`"
    Draft202012Validator.check_schema(shipped)


def test_the_shipped_schema_takes_the_example() -> None:
    shipped = json.loads((ROOT / "config" / "schema.json").read_text("utf-8"))
    assert _errors(shipped, read_yaml(EXAMPLE / "obmen.yaml").data) == []


class TestTheExample:
    """The annotated example loads, and its mappings are found."""

    def test_it_loads(self, own: dict[str, type[Connector]]) -> None:
        example = load_project(EXAMPLE, connectors=own, environment=INVENTED)
        assert [flow.name for flow in example.ordered_flows()] == [
            "goods",
            "prices",
            "stock",
            "orders",
            "statuses",
        ]
        assert example.connections["ut"].options.commerceml == EXAMPLE / "exchange"

    def test_its_own_mapping_stands_before_the_preset(self, own: dict[str, type[Connector]]) -> None:
        example = load_project(EXAMPLE, connectors=own, environment=INVENTED)
        prices = example.mapping("ozon", "price", flow=example.flows["prices"])
        assert prices.source == str(EXAMPLE / "mappings" / "ozon" / "price.yaml")

    def test_every_flow_has_its_mappings(self, own: dict[str, type[Connector]]) -> None:
        example = load_project(EXAMPLE, connectors=own, environment=INVENTED)
        for flow in example.flows.values():
            for connection in (flow.source, *flow.targets):
                assert example.mapping(connection, flow.entity, flow=flow).entity == flow.entity

    @pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
    def test_it_has_every_key(self, model: type[BaseModel]) -> None:
        keys = set(re.findall(r"(\w+):(?=\s)", (EXAMPLE / "obmen.yaml").read_text("utf-8")))
        assert {field.alias or name for name, field in model.model_fields.items()} - keys == set()

    def test_what_it_calls_usual_is(self, own: dict[str, type[Connector]]) -> None:
        example = load_project(EXAMPLE, connectors=own, environment=INVENTED)
        assert example.state_url == default_state(EXAMPLE)
        its_own = {"page": PageModel(), "webhooks": {}}
        assert example.service.model_copy(update=its_own) == ServiceModel()
        assert example.service.page.model_copy(update={"users": {}, "hosts": ()}) == PageModel()
        usual = RulesModel().model_copy(update={"late": {"goods": timedelta(days=3)}})
        rules = example.alerts.rules
        assert rules.model_copy(update={"silence": (), "unsent": {}}) == usual
        assert {entity: RulesModel().may_be_unsent(entity) for entity in rules.unsent} == rules.unsent
        assert example.alerts.per_hour == AlertsModel().per_hour
        assert example.money.wait == MoneyModel().wait

    def test_the_pages_that_it_names_are_there(self) -> None:
        named = set(re.findall(r"docs/[\w/.-]+\.md", (EXAMPLE / "obmen.yaml").read_text("utf-8")))
        assert named
        assert all((ROOT / page).is_file() for page in named)

    def test_its_env_example_is_read_as_it_stands(
        self, own: dict[str, type[Connector]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in INVENTED:
            monkeypatch.delenv(name, raising=False)
        copied = Path(shutil.copytree(EXAMPLE, tmp_path / "project"))
        (copied / ".env.example").rename(copied / ".env")
        assert load_project(copied, connectors=own).service.page.users["anna"].role == "operate"

    def test_its_env_example_names_every_variable(self) -> None:
        named = {
            line.partition("=")[0]
            for line in (EXAMPLE / ".env.example").read_text("utf-8").splitlines()
            if line and not line.startswith("#")
        }
        assert named == set(INVENTED)


def test_the_installed_connectors_are_the_declared_ones(own: dict[str, type[Connector]]) -> None:
    installed = connectors()
    if not installed:
        pytest.skip("the package is not installed here, only on the path")
    assert {name: installed.get(name) for name in own} == own


GOOD = """
state: sqlite:///x.db
connections:
  ut: { connector: base, retries: "${N:-3}", strict: "${S:-true}", order: { organization: Пример } }
  shop: { connector: shop, client_id: "1", api_key: abcd, warehouses: { Основной: 7, Запасной: "${W:-8}" } }
flows:
  stock: { entity: stock, from: ut, to: [shop], every: 90s, missing: zero, guards: { zeroed: 20% } }
  cards: { entity: product, from: shop, to: [], attempts: 3 }
"""


def test_what_the_loader_takes_the_schema_takes(tmp_path: Path) -> None:
    assert project(tmp_path, GOOD)
    assert _errors(project_schema(SYSTEMS), parse_yaml(GOOD, "x").data) == []


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("state:", "stat:"),
        ("connector: base", "connector: bas"),
        ("connector: base, ", ""),
        ("retries: ", "retry: "),
        ('"${N:-3}"', "many"),
        ('"${S:-true}"', "perhaps"),
        ("organization:", "organisation:"),
        ('client_id: "1", ', ""),
        ("Основной: 7", "Основной: seven"),
        ("entity: stock", "entity: stocks"),
        ("from: ut, ", ""),
        ("90s", "soon"),
        ("20%", "20"),
        ("missing: zero", "missing: nil"),
        ("zeroed:", "zerod:"),
        ("attempts: 3", "attempts: 0"),
    ],
)
def test_what_the_loader_refuses_the_schema_refuses(tmp_path: Path, good: str, bad: str) -> None:
    assert good in GOOD
    text = GOOD.replace(good, bad, 1)
    with pytest.raises(ConfigurationError):
        project(tmp_path, text)
    assert _errors(project_schema(SYSTEMS), parse_yaml(text, "x").data) != []

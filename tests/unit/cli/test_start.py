"""What a process loads: a command waits for, and keeps in memory, what it needs and no more.

Nothing is timed here: a process says in the end which modules it holds. An import at the top of the wrong module
shows at once, and long before anybody notices that every command has become slower.
"""

from __future__ import annotations

import pytest

from runner.cli.app import commands
from runner.cli.deferred import Deferred
from tests.unit.cli.kit import Place

BEGIN = """\
import sys
from runner.cli import main
code = main(sys.argv[1:])
print(*sys.modules, file=sys.stderr)
sys.exit(code)
"""
STATE = {"sqlalchemy", "alembic"}
WEB = {"starlette", "uvicorn", "anyio"}
SELDOM = {"zeep", "lxml", "phonenumbers", "apscheduler", "psycopg"}
PROJECT = {
    "pydantic",
    "requests",
    "urllib3",
    "structlog",
    "ruamel",
    "jmespath",
    "tenacity",
    "obmen.sync",
    "obmen.mapping",
}
CONNECTORS = {f"connectors.{name}" for name in ("onec", "ozon", "wildberries", "yandex_market")}
ONEC_AND_OZON = """\
connections:
  ut: { connector: onec, url: "http://127.0.0.1:9/base", username: obmen, password: a-password }
  shop: { connector: ozon, url: "http://127.0.0.1:9", client_id: 1, api_key: a-key }
flows:
  products: { entity: product, from: ut, to: shop }
"""


def loaded(place: Place, *arguments: str) -> set[str]:
    """Run a command as a process of its own; return the modules that it held in the end."""
    place.begin = ("-c", BEGIN)
    ran = place.process(*arguments)
    assert ran.code == 0, ran
    return set(ran.err.split())


@pytest.mark.parametrize("wanted", ["--help", "--version"])
def test_help_and_version_load_nothing_of_what_commands_work_with(place: Place, wanted: str) -> None:
    found = loaded(place, wanted)
    assert {"typer", "runner.cli.app"} <= found
    assert not found & (STATE | WEB | SELDOM | PROJECT | CONNECTORS | {"runner.cli.session", "runner.cli.sync"})


def test_a_command_loads_the_connectors_of_its_project_and_of_those_only_what_is_open(place: Place) -> None:
    place.write("obmen.yaml", ONEC_AND_OZON)
    assert "alembic" in loaded(place, "status"), "the state is made by migrations"
    found = loaded(place, "status")
    assert {"sqlalchemy", "connectors.onec", "connectors.ozon"} <= found
    assert not found & (WEB | SELDOM | {"alembic", "connectors.wildberries", "connectors.yandex_market"})
    assert not found & {
        "connectors.onec.commerceml",
        "connectors.onec.site.door",
        "connectors.onec.enterprisedata.door",
    }
    assert not found & {"connectors.onec.sandbox", "connectors.ozon.sandbox", "obmen.testing"}
    assert not found & {"runner.serve", "runner.demo", "runner.cli.demo"}


@pytest.mark.parametrize("name", commands().commands)
def test_the_help_page_says_of_a_command_what_its_own_says_first(name: str) -> None:
    listed = commands().commands[name]
    assert isinstance(listed, Deferred)
    own = listed.load()
    assert own.name == name
    assert " ".join((own.help or "").partition("\n\n")[0].split()) == listed.help

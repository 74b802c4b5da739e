"""Beginning and authoring: init, schema, mapping, sandbox."""

from __future__ import annotations

import json
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
import requests

from connectors.onec.sandbox import OneCSandbox
from connectors.ozon.sandbox import OzonSandbox
from connectors.ozon.sandbox.cabinet import VENDOR
from obmen.mapping.yaml import parse_yaml
from obmen.project import load_project
from runner.sandboxes import rehearsal
from tests.unit.cli.conftest import Cli
from tests.unit.cli.kit import KEY, Place, Shelf

# -- init -------------------------------------------------------------------------------------------------


def test_init_writes_a_project_that_loads(cli: Cli, place: Place) -> None:
    ran = cli("init")
    assert ran.code == 0
    assert "obmen check" in ran.out
    assert {path.name for path in place.folder.iterdir()} == {
        "obmen.yaml",
        ".env.example",
        ".gitignore",
        "mappings",
    }
    project = load_project(place.folder, environment={"OZON_API_KEY": "a-key"})
    assert [flow.entity for flow in project.ordered_flows()] == ["product", "price", "stock"]
    assert "OZON_API_KEY=\n" in (place.folder / ".env.example").read_text("utf-8")
    assert ".env\n" in (place.folder / ".gitignore").read_text("utf-8")


def test_every_mapping_of_a_new_project_compiles(cli: Cli, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("init")
    monkeypatch.setenv("OZON_API_KEY", "a-key")
    ran = cli("mapping", "test")
    assert ran.code == 0, ran.out
    assert "All mappings are as their tests say." in ran.out


def test_what_is_commented_out_in_a_new_project_is_right_too(cli: Cli, place: Place) -> None:
    cli("init")
    lines = (place.folder / "obmen.yaml").read_text("utf-8").splitlines()
    head = next(number for number, line in enumerate(lines) if line == "connections:")
    opened = [opened_line(line) for line in lines[head:]]
    (place.folder / "obmen.yaml").write_text("\n".join(opened).replace("0-000000000000", "0-000000000001"))
    project = load_project(place.folder, environment={"OZON_API_KEY": "a-key", "UT_PASSWORD": "a-password"})
    entities = [flow.entity for flow in project.ordered_flows()]
    assert entities == ["product", "price", "stock", "order", "order_status", "order_status"]


def opened_line(line: str) -> str:
    """A commented line that holds settings, without its sign; remarks stay."""
    return re.sub(r"# (?=(  |url:|username:|password:|order:|orders:|statuses_from_))", "", line, count=1)


def test_init_overwrites_nothing(cli: Cli, place: Place) -> None:
    place.write("obmen.yaml", "mine")
    ran = cli("init")
    assert ran.code == 2
    assert "obmen.yaml stands there, and nothing is overwritten" in ran.err
    assert (place.folder / "obmen.yaml").read_text() == "mine"
    assert [path.name for path in place.folder.iterdir()] == ["obmen.yaml"]


def test_init_leaves_a_gitignore_alone(cli: Cli, place: Place) -> None:
    place.write(".gitignore", "*.log\n")
    assert cli("init").code == 0
    assert (place.folder / ".gitignore").read_text() == "*.log\n"


def test_init_writes_for_any_connector(cli: Cli, place: Place) -> None:
    ran = cli("init", "new", "--connector", "shelf", "--connector", "ozon")
    assert ran.code == 0
    text = (place.folder / "new" / "obmen.yaml").read_text("utf-8")
    assert "# key: ${SHELF_KEY}    # the key to it" in text
    assert "SHELF_KEY=\n" in (place.folder / "new" / ".env.example").read_text("utf-8")
    project = load_project(place.folder / "new", environment={"OZON_API_KEY": "a-key"})
    assert project.flows["prices"].source == "shelf"
    assert project.flows["prices"].targets == ("ozon",)


@pytest.mark.parametrize("kind", ["ozon", "wildberries", "yandex_market"])
def test_init_of_1c_and_any_channel_gives_a_project_whose_flows_fit(
    cli: Cli, place: Place, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    assert cli("init", "--connector", "onec", "--connector", kind).code == 0
    file = place.folder / "obmen.yaml"
    text = re.sub(r"^  # (?=\w+: \{ entity:)", "  ", file.read_text("utf-8"), flags=re.MULTILINE)
    file.write_text(text, "utf-8")
    for name in re.findall(r"\$\{(\w+)", text):
        monkeypatch.setenv(name, "a-key")
    project = load_project(place.folder)
    assert {"product", "price", "stock", "order", "order_status"} <= {flow.entity for flow in project.flows.values()}


def test_init_of_one_system_has_no_flows_and_says_so(cli: Cli, place: Place) -> None:
    assert cli("init", "--connector", "shelf").code == 0
    assert "Add another" in (place.folder / "obmen.yaml").read_text("utf-8")
    assert load_project(place.folder, environment={}).flows == {}


def test_init_knows_the_connectors(cli: Cli, place: Place) -> None:
    ran = cli("init", "--connector", "ozn")
    assert ran.code == 2
    assert "Did you mean 'ozon'?" in ran.err
    assert list(place.folder.iterdir()) == []


def test_invented_goods_can_be_had_without_the_demonstration(cli: Cli, place: Place) -> None:
    assert cli("demo", "--goods", "20", "--export", "exchange").code == 0
    assert sorted(path.name for path in (place.folder / "exchange").iterdir()) == ["import0_1.xml", "offers0_1.xml"]
    again = cli("demo", "--goods", "20", "--export", "exchange")
    assert again.code == 2
    assert "nothing is overwritten" in again.err
    assert cli("demo", "--export", "other", "--keep", "kept").code == 2


# -- schema -----------------------------------------------------------------------------------------------


def test_schema_is_printed_and_written(cli: Cli, place: Place) -> None:
    printed = cli("schema")
    assert printed.code == 0
    assert "shelf" in printed.data["$defs"]
    written = cli("schema", "-o", "obmen.schema.json")
    assert json.loads((place.folder / "obmen.schema.json").read_text("utf-8")) == printed.data
    assert "yaml-language-server: $schema=obmen.schema.json" in written.out


# -- mapping ----------------------------------------------------------------------------------------------

GOOD = """\
entity: product
fields: { sku: article, name: name }
tests:
  - { native: { article: A, name: B }, canonical: { sku: A, name: B } }
"""


def test_mapping_test_runs_the_tests_of_a_file(cli: Cli, place: Place) -> None:
    place.write("good.yaml", GOOD)
    place.write("bad.yaml", GOOD.replace("sku: A, name: B", "sku: A, name: C"))
    assert cli("mapping", "test", "good.yaml").code == 0
    ran = cli("mapping", "test", "good.yaml", "bad.yaml")
    assert ran.code == 2
    assert "bad.yaml:4: test 1 (pull):" in ran.out
    assert '    name: expected "C", got "B"' in ran.out
    data = cli("mapping", "test", "bad.yaml", "--json")
    assert data.code == 2
    assert data.data["failed"] == 2


def test_mapping_test_of_a_wrong_file_names_the_line(cli: Cli, place: Place) -> None:
    place.write("bad.yaml", GOOD.replace("name: name", "nmae: name"))
    ran = cli("mapping", "test", "bad.yaml")
    assert ran.code == 2
    assert ran.err.startswith("Error: bad.yaml:2:")
    assert "Did you mean 'name'?" in ran.err


def test_mapping_show_prints_the_code_of_a_connection(cli: Cli, place: Place) -> None:
    place.project("http://127.0.0.1:9", "http://127.0.0.1:9")
    ran = cli("mapping", "show", "shop", "stock")
    assert ran.code == 0
    assert "def pull(" in ran.out
    compile(ran.out, "shown", "exec")
    assert "Did you mean 'shop'?" in cli("mapping", "show", "shp", "stock").err


def test_mapping_show_of_a_file_takes_options_from_its_tests(cli: Cli, place: Place) -> None:
    path = place.write(
        "stock.yaml",
        """\
        entity: stock
        fields:
          sku: id
          warehouse: { path: place, table: places }
          available: { path: free, as: number }
        tests:
          - options: { places: { Main: m } }
            native: { id: A, place: m, free: 1 }
            canonical: { sku: A, warehouse: Main, available: "1" }
        """,
    )
    assert "def push(" in cli("mapping", "show", str(path)).out


# -- sandbox ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_sandbox_serves_until_stopped(place: Place, number: signal.Signals) -> None:
    process = place.start("sandbox", "shelf", "--port", "0")
    try:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(12)]
        url = said[0].split()[-1]
        assert requests.get(f"{url}/hello", headers={"X-Key": KEY}, timeout=5).json() == {"hello": "shelf"}
        assert requests.get(f"{url}/hello", timeout=5).status_code == 401
        control = f"{url}/__sandbox__"
        assert requests.get(f"{control}/state", timeout=5).json()["product"] == []
        fault = [{"kind": "status", "status": 503}]
        assert requests.post(f"{control}/faults", json=fault, timeout=5).status_code == 200
        assert requests.get(f"{url}/hello", headers={"X-Key": KEY}, timeout=5).status_code == 503
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, err
    assert f"{url}/__sandbox__/faults" in said[3]
    assert parse_yaml("".join(said[6:11]), "said").data == {
        "connections": {"shelf": {"connector": "shelf", "url": url, "key": KEY}}
    }
    assert err == "Stopped.\n"


@contextmanager
def told_as_json(place: Place, *arguments: str) -> Iterator[Any]:
    """Start a sandbox and read the document that it prints before it serves."""
    process = place.start("sandbox", *arguments, "--json")
    try:
        assert process.stdout is not None
        text = "".join(iter(process.stdout.readline, "}\n")) + "}"
        yield json.loads(text)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out, err) == (0, "", "Stopped.\n")


@pytest.mark.parametrize("version", ["11.4.2", "11.5.8"])
def test_a_sandbox_plays_what_is_chosen(place: Place, version: str) -> None:
    chosen = ("onec", "--set", f"version={version}", "--set", "exchange_plan=true", "--fill", "3")
    with told_as_json(place, *chosen) as told:
        connection = told["connection"]
        user = (connection["username"].encode(), connection["password"].encode())
        metadata = requests.get(f"{told['url']}/trade/odata/standard.odata/$metadata", auth=user, timeout=30).text
        assert ("Catalog_СтавкиНДС" in metadata) is (version == "11.5.8")
        assert "ExchangePlan_ОбменСКаналами" in metadata
        state = requests.get(f"{told['url']}/__sandbox__/state", timeout=30).json()
        goods = [one for one in state["catalogs"]["Catalog_Номенклатура"] if not one["IsFolder"]]
        assert len(goods) == 3


def test_another_door_of_a_sandbox_is_served_too(place: Place) -> None:
    with told_as_json(place, "onec", "--door", "enterprisedata", "--set", "version=11.4.2", "--fill", "2") as told:
        assert told["connection"]["enterprisedata"]["url"] == f"{told['url']}/trade"
        objects = requests.get(f"{told['url']}/__sandbox__/state", timeout=30).json()["objects"]
        assert len(objects["Справочник.Номенклатура"]) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--set", "vershion=11.4.2"), "no option 'vershion'. Did you mean 'version'?"),
        (("--set", "version=11.3"), "cannot be set so: '11.3' is none of 11.4.2, 11.5.8, 11.5.20"),
        (("--set", "exchange_plan=perhaps"), "takes no exchange_plan 'perhaps' (bool)"),
        (("--set", "version"), "--set takes NAME=VALUE; 'version' has no '='"),
        (("--door", "enterprise_data"), "no door 'enterprise_data'. Did you mean 'enterprisedata'?"),
    ],
)
def test_a_sandbox_that_cannot_be_so_says_what_was_meant(cli: Cli, words: tuple[str, ...], said: str) -> None:
    ran = cli("sandbox", "onec", *words)
    assert ran.code == 2
    assert said in ran.err


def test_a_sandbox_takes_several_values_and_keeps_the_limits_of_its_system() -> None:
    made = rehearsal("onec", settings={"published": "Catalog_Номенклатура, Catalog_Марки", "marketplaces": "Ozon"})
    assert isinstance(made, OneCSandbox)
    assert made.published == {"Catalog_Номенклатура", "Catalog_Марки", "Catalog_УчетныеЗаписиМаркетплейсов"}
    ozon = rehearsal("ozon", settings={"seed": "7"})
    assert isinstance(ozon, OzonSandbox)
    assert (ozon.seed, ozon.limits) == (7, VENDOR)


def test_a_sandbox_that_knows_no_goods_is_not_filled(cli: Cli) -> None:
    ran = cli("sandbox", "shelf", "--fill", "2")
    assert ran.code == 2
    assert "knows no invented goods" in ran.err


@pytest.mark.parametrize("connector", ["onec", "ozon"])
def test_a_sandbox_tells_programs_how_to_reach_it(place: Place, connector: str) -> None:
    with told_as_json(place, connector) as told:
        url = told["url"]
        assert {one["url"] for one in told["controls"]} == {
            f"{url}/__sandbox__/{name}" for name in ("state", "reset", "faults", "do/NAME")
        }
        assert told["connection"]["connector"] == connector
        place.write("obmen.yaml", json.dumps({"connections": {"there": told["connection"]}, "flows": {}}))
        project = load_project(place.folder, environment={})
        settings = project.connections["there"]
        with closing(settings.connector("there", settings.options)) as connection:
            assert {finding.level for finding in connection.check()} <= {"ok", "warning"}


@pytest.mark.parametrize(("arguments", "limited"), [((), True), (("--relaxed",), False)])
def test_the_sandbox_of_ozon_minds_ozons_limits_unless_told_otherwise(
    place: Place, arguments: tuple[str, ...], limited: bool
) -> None:
    with told_as_json(place, "ozon", *arguments) as told:
        connection = told["connection"]
        headers = {"Client-Id": connection["client_id"], "Api-Key": connection["api_key"]}
        body = {"stocks": [{"offer_id": "A", "product_id": 1, "stock": 1, "warehouse_id": 1020000000001}]}
        with requests.Session() as session:
            url = f"{told['url']}/v2/products/stocks"
            answered = {session.post(url, json=body, headers=headers, timeout=5).status_code for _ in range(90)}
    assert 200 in answered
    assert (429 in answered) is limited


def test_a_sandbox_without_limits_of_its_own_takes_relaxed_too(place: Place) -> None:
    with told_as_json(place, "shelf", "--relaxed") as told:
        assert told["connection"] == {"connector": "shelf", "url": told["url"], "key": KEY}
        assert requests.get(f"{told['url']}/hello", headers={"X-Key": KEY}, timeout=5).status_code == 200


def test_a_sandbox_on_a_taken_port_says_so(cli: Cli) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = cli("sandbox", "shelf", "--port", str(taken.getsockname()[1]))
    assert ran.code == 2
    assert "cannot be used" in ran.err


def test_a_sandbox_of_an_unknown_connector_or_of_one_without(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Did you mean 'shelf'?" in cli("sandbox", "shlef").err
    monkeypatch.setattr(Shelf, "sandbox", "")
    ran = cli("sandbox", "shelf")
    assert ran.code == 2
    assert "brings no sandbox" in ran.err
    monkeypatch.setattr(Shelf, "sandbox", "shelf:Nothing")
    assert "cannot be loaded" in cli("sandbox", "shelf").err

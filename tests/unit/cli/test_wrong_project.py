"""A slip in the project takes away neither the commands that stop the service nor those that tell how it is."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from obmen.errors import ConfigurationError
from obmen.state import Ledger, stops
from runner.cli import remains
from runner.cli.remains import Known
from runner.daemon.pulse import Carried, Pulse, save
from tests.unit.cli.conftest import Cli
from tests.unit.cli.kit import FLOWS, KEY, Place, ShelfSandbox, fill

CARRIED = (
    Carried("prices", "price", "erp", ("shop",)),
    Carried("stock", "stock", "erp", ("shop",)),
)
SLIPS = {
    "a key": ("entity: price", "entity: price, evry: 5m"),
    "no YAML": ("connections:", "connections: ["),
    "a key twice": ("flows:", "flows: {}\nflows:"),
}


def served(place: Place, state: str) -> None:
    """Leave the sign of a service that runs."""
    now = time.time()
    ledger = Ledger(state)
    save(ledger, Pulse(now - 7200, now, "server:77", refused="obmen.yaml:9: a slip", carried=CARRIED))
    ledger.close()


def slip(file: Path, name: str) -> None:
    before, after = SLIPS[name]
    text = file.read_text("utf-8")
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")


@pytest.fixture(params=SLIPS)
def wrong(
    request: pytest.FixtureRequest, place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> tuple[Place, str]:
    """A project that ran and is served, in a state of its own place, and has a slip now."""
    fill(erp, 3, amount="100001.00")
    place.write("elsewhere/empty", "")
    state = f"sqlite:///{place.folder}/elsewhere/state.db"
    file = place.project(erp.url, shop.url, flows=f'state: "sqlite:///elsewhere/state.db"\n{FLOWS}')
    assert cli("sync").code == 3
    served(place, state)
    slip(file, request.param)
    return place, state


def test_the_pause_works_and_says_what_is_wrong(wrong: tuple[Place, str], cli: Cli) -> None:
    _, state = wrong
    ran = cli("pause", "shop", "prices", "--reason", "a slip")
    assert ran.code == 0, ran.err
    assert "shop price is paused" in ran.out
    assert "obmen.yaml:" in ran.err
    assert "elsewhere/state.db" in ran.err
    assert KEY not in ran.out + ran.err
    ledger = Ledger(state)
    with ledger.read() as tx:
        assert [one.about for one in stops.every(tx)] == ["shop price"]
    ledger.close()
    typo = cli("pause", "shopp", "--reason", "a slip")
    assert (typo.code, "Did you mean 'shop'?" in typo.err) == (2, True)
    assert cli("resume", "shop", "--json").data["resumed"][0]["entity"] == "price"


def test_the_status_goes_on_and_its_code_tells_of_it(wrong: tuple[Place, str], cli: Cli) -> None:
    ran = cli("status")
    assert ran.code == 2
    for words in ("has run for 2 h", "not taken up: obmen.yaml:9: a slip", "prices", "stock"):
        assert words in ran.out
    assert "obmen.yaml:" in ran.err
    ran = cli("status", "--json")
    assert (ran.code, ran.data["service"]["running"]) == (2, True)
    assert "obmen.yaml:" in ran.data["wrong"]
    assert [(one["flow"], one["from"], one["to"]) for one in ran.data["flows"]] == [
        ("prices", "erp", ["shop"]), ("stock", "erp", ["shop"]),
    ]  # fmt: skip


def test_the_doctor_goes_on_to_the_state_and_the_service(wrong: tuple[Place, str], cli: Cli) -> None:
    ran = cli("doctor", "--json")
    assert ran.code == 2
    found = {(one["about"], one["level"]) for one in ran.data["findings"]}
    assert {("project", "problem"), ("state", "ok"), ("service", "ok")} <= found


def test_the_quarantine_goes_on(wrong: tuple[Place, str], cli: Cli) -> None:
    ran = cli("quarantine", "list")
    assert (ran.code, "too_dear" in ran.out) == (0, True)
    assert cli("quarantine", "replay", "--flow", "prices", "--now").code == 2
    assert "waits for you" in cli("quarantine", "list").out, "what cannot be run is promised nothing"
    assert "3 records let go" in cli("quarantine", "drop", "--flow", "prices").out


def test_where_nothing_is_known_only_the_mistake_is_told_and_no_state_is_made(
    place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    file = place.project(erp.url, shop.url)
    slip(file, "a key")
    for words in (("pause", "shop", "--reason", "x"), ("status",), ("doctor",), ("quarantine", "list")):
        ran = cli(*words)
        assert ran.code == 2
        assert "evry" in ran.out + ran.err
    assert not (place.folder / ".obmen").exists()


def test_an_address_of_the_state_that_cannot_be_told_is_not_guessed(
    place: Place, cli: Cli, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    file = place.project(erp.url, shop.url)
    assert cli("sync").code == 0
    file.write_text(f"state: postgresql://obmen:${{NOWHERE_SET}}@127.0.0.1/obmen\n{file.read_text()}", encoding="utf-8")
    ran = cli("pause", "shop", "--reason", "x")
    assert (ran.code, "NOWHERE_SET" in ran.err) == (2, True)


@pytest.mark.parametrize("slip", ["connections: [", "conections: {}"])
@pytest.mark.parametrize("begin", ["", "{ ", '{ "'])
def test_the_address_is_filled_in_and_its_password_is_shown_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begin: str, slip: str
) -> None:
    monkeypatch.setenv("STATE_PASSWORD", "p-a-s-s-w-o-r-d")
    quote, comma, end = ('"' if '"' in begin else "", ",", " }") if begin else ("", "", "")
    url = "postgresql://obmen:${STATE_PASSWORD}@db.example/obmen"
    (tmp_path / "obmen.yaml").write_text(f'{begin}state{quote}: "{url}"{comma}\n{slip}{end}\n', encoding="utf-8")
    error = ConfigurationError("a slip")
    project, secrets = remains.without_service(tmp_path, error)
    assert project.state_url == "postgresql+psycopg://obmen:p-a-s-s-w-o-r-d@db.example/obmen"
    assert "p-a-s-s-w-o-r-d" in secrets
    assert "p-a-s-s-w-o-r-d" not in Known(project, (), str(error), secrets).warning

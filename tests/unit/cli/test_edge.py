"""Every way in which a command may end ill: one clear message, the right code, no traceback."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

from obmen.clock import SystemClock
from obmen.state import Ledger
from obmen.testing.sandbox import Fault
from runner.cli import app as application
from tests.unit.cli.conftest import Cli
from tests.unit.cli.kit import FLOWS, KEY, Place, Ran, ShelfSandbox, fill

NOWHERE = "http://127.0.0.1:9"


def told(ran: Ran, code: int, *words: str) -> None:
    assert ran.code == code, ran
    assert ran.err.startswith("Error: "), ran
    assert "Traceback" not in ran.err
    for word in words:
        assert word in ran.err, ran.err


# -- the command ------------------------------------------------------------------------------------------


def test_a_misspelt_command_is_told_which_was_meant(cli: Cli) -> None:
    told(cli("snyc"), 2, "snyc", "Did you mean 'sync'?")


def test_an_unknown_option_says_where_help_is(cli: Cli) -> None:
    told(cli("sync", "--frobnicate"), 2, "--frobnicate", "obmen sync --help")


def test_a_global_option_after_the_command_says_where_it_stands(cli: Cli) -> None:
    told(cli("sync", "--project", "x"), 2, "--project stands before the command")


def test_no_command_shows_the_help(cli: Cli) -> None:
    ran = cli()
    assert ran.code == 2
    assert "Usage" in ran.out + ran.err
    assert "Error" not in ran.err


def test_version_names_the_version(cli: Cli) -> None:
    ran = cli("--version")
    assert ran.code == 0
    assert ran.out.startswith("obmen 0.")


def test_verbose_and_quiet_exclude_each_other(cli: Cli) -> None:
    told(cli("--verbose", "--quiet", "status"), 2, "exclude each other")


# -- the project ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["check", "plan", "sync", "status", "quarantine list", "mapping test"])
def test_without_a_project_every_command_says_how_to_make_one(cli: Cli, command: str) -> None:
    told(cli(*command.split()), 2, "obmen.yaml", "obmen init")


def test_the_project_may_be_named_by_option_by_folder_and_by_environment(
    cli: Cli, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.project(NOWHERE, NOWHERE).rename(place.folder / "other.yaml")
    assert cli("--project", "other.yaml", "status").code == 0
    (place.folder / "inner").mkdir()
    (place.folder / "other.yaml").rename(place.folder / "inner" / "obmen.yaml")
    assert cli("-p", "inner", "status").code == 0
    monkeypatch.setenv("OBMEN_PROJECT", "inner/obmen.yaml")
    assert cli("status").code == 0


def test_bad_yaml_is_told_with_its_line(cli: Cli, place: Place) -> None:
    place.write("obmen.yaml", "connections:\n  erp: { connector: shelf\nflows: {}\n")
    told(cli("sync"), 2, "obmen.yaml:3", "not YAML")


def test_every_problem_of_the_project_is_told_at_once(cli: Cli, place: Place) -> None:
    place.write(
        "obmen.yaml",
        """\
        connections:
          erp: { connector: shelf, urll: x }
        flows:
          prices: { entity: price, form: erp, to: shop }
        """,
    )
    told(cli("check"), 2, "obmen.yaml:2", "Did you mean 'url'?", "obmen.yaml:4", "Did you mean 'from'?")


def test_a_missing_variable_is_named(cli: Cli, place: Place) -> None:
    place.write("obmen.yaml", "connections:\n  erp: { connector: shelf, key: '${SHELF_KEY}' }\n")
    told(cli("plan"), 2, "obmen.yaml:2", "SHELF_KEY", ".env")


def test_a_project_without_flows_says_what_to_add(cli: Cli, place: Place) -> None:
    place.write("obmen.yaml", "connections:\n  erp: { connector: shelf }\n")
    told(cli("sync"), 2, "no flows yet", "flows:")
    assert "no flows yet" in cli("status").out


@pytest.mark.parametrize("command", ["plan", "sync"])
def test_an_unknown_flow_is_told_which_was_meant(cli: Cli, place: Place, command: str) -> None:
    place.project(NOWHERE, NOWHERE)
    told(cli(command, "pirces"), 2, "There is no flow 'pirces'", "Did you mean 'prices'?")


def test_quarantine_too_knows_the_flows(cli: Cli, place: Place) -> None:
    place.project(NOWHERE, NOWHERE)
    told(cli("quarantine", "list", "--flow", "pirces"), 2, "Did you mean 'prices'?")


def test_a_number_that_no_record_can_have_is_refused(cli: Cli, place: Place) -> None:
    place.project(NOWHERE, NOWHERE)
    for number in ("0", "99999999999999999999"):
        for command in ("show", "replay", "drop"):
            told(cli("quarantine", command, number), 2, "'ID'", f"obmen quarantine {command} --help")


def test_of_two_words_that_are_no_files_the_wrong_one_is_named(cli: Cli, place: Place) -> None:
    place.project(NOWHERE, NOWHERE)
    told(cli("mapping", "test", "shop", "prise"), 2, "There is no entity 'prise'", "Did you mean 'price'?")
    told(cli("mapping", "show", "shp", "price"), 2, "There is no connection 'shp'", "Did you mean 'shop'?")
    told(cli("mapping", "test", "shop.yaml", "price.yaml"), 2, "shop.yaml", "No such file")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("plan -o {}", "This is a folder. Name the file"),
        ("apply {}", "The plan cannot be read (Is a directory)"),
        ("mapping test {}", "The file cannot be read: Is a directory"),
        ("schema -o {}", "Is a directory"),
    ],
)
def test_a_folder_where_a_file_should_be_is_told(cli: Cli, place: Place, command: str, words: str) -> None:
    place.project(NOWHERE, NOWHERE)
    for folder in (".", str(place.folder)):
        told(cli(*command.format(folder).split()), 2, folder, words)


def test_a_file_where_a_folder_should_be_is_told(cli: Cli, place: Place) -> None:
    place.write("taken", "a letter")
    told(cli("init", "taken"), 2, "taken", "Name a folder for the project")


# -- the systems ------------------------------------------------------------------------------------------


def test_a_system_that_cannot_be_reached_ends_with_4_and_the_rest_goes_on(
    cli: Cli, place: Place, erp: ShelfSandbox
) -> None:
    fill(erp)
    place.project(erp.url, NOWHERE)
    ran = cli("sync", "--wait", "0")
    assert ran.code == 4
    assert "cannot be reached" in ran.out
    assert [row["outbox"] for row in cli("status", "--json").data["flows"]] == [
        {"pending": 5},
        {"pending": 5},
        {"pending": 5},
    ]


def test_an_expired_key_ends_with_4_and_is_not_shown(
    cli: Cli, place: Place, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    fill(erp)
    erp.key = "another"
    place.project(erp.url, shop.url)
    ran = cli("sync")
    assert ran.code == 4
    assert "401" in ran.out
    assert "Check the connection's credentials" in ran.out
    assert KEY not in ran.out + ran.err
    assert shop.writes == []


def test_a_peer_that_answers_html_ends_with_4_and_writes_nothing(
    cli: Cli, place: Place, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    fill(erp)
    erp.faults.append(Fault(kind="html", times=None))
    place.project(erp.url, shop.url)
    ran = cli("sync")
    assert ran.code == 4
    assert "502 Bad Gateway" in ran.out
    assert shop.writes == []


def test_a_missing_folder_ends_with_2_and_names_it(cli: Cli, place: Place, shop: ShelfSandbox) -> None:
    place.write(
        "obmen.yaml",
        f"connections:\n  erp: {{ connector: shelf, folder: export }}\n"
        f"  shop: {{ connector: shelf, url: {shop.url}, key: {KEY} }}\n{FLOWS}",
    )
    ran = cli("sync")
    assert ran.code == 2, ran
    assert f"There is no {place.folder / 'export'}" in ran.out
    assert "Mend the folder" in ran.out


def test_a_source_that_breaks_off_ends_with_4_with_its_line(cli: Cli, place: Place, shop: ShelfSandbox) -> None:
    place.write("export/product.jsonl", '{"id": "A-1", "name": "Rug"}\n{"id": "A-2", "na')
    place.write(
        "obmen.yaml",
        f"connections:\n  erp: {{ connector: shelf, folder: export }}\n"
        f"  shop: {{ connector: shelf, url: {shop.url}, key: {KEY} }}\n{FLOWS}",
    )
    ran = cli("sync")
    assert ran.code == 4
    assert "product.jsonl:2: the file breaks off" in ran.out
    assert shop.writes == []


# -- the state --------------------------------------------------------------------------------------------


def test_a_state_that_is_no_database_ends_with_5(cli: Cli, place: Place, erp: ShelfSandbox) -> None:
    place.project(erp.url, erp.url)
    place.write(".obmen/state.db", "this is a letter to a friend " * 40)
    told(cli("sync"), 5, "state.db", "not an SQLite database")


def test_a_state_that_cannot_be_made_is_told_before_the_first_run(
    cli: Cli, place: Place, erp: ShelfSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(erp)
    place.project(erp.url, erp.url, flows=f"state: sqlite:///nowhere/s.db\n{FLOWS}")
    ran = cli("check")
    assert ran.code == 2
    assert "problem  state: cannot be made in nowhere. Create that folder" in ran.out
    told(cli("sync"), 5, "Create its folder")
    (place.folder / "nowhere").mkdir()
    assert cli("check").code == 0
    monkeypatch.setattr("runner.cli.check.os.access", lambda _path, mode: not mode & os.W_OK)
    assert "right to write there" in cli("check").out
    place.project(erp.url, erp.url)
    ran = cli("check")
    assert ran.code == 2
    assert "cannot be made in .obmen" in ran.out
    assert not (place.folder / ".obmen").exists()


def test_a_locked_state_ends_with_5(cli: Cli, place: Place, erp: ShelfSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(erp)
    place.project(erp.url, erp.url)
    assert cli("status").code == 0
    original = Ledger.__init__
    monkeypatch.setattr(Ledger, "__init__", lambda self, url: original(self, url, busy_seconds=0.1))
    other = sqlite3.connect(place.folder / ".obmen" / "state.db")
    other.execute("BEGIN EXCLUSIVE")
    try:
        told(cli("sync"), 5, "locked by another program")
    finally:
        other.rollback()
        other.close()


def test_a_flow_that_another_process_runs_ends_with_7(
    cli: Cli, place: Place, erp: ShelfSandbox, shop: ShelfSandbox
) -> None:
    fill(erp)
    place.project(erp.url, shop.url)
    cli("status")
    ledger = Ledger(f"sqlite:///{place.folder}/.obmen/state.db", clock=SystemClock())
    try:
        with ledger.lease("prices"):
            ran = cli("sync", "prices")
    finally:
        ledger.close()
    assert ran.code == 7
    assert "being run by another process" in ran.out


# -- the process ------------------------------------------------------------------------------------------


def test_a_bug_is_one_line_and_a_short_traceback_only_with_verbose(
    cli: Cli, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.project(NOWHERE, NOWHERE)

    def broken(*_: object) -> None:
        raise ZeroDivisionError("key=hunter2-secret")

    monkeypatch.setattr("runner.cli.status._standing", broken)
    ran = cli("status")
    assert ran.code == 1
    assert ran.err.startswith("Error: This is a bug in Obmen")
    assert "Traceback" not in ran.err
    assert "--verbose" in ran.err
    ran = cli("--verbose", "status")
    assert ran.code == 1
    assert "Traceback" in ran.err
    assert "in broken" in ran.err


def test_a_file_that_cannot_be_written_is_named(cli: Cli, place: Place, erp: ShelfSandbox) -> None:
    place.project(erp.url, erp.url)
    told(cli("plan", "-o", "nowhere/p.plan"), 2, "nowhere/p.plan", "No such file or directory")


def test_broken_pipe_is_quiet(place: Place) -> None:
    process = place.start("schema", stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    error = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 141
    assert error == ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_being_stopped_says_that_nothing_is_lost(
    place: Place, erp: ShelfSandbox, shop: ShelfSandbox, number: signal.Signals, code: int
) -> None:
    fill(erp)
    erp.faults.append(Fault(kind="slow", seconds=1.5, times=None))
    place.project(erp.url, shop.url)
    process = place.start("sync", "products")
    deadline = time.monotonic() + 60
    while not erp.seen and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, (out, err)
    assert "Nothing is lost" in err
    assert "Traceback" not in err
    erp.faults.clear()
    assert place.process("sync", "products").code == 0
    assert len(shop.records["product"]) == 5


def test_it_runs_as_a_process_and_as_the_console_script(place: Place) -> None:
    ran = place.process("--version")
    assert ran.code == 0
    assert ran.out.startswith("obmen 0.")
    assert application.main.__module__ == "runner.cli.app"


def test_in_a_thread_it_leaves_the_signals_alone(place: Place) -> None:
    before = signal.getsignal(signal.SIGTERM)
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(application.main(["status"])))
    thread.start()
    thread.join()
    assert codes == [2]
    assert signal.getsignal(signal.SIGTERM) == before

"""Logs: every event of the service says whose it is, and none holds a secret of the project."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from obmen.project import Project
from runner import logging
from tests.crash.world import product
from tests.unit.observe.kit import watched
from tests.unit.project_kit import CONNECTIONS, project

SECRETS = {
    "long-password": "an option of a connection",
    "key-of-the-second": "an option of another",
    "123:token-of-a-bot": "the bot's token",
    "secret-of-the-mail": "the mail server's password",
    "secret/of a hook": "the webhook's secret",
    "p@ss-of-postgres": "the state's password",
}
ALERTS = """\
flows: {}
state: postgresql://obmen:p%40ss-of-postgres@db.example/obmen
alerts:
  telegram: { token: "123:token-of-a-bot", chat: 5 }
  email: { host: mail.example, user: obmen, password: secret-of-the-mail, from: a@shop.example, to: b@shop.example }
  webhook: { url: https://hook.example, secret: "secret/of a hook" }
"""


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.fixture
def full(tmp_path: Path) -> Project:
    return project(tmp_path, CONNECTIONS.removesuffix("flows:\n") + ALERTS)


def test_every_secret_of_the_project_is_known(full: Project) -> None:
    assert set(SECRETS) <= set(full.secrets)
    assert not any(secret in repr(full) for secret in SECRETS)


def test_no_secret_reaches_a_log(
    full: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for form in ("json", "text"):
        monkeypatch.setenv("OBMEN_LOG_FORMAT", form)
        logging.configure(logging.VERBOSE, secrets=full.secrets)
        log = structlog.get_logger("obmen.test")
        for secret in SECRETS:
            log.info("some.event", error=f"it was {secret}", nested={"list": [secret]}, password=secret)
        log.info("some.event", state=full.state_url, url="https://api.example/bot123:token-of-a-bot/sendMessage")
    said = capsys.readouterr().err
    assert said.count("some.event") == 2 * (len(SECRETS) + 1)
    assert not [secret for secret in (*SECRETS, "p%40ss") if secret in said]


def test_events_of_the_service_say_whose_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OBMEN_LOG_FORMAT", "json")
    logging.configure(logging.VERBOSE)
    with watched(tmp_path) as one:
        one.works.peers["erp"].put("product", product(1))
        one.pass_time(60)
        one.works.peers["shop"].down = one.works.peers["erp"].down = True
        one.pass_time(600, tick=120)
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    failed = [one for one in events if one["event"] in {"read.failed", "deliver.stopped"}]
    assert failed
    assert all(one["flow"] and one["connection"] and one["run"] > 0 for one in failed)
    assert {one["channel"] for one in events if one["event"] == "alert.told"} == {"webhook"}


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_bug_is_told_with_its_trace_and_without_what_the_variables_held(
    form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OBMEN_LOG_FORMAT", form)
    logging.configure(secrets=["kept-from-all-eyes"])

    def broken() -> None:
        private = "anna@example.com and kept-from-all-eyes"
        message = f"what it was called with was {private}"
        raise ZeroDivisionError(message)

    try:
        broken()
    except ZeroDivisionError:
        structlog.get_logger("obmen.service").exception("task.failed")
    said = capsys.readouterr().err
    assert "ZeroDivisionError" in said
    assert "in broken" in said
    assert "kept-from-all-eyes" not in said
    assert "anna@example.com" not in said

"""The ``alerts:`` block of a project: what may stand there, what it means unsaid, and what is wrong, with its line."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from obmen.entities import ENTITIES
from obmen.errors import ConfigurationError
from obmen.project import Project
from tests.unit.project_kit import CONNECTIONS, project

DOCS = Path(__file__).resolve().parents[3] / "docs" / "how-to"
FLOWS = "  stock: { entity: stock, from: ut, to: shop }\n  archive: { entity: product, from: ut, to: shop }\n"


def load(folder: Path, alerts: str, **environment: str) -> Project:
    return project(folder, CONNECTIONS + FLOWS + alerts, **environment)


def test_without_a_word_there_is_no_channel_and_the_rules_are_sensible(tmp_path: Path) -> None:
    alerts = load(tmp_path, "").alerts
    assert alerts.channels == ()
    assert alerts.language == "ru"
    assert alerts.rules.may_be_unsent("order") == timedelta(minutes=30)
    assert alerts.rules.may_be_unsent("stock") == timedelta(minutes=15)
    assert alerts.rules.may_be_unsent("price") == timedelta(minutes=30)
    assert {alerts.rules.may_be_unsent(entity) for entity in ENTITIES} >= {timedelta(hours=6)}, "of all somebody minds"


@pytest.mark.parametrize("page", ["alerts.md", "alerts.ru.md"])
def test_the_examples_of_the_documentation_are_projects(tmp_path: Path, page: str) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^( *)```yaml\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
    secrets = {"TELEGRAM_TOKEN": "1:a-token", "SMTP_PASSWORD": "a-password", "HOOK_SECRET": "a-secret"}
    for indent, block in blocks:
        alerts = re.sub(rf"^{indent}", "", block, flags=re.MULTILINE).replace("connection: ozon", "connection: shop")
        made = load(tmp_path, alerts, **secrets).alerts
        if made.channels:
            assert made.channels == ("telegram", "email", "webhook")
        else:
            assert made.rules.failed == 5
            assert made.rules.late["archive"] is None
            assert made.rules.silence[0].hours.start.hour == 9
    assert len(blocks) == 2


@pytest.mark.parametrize(
    ("alerts", "words"),
    [
        ("alerts: { rules: { late: { stok: 1h } } }\n", r"There is no flow 'stok'. Did you mean 'stock'"),
        (
            "alerts: { rules: { silence: [{ connection: shp, for: 2h }] } }\n",
            r"no connection 'shp'. Did you mean 'shop'",
        ),
        ("alerts: { rules: { silence: [{ entity: price, connection: shop, for: 2h }] } }\n", "noticed of what happens"),
        ("alerts: { rules: { unsent: { ordr: 1h } } }\n", "no entity 'ordr'. Did you mean 'order'"),
        ("alerts: { rules: { deadline: { warning: 10m } } }\n", "'critical' is meant to be shorter"),
        ("alerts: { webhook: { url: hook.example } }\n", "begins with https://"),
        ("alerts: { telegram: { token: very-secret-token } }\n", "'chat' is missing"),
        ("alerts: { rules: { faild: 3 } }\n", "Did you mean 'failed'"),
        ("alerts: { per_hour: 1 }\n", "per_hour"),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_without_a_secret(tmp_path: Path, alerts: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as wrong:
        load(tmp_path, alerts)
    assert re.search(r"obmen\.yaml:8: ", str(wrong.value))
    assert "very-secret-token" not in str(wrong.value)

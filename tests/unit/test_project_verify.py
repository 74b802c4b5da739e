"""``verify:`` of a flow: what holds without it, what its words mean, and what nobody can do."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from obmen.errors import ConfigurationError
from obmen.project.verify_model import Verify

from .project_kit import flows

FIVE = timedelta(minutes=5)


def verify(folder: Path, entity: str, block: str = "") -> Verify:
    more = f"\n  verify: {block}" if block else ""
    return flows(folder, f"one:\n  entity: {entity}\n  from: ut\n  to: shop{more}").flows["one"].verify


@pytest.mark.parametrize(
    ("entity", "block", "meant"),
    [
        ("price", "", Verify(after=FIVE)),
        ("stock", "", Verify(after=FIVE)),
        ("product", "", Verify()),
        ("price", "off", Verify()),
        ("product", "{ every: 1d }", Verify(after=FIVE, every=timedelta(days=1), asked=True)),
        ("product", "{ after: off, every: 12h, repair: off }", Verify(None, timedelta(hours=12), False, asked=True)),
    ],
)
def test_what_it_means(tmp_path: Path, entity: str, block: str, meant: Verify) -> None:
    assert verify(tmp_path, entity, block) == meant


@pytest.mark.parametrize(
    ("entity", "block", "said"),
    [
        ("price", "{ after: 5s }", "30s at least"),
        ("price", "{ leave: on }", "has a call by which a price leaves a promotion"),
        ("order_status", "{ every: 1d }", "is a step"),
        ("price", "{ often: 1d }", "often"),
        ("price", "sometimes", "it is a block such as { after: 5m, every: 1d }, or off"),
        ("price", "{ every: 1d }", "Shop cannot be asked what it holds of a price"),
    ],
)
def test_what_nobody_can_do_is_said_with_its_line(tmp_path: Path, entity: str, block: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        verify(tmp_path, entity, block)
    assert said in str(caught.value)

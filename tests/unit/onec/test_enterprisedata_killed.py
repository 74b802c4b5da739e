"""The same as crashes, with a process that is really killed, and with two that are really there at once."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from tests.forks import command

from .enterprisedata_kit import HAT, connected, fill, item, messages, natives, orders, payload, write

NUMBER = "{http://www.1c.ru/SSL/Exchange/Message}MessageNo"


def start(url: str, folder: Path, what: str, step: str = "") -> subprocess.Popen[str]:
    call = [*command("tests.unit.onec.enterprisedata_killed"), url, str(folder), what, step]
    return subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process: subprocess.Popen[str]) -> str:
    out, trouble = process.communicate(timeout=100)
    assert process.returncode in {0, -signal.SIGKILL}, trouble
    return out


@pytest.mark.parametrize("step", ["keeping", "kept"])
def test_killed_while_it_reads(tmp_path: Path, step: str) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        process = start(base.url, tmp_path, "read", step)
        finished(process)
        assert process.returncode == -signal.SIGKILL
        base.shelf.put("Справочник.Номенклатура", HAT, name="Шапка тёплая")
        assert [native["Наименование"] for native in natives(opened.products())] == [
            "Куртка «Проба» (XL)",
            "Шапка тёплая",
        ]
        assert base.node.registered == {}


@pytest.mark.parametrize("step", ["uploaded", "put"])
def test_killed_while_it_writes(tmp_path: Path, step: str) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        natives(opened.products())
        process = start(base.url, tmp_path, "7", step)
        finished(process)
        assert process.returncode == -signal.SIGKILL
        if opened.find_order(item(payload("7"))) is None:
            assert step == "uploaded"
            assert write(opened, payload("7"))[0].kind == "done"
        assert list(orders(base)) == ["7"]
        assert len(base.shelf.named("Документ.ЗаказКлиента")) == 2


def test_two_processes_at_one_node(tmp_path: Path) -> None:
    with connected(tmp_path) as (opened, base):
        fill(base)
        both = [start(base.url, tmp_path, numbers) for numbers in ("1,2,3", "4,5,6")]
        assert [finished(process).split() for process in both] == [["done"] * 3] * 2
        assert sorted(orders(base)) == ["1", "2", "3", "4", "5", "6"]
        _, put = messages(base)
        numbers = [int(message.findtext(f".//{NUMBER}") or 0) for message in put]
        assert numbers == sorted(set(numbers)), "no number went twice, and none went back"
        assert len(natives(opened.products())) == 2
        assert base.node.registered == {}

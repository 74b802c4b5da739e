"""The files for systemd and containers: what they name exists, and what they start can be started."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from obmen.project.service import ServiceModel
from runner.cli.app import commands

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "config" / "deploy"


def said(pattern: str, text: str) -> str:
    """Return what the pattern's group holds in a text."""
    found = re.search(pattern, text)
    assert found is not None
    return found[1]


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not on this machine")
    text = (DEPLOY / "obmen.service").read_text(encoding="utf-8")
    unit = tmp_path / "obmen.service"
    unit.write_text(text.replace("/opt/obmen/bin/obmen", sys.executable), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_unit_starts_commands_that_exist_and_gives_them_time_to_end() -> None:
    text = (DEPLOY / "obmen.service").read_text(encoding="utf-8")
    started = re.findall(r"/opt/obmen/bin/obmen --project \S+ (\w+)", text)
    assert started == ["run", "check"]
    assert set(started) <= set(commands().commands)
    assert int(said(r"TimeoutStopSec=(\d+)", text)) > ServiceModel().stop_within.total_seconds()


def test_the_image_is_made_of_what_there_is() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    extras = said(r"/source\[([\w,]+)\]", text).split(",")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(extras) <= project["optional-dependencies"].keys()
    assert f"Programming Language :: Python :: {said(r'FROM python:([0-9.]+)', text)}" in project["classifiers"]
    assert re.findall(r'CMD \["(\w+)"\]', text) == ["run"]
    ignored = set((ROOT / ".dockerignore").read_text(encoding="utf-8").split())
    assert not ignored & {"obmen", "connectors", "runner", "mappings", "config", "pyproject.toml", "README.md"}


def test_the_services_of_compose_fit_each_other() -> None:
    made = YAML(typ="safe").load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    obmen, postgres = made["services"]["obmen"], made["services"]["postgres"]
    assert (DEPLOY / obmen["build"]["context"]).resolve() == ROOT
    assert (ROOT / obmen["build"]["dockerfile"]).is_file()
    assert set(obmen["depends_on"]) == {"postgres"}
    named = {volume.partition(":")[0] for one in (obmen, postgres) for volume in one["volumes"]}
    assert {name for name in named if not name.startswith(".")} == made["volumes"].keys()
    ports = {port.rpartition(":")[2] for port in obmen["ports"]}
    assert set(said(r"EXPOSE ([\d ]+)", (DEPLOY / "Dockerfile").read_text(encoding="utf-8")).split()) == ports
    assert all(port.startswith("127.0.0.1:") for port in obmen["ports"]), "nothing is opened to the world by itself"

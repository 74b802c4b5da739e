"""The files for systemd and containers: what they name exists, what they start can be started, where they may write."""

from __future__ import annotations

import os
import re
import shutil
import signal
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
    assert re.findall(r"(?m)^Exec\w+=/opt/obmen/bin/obmen --project \S+ (\w+)", text) == ["run", "check"]
    assert set(re.findall(r"/opt/obmen/bin/obmen --project \S+ (\w+)", text)) <= set(commands().commands)
    assert int(said(r"TimeoutStopSec=(\d+)", text)) > ServiceModel().stop_within.total_seconds()


def as_service(project: Path, state: Path) -> subprocess.Popen[str]:
    """Start the service in a process for which the rights of files hold, root's too."""
    bound = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
    return subprocess.Popen(
        [*bound, sys.executable, "-m", "runner.cli", "--project", str(project), "run"],
        cwd=ROOT,
        env={**os.environ, "STATE_DIRECTORY": str(state)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.skipif(os.getuid() == 0 and shutil.which("setpriv") is None, reason="root may write anywhere here")
def test_where_the_project_may_not_be_written_to_it_is_said_what_to_write_and_that_works(tmp_path: Path) -> None:
    project, state = tmp_path / "etc", tmp_path / "state"
    (project / "exchange").mkdir(parents=True)
    state.mkdir()
    text = (
        "connections: { ut: { connector: onec, commerceml: exchange, timezone: Europe/Moscow } }\n"
        "flows: { goods: { entity: product, from: ut, to: [], every: off } }\n"
        "service: { page: { address: off }, endpoints: off }\n"
    )
    file = project / "obmen.yaml"
    file.write_text(text, encoding="utf-8")
    project.chmod(0o555)
    try:
        refused = as_service(project, state)
        told, _ = refused.communicate(timeout=60)
        assert refused.returncode == 2, told
        advice = said(r"(state: sqlite:\S+)", told)
        file.write_text(f"{advice}\n{text}", encoding="utf-8")
        running = as_service(project, state)
        assert running.stdout is not None
        assert any("service.started" in line for line in running.stdout), "it did not start"
        running.send_signal(signal.SIGTERM)
        told, _ = running.communicate(timeout=60)
        assert running.returncode == 0, told
        assert (state / "state.db").is_file()
    finally:
        project.chmod(0o755)


def test_the_unit_says_to_keep_the_state_where_it_lets_the_service_write() -> None:
    text = (DEPLOY / "obmen.service").read_text(encoding="utf-8")
    place = "/var/lib/" + said(r"StateDirectory=(\S+)", text) + "/"
    assert said(r"state: sqlite:///(/\S+)", text).startswith(place)
    assert said(r"commerceml: (/\S+)", text).startswith(place)


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
    image = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert set(said(r"EXPOSE ([\d ]+)", image).split()) == ports
    assert all(port.startswith("127.0.0.1:") for port in obmen["ports"]), "nothing is opened to the world by itself"


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml"])
def test_what_a_container_listens_at_is_reached_from_outside_of_it(name: str) -> None:
    """As its own file says to write it into the project."""
    made = YAML(typ="safe").load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    line = said(r"(?m)^#\s+(service: .+)$", (DEPLOY / name).read_text(encoding="utf-8"))
    service = ServiceModel.model_validate(YAML(typ="safe").load(line)["service"])
    assert service.page.address is not None
    assert service.endpoints is not None
    assert {service.page.address.host, service.endpoints.host} == {"0.0.0.0"}
    ports = {int(port.rpartition(":")[2]) for port in made["services"]["obmen"]["ports"]}
    assert {service.page.address.port, service.endpoints.port} == ports


def test_health_is_asked_where_the_service_answers_and_of_no_other_container() -> None:
    assert "HEALTHCHECK" not in (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), "a worker has no page"
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    asked = YAML(typ="safe").load(text)["services"]["obmen"]["healthcheck"]["test"]
    assert said(r"page: { address: [\d.]+:(\d+) }", text) == said(r"http://127.0.0.1:(\d+)/healthz", asked[-1])
    compile(asked[-1], "healthcheck", "exec")


def test_the_state_of_compose_is_that_of_its_postgres() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    postgres = YAML(typ="safe").load(text)["services"]["postgres"]["environment"]
    user, host, database = re.findall(r"state: postgresql\+psycopg://(\w+):\$\{POSTGRES_PASSWORD\}@(\w+)/(\w+)", text)[
        0
    ]
    assert (user, host, database) == (postgres["POSTGRES_USER"], "postgres", postgres["POSTGRES_DB"])

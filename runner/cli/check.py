"""``obmen check``: all that can be told before the first run, with the line to mend; writes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import typer

from obmen.connector import Connector, Finding
from obmen.errors import ConfigurationError, ObmenError, StateError
from obmen.project import ConnectionSettings, Project
from obmen.project.settings import default_state
from obmen.state import Ledger
from obmen.sync.assemble import Assembly
from obmen.usage import Usage
from runner.cli.check_mappings import check_known_words, check_mappings, check_meeting
from runner.cli.check_records import RecordCheck, scratch
from runner.cli.check_rules import check_orders
from runner.cli.found import Found, from_error, option_line
from runner.cli.session import Session, session
from runner.cli.sync import Json
from runner.exit_codes import ExitCode
from runner.progress import progress
from runner.render import plural

_STYLES = {"ok": "green", "warning": "yellow", "problem": "red"}


def check(context: typer.Context, json: Json = False) -> int:
    """Check the project before it runs: settings, mappings, credentials, and the records themselves.

    Nothing is written anywhere. Each problem is told with the line to mend.
    """
    current = session(context)
    project = current.load()
    found: list[Found] = []
    for one in _check(current, project):
        if one.level != "ok" and any(other.text == one.text for other in found):
            continue
        found.append(one)
        if not json:
            text = current.redact.secrets(one.text).replace(f"{Path.cwd()}{os.sep}", "")
            current.screen.line(f"{one.level:<9}{text}", _STYLES[one.level])
    problems = sum(one.level == "problem" for one in found)
    warnings = sum(one.level == "warning" for one in found)
    if json:
        told = [asdict(one) for one in found]
        current.screen.json({"problems": problems, "warnings": warnings, "findings": told})
    else:
        current.screen.line()
        current.screen.line(_sum(problems, warnings))
    return ExitCode.MISTAKE if problems else ExitCode.DONE


def _sum(problems: int, warnings: int) -> str:
    if problems:
        return f"{plural(problems, 'problem')}, {plural(warnings, 'warning')}. Nothing was written."
    if warnings:
        return (
            f"No problem, but {plural(warnings, 'warning')}: look at them first. Nothing was written. Next: obmen plan"
        )
    return "Everything is in order. Nothing was written. Next: obmen plan"


def _check(current: Session, project: Project) -> Iterator[Found]:
    flows = f"{plural(len(project.connections), 'connection')}, {plural(len(project.flows), 'flow')}."
    yield Found("ok", "project", flows, str(project.file))
    yield from _check_state(project)
    yield from check_mappings(project)
    unreached: set[str] = set()
    for connection in project.connections.values():
        yield from _check_connection(project, connection, unreached)
    try:
        assembly = Assembly(project)
    except ConfigurationError as error:
        yield from_error("flows", error)
        return
    with assembly:
        for flow in assembly.flows:
            yield from check_known_words(project, flow)
            yield from check_meeting(project, flow)
        yield from check_orders(project)
        with scratch() as ledger, progress(current.screen) as listener:
            records = RecordCheck(project, assembly.flows, ledger, listener)
            for flow in records.flows:
                if flow.source.name in unreached:
                    message = f"not read, since {flow.source.name} could not be."
                    yield Found("warning", flow.name, message)
                else:
                    yield from records.check(flow)


def _check_state(project: Project) -> Iterator[Found]:
    """Open the state if it is there; where it is not yet, it is not made either."""
    file = project.state_url.removeprefix("sqlite:///")
    if file != project.state_url and not os.path.lexists(project.folder / file):
        yield _state_to_come(project, (project.folder / file).parent)
        return
    try:
        Ledger(project.state_url).close()
    except StateError as error:
        yield Found("problem", "state", str(error))
    else:
        yield Found("ok", "state", "can be opened.")


def _state_to_come(project: Project, folder: Path) -> Found:
    """Tell whether the state can be made; of the folders on the way to it, only the project's own is made."""
    there = project.folder if project.state_url == default_state(project.folder) and not folder.exists() else folder
    if os.access(there, os.W_OK | os.X_OK):
        return Found("ok", "state", "will be made at the first run.")
    message = f"cannot be made in {folder}. Create that folder and give this user the right to write there."
    return Found("problem", "state", message)


def _findings(project: Project, connector: Connector) -> Iterable[Finding]:
    """Let the connector look at what flows carry."""
    reads: dict[str, list[str]] = {}
    writes: dict[str, list[str]] = {}
    for flow in project.flows.values():
        if flow.source == connector.name:
            reads.setdefault(flow.entity, []).append(flow.name)
        if connector.name in flow.targets:
            writes.setdefault(flow.entity, []).append(flow.name)
    return connector.check_usage(Usage(reads, writes))


def _check_connection(project: Project, connection: ConnectionSettings, unreached: set[str]) -> Iterator[Found]:
    """Let the connector look; the name of one that fails goes into ``unreached``."""
    connector = connection.connector(connection.name, connection.options)
    try:
        for finding in _findings(project, connector):
            where = option_line(project, connection, finding.option) if finding.level != "ok" else ""
            yield Found(finding.level, connection.name, finding.message, where)
    except ObmenError as error:
        unreached.add(connection.name)
        yield Found("problem", connection.name, str(error), project.where(connection.line))
    finally:
        connector.close()

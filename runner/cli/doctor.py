"""``obmen doctor``: how the whole installation is, seen from this machine; writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict

import typer

from obmen.errors import ConfigurationError, StateError
from obmen.state.trouble import shown
from runner.cli import remains
from runner.cli.session import Session, session
from runner.cli.sync import Json
from runner.exit_codes import ExitCode
from runner.observe import examine
from runner.observe.examine import Finding
from runner.render import plural

_STYLES = {"ok": "green", "warning": "yellow", "problem": "red"}


def doctor(context: typer.Context, json: Json = False) -> int:
    """Examine the whole installation from this machine: versions, project, state, service, flows, alerts.

    Nothing is written, and systems are only asked what time it is. Each finding says what to do next.
    """
    current = session(context)
    found: list[Finding] = []
    for one in _found(current):
        found.append(one)
        if not json:
            text = current.redact.secrets(f"{one.about}: {one.message}")
            current.screen.line(f"{one.level:<9}{text}", _STYLES[one.level])
    problems = sum(one.level == "problem" for one in found)
    warnings = sum(one.level == "warning" for one in found)
    if json:
        told = [{**asdict(one), "message": current.redact.secrets(one.message)} for one in found]
        current.screen.json({"problems": problems, "warnings": warnings, "findings": told})
    else:
        current.screen.line()
        current.screen.line(f"{plural(problems, 'problem')}, {plural(warnings, 'warning')}.")
    return _code(found)


def _found(current: Session) -> Iterator[Finding]:
    yield from examine.machine()
    try:
        project = current.load()
    except ConfigurationError as error:
        yield Finding("problem", "project", str(error))
        yield from _remains(current, error)
        return
    flows, connections = len(project.flows), len(project.connections)
    yield Finding("ok", "project", f"{plural(connections, 'connection')}, {plural(flows, 'flow')}. More: obmen check")
    yield from examine.everything(project)


def _remains(current: Session, error: ConfigurationError) -> Iterator[Finding]:
    """Yield how the state and the service are, which go on without a project that can be read."""
    path = current.call.project_file
    try:
        project, secrets = remains.without_service(path, error)
    except ConfigurationError:
        return
    current.mask(secrets)
    yield Finding("warning", "project", f"What follows goes by what the state knows of it: {shown(project.state_url)}")
    with suppress(StateError):  # which the examination of the state tells
        if examine.usable(list(examine.state(project.state_url))):
            project = remains.of(path, error).project
    yield from examine.remembered(project)


def _code(found: Sequence[Finding]) -> ExitCode:
    problems = {one.about for one in found if one.level == "problem"}
    if "project" in problems:
        return ExitCode.MISTAKE
    if "state" in problems:
        return ExitCode.STATE
    return ExitCode.ATTENTION if problems else ExitCode.DONE

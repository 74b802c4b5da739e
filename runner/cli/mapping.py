"""``obmen mapping``: run the tests inside mapping files, and show the code that a mapping is compiled to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import typer

from obmen.entities import ENTITIES
from obmen.errors import ConfigurationError, meant
from obmen.mapping import Context, Mapping, load_mapping
from obmen.mapping.selftest import TestResult, run_tests
from obmen.project import ConnectionSettings, FlowSettings, Project
from obmen.sync.assemble import DEFAULT_ZONE
from runner.cli.session import Session, session
from runner.cli.sync import Json
from runner.exit_codes import ExitCode
from runner.render import Screen, plural

app = typer.Typer(no_args_is_help=True, help="Mapping files: run their tests, show what they are compiled to.")
_PAIR = 2
Direction = Literal["pull", "push"]

Which = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE… | CONNECTION ENTITY",
        help="Mapping files, or a connection and an entity of the project; all of them if none is given.",
    ),
]
What = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE | CONNECTION ENTITY",
        help="A mapping file, or a connection and an entity of the project.",
    ),
]


@app.command("test")
def run(context: typer.Context, which: Which = None, json: Json = False) -> int:
    """Run the tests inside mapping files, and try each mapping both ways with made-up values."""
    current = session(context)
    results = [
        (mapping, result)
        for mapping, where in _meant(current, which or ())
        for result in run_tests(mapping, testing_context(mapping, where))
    ]
    failed = sum(not result.ok for _, result in results)
    if json:
        current.screen.json(
            {
                "failed": failed,
                "tests": [
                    {
                        "file": mapping.source,
                        "test": result.name,
                        "where": result.where,
                        "ok": result.ok,
                        "message": result.message,
                    }
                    for mapping, result in results
                ],
            }
        )
    else:
        _show_results(current.screen, results, failed)
    return ExitCode.MISTAKE if failed else ExitCode.DONE


@app.command()
def show(context: typer.Context, what: What) -> int:
    """Show the code that a mapping is compiled to, for those who want to know exactly what it does."""
    current = session(context)
    for mapping, where in _meant(current, what):
        current.screen.line(_code(mapping, where).rstrip())
    return ExitCode.DONE


def context_of(connection: ConnectionSettings) -> Context:
    """Return what a mapping may know of a connection."""
    options = connection.options.model_dump(mode="python")
    return Context(connection.name, options, ZoneInfo(str(options.get("timezone") or DEFAULT_ZONE)))


def testing_context(mapping: Mapping, where: Context) -> Context:
    """Return where a mapping is tried: in its connection, unless its options serve one direction only."""
    try:
        mapping.bind(where)
    except ConfigurationError:
        return Context(where.connection, {}, where.zone)
    return where


def mappings_of(project: Project) -> Iterator[tuple[FlowSettings, str, Direction]]:
    """Yield (flow, connection, direction) for every mapping that the project's flows use."""
    for flow in project.ordered_flows():
        yield flow, flow.source, "pull"
        for target in flow.targets:
            yield flow, target, "push"


def _meant(current: Session, names: Sequence[str]) -> Iterator[tuple[Mapping, Context]]:
    if len(names) == _PAIR and not any(Path(name).exists() or Path(name).suffix for name in names):
        yield _of_project(current.load(), *names)
    elif names:
        for name in names:
            yield _from_file(Path(name))
    else:
        project = current.load()
        told = set()
        for flow, connection, _ in mappings_of(project):
            mapping = project.mapping(connection, flow.entity, flow)
            if (mapping.source, connection) not in told:
                told.add((mapping.source, connection))
                yield mapping, context_of(project.connections[connection])


def _of_project(project: Project, connection: str, entity: str) -> tuple[Mapping, Context]:
    if connection not in project.connections:
        raise ConfigurationError(f"There is no connection '{connection}'.{meant(connection, project.connections)}")
    if entity not in ENTITIES:
        raise ConfigurationError(f"There is no entity '{entity}'.{meant(entity, ENTITIES)}")
    return project.mapping(connection, entity), context_of(project.connections[connection])


def _from_file(path: Path) -> tuple[Mapping, Context]:
    """A file that stands alone: what it asks of a connection is taken from its own tests."""
    return load_mapping(path), Context(path.parent.name or "connection", {}, ZoneInfo(DEFAULT_ZONE))


def _code(mapping: Mapping, where: Context) -> str:
    """Compile it, each direction apart where only that works.

    Where a lone file needs options, the first of its tests that has some gives them.
    """
    if not where.options:
        options = next((one.options for one in mapping.spec.tests if one.options), {})
        where = Context(where.connection, options, where.zone)
    try:
        return mapping.bind(where).source_code
    except ConfigurationError:
        directions: tuple[Direction, ...] = ("pull", "push")
        codes = []
        for only in directions:
            with suppress(ConfigurationError):
                codes.append(f"# {only} only\n{mapping.bind(where, only).source_code}")
        if not codes:
            raise
        return "\n".join(codes)


def _show_results(screen: Screen, results: Sequence[tuple[Mapping, TestResult]], failed: int) -> None:
    for mapping in {mapping.source: mapping for mapping, _ in results}.values():
        of_file = [result for one, result in results if one.source == mapping.source]
        good = sum(result.ok for result in of_file)
        screen.line(
            f"{mapping.source}: {good} of {plural(len(of_file), 'test')} passed",
            "" if good == len(of_file) else "red",
        )
        for result in of_file:
            if not result.ok:
                screen.line(f"{result.where}: {result.name}:")
                for line in result.message.splitlines():
                    screen.line(f"    {line}")
    if failed:
        screen.line(f"{plural(failed, 'test')} failed.", "red")
    elif results:
        screen.line("All mappings are as their tests say.", "green")
    else:
        screen.line("There is nothing to test: the files have no tests of their own and no way back.")

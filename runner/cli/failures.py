"""Errors at the edge: each becomes one clear message on stderr and the exit code that tells the next step."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

import typer

from obmen.errors import ObmenError
from runner import logging
from runner.cli.session import Session
from runner.cli.stop import Stopped, stoppable
from runner.exit_codes import ExitCode, of_error

_FRAMES = 6
_GLOBAL = ("--project", "--verbose", "--quiet", "--version", "-p", "-v", "-q")


def guarded(work: Callable[[], int], session: Session) -> int:
    """Do a command's work; return its exit code, whatever happens."""
    try:
        with stoppable():
            code = work()
            session.screen.flush()
    except (Exception, KeyboardInterrupt, SystemExit, Stopped) as error:
        handle = next(one for kinds, one in _HANDLERS if isinstance(error, kinds))
        code = handle(session, error)
    return code


def _ended(_session: Session, end: typer.Exit) -> int:
    return end.exit_code


def _stopped(session: Session, stop: Stopped | KeyboardInterrupt) -> int:
    session.screen.warning("Stopped. Nothing is lost: what was not confirmed is taken up by the next run.")
    terminated = isinstance(stop, Stopped) and stop.number == signal.SIGTERM
    return ExitCode.TERMINATED if terminated else ExitCode.INTERRUPTED


def _reader_gone(_session: Session, _error: BrokenPipeError) -> int:
    """Let the interpreter's last flush go nowhere: whoever read has gone, and that is no news."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return ExitCode.PIPE


def _exited(session: Session, error: SystemExit) -> int:
    """The library that prints ends a process whose reader has gone; nobody else here does."""
    if isinstance(error.__context__, BrokenPipeError):
        return _reader_gone(session, error.__context__)
    raise error


def _misused(session: Session, error: typer.TyperException) -> int:
    message = error.format_message()
    option = getattr(error, "option_name", "")
    context = getattr(error, "ctx", None)
    if option in _GLOBAL and message.startswith("No such option"):
        session.screen.error(f"{option} stands before the command: obmen {option} … COMMAND.")
    elif message:  # without one it was the help, shown for want of a command
        hint = f" See: {context.command_path} --help" if context is not None else ""
        session.screen.error(f"{message}{hint}")
    return ExitCode.MISTAKE


def _expected(session: Session, error: ObmenError) -> int:
    session.screen.error(session.redact.secrets(str(error)))
    return of_error(error)


def _file_trouble(session: Session, error: OSError) -> int:
    names = [str(name) for name in (error.filename, error.filename2) if name]
    what = f"{' → '.join(names)}: " if names else ""
    reason = session.redact(f"{error.strerror or error}")
    session.screen.error(f"{what}{reason}. Mend that and try again; nothing was lost.")
    return ExitCode.MISTAKE


def _bug(session: Session, error: Exception) -> int:
    message = session.redact(f"{type(error).__name__}: {error}".strip().splitlines()[0])
    session.screen.error(f"This is a bug in Obmen, not in your project: {message}")
    if session.level <= logging.VERBOSE:
        frames = "".join(traceback.format_exception(error, limit=-_FRAMES))
        session.screen.warning(session.redact(frames.rstrip()))
    else:
        session.screen.warning("Nothing is lost. To see where it is: obmen --verbose … with the same command.")
    return ExitCode.BUG


_HANDLERS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Callable[[Session, Any], int]], ...] = (
    (typer.Exit, _ended),
    ((Stopped, KeyboardInterrupt), _stopped),
    (BrokenPipeError, _reader_gone),
    (SystemExit, _exited),
    (typer.TyperException, _misused),
    (ObmenError, _expected),
    (OSError, _file_trouble),
    (Exception, _bug),
)

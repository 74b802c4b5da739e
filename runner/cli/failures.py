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
from runner.cli.call import Call
from runner.cli.stop import Stopped, stoppable
from runner.exit_codes import ExitCode, of_error

_FRAMES = 6
_GLOBAL = ("--project", "--verbose", "--quiet", "--version", "-p", "-v", "-q")


def guarded(work: Callable[[], int], call: Call) -> int:
    """Do a command's work; return its exit code, whatever happens."""
    try:
        with stoppable():
            code = work()
            call.screen.flush()
    except (Exception, KeyboardInterrupt, SystemExit, Stopped) as error:
        handle = next(one for kinds, one in _HANDLERS if isinstance(error, kinds))
        code = handle(call, error)
    return code


def _ended(_call: Call, end: typer.Exit) -> int:
    return end.exit_code


def _stopped(call: Call, stop: Stopped | KeyboardInterrupt) -> int:
    call.screen.warning("Stopped. Nothing is lost: what was not confirmed is taken up by the next run.")
    terminated = isinstance(stop, Stopped) and stop.number == signal.SIGTERM
    return ExitCode.TERMINATED if terminated else ExitCode.INTERRUPTED


def _reader_gone(_call: Call, _error: BrokenPipeError) -> int:
    """Let the interpreter's last flush go nowhere: whoever read has gone, and that is no news."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return ExitCode.PIPE


def _exited(call: Call, error: SystemExit) -> int:
    """The library that prints ends a process whose reader has gone; nobody else here does."""
    if isinstance(error.__context__, BrokenPipeError):
        return _reader_gone(call, error.__context__)
    raise error


def _misused(call: Call, error: typer.TyperException) -> int:
    message = error.format_message()
    option = getattr(error, "option_name", "")
    context = getattr(error, "ctx", None)
    if option in _GLOBAL and message.startswith("No such option"):
        call.screen.error(f"{option} stands before the command: obmen {option} … COMMAND.")
    elif message:  # without one it was the help, shown for want of a command
        hint = f" See: {context.command_path} --help" if context is not None else ""
        call.screen.error(f"{message}{hint}")
    return ExitCode.MISTAKE


def _expected(call: Call, error: ObmenError) -> int:
    call.screen.error(call.redact.secrets(str(error)) if call.redact else str(error))
    return of_error(error)


def _file_trouble(call: Call, error: OSError) -> int:
    names = [str(name) for name in (error.filename, error.filename2) if name]
    what = f"{' → '.join(names)}: " if names else ""
    reason = _masked(call, f"{error.strerror or error}")
    call.screen.error(f"{what}{reason}. Mend that and try again; nothing was lost.")
    return ExitCode.MISTAKE


def _bug(call: Call, error: Exception) -> int:
    message = _masked(call, f"{type(error).__name__}: {error}".strip().splitlines()[0])
    call.screen.error(f"This is a bug in Obmen, not in your project: {message}")
    if call.verbose:
        frames = "".join(traceback.format_exception(error, limit=-_FRAMES))
        call.screen.warning(_masked(call, frames.rstrip()))
    else:
        call.screen.warning("Nothing is lost. To see where it is: obmen --verbose … with the same command.")
    return ExitCode.BUG


def _masked(call: Call, text: str) -> str:
    return call.redact(text) if call.redact else text


_HANDLERS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Callable[[Call, Any], int]], ...] = (
    (typer.Exit, _ended),
    ((Stopped, KeyboardInterrupt), _stopped),
    (BrokenPipeError, _reader_gone),
    (SystemExit, _exited),
    (typer.TyperException, _misused),
    (ObmenError, _expected),
    (OSError, _file_trouble),
    (Exception, _bug),
)

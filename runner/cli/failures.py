"""Errors at the edge: each becomes one clear message on stderr and the exit code that tells the next step."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable

import typer

from obmen.errors import ObmenError
from runner import logging
from runner.cli.session import Session
from runner.cli.stop import Stopped, stoppable
from runner.exit_codes import ExitCode, of_error

_FRAMES = 6
_GLOBAL = ("--project", "--verbose", "--quiet", "--version", "-v", "-q", "-p")


def guarded(work: Callable[[], int], session: Session) -> int:
    """Do a command's work; return its exit code, whatever happens."""
    try:
        with stoppable():
            code = work()
            session.screen.flush()
        return code
    except Stopped as stop:
        session.screen.warning(
            "Stopped. Nothing is lost: what was not confirmed is taken up by the next run."
        )
        return ExitCode.INTERRUPTED if stop.number == signal.SIGINT else ExitCode.TERMINATED
    except (KeyboardInterrupt, typer.Abort):
        session.screen.warning("Stopped. Nothing is lost.")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        _let_go_of_stdout()
        return ExitCode.PIPE
    except typer.Exit as end:
        return end.exit_code
    except typer.TyperException as error:
        if error.format_message():  # without one it was the help, shown for want of a command
            session.screen.error(_usage(error))
        return ExitCode.MISTAKE
    except ObmenError as error:
        session.screen.error(session.redact.secrets(str(error)))
        return of_error(error)
    except OSError as error:
        session.screen.error(_file_trouble(error))
        return ExitCode.MISTAKE
    except Exception as error:  # noqa: BLE001 - the edge: nothing may leave it as a bare traceback
        _bug(session, error)
        return ExitCode.BUG


def _usage(error: typer.TyperException) -> str:
    message = error.format_message()
    option = getattr(error, "option_name", "")
    if option in _GLOBAL and "No such option" in message:
        return f"{option} stands before the command: obmen {option} … COMMAND."
    context = getattr(error, "ctx", None)
    hint = f" See: {context.command_path} --help" if context is not None else ""
    return f"{message}{hint}"


def _file_trouble(error: OSError) -> str:
    names = [str(name) for name in (error.filename, error.filename2) if name]
    what = f"{' → '.join(names)}: " if names else ""
    return f"{what}{error.strerror or error}. Mend that and try again; nothing was lost."


def _bug(session: Session, error: Exception) -> None:
    kind = type(error).__name__
    message = session.redact(f"{kind}: {error}".strip().splitlines()[0])
    session.screen.error(f"This is a bug in Obmen, not in your project: {message}")
    if session.level <= logging.VERBOSE:
        frames = "".join(traceback.format_exception(error, limit=-_FRAMES))
        session.screen.warning(session.redact(frames.rstrip()))
    else:
        session.screen.warning(
            "Nothing is lost. Run it again with --verbose before the command to see where."
        )


def _let_go_of_stdout() -> None:
    """Let the interpreter's last flush go nowhere: its reader is gone, and that is no news."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)

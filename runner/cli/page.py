"""``obmen page``: what the web page needs from the command line: the hash of a password."""

from __future__ import annotations

import getpass
import sys

import typer

from obmen.errors import ConfigurationError
from runner.cli.session import session
from runner.exit_codes import ExitCode
from runner.web import passwords

app = typer.Typer(no_args_is_help=True, help="The web page: the hash of a user's password.")
SHORTEST = 10


@app.callback()
def page() -> None:
    """The web page: the hash of a user's password."""


@app.command()
def password(context: typer.Context) -> int:
    """Ask for a password and print its hash, which the project keeps; the password itself is kept nowhere.

    Put the hash into the environment, and into the project: service: { page: { users: { anna: { password:
    "${OBMEN_ANNA}", role: operate } } } }. Where nobody types, the password is the first line of the input.
    """
    current = session(context)
    current.screen.line(passwords.hashed(_asked()))
    return ExitCode.DONE


def _asked() -> str:
    if not sys.stdin.isatty():
        return _long_enough(sys.stdin.readline().rstrip("\r\n"))
    first = _long_enough(getpass.getpass("Password: "))
    if getpass.getpass("Once more: ") != first:
        raise ConfigurationError("The two are not the same, so nothing was made of them. Begin again.")
    return first


def _long_enough(given: str) -> str:
    if len(given) < SHORTEST:
        raise ConfigurationError(f"A password has {SHORTEST} characters or more. Take a longer one.")
    if len(given) > passwords.LONGEST:
        raise ConfigurationError(f"A password has at most {passwords.LONGEST} characters.")
    return given

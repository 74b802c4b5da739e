"""Who is calling: a user with a session, somebody whom a web server before the page names, or a person at this machine.

The rules stand here alone, so that no page can forget one.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from obmen.project.service import PageModel, Role
from runner.web.sessions import Session, Sessions

OWN_NAMES = ("localhost", "127.0.0.1", "::1")
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_LONGEST_NAME = 200
_LONGEST_ADDRESS = 45


@dataclass(frozen=True, slots=True)
class Person:
    """Who is calling. ``name`` is empty for a person at this machine who has not said who they are."""

    name: str
    role: Role
    by: str
    """``password``, ``proxy`` or ``machine``."""

    def may(self, role: Role) -> bool:
        """Whether a person may do what asks for a role."""
        return role == "look" or self.role == "operate"


def person(
    page: PageModel, sessions: Sessions, session: Session, address: str, headers: Mapping[str, str]
) -> Person | None:
    """Return who is calling, None for nobody known.

    Without users and without a web server that names them, a person at this machine may look, and nobody may operate.
    """
    user = page.users.get(session.user) if session.user else None
    if user is not None and session.fit == sessions.fit(session.user, user.password, user.role):
        return Person(session.user, user.role, "password")
    if page.proxy is not None and _listed(address, page.proxy.from_addresses):
        name = headers.get(page.proxy.user_header.lower(), "").strip()
        if name and len(name) <= _LONGEST_NAME and name.isprintable():
            return Person(name, "operate" if name in page.proxy.operators else "look", "proxy")
    if not page.users and page.proxy is None and is_here(address, headers):
        return Person("", "look", "machine")
    return None


def caller(address: str, headers: Mapping[str, str]) -> str:
    """Return where a call comes from, for counting attempts and for notes; nobody is let in by it.

    Behind a web server of this machine all calls come from here, so the one that it names last is told apart.
    """
    last = headers.get("x-forwarded-for", "").rpartition(",")[2].strip()[:_LONGEST_ADDRESS]
    return f"{address} ({last})" if last and is_own(address) else address


def is_own(address: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def is_here(address: str, headers: Container[str]) -> bool:
    """Whether a call comes from a program of this machine, and was not passed on by a web server that says so."""
    return is_own(address) and not any(one in headers for one in _FORWARDED)


def known_host(page: PageModel, host: str) -> bool:
    """Whether a ``Host`` header is a name of this page: another site must not be able to be taken for it."""
    name = host.rpartition("]")[0].removeprefix("[") if host.startswith("[") else host.partition(":")[0]
    name = name.lower()
    bound = page.address.host.lower() if page.address is not None else ""
    return name in {*page.hosts, *OWN_NAMES, bound} or not (page.hosts or is_own(bound))


def _listed(address: str, listed: tuple[str, ...]) -> bool:
    return bool(address) and address in listed

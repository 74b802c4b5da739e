"""How answers look: the templates, and what every one of them may use."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.datastructures import URL

from obmen.http.redact import Redactor
from obmen.project import Project
from runner.web import values as values_shown
from runner.web import words
from runner.web.call import Call, Shown, link

_MENU = ("overview", "quarantine", "search", "connections", "reports", "deeds")
_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Redactors:
    """The redactor of the project as it is now."""

    def __init__(self) -> None:
        self._made: tuple[Project, Redactor] | None = None

    def of(self, project: Project) -> Redactor:
        """Return what masks a project's secrets; made anew when the project is another one."""
        if self._made is None or self._made[0] is not project:
            self._made = (project, Redactor(project.secrets))
        return self._made[1]


def page(call: Call, answer: Shown, url: URL, *, part: bool) -> str:
    """Return a page; ``part``: only that part of it that changes by itself."""
    said = f"said.{call.query.get('said', '')}"
    values: dict[str, Any] = {
        "t": call.words,
        "call": call,
        "person": call.person,
        "operates": call.operates,
        "path": url.path,
        "back": f"{url.path}?{url.query}" if url.query else url.path,
        "menu": _MENU,
        "languages": words.NAMES,
        "said": call.words(said) if call.words.has(said) else "",
        "token": call.sessions.token(call.session),
        "link": link,
        "text": partial(values_shown.text, call.words),
        "named": values_shown.named,
        "because": partial(values_shown.because, call.words),
        "subject": values_shown.subject,
        "when": lambda moment: _when(call, moment),
        "layout": "part.html" if part else "base.html",
        **answer.values,
    }
    return _environment.get_template(answer.template).render(values)


def _when(call: Call, moment: float | None) -> Markup:
    """Return a moment as people read it, with the exact time behind it."""
    if moment is None:
        return Markup("–")
    told = call.words
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        told.iso(moment), told.clock(moment), told.ago(moment)
    )

"""Commands that are loaded when they are called: a help page or a version need not wait for the whole of Obmen.

A command's module imports what it works with at its top, as any module does. What stands before every command (``app``,
``call``, ``failures``) imports no command: ``app`` lists them by their place, and ``Deferred`` loads the one that is
called. So a process loads what its command needs, and no function has to import anything for that.
"""

from __future__ import annotations

import gc
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand
from typer.main import get_group

if TYPE_CHECKING:
    from typer._click.core import Command, Context


class Deferred(TyperCommand):
    """A command, or a group of commands, known by its name, its help page's first paragraph and its place alone.

    ``place`` is ``module:attribute``: a function as Typer makes commands of, or a ``typer.Typer``.
    """

    def __init__(self, name: str, place: str, summary: str, *, panel: str) -> None:
        super().__init__(name, help=summary, rich_help_panel=panel)
        self.place = place

    def load(self) -> Command:
        """Import the command's module; return the command itself."""
        gc.disable()  # modules stay: to look for garbage among them over and over takes a tenth of the time
        try:
            found = resolve_name(self.place)
        finally:
            gc.enable()
        holder = typer.Typer()
        if isinstance(found, typer.Typer):
            holder.add_typer(found, name=self.name)
        else:
            holder.command(self.name)(found)
        return get_group(holder).commands[str(self.name)]

    def make_context(
        self, info_name: str | None, args: list[str], parent: Context | None = None, **extra: Any
    ) -> Context:
        """Begin the command: from here on the loaded one takes over."""
        return self.load().make_context(info_name, args, parent, **extra)

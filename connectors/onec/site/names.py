"""Names that a caller gives to files, made safe to use below a folder."""

from __future__ import annotations

import re

from connectors.onec.site.answers import Failure

DEEPEST = 8
_LONGEST = 1000
_LONGEST_PART = 200
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')
_PICTURES = "import_files"
_IMAGES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".bmp": "image/bmp",
}


def safe_name(given: str) -> str:
    """Return a relative path with ``/`` that leads nowhere but down. Raises Failure."""
    parts = [part for part in given.replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts or len(given) > _LONGEST or len(parts) > DEEPEST or not all(map(_is_plain, parts)):
        message = f"Недопустимое имя файла: {_shown(given)}."
        raise Failure(message)
    return "/".join(parts)


def is_catalogue(name: str) -> bool:
    """Whether a file is one that 1C asks to import, and not something that hangs on a good."""
    return name.casefold().endswith(".xml") and _PICTURES not in name.split("/")[:-1]


def picture_path(name: str) -> str | None:
    """Return the path by which an export refers to a picture, from ``import_files/`` on; None for other files."""
    if image_type(name) is None:
        return None
    parts = name.split("/")
    if _PICTURES in parts[:-1]:
        parts = parts[parts.index(_PICTURES) :]
    return "/".join(parts)


def image_type(name: str) -> str | None:
    """Return the media type of a picture by its name; None for any other file."""
    dot = name.rfind(".")
    return _IMAGES.get(name[dot:].casefold()) if dot >= 0 else None


def _is_plain(part: str) -> bool:
    return not (
        part.startswith(".")
        or part.endswith((".", " "))
        or len(part.encode("utf-8", "replace")) > _LONGEST_PART
        or _FORBIDDEN.search(part)
    )


def _shown(given: str) -> str:
    return ascii(given[:80]) if _FORBIDDEN.search(given) else given[:80]

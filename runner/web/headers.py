"""The headers that every answer carries, so that a browser does no more with a page than it must."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def protect(headers: MutableHeaders, *, kept: bool = False) -> None:
    """Set them; ``kept``: the browser may keep the answer, for it is the same for everybody."""
    for name, value in _ALWAYS.items():
        headers[name] = value
    if not kept:
        headers["Cache-Control"] = "no-store"

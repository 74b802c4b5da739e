"""One HTTP session for every connector, so that none writes its own retries, limits or log lines."""

from obmen.http.budget import Budgets, Rate
from obmen.http.heard import HttpListener
from obmen.http.reply import Reply, encode_json
from obmen.http.session import Http
from obmen.http.transport import Remaining, Retry, Transport

__all__ = ["Budgets", "Http", "HttpListener", "Rate", "Remaining", "Reply", "Retry", "Transport", "encode_json"]

"""Sends batches: composed in the version that both sides know, loaded as one message, answered record by record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from connectors.onec.enterprisedata.exchange import Exchange
from connectors.onec.enterprisedata.header import Header
from connectors.onec.enterprisedata.make import Composition, Maker
from connectors.onec.enterprisedata.options import EnterpriseDataOptions
from obmen.errors import ConfigurationError, IncompleteSource, Unavailable
from obmen.records import Batch, Item, Outcome, RecordError

Compose = Callable[[Maker, Sequence[Item]], Composition]


def write_batch(
    exchange: Exchange, options: EnterpriseDataOptions, batch: Batch, compose: Compose
) -> Iterator[Outcome]:
    """Yield an outcome for each record.

    Raises Refused if 1C refused the message as a whole: then it is to be sent in halves, for 1C does not say
    which of its objects it means. Otherwise as ``Exchange.send``.
    """
    with exchange.mirror.alone():
        base = _ready(exchange)
        version = negotiated(base, options)
        with exchange.mirror.reading() as database:
            made = compose(Maker(version, base, database), batch.items)
        for id_, refused in made.refused.items():
            yield batch.refused(id_, [RecordError(refused.code, str(refused), refused.field)])
        if made.objects:
            exchange.send(lambda: made.objects, made.sent)
    for id_, native_id in made.native_ids.items():
        yield batch.done(id_, native_id)


def _ready(exchange: Exchange) -> Header:
    """Return the header of the base's last message; nothing was sent yet, whatever goes wrong here."""
    try:
        base = exchange.ready().header
    except IncompleteSource as error:
        raise Unavailable(str(error)) from error
    if base is None:
        raise Unavailable("The base has sent no message yet, so nobody knows what it receives.")
    return base


def negotiated(base: Header, options: EnterpriseDataOptions) -> str:
    """Return the version to write in. Raises ConfigurationError if the two sides know none in common."""
    version = base.writable(options.versions)
    if not version:
        raise ConfigurationError(
            f"The base exchanges in the versions {', '.join(base.versions) or 'of no name'} of EnterpriseData; Obmen"
            f" writes {', '.join(options.versions)}. Let 1C's administrator allow one of these in the synchronization."
        )
    return version

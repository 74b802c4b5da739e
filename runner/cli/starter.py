"""The texts of a new project, made from what the chosen connectors can do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from textwrap import indent

from pydantic.fields import FieldInfo

from obmen.connector import Connector
from obmen.entities import ENTITIES

_PLURALS = {entity: f"{entity}s" for entity in ENTITIES} | {"stock": "stock", "order_status": "statuses"}
_EVERY = dict.fromkeys(ENTITIES, "10m") | {"product": "1h", "stock": "2m", "order": "1m", "order_status": "1m"}
_AT_ONCE = ("product", "price", "stock")
_REMARKS = {
    "price": "# Where several price types are read, choose one: where: { price_type: … }",
    "stock": "# missing: what is not in a complete export any more is told as zero.",
}
_HEAD = """\
# A project of Obmen: which systems there are, and what goes from where to where.
#   obmen check    what is still missing, with its line; writes nothing
#   obmen plan     what would be sent, field by field; writes nothing
#   obmen sync     sends it
# Secrets are written ${NAME} and come from the environment or from the file .env beside this one.
# For completion in an editor: obmen schema -o obmen.schema.json

"""
_ORDERS = """\
  # Orders and their statuses. Take the # away once the systems are set up for them.
"""

Chosen = Mapping[str, type[Connector]]


def project(classes: Chosen, blocks: Mapping[str, str]) -> str:
    """Return ``obmen.yaml``: the connections' blocks, and every flow that these systems can have."""
    connections = "\n".join(indent(block.strip("\n"), "  ") + "\n" for block in blocks.values())
    names = {kind: _name(block) for kind, block in blocks.items()}
    flows = list(_flows(classes, names))
    text = _HEAD + "connections:\n" + connections
    if not flows:
        return f"{text}\n# One system has nobody to exchange with. Add another, then flows:\n# flows:\n"
    now = [line for entity, line in flows if entity in _AT_ONCE]
    later = [f"# {line}" for entity, line in flows if entity not in _AT_ONCE]
    if not now:
        now, later = [line for _, line in flows], []
    text += "\nflows:\n" + "".join(f"  {line}\n" for line in now)
    return text + ("\n" + _ORDERS + "".join(f"  {line}\n" for line in later) if later else "")


def connection(kind: str, connector: type[Connector]) -> str:
    """Return a connection's block, made from the connector's options: what must be said, and what may be."""
    lines = [f"# {connector.title or kind}", f"{kind}:", f"  connector: {kind}"]
    for name, field in connector.options_model.model_fields.items():
        about = f"    # {field.description}" if field.description else ""
        value = f"${{{kind}_{name}}}".upper() if _secret(field) else '"…"'
        sign = "" if field.is_required() else "# "
        lines.append(f"  {sign}{field.alias or name}: {value}{about}")
    return "\n".join(lines) + "\n"


def environment(names: Iterable[str]) -> str:
    """Return ``.env.example``."""
    lines = "".join(f"{name}=\n" for name in names)
    return f"# Copy this file to .env and fill it in. Keep .env out of repositories: it holds secrets.\n{lines}"


def mappings_readme(classes: Chosen) -> str:
    """Return the page that tells what the folder ``mappings`` is for."""
    kinds = " and ".join(f"`{kind}`" for kind in classes)
    first = next(iter(classes), "connector")
    return f"""\
# Mappings of this project

A mapping says, field by field, what a record is called there and here. Obmen brings mappings for {kinds},
so this folder may stay empty. A file here comes before the one that Obmen brings:

- `mappings/<connection>/<entity>.yaml` for one connection,
- `mappings/<connector>/<entity>.yaml` for every connection of that connector: `mappings/{first}/price.yaml`.

```yaml
entity: product
fields:
  sku: article            # ours: theirs
  name: title
tests:
  - native:    {{ article: A-1, title: Коврик }}
    canonical: {{ sku: A-1, name: Коврик }}
```

`obmen mapping test` runs the tests in these files; `obmen mapping show CONNECTION ENTITY` shows what is used.
"""


def _flows(classes: Chosen, names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield (entity, line) for what one of the systems reads and others write, entity by entity."""
    for entity in ENTITIES:
        pairs = [
            (
                source,
                [target for target, other in classes.items() if target != source and (entity, "put") in other.writers],
            )
            for source, made in classes.items()
            if entity in made.readers
        ]
        pairs = [(source, targets) for source, targets in pairs if targets]
        for source, targets in pairs if ENTITIES[entity].history else pairs[:1]:
            alone = len(pairs) == 1 or not ENTITIES[entity].history
            name = _PLURALS[entity] if alone else f"{_PLURALS[entity]}_from_{names[source]}"
            words = [f"entity: {entity}", f"from: {names[source]}"]
            words += [f"to: [{', '.join(names[target] for target in targets)}]", f"every: {_EVERY[entity]}"]
            if entity == "stock" and classes[source].readers[entity].complete:
                words.append("missing: zero")
            if entity in _REMARKS:
                yield entity, _REMARKS[entity]
            yield entity, f"{name}: {{ {', '.join(words)} }}"


def _name(block: str) -> str:
    """The connection's name: the block's first key."""
    return next(line for line in block.splitlines() if line and not line.startswith(("#", " "))).partition(":")[0]


def _secret(field: FieldInfo) -> bool:
    return "SecretStr" in str(field.annotation)

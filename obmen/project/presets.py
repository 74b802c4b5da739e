"""Which mapping file serves a connection's entity: the project's own come before anybody's presets."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

from obmen.connector import Connector
from obmen.errors import ConfigurationError
from obmen.mapping import Mapping, load_mapping

_PACKAGE = Path(str(files("obmen")))


def presets_folder() -> Path:
    """Return the folder of Obmen's own presets: within the installed package, or beside it in a checkout."""
    installed = _PACKAGE / "_data" / "mappings"
    return installed if installed.is_dir() else _PACKAGE.parent / "mappings"


def find_mapping(places: Iterable[Path], entity: str, connection: str, where: str) -> Mapping:
    """Load the first of the files that is there.

    ``where``: the line of the project to point to. Raises ConfigurationError.
    """
    tried = list(dict.fromkeys(places))
    path = next((place for place in tried if place.is_file()), None)
    if path is None:
        looked = ", ".join(str(place) for place in tried)
        message = f"There is no mapping of '{entity}' for the connection '{connection}'. Looked for: {looked}."
        raise ConfigurationError(f"{message} Write one of these.", where=where)
    mapping = load_mapping(path)
    if mapping.entity != entity:
        raise ConfigurationError(f"{path} maps '{mapping.entity}'; '{entity}' is meant here.", where=where)
    return mapping


def mapping_places(
    connector: type[Connector], kind: str, connection: str, entity: str, folder: Path, preset: str = ""
) -> list[Path]:
    """Return where a mapping may stand; the first that is there counts.

    ``kind`` is the connector's name; ``preset`` the folder within its presets, where it has several.
    """
    name = f"{entity}.yaml"
    own = [folder / "mappings" / connection, folder / "mappings" / kind]
    varied = [place / preset / name for place in own] if preset else []
    return [*(place / name for place in own), *varied, *preset_places(connector, kind, entity, preset)]


def preset_places(connector: type[Connector], kind: str, entity: str, preset: str = "") -> list[Path]:
    """Return where the mapping that comes with a connector may stand."""
    name = f"{entity}.yaml"
    brought = [*([connector.presets] if connector.presets is not None else []), presets_folder() / kind]
    varied = [place / preset / name for place in brought] if preset else []
    return [*varied, *(place / name for place in brought)]

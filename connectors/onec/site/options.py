"""What an integrator says of the exchange in which Obmen plays the site."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, HttpUrl, TypeAdapter

from obmen.connector import Options, SecretStr

MIB = 1 << 20


def _address(value: str) -> str:
    TypeAdapter(HttpUrl).validate_python(value)
    return value.rstrip("/")


def _long_enough(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < 8:  # noqa: PLR2004 - told in the message
        message = "a password that the network may try needs at least 8 characters"
        raise ValueError(message)
    return value


class SiteOptions(Options):
    """Who may exchange with Obmen as with a site, and how much at once."""

    login: str = Field(min_length=1, description="the user that is typed into 1C's exchange settings")
    password: Annotated[SecretStr, AfterValidator(_long_enough)] = Field(description="of at least 8 characters")
    zip: bool = Field(default=True, description="whether 1C may send one archive instead of files")
    file_limit: int = Field(default=8 * MIB, ge=1024, le=64 * MIB, description="bytes that 1C sends in one request")
    push_limit: int = Field(
        default=10240 * MIB, ge=MIB, description="bytes of everything that one exchange may bring, unpacked"
    )
    encoding: Literal["utf-8", "windows-1251"] = Field(default="utf-8", description="of Obmen's answers")
    public_url: Annotated[str, AfterValidator(_address)] | None = Field(
        default=None, description="this exchange's address as channels reach it, where they are to fetch pictures"
    )
    buyer: str = Field(
        default="Розничный покупатель", min_length=1, description="Контрагент of orders that name no buyer"
    )
    currencies: dict[str, str] = Field(
        default={code: code for code in ("RUB", "USD", "EUR", "BYN", "KZT", "CNY")},
        description="Валюта by its ISO code, named as in 1C: RUB, or руб.",
    )

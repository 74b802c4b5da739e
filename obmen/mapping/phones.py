"""Phone numbers: however a peer spells one, it is one number, so that one buyer does not become five."""

from __future__ import annotations


def e164(spelling: str, region: str) -> str | None:
    """Return a number in E.164 (``+79161234567``), None if it is no phone number.

    ``region``: the ISO code of the country whose numbers are written without a country code.
    """
    import phonenumbers  # noqa: PLC0415 - its rules of every country are loaded only where a phone turns up

    try:
        number = phonenumbers.parse(spelling, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

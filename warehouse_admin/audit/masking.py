"""Personal data is left out of what leaves the portal: addresses, programs, e-mail addresses."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address
from typing import Any

MASKED = "[masked]"
PERSONAL = ("ip", "user_agent")
_EMAIL = re.compile(r"[\w.+%'-]+@[\w-]+(?:\.[\w-]+)+")
# Only what is shaped like an address and nothing else: versions and numbers with dots stay.
_IP = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")
_MAYBE_IPV6 = re.compile(r"(?<![\w.])(?<![0-9A-Fa-f:]:)[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*[0-9A-Fa-f:](?![\w:])")


def masked(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry, as a dictionary, without the personal data in it, wherever that stands."""
    hidden = {name: MASKED for name in PERSONAL if entry.get(name)}
    return {name: hidden.get(name, _without(value)) for name, value in entry.items()}


def _without(value: Any) -> Any:
    if isinstance(value, str):
        return _IP.sub(MASKED, _MAYBE_IPV6.sub(_unless_other, _EMAIL.sub(MASKED, value)))
    if isinstance(value, dict):
        return {_without(name): _without(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without(item) for item in value]
    return value


def _unless_other(found: re.Match[str]) -> str:
    """Times of day and the like are made of the same letters; "::" alone is nobody's address."""
    try:
        return MASKED if int(IPv6Address(found[0])) else found[0]
    except AddressValueError:
        return found[0]

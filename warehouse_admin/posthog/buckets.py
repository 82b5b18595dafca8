"""What PostHog takes as the files of a warehouse table: formats, and patterns of addresses in a bucket."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import parse_qsl, urlsplit

FORMATS: Final = ("CSV", "CSVWithNames", "Parquet", "JSONEachRow", "Delta", "DeltaS3Wrapper")
LONGEST_PATTERN: Final = 500
LONGEST_KEY: Final = 500
TYPES: Final = ("integer", "float", "decimal", "string", "datetime", "date", "boolean", "array", "json")
"""The column types that can be given by hand."""
_PRIVATE_ENDINGS = (".internal", ".local", ".localhost", ".localdomain", ".home.arpa")
_SIGNATURES = ("x-amz-signature", "x-amz-credential", "awsaccesskeyid", "signature", "sig", "x-goog-signature")


def problem_with_pattern(pattern: str) -> str:
    """Why PostHog would refuse this pattern, or why it must not be sent, and what to do; empty where nothing is known.

    No name is looked up: whether a host points inside is for PostHog to find out.
    """
    if not pattern:
        return "Say where the files are."
    if len(pattern) > LONGEST_PATTERN:
        return f"At most {LONGEST_PATTERN} characters, please; this has {len(pattern):,}."
    if not pattern.isprintable() or " " in pattern:
        return "Leave out spaces and characters that are not seen; write a space in a path as %20."
    try:
        parts = urlsplit(pattern)
        host, _ = (parts.hostname or "").rstrip("."), parts.port  # which raises for one that is no number
    except ValueError:
        return "This is no address that can be read. Write it like https://bucket.s3.amazonaws.com/folder/*.parquet."
    if parts.scheme != "https":
        return "The pattern must begin with https://."
    if parts.username is not None or parts.password is not None:
        return "Leave user name and password out of the address: the keys have fields of their own."
    if any(name.lower() in _SIGNATURES for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        return "This address carries a signature, which is a secret. Leave it out: the keys have fields of their own."
    return _problem_with_host(host)


def _problem_with_host(host: str) -> str:
    if not host:
        return "Name the host of the bucket, as in https://bucket.s3.amazonaws.com/folder/*.parquet."
    if host == "localhost" or host.endswith(_PRIVATE_ENDINGS):
        return f"The host {host} is an internal one, which PostHog refuses."
    if (address := _address(host)) is not None:
        return "" if _is_public(address) else f"The address {host} is an internal one, which PostHog refuses."
    if "." not in host or host.endswith(".invalid"):
        return f"The host {host} cannot be found from outside. Write its full name."
    return ""


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host is, also in the spellings that resolvers take: one number, hexadecimal, short."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return _spelled_otherwise(host)
    return getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None) or found


def _spelled_otherwise(host: str) -> ipaddress.IPv4Address | None:
    """`127.1`, `2130706433` and `0x7f.0.0.1` are all this machine."""
    parts = host.split(".")
    if len(parts) > 4:
        return None
    try:
        numbers = [_number(part) for part in parts]
    except ValueError:
        return None
    *firsts, last = numbers
    if any(number > 255 for number in firsts) or last >= 256 ** (4 - len(firsts)):
        return None
    value = last + sum(number << (8 * (3 - place)) for place, number in enumerate(firsts))
    return ipaddress.IPv4Address(value)


def _number(text: str) -> int:
    if text.lower().startswith("0x"):
        return int(text, 16)
    if text.startswith("0") and len(text) > 1:
        return int(text, 8)
    if not text.isdecimal():
        raise ValueError(text)
    return int(text)

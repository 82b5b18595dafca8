"""Typed readers for the environment: `NAME` or a file named by `NAME_FILE`; a bad value stops with a sentence."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})

env = environ.FileAwareEnv()


def read(reader: Callable[..., T], name: str, default: T, expected: str) -> T:
    """Read one variable with a django-environ reader; say what to set when the value does not fit."""
    try:
        return reader(name, default=default)
    except (ValueError, ImproperlyConfigured) as error:
        raise ImproperlyConfigured(f"{name} must be {expected}; set it to such a value or unset it.") from error


def text(name: str, default: str = "") -> str:
    return read(env.str, name, default, "text").strip()


def flag(name: str, default: bool) -> bool:
    return one_of(name, "on" if default else "off", ("on", "off", "true", "false", "1", "0", "yes", "no")) in (
        "on",
        "true",
        "1",
        "yes",
    )


def number(name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
    expected = f"a whole number from {least} to {most}"
    value = read(env.int, name, default, expected)
    if not least <= value <= most:
        raise ImproperlyConfigured(f"{name} must be {expected}, not {value}.")
    return value


def one_of(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = text(name, default).lower() or default
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}, not {value!r}.")
    return value


def items(name: str, default: list[str]) -> list[str]:
    return [item.strip() for item in text(name, ",".join(default)).split(",") if item.strip()]


def is_loopback(host: str) -> bool:
    """True for names and addresses that only this machine can reach."""
    if host.lower() in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def origin(name: str) -> str:
    """An http(s) origin without a path; plain http only on loopback. Empty when unset."""
    value = text(name).rstrip("/")
    if not value:
        return ""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ImproperlyConfigured(
            f"{name} must include its scheme, for example https://eu.posthog.com, not {value!r}."
        )
    if parts.username or parts.path or parts.query or parts.fragment:
        raise ImproperlyConfigured(f"{name} must be a scheme and a host only, without sign-in, path or query.")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ImproperlyConfigured(f"{name} must use https: plain http is only accepted on this machine.")
    return value


def secret(name: str, *, path: Path, may_generate: bool, make: Callable[[], str], what_for: str) -> str:
    """A secret from the environment, else one kept in `path` where it may be generated."""
    value = text(name)
    if value:
        return value
    if not may_generate:
        raise ImproperlyConfigured(f"Set {name} (or {name}_FILE): {what_for}.")
    return generated(path, make)


def generated(path: Path, make: Callable[[], str]) -> str:
    """The content of `path`, made once, readable by its owner alone; safe when two processes start together."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with path.open("x") as file:
            path.chmod(0o600)
            file.write(make())
    except FileExistsError:
        pass
    value = path.read_text().strip()
    if not value:
        raise ImproperlyConfigured(f"{path} is empty; delete it so that it is made again.")
    return value


def make_secret_key() -> str:
    return secrets.token_urlsafe(50)


def make_fernet_key() -> str:
    return Fernet.generate_key().decode()


def fernet_keys(value: str) -> list[str]:
    """Comma-separated Fernet keys, newest first."""
    keys = [key.strip() for key in value.split(",") if key.strip()]
    for position, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"FIELD_ENCRYPTION_KEYS: key {position} is not a Fernet key (32 bytes, url-safe base64). Make one with "
                'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())".'
            ) from error
    return keys

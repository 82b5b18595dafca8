"""Typed readers for the environment: `NAME` or a file named by `NAME_FILE`; a bad value stops with a sentence.

An empty variable counts as unset, as container platforms pass on what nobody filled in.
"""

from __future__ import annotations

import base64
import ipaddress
import os
import re
import secrets
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
TRUE = ("on", "true", "1", "yes")
FALSE = ("off", "false", "0", "no")
_HOST_PATTERN = re.compile(r"\*|\.?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\]")


def text(name: str, default: str = "") -> str:
    """The value without surrounding white space, else `default`."""
    value, path = os.environ.get(name, "").strip(), os.environ.get(f"{name}_FILE", "").strip()
    if value and path:
        raise ImproperlyConfigured(f"Set either {name} or {name}_FILE, not both.")
    if path:
        value = _content(name, path)
    return value or default


def _content(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ImproperlyConfigured(f"{name}_FILE must name a file that can be read; {path} cannot: {reason}.") from None


def flag(name: str, default: bool) -> bool:
    return one_of(name, "on" if default else "off", TRUE + FALSE) in TRUE


def number(name: str, default: int, *, least: int = 0, most: int = 2**31 - 1) -> int:
    value = text(name, str(default))
    if not re.fullmatch(r"[0-9]{1,10}", value) or not least <= int(value) <= most:
        raise ImproperlyConfigured(f"{name} must be a whole number from {least} to {most}, not {value[:40]!r}.")
    return int(value)


def one_of(name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = text(name, default).lower()
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(allowed)}, not {value[:40]!r}.")
    return value


def items(name: str, default: list[str]) -> list[str]:
    return [item.strip() for item in text(name, ",".join(default)).split(",") if item.strip()]


def hosts(name: str, default: list[str]) -> list[str]:
    """Host names as Django's ALLOWED_HOSTS takes them: without scheme, port or path."""
    found = items(name, default)
    for host in found:
        if not _HOST_PATTERN.fullmatch(host):
            raise ImproperlyConfigured(
                f"{name} must be host names without scheme, port or path, such as portal.example.com, not {host!r}."
            )
    return found


def existing_file(name: str) -> str:
    """The path of a file that exists, or empty when unset."""
    value = text(name)
    if value and not Path(value).is_file():
        raise ImproperlyConfigured(f"{name} must be the path of a file; there is none at {value}.")
    return value


def is_loopback(host: str) -> bool:
    """True for names and addresses that only this machine can reach."""
    if host.lower() in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def address(name: str, default: str) -> str:
    """An IP address, or a host name, to listen on."""
    value = text(name, default)
    if not _is_address(value.strip("[]")) and not re.fullmatch(r"[A-Za-z0-9_.-]+", value):
        raise ImproperlyConfigured(
            f"{name} must be an address of this machine without a port, such as 127.0.0.1, not {value!r}."
        )
    return value.strip("[]")


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def web_url(name: str) -> str:
    """An https URL, or http on loopback, without sign-in, query or fragment. Empty when unset."""
    value = text(name).rstrip("/")
    if not value:
        return ""
    parts = _split(name, value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ImproperlyConfigured(
            f"{name} must include its scheme and host, as https://eu.posthog.com does; {_shown(value)} does not."
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ImproperlyConfigured(f"{name} must be a URL without sign-in, query or fragment.")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ImproperlyConfigured(f"{name} must use https: plain http is only accepted on this machine.")
    return value


def web_url_with_key(name: str) -> str:
    """An https URL that carries a key before the @, as crash collectors want it. Empty when unset."""
    value = text(name)
    if value and not re.fullmatch(r"https?://[^@/\s]+@[^@/\s]+/\S+", value):
        raise ImproperlyConfigured(f"{name} must be of the form https://key@host/number.")
    return value


def origin(name: str) -> str:
    """A web URL that is a scheme and a host only. Empty when unset."""
    value = web_url(name)
    if urlsplit(value).path:
        raise ImproperlyConfigured(f"{name} must be a scheme and a host only, without a path.")
    return value


def origin_of(url: str) -> str:
    """The scheme, host and port of a web URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def service_url(name: str, schemes: tuple[str, ...], example: str) -> str:
    """The URL of a service that is not the web; it may hold a password, so messages never repeat it."""
    value = text(name)
    if value and _split(name, value).scheme not in schemes:
        raise ImproperlyConfigured(f"{name} must start with {' or '.join(f'{each}://' for each in schemes)}: {example}")
    return value


def _split(name: str, value: str) -> SplitResult:
    try:
        parts = urlsplit(value)
        _ = parts.port  # raises when it is no number
    except ValueError:
        # The reason given there may quote a part of the password.
        raise ImproperlyConfigured(
            f"{name} is not a URL; set it to scheme://user:password@host:port/name, special characters percent-encoded."
        ) from None
    return parts


def _shown(url: str) -> str:
    """A URL as a message may repeat it: nothing before an @, which could be a password."""
    return repr(url.rpartition("@")[2][:100])


def database(name: str, *, default_path: Path) -> dict[str, Any]:
    """Django's settings of a PostgreSQL or SQLite database; a file at `default_path` when unset."""
    url = service_url(
        name, ("postgres", "postgresql", "sqlite"), "for example postgres://user:password@db.example.com:5432/portal."
    )
    if not url:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(default_path)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the checks below say it better
        found: dict[str, Any] = environ.Env.db_url_config(url)
    if not found.get("NAME") or found["NAME"] == ":memory:":
        raise ImproperlyConfigured(
            f"{name} must name a database: several processes share it, so it cannot be one in memory. "
            "Unset it to use a file under VAR_DIR."
        )
    return found


def mail(name: str) -> dict[str, Any]:
    """Django's EMAIL_* settings; without the variable no mail is sent, nor printed, since it may hold secrets."""
    schemes = tuple(scheme for scheme in environ.Env.EMAIL_SCHEMES if scheme)
    url = service_url(name, schemes, "for example smtp+tls://user:password@mail.example.com:587.") or "dummymail://"
    found: dict[str, Any] = environ.Env.email_url_config(url)
    if found["EMAIL_BACKEND"].endswith("smtp.EmailBackend") and not found["EMAIL_HOST"]:
        raise ImproperlyConfigured(f"{name} must name a mail server, for example smtp+tls://mail.example.com:587.")
    return found


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
    try:
        if not path.exists():
            _make_once(path, make())
        value = path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"{path} can be neither read nor made ({error.strerror}); set VAR_DIR to a folder of yours."
        ) from None
    if not value:
        raise ImproperlyConfigured(f"{path} is empty; delete it so that it is made again.")
    return value


def _make_once(path: Path, value: str) -> None:
    """Write a file that appears whole or not at all; whoever comes second keeps the first one's."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # mode 0600
    try:
        with os.fdopen(handle, "w") as file:
            file.write(value)
        os.link(name, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(name)


def make_secret_key() -> str:
    return secrets.token_urlsafe(50)


def make_fernet_key() -> str:
    return Fernet.generate_key().decode()


def fernet_keys(value: str) -> list[str]:
    """Comma-separated Fernet keys, newest first."""
    keys = [key.strip() for key in value.split(",") if key.strip()]
    for position, key in enumerate(keys or [""], start=1):
        try:
            Fernet(key)
        except ValueError:
            raise ImproperlyConfigured(
                f"FIELD_ENCRYPTION_KEYS: key {position} is not a Fernet key (32 bytes, url-safe base64). Make one with "
                'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())".'
            ) from None
    return keys


def ed25519_seed(name: str) -> str:
    """An Ed25519 private key as 32 bytes in base64; "" when it is not given."""
    value = text(name)
    try:
        fits = not value or len(base64.b64decode(value, validate=True)) == 32
    except ValueError:
        fits = False
    if not fits:
        raise ImproperlyConfigured(
            f"{name} is not an Ed25519 private key (32 bytes, base64). Make one with "
            'python -c "import base64, os; print(base64.b64encode(os.urandom(32)).decode())".'
        )
    return value

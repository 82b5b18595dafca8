"""Does it answer? Short questions that `run` and `doctor` ask of what the portal stands on."""

from __future__ import annotations

import errno
import http.client
import socket
from urllib.parse import urlsplit

import redis
from celery import current_app
from django.conf import settings
from django.db import DatabaseError
from django.db import connection as database
from kombu.exceptions import OperationalError


def database_problem() -> str:
    """Why the database cannot be used, in words without its password; empty when it can."""
    probe = database
    if database.vendor == "postgresql":  # past the pool, which would wait much longer for a server that is away
        probe = database.copy("probe")
        options = {name: value for name, value in probe.settings_dict["OPTIONS"].items() if name != "pool"}
        probe.settings_dict["OPTIONS"] = {**options, "connect_timeout": 3}
    try:
        with probe.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return f"cannot be reached ({type(error).__name__}); check DATABASE_URL"
    finally:
        if probe is not database:
            probe.close()
    return ""


def broker_answers() -> bool:
    try:
        with current_app.connection_for_write() as link:
            link.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    except (OperationalError, redis.RedisError, OSError):
        return False
    return True


def cache_answers() -> bool:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=2)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def web_answers(url: str, *, host: str = "") -> bool:
    """Whether a server on this machine answers without failing; asked under the name `host`, through no proxy."""
    parts = urlsplit(url)
    link = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=2)
    try:
        link.request("GET", parts.path, headers={"Host": host or parts.netloc, "User-Agent": "warehouse-admin run"})
        return link.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        link.close()


def port_problem(host: str, port: int) -> str:
    """Why nothing can listen there, as a sentence; empty when something can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return _in_words(error, host, port)
    return ""


def _in_words(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken; set PORT to a free one, or stop what listens there."
    if error.errno == errno.EACCES:
        return f"Port {port} needs rights that you do not have; set PORT to one above 1023."
    return f"{host} is not an address of this machine; set BIND to one that is, such as 127.0.0.1."


def free_port(first: int) -> int:
    """A port on 127.0.0.1 where nothing listens: the first from `first` on, else any."""
    for port in range(first, min(first + 200, 65_536)):
        if not port_problem("127.0.0.1", port):
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

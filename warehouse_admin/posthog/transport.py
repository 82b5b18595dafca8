"""The lowest layer: addresses, connections that know whether anything was sent, and bounded reading."""

from __future__ import annotations

import ipaddress
import re
import threading
import time
from http.cookiejar import DefaultCookiePolicy
from typing import Any, ClassVar
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from . import VERSION

POOL_SIZE = 16
MAX_ANSWER_BYTES = 64 * 1024 * 1024
CHUNK = 64 * 1024


class TooLarge(Exception):
    """An answer beyond the bound; reading stopped."""


class TooSlow(Exception):
    """An answer that trickles: each read was in time, the whole was not."""


def validate_host(host: str) -> str:
    """The origin (`https://…`) that `host` names. ValueError says in a sentence what is wrong with it."""
    host = host.strip()
    try:
        parts = urlsplit(host)
        port, name = parts.port, parts.hostname
    except ValueError:
        raise ValueError("The host is not a readable address; write it like https://us.posthog.com.") from None
    if parts.scheme not in {"http", "https"} or not name or not re.fullmatch(r"[A-Za-z0-9.:_-]+", name):
        raise ValueError("The host must include its scheme and name, like https://us.posthog.com.")
    if parts.username is not None or parts.password is not None:
        raise ValueError("The host must not contain a user name or password.")
    if parts.path not in {"", "/"} or "?" in host or "#" in host:
        raise ValueError("The host must not contain a path or a query; give only its scheme and name.")
    if parts.scheme == "http" and not _is_loopback(name):
        raise ValueError("Plain http is allowed on this machine only (localhost); use https.")
    if re.fullmatch(r"(us|eu)\.i\.posthog\.com", name):
        raise ValueError(f"{name} only takes in events; use https://{name.replace('.i.', '.')} instead.")
    shown = f"[{name}]" if ":" in name else name
    return f"{parts.scheme}://{shown}" + (f":{port}" if port else "")


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


class _Wire(threading.local):
    """Whether this thread's request has put a byte on the network; None until a real connection is asked for."""

    sent: bool | None = None


wire = _Wire()


class _Tracked:
    """Marks the moment a request's first byte leaves; a proxy's CONNECT and the TLS handshake do not count."""

    _connecting = False
    sock: Any

    def connect(self) -> None:
        self._connecting = True
        try:
            super().connect()  # type: ignore[misc]
        finally:
            self._connecting = False

    def send(self, data: Any) -> None:
        if not self._connecting:
            if self.sock is None:
                self.connect()
            wire.sent = True
        super().send(data)  # type: ignore[misc]


class _Connection(_Tracked, HTTPConnection):
    pass


class _SecureConnection(_Tracked, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class TrackingAdapter(HTTPAdapter):
    """requests' adapter over connections that record in `wire` whether anything was sent. It never retries."""

    pools: ClassVar[dict[str, type[HTTPConnectionPool]]] = {"http": _Pool, "https": _SecurePool}

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = self.pools

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = self.pools
        return manager

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        wire.sent = False
        return super().get_connection_with_tls_context(*args, **kwargs)


class Bearer(AuthBase):
    """Puts the key on a request; its repr does not show it."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request

    def hidden(self) -> tuple[str, ...]:
        """What has to be taken out of any text that goes on."""
        return (self._key,)

    def __repr__(self) -> str:
        return "<Bearer>"


def new_session(auth: Bearer, *, ca_bundle: str | None, proxies: dict[str, str] | None) -> requests.Session:
    """A session that reads nothing from the environment, keeps no cookie and sends the key only as a header."""
    session = requests.Session()
    session.trust_env = False
    session.auth = auth
    session.verify = ca_bundle or True
    session.proxies = dict(proxies or {})
    session.headers.update({"User-Agent": f"warehouse-admin/{VERSION}", "Accept": "application/json"})
    # A key and a cookie together would be judged by the cookie's rules.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = TrackingAdapter(pool_connections=4, pool_maxsize=POOL_SIZE, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def read_body(response: requests.Response, *, seconds: float) -> bytes:
    """The whole decoded body, at most 64 MB and within `seconds`; urllib3 checks it against Content-Length."""
    chunks: list[bytes] = []
    size = 0
    deadline = time.monotonic() + seconds
    raw: urllib3.HTTPResponse = response.raw
    while chunk := raw.read1(CHUNK, decode_content=True):
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            raise TooLarge
        if time.monotonic() > deadline:
            raise TooSlow
        chunks.append(chunk)
    return b"".join(chunks)

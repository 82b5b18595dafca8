"""One key's line to one project: authenticates, spends the budget, retries reads, believes only whole JSON."""

from __future__ import annotations

import json as jsonlib
import logging
import random
import re
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

import requests
import urllib3

from . import errors
from .transport import Bearer, TooLarge, TooSlow, new_session, read_body, validate_host, wire

logger = logging.getLogger(__name__)

Prefix = Literal["projects", "environments"]
Timeout = float | tuple[float, float]
T = TypeVar("T")

RETRIES = 3
BACKOFF = 0.25
INTERACTIVE = "interactive"
INTERACTIVE_MAX_WAIT = 2.0

# These are throttled by a limit of their own (per view, or for queries): their 429 says nothing about the key's rate.
_OWN_LIMIT = re.compile(r"/(run|materialize|revert_materialization)/?$|/query/?$")
_SAFE_PATH = re.compile(r"[A-Za-z0-9@_.~%/-]+")

# Not the shared generator: forked workers inherit its state and would wait in step, and a thread would advance it.
_chance = random.SystemRandom()


class Budget(Protocol):
    """Shared spending of one key's rate. Called from many threads."""

    def acquire(self, purpose: str, *, block: bool) -> None:
        """Take one request; wait if `block`, else raise RateLimited when there is none."""

    def penalise(self, retry_after: float) -> None:
        """PostHog said 429: let nobody send for `retry_after` seconds."""

    def settle(self) -> Any:
        """Put on record what was spent and is not there yet."""


class Record(Protocol):
    """Who keeps what was asked and how it went. Called from many threads; must not raise."""

    def note(self, method: str, path: str, error: errors.PostHogError | None) -> None:
        """One exchange ended: with `error`, or well."""

    def settle(self) -> None:
        """The client is closed, in the thread that made it."""


@dataclass(frozen=True)
class Answer:
    """A believed 2xx answer; `data` is None exactly when the body was empty."""

    status: int
    data: Any
    headers: Mapping[str, str] = field(repr=False)
    method: str = ""
    path: str = ""
    write: bool = True

    def read(self, parse: Callable[[Any], T]) -> T:
        """`parse` applied to the data; a BadAnswer it raises learns which request it was about."""
        try:
            return parse(self.data)
        except errors.BadAnswer as bad:
            bad.status, bad.method, bad.path, bad.write = self.status, self.method, self.path, self.write
            raise


@dataclass(frozen=True)
class _Reply:
    status_code: int
    headers: Mapping[str, str]
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class _Call:
    """One request as asked for; its payload stays out of reprs."""

    method: str
    path: str
    write: bool
    timeout: tuple[float, float]
    payload: dict[str, Any] = field(repr=False)
    hide: tuple[str, ...] = field(repr=False)


class Client:
    """Safe to share between threads, which together have `at_once` requests under way at most. Waits in seconds.

    `purpose="interactive"` never waits long. `on_refused_key` is called when PostHog says 401, always in the thread
    that made the client: at once, or when it closes the client if other threads were told so.
    """

    def __init__(
        self,
        host: str,
        key: str,
        project_id: int | str,
        *,
        path_prefix: Prefix = "projects",
        budget: Budget | None = None,
        purpose: str = "background",
        connect_timeout: float = 3.05,
        read_timeout: float = 30,
        write_timeout: float = 60,
        ca_bundle: str | None = None,
        proxies: dict[str, str] | None = None,
        session: requests.Session | None = None,
        max_wait: float = 60,
        at_once: int = 8,
        sleep: Callable[[float], None] = time.sleep,
        on_refused_key: Callable[[], None] | None = None,
        record: Record | None = None,
    ) -> None:
        self.host = validate_host(host)
        self.project_id = _valid_project(project_id)
        self.path_prefix: Prefix = _valid_prefix(path_prefix)
        self.purpose = purpose
        self.connect_timeout, self.read_timeout, self.write_timeout = connect_timeout, read_timeout, write_timeout
        self.max_wait = min(max_wait, INTERACTIVE_MAX_WAIT) if purpose == INTERACTIVE else max_wait
        self._auth = Bearer(_valid_key(key))
        self._budget = budget
        self._record = record
        self._tls: dict[str, Any] = {"ca_bundle": ca_bundle, "proxies": proxies}
        self._given_session = session
        self._local = threading.local()
        self._sessions: weakref.WeakSet[requests.Session] = weakref.WeakSet()
        self._slots = threading.BoundedSemaphore(at_once)
        self._sleep = sleep
        self._on_refused_key, self._made_in, self._untold = on_refused_key, threading.get_ident(), False

    def __repr__(self) -> str:
        return f"<Client {self.host} {self.path_prefix}/{self.project_id}>"

    def __getstate__(self) -> None:
        raise TypeError("A client holds a key and cannot be pickled.")

    @property
    def last_status(self) -> int | None:
        """HTTP status of the latest answer this thread got from this client; None when there was none."""
        return getattr(self._local, "last_status", None)

    def close(self) -> None:
        """Drop the pooled connections of every thread, and put on record what was spent."""
        if self._budget:
            self._budget.settle()
        for session in list(self._sessions):
            session.close()
        if self._untold:
            self._tell_of_refused_key()
        if self._record:
            self._record.settle()

    def detect_prefix(self) -> Prefix:
        """Find out which path the server knows, and use it from now on; `projects` where both answer."""
        missing: errors.NotFound | None = None
        for prefix in ("projects", "environments"):
            try:
                self.request("GET", f"/api/{prefix}/{self.project_id}/data_modeling_jobs/", params={"limit": 1})
            except errors.PermissionDenied:
                pass  # refused only after the route and the project were found
            except errors.NotFound as error:
                missing = error
                continue
            self.path_prefix = _valid_prefix(prefix)
            return self.path_prefix
        raise missing or errors.NotFound("Project not found.")

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        files: Any = None,
        data: Any = None,
        timeout: Timeout | None = None,
        retry: bool | None = None,
        headers: Mapping[str, str] | None = None,
        hide: Iterable[str] = (),
    ) -> Answer:
        """Ask once, or up to four times for a read (`retry`, by default every GET). A write is never repeated here.

        Somebody waits for an interactive client: it begins no other try once a time-out's worth of seconds is gone.
        `path` is under the project unless it starts with `/api/`. Strings in `hide` are taken out of error texts.
        """
        method = method.upper()
        again = method == "GET" if retry is None else retry
        call = _Call(
            method=method,
            path=self._path_of(path),
            write=method not in {"GET", "HEAD"} and not again,
            timeout=self._timeouts(timeout, write=not again),
            payload={"json": json, "params": params, "files": files, "data": data, "headers": headers},
            hide=(*self._auth.hidden(), *hide),
        )
        attempt, latest = 0, time.monotonic() + call.timeout[1]
        while not isinstance(outcome := self._attempt(call, attempt), Answer):
            wait = self._wait_after(outcome, attempt)
            if not again or wait is None or attempt == RETRIES:
                break
            if self.purpose == INTERACTIVE and time.monotonic() + wait >= latest:
                break
            self._sleep(wait)
            attempt += 1
        if isinstance(outcome, Answer):
            return outcome
        if isinstance(outcome, errors.InvalidKey):
            self._tell_of_refused_key()
        # Raised out here so that no requests exception, which holds the key, hangs on as context.
        raise outcome

    def _tell_of_refused_key(self) -> None:
        here = threading.get_ident() == self._made_in
        self._untold = not here
        if here and self._on_refused_key:
            self._on_refused_key()

    def _attempt(self, call: _Call, attempt: int) -> Answer | errors.PostHogError:
        self._local.last_status = None
        if self._budget:
            self._spend(call)
        wire.sent = None
        outcome = self._judged(call, self._exchange(call), attempt)
        if self._record:
            failed = outcome if isinstance(outcome, errors.PostHogError) else None
            self._record.note(call.method, call.path, failed)
        return outcome

    def _judged(self, call: _Call, reply: _Reply | errors.PostHogError, attempt: int) -> Answer | errors.PostHogError:
        """What an exchange came to; a 429 holds back everybody who spends the same rate."""
        if isinstance(reply, errors.PostHogError):
            logger.info("posthog %s %s: %s", call.method, call.path, type(reply).__name__)
            return reply
        logger.debug("posthog %s %s: %s", call.method, call.path, reply.status_code)
        if 200 <= reply.status_code < 300:
            return _believe(reply, call)
        error = errors.from_response(reply, call.method, call.path, hide=call.hide, write=call.write)
        if self._budget and isinstance(error, errors.RateLimited) and not _OWN_LIMIT.search(call.path):
            self._budget.penalise(_backoff(attempt) if error.retry_after is None else error.retry_after)
        return error

    def _spend(self, call: _Call) -> None:
        try:
            self._budget.acquire(self.purpose, block=self.purpose != INTERACTIVE)  # type: ignore[union-attr]
        except errors.RateLimited as refusal:
            refusal.method, refusal.path, refusal.sent, refusal.write = call.method, call.path, False, call.write
            raise

    def _exchange(self, call: _Call) -> _Reply | errors.PostHogError:
        """One exchange with the server: its answer read to the end, or what went wrong."""
        known: dict[str, Any] = {"method": call.method, "path": call.path, "write": call.write}
        status: int | None = None
        try:
            with self._slots, self._send(call) as response:
                status = self._local.last_status = response.status_code
                body = read_body(response, seconds=2 * call.timeout[1])
                return _Reply(response.status_code, response.headers, body)
        except (TooLarge, TooSlow) as stop:
            why = "is larger than 64 MB" if isinstance(stop, TooLarge) else "took too long to arrive"
            return errors.BadAnswer(f"PostHog's answer {why}; it was not read to the end.", status=status, **known)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as failure:
            return _no_answer(failure, status, known)

    def _send(self, call: _Call) -> requests.Response:
        session = self._session()
        return session.send(self._prepared(session, call), timeout=call.timeout, allow_redirects=False, stream=True)

    def _prepared(self, session: requests.Session, call: _Call) -> requests.PreparedRequest:
        """What goes out. Reading thousands of views, preparing each anew is a quarter of the work, for another address.

        A path is one that needs no quoting, so that it can be put in as it is.
        """
        if call.method != "GET" or any(part is not None for part in call.payload.values()):
            return self._prepare(session, call)
        plain = getattr(self._local, "plain", None)
        if plain is None:
            plain = self._local.plain = self._prepare(session, call)
        prepared = plain.copy()
        prepared.url = self.host + call.path
        return prepared

    def _prepare(self, session: requests.Session, call: _Call) -> requests.PreparedRequest:
        request = requests.Request(call.method, self.host + call.path, auth=self._auth, **call.payload)
        return session.prepare_request(request)

    def _session(self) -> requests.Session:
        if self._given_session is not None:
            return self._given_session
        session = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = new_session(self._auth, **self._tls)
            self._sessions.add(session)
        return session

    def _path_of(self, path: str) -> str:
        full = path if path.startswith("/api/") else f"/api/{self.path_prefix}/{self.project_id}/{path}"
        if not _SAFE_PATH.fullmatch(full) or "//" in full or any(part in {".", ".."} for part in full.split("/")):
            raise ValueError("This is not a path of the PostHog API.")
        return full

    def _timeouts(self, timeout: Timeout | None, *, write: bool) -> tuple[float, float]:
        if isinstance(timeout, tuple):
            return timeout
        return self.connect_timeout, timeout or (self.write_timeout if write else self.read_timeout)

    def _wait_after(self, error: errors.PostHogError, attempt: int) -> float | None:
        """Seconds to wait before asking again; None when asking again is useless or would wait too long."""
        passing = isinstance(error, errors.Unreachable | errors.Truncated | errors.RateLimited)
        if not passing and error.status not in {502, 503, 504}:
            return None
        wanted: float = getattr(error, "retry_after", None) or 0.0
        return None if wanted > self.max_wait else max(wanted, min(_backoff(attempt), self.max_wait))


def _backoff(attempt: int) -> float:
    """A quarter second, doubling, with up to half as much again so that workers do not march in step."""
    return BACKOFF * float(2**attempt) * (1 + _chance.random() / 2)


def _believe(reply: _Reply, call: _Call) -> Answer | errors.BadAnswer:
    """A 2xx answer is believed when it is empty or JSON to its last byte."""
    asked = (call.method, call.path, call.write)
    if not reply.content:
        return Answer(reply.status_code, None, reply.headers, *asked)
    known: dict[str, Any] = {"status": reply.status_code, "method": call.method, "path": call.path, "write": call.write}
    if not errors.is_json(reply.headers):
        return errors.BadAnswer("This address answered with something other than data: check host and proxy.", **known)
    try:
        return Answer(reply.status_code, jsonlib.loads(reply.content), reply.headers, *asked)
    except (ValueError, RecursionError):
        return errors.BadAnswer("PostHog's answer is not complete JSON.", **known)


def _no_answer(failure: Exception, status: int | None, known: dict[str, Any]) -> errors.PostHogError:
    """What a failed exchange means; nothing of `failure` is kept but its kind, because it holds the request."""
    kind = type(failure).__name__
    if status is not None:
        if status >= 500:
            return errors.ServerError("PostHog's error answer broke off.", status=status, **known)
        if isinstance(failure, urllib3.exceptions.TimeoutError | TimeoutError):
            return errors.Unreachable("PostHog stopped in the middle of its answer (time-out).", status=status, **known)
        return errors.Truncated(f"PostHog's answer broke off before its end ({kind}).", status=status, **known)
    # Before any connection is asked for, only requests itself can refuse: an impossible address, header or JSON.
    refused_here = wire.sent is None and isinstance(failure, ValueError | requests.exceptions.InvalidJSONError)
    if wire.sent is False or refused_here:
        return errors.NotSent(_never_sent(failure), **known)
    if isinstance(failure, requests.Timeout | urllib3.exceptions.TimeoutError | TimeoutError):
        return errors.Unreachable("PostHog did not answer in time.", **known)
    return errors.Unreachable(f"The connection broke before PostHog answered ({kind}).", **known)


def _never_sent(failure: Exception) -> str:
    if isinstance(failure, requests.exceptions.ProxyError):
        return "The proxy could not be used; nothing was sent."
    if isinstance(failure, requests.exceptions.SSLError):
        return "No secure connection: PostHog's certificate or TLS was not accepted; nothing was sent."
    if isinstance(failure, requests.exceptions.ConnectTimeout):
        return "PostHog's address did not answer the connection in time; nothing was sent."
    if "NameResolution" in repr(failure):
        return "PostHog's host name could not be found; nothing was sent."
    return f"No connection to PostHog ({type(failure).__name__}); nothing was sent."


def _valid_key(key: str) -> str:
    """The key, fit for a header; the message must not repeat it."""
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError("The API key is empty or contains characters that no key has.")
    return key


def _valid_project(project_id: int | str) -> str:
    project = str(project_id)
    if project != "@current" and not (project.isascii() and project.isdigit()):
        raise ValueError("The project id must be a number (or @current).")
    return project


def _valid_prefix(prefix: str) -> Prefix:
    if prefix not in {"projects", "environments"}:
        raise ValueError("The path prefix must be projects or environments.")
    return "projects" if prefix == "projects" else "environments"

"""Parse HogQL with PostHog's own grammar, within a bounded time whatever the text."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Literal

from warehouse_admin.lineage.child import Helper, NoAnswer, Unavailable

Problem = Literal["", "too complex", "too large", "parser unavailable"]

LARGEST_BYTES = 64 * 1024
# A slow parse is usually slow because of what the same child parsed before; a fresh one then answers in time.
DEADLINES = (1.5, 4.0)
_CACHE_BYTES = 8 << 20
_GAVE_UP_FOR_SECONDS = 600.0


@dataclass(frozen=True)
class SyntaxError_:  # noqa: N801 (the plain name is Python's own)
    """Where the text stops being HogQL. Offsets count characters from 0, `line` and `column` from 1."""

    message: str
    start: int
    end: int
    line: int
    column: int


@dataclass(frozen=True)
class Parsed:
    """A tree, or an error of the text, or a problem of ours: exactly one of the three."""

    tree: dict[str, Any] | None = None
    error: SyntaxError_ | None = None
    problem: Problem = ""


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column, both from 1, of a character offset; CRLF, CR and LF each end a line."""
    if text[max(0, offset - 1) : offset + 1] == "\r\n":
        offset -= 1  # between the two is still the end of the line
    before = text[:offset].replace("\r\n", "\n").replace("\r", "\n")
    return before.count("\n") + 1, len(before) - before.rfind("\n")


class _Cache:
    """Answers by digest of the text, kept as bytes and bounded by their size. None: the grammar gave up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._size = 0
        self._answers: OrderedDict[bytes, tuple[bytes | None, float]] = OrderedDict()

    def get(self, key: bytes) -> tuple[bool, bytes | None]:
        """Whether there is an answer, and the answer."""
        with self._lock:
            answer, expires = self._answers.get(key, (None, 0.0))
            if time.monotonic() > expires:
                self._drop(key)
                return False, None
            self._answers.move_to_end(key)
            return True, answer

    def put(self, key: bytes, answer: bytes | None) -> None:
        """Remember an answer; giving up is believed for a while only, a busy machine may have caused it."""
        expires = time.monotonic() + _GAVE_UP_FOR_SECONDS if answer is None else float("inf")
        with self._lock:
            self._drop(key)
            self._answers[key] = (answer, expires)
            self._size += self._weight(answer)
            while self._size > _CACHE_BYTES:
                self._drop(next(iter(self._answers)))

    def clear(self) -> None:
        with self._lock:
            self._answers.clear()
            self._size = 0

    def _drop(self, key: bytes) -> None:
        if key in self._answers:
            self._size -= self._weight(self._answers.pop(key)[0])

    @staticmethod
    def _weight(answer: bytes | None) -> int:
        return 256 + len(answer or b"")


_helper = Helper()
_second = Helper()
"""For those who parse many texts, who have two cores to do it on."""
_cache = _Cache()


def parse(sql: str) -> Parsed:
    """Parse one query; answers within some six seconds, and never raises for what the text says."""
    return _parse(sql, _helper)


def parse_many(texts: Iterable[str]) -> list[Parsed]:
    """The same for many, two at a time; whoever is done with all of them says so to `rest`."""
    free: SimpleQueue[Helper] = SimpleQueue()
    for helper in (_helper, _second):
        free.put(helper)

    def parse_one(sql: str) -> Parsed:
        helper = free.get()
        try:
            return _parse(sql, helper)
        finally:
            free.put(helper)

    waiting = list(texts)
    if len(waiting) < 2:
        return [parse(sql) for sql in waiting]
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(parse_one, waiting))


def rest() -> None:
    """Let go of the process that only those who parse many need."""
    _second.stop()


def _parse(sql: str, helper: Helper) -> Parsed:
    try:
        encoded = sql.encode()
    except UnicodeEncodeError as broken:
        return Parsed(error=_error(sql, "The text holds half of a character pair.", broken.start, broken.end))
    if len(encoded) > LARGEST_BYTES:
        return Parsed(problem="too large")
    key = hashlib.sha256(encoded).digest()
    known, answer = _cache.get(key)
    if not known:
        try:
            answer = helper.ask(sql, DEADLINES)
        except Unavailable:
            return Parsed(problem="parser unavailable")
        except NoAnswer:
            answer = None
        _cache.put(key, answer)
    return _understand(sql, answer)


def _understand(sql: str, answer: bytes | None) -> Parsed:
    if answer is None:
        return Parsed(problem="too complex")
    try:
        tree = json.loads(answer)
    except RecursionError:
        return Parsed(problem="too complex")
    if not tree.get("error"):
        return Parsed(tree=tree)
    return Parsed(error=_error(sql, tree["message"], tree["start"]["offset"], tree["end"]["offset"]))


def _error(sql: str, message: str, start: int, end: int) -> SyntaxError_:
    line, column = position(sql, start)
    return SyntaxError_(message=message, start=start, end=end, line=line, column=column)

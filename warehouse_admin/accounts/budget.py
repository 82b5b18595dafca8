"""What we allow ourselves of one key's rate, shared by every thread, process and machine through Redis."""

from __future__ import annotations

import hashlib
import math
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable

import redis

from warehouse_admin.accounts import redis as pool
from warehouse_admin.accounts.models import Connection
from warehouse_admin.posthog import errors

INTERACTIVE = "interactive"
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
BUCKET_MS = 300_000
RESERVE_PERCENT = 10
"""Share of both windows that only people's actions may use."""
LONGEST_WAIT = 90.0
"""Seconds a background request waits inside `acquire`; a longer wait is handed back as RateLimited."""
WITHOUT_REDIS_PER_MINUTE = 10
"""Interactive requests of one key that this process allows itself while Redis is away."""

# Two sliding windows over one log of sends. Redis' clock counts, so that machines need not agree on the time.
# KEYS: log, penalty, spending of this and of other five-minute buckets (prefix)
# ARGV: consumer, per minute, per hour, id of this send · answers the milliseconds to wait, 0 when the send is counted
_ACQUIRE = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local minute, hour = tonumber(ARGV[2]), tonumber(ARGV[3])
local wait = 0
local penalty = tonumber(redis.call('GET', KEYS[2]) or 0)
if penalty > now then wait = penalty - now end
if minute > 0 or hour > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - 3600000)
  local all = redis.call('ZCARD', KEYS[1])
  local function full(limit, window)
    if limit <= 0 or all < limit then return 0 end
    local oldest = redis.call('ZRANGE', KEYS[1], all - limit, all - limit, 'WITHSCORES')
    return tonumber(oldest[2]) + window - now
  end
  wait = math.max(wait, full(minute, 60000), full(hour, 3600000))
end
if wait > 0 then return math.ceil(wait) end
if minute > 0 or hour > 0 then
  redis.call('ZADD', KEYS[1], now, ARGV[4])
  redis.call('PEXPIRE', KEYS[1], 3600000)
end
local bucket = KEYS[3] .. ':' .. math.floor(now / 300000)
redis.call('HINCRBY', bucket, ARGV[1], 1)
redis.call('PEXPIRE', bucket, 4200000)
return 0
"""

_PENALISE = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local ends = now + tonumber(ARGV[1])
if ends > tonumber(redis.call('GET', KEYS[1]) or 0) then
  redis.call('SET', KEYS[1], string.format('%.0f', ends), 'PX', ARGV[1])
end
"""

_LEFT = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
return {redis.call('ZCOUNT', KEYS[1], now - 60000, '+inf'), redis.call('ZCOUNT', KEYS[1], now - 3600000, '+inf')}
"""


class SharedBudget:
    """The budget of one key on one connection. `purpose` names who spends; only "interactive" may use the reserve."""

    def __init__(
        self, connection: Connection, *, key: str | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.per_minute = connection.budget_per_minute
        self.per_hour = connection.budget_per_hour
        name = budget_name(connection, key)
        self._local_name = name
        self._log, self._penalty, self._spent = f"{name}:log", f"{name}:penalty", f"{name}:spent"
        self._sleep = sleep

    def acquire(self, purpose: str, *, block: bool) -> None:
        """Count one request; wait for it if `block`, else raise RateLimited with the seconds to wait."""
        while True:
            wait = self._try(purpose)
            if wait <= 0:
                return
            if not block or wait > LONGEST_WAIT:
                raise errors.RateLimited(
                    f"Our own budget for this key is used up for {math.ceil(wait)} s; nothing was sent.",
                    retry_after=wait,
                    sent=False,
                )
            self._sleep(wait)

    def penalise(self, retry_after: float) -> None:
        """Let nobody send for that many seconds, at most an hour."""
        milliseconds = int(min(max(retry_after, 0.001), 3600) * 1000)
        try:
            pool.client().eval(_PENALISE, 1, self._penalty, milliseconds)
        except redis.RedisError:
            return  # without Redis, `acquire` already lets next to nothing pass

    def _try(self, purpose: str) -> float:
        """Seconds to wait; 0 when the request is counted and may go."""
        arguments = (
            purpose,
            _usable(self.per_minute, purpose),
            _usable(self.per_hour, purpose),
            uuid.uuid4().hex,
        )
        try:
            return pool.client().eval(_ACQUIRE, 3, self._log, self._penalty, self._spent, *arguments) / 1000
        except redis.RedisError:
            return self._try_without_redis(purpose)

    def _try_without_redis(self, purpose: str) -> float:
        if not self.per_minute and not self.per_hour:
            return 0
        if purpose != INTERACTIVE:
            raise errors.NotSent("The shared rate budget cannot be read: Redis does not answer. Nothing was sent.")
        return _fallback.wait_for(self._local_name)


def budget_name(connection: Connection, key: str | None = None) -> str:
    """Where a key's budget is kept: PostHog counts by key, so two connections with one key share it."""
    digest = hashlib.sha256(f"{connection.host} {key or connection.api_key}".encode()).hexdigest()[:24]
    return f"budget:{{{digest}}}"


def spending(connection: Connection) -> list[tuple[str, int]]:
    """Requests of the connection's key in about the last hour, by who spent them, most first; empty without Redis."""
    name = budget_name(connection)
    totals: dict[str, int] = {}
    try:
        now = int(pool.client().time()[0]) * 1000
        for bucket in range((now - HOUR_MS) // BUCKET_MS + 1, now // BUCKET_MS + 1):
            for consumer, count in pool.client().hgetall(f"{name}:spent:{bucket}").items():
                who = consumer.decode() if isinstance(consumer, bytes) else consumer
                totals[who] = totals.get(who, 0) + int(count)
    except redis.RedisError:
        return []
    return sorted(totals.items(), key=lambda item: -item[1])


def left(connection: Connection) -> tuple[int | None, int | None]:
    """Requests left for people in this minute and hour; None where there is no limit or Redis is away."""
    try:
        minute, hour = pool.client().eval(_LEFT, 1, f"{budget_name(connection)}:log")
    except redis.RedisError:
        return None, None
    return _rest(connection.budget_per_minute, minute), _rest(connection.budget_per_hour, hour)


def _rest(limit: int, used: int) -> int | None:
    return max(0, limit - used) if limit else None


def _usable(limit: int, purpose: str) -> int:
    if limit <= 1 or purpose == INTERACTIVE:
        return limit
    return limit - max(1, limit * RESERVE_PERCENT // 100)


class _Fallback:
    """A small sliding window within this process, for people only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: dict[str, deque[float]] = {}

    def wait_for(self, name: str) -> float:
        now = time.monotonic()
        with self._lock:
            sent = self._sent.setdefault(name, deque())
            while sent and sent[0] <= now - 60:
                sent.popleft()
            if len(sent) >= WITHOUT_REDIS_PER_MINUTE:
                return sent[0] + 60 - now
            sent.append(now)
            return 0


_fallback = _Fallback()

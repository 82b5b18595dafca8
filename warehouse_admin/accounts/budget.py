"""What we allow ourselves of one key's rate, shared by every thread, process and machine through Redis.

Background work may use all of both windows but a reserve for people. While a person is at work (`ACTIVE_SECONDS` after
their last request; a check of the connection does not count) the reserve is `ACTIVE_PERCENT`. When nobody is, it is
only as large as a first click or two needs, so that a long mirror comes close to the allowed rate. A person's request
never waits behind background ones: it is let through or refused at once, and by asking it makes the background leave
the larger reserve.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable

import redis

from warehouse_admin.accounts import redis as pool
from warehouse_admin.accounts.consumers import CHECK, INTERACTIVE, consumer_of, patience_or
from warehouse_admin.accounts.models import Connection
from warehouse_admin.posthog import errors

MINUTE_MS, HOUR_MS = 60_500, 3_600_500
"""A little more than PostHog counts, whose clock starts when a request arrives: the first ones may be slow to."""
BUCKET_MS, BUCKETS_SHOWN = 300_000, 12
ACTIVE_SECONDS = 300
ACTIVE_PERCENT = 10
IDLE_PERCENT_MINUTE, IDLE_PERCENT_HOUR = 2, 4
"""Kept for people while nobody is active. An hour's window opens slowly, hence more of it."""
LONGEST_WAIT = 90.0
"""Seconds a background request waits inside `acquire`; a longer wait is handed back as RateLimited."""
REPORT_EVERY = 0.25
"""Seconds for which the spending of a key without limits is kept in this process."""
WITHOUT_REDIS_PER_MINUTE = 10
"""Interactive requests of one key that this process allows itself while Redis is away."""

# Two sliding windows over one log of sends. Redis' clock counts, so that machines need not agree on the time.
# KEYS: log, penalty, spending (prefix of the five-minute buckets), mark of active people
# ARGV: id of this send, consumer, 1 for a person at work, now in ms or 0 for Redis' clock, lengths of the minute and
#       the hour, then what may be used of minute and hour when nobody is active, and the same while somebody is
# Answers the milliseconds to wait; 0 when the send is counted.
_ACQUIRE = """
local now = tonumber(ARGV[4])
if now == 0 then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local minute_ms, hour_ms = tonumber(ARGV[5]), tonumber(ARGV[6])
local minute, hour = tonumber(ARGV[7]), tonumber(ARGV[8])
if ARGV[3] == '1' then
  redis.call('SET', KEYS[4], string.format('%.0f', now), 'EX', ARGV[11])
elseif now - tonumber(redis.call('GET', KEYS[4]) or '-1e15') < ARGV[11] * 1000 then
  minute, hour = tonumber(ARGV[9]), tonumber(ARGV[10])
end
local wait = 0
local penalty = tonumber(redis.call('GET', KEYS[2]) or 0)
if penalty > now then wait = penalty - now end
if minute > 0 or hour > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - hour_ms)
  local all = redis.call('ZCARD', KEYS[1])
  local function full(limit, window)
    if limit <= 0 or all < limit then return 0 end
    local oldest = redis.call('ZRANGE', KEYS[1], all - limit, all - limit, 'WITHSCORES')
    return tonumber(oldest[2]) + window - now
  end
  wait = math.max(wait, full(minute, minute_ms), full(hour, hour_ms))
end
if wait > 0 then return math.ceil(wait) end
if minute > 0 or hour > 0 then
  redis.call('ZADD', KEYS[1], now, ARGV[1])
  redis.call('PEXPIRE', KEYS[1], hour_ms)
end
local bucket = KEYS[3] .. ':' .. string.format('%.0f', math.floor(now / 300000))
redis.call('HINCRBY', bucket, ARGV[2], 1)
redis.call('PEXPIRE', bucket, 4200000)
return 0
"""

# For a key without limits. KEYS: penalty, spending; ARGV: how often and by whom, in turn.
# Answers the milliseconds that PostHog asked us to pause for.
_REPORT = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local bucket = KEYS[2] .. ':' .. string.format('%.0f', math.floor(now / 300000))
for i = 1, #ARGV, 2 do
  redis.call('HINCRBY', bucket, ARGV[i + 1], ARGV[i])
  redis.call('PEXPIRE', bucket, 4200000)
end
return math.max(0, tonumber(redis.call('GET', KEYS[1]) or 0) - now)
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
return {redis.call('ZCOUNT', KEYS[1], now - ARGV[1], '+inf'), redis.call('ZCOUNT', KEYS[1], now - ARGV[2], '+inf')}
"""


class BudgetUnreadable(errors.NotSent):
    """Not PostHog is away but Redis, so that nobody knows what may still be sent."""


class SharedBudget:
    """The budget of one key on one connection. `purpose` "interactive" is a person's and may use the reserve.

    `clock` gives seconds, for tests; otherwise Redis' clock counts.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        key: str | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._connection = connection
        name = budget_name(connection, key)
        self._local_name = name
        self._keys = (f"{name}:log", f"{name}:penalty", f"{name}:spent", f"{name}:active")
        self._sleep, self._clock = sleep, clock
        self._lock = threading.Lock()
        self._unreported: Counter[str] = Counter()
        self._reported_at = self._paused_until = 0.0

    @property
    def per_minute(self) -> int:
        """As the connection has it now: a sync that takes hours hears of a limit that was changed meanwhile."""
        return self._connection.budget_per_minute

    @property
    def per_hour(self) -> int:
        """The same for an hour."""
        return self._connection.budget_per_hour

    def acquire(self, purpose: str, *, block: bool) -> None:
        """Count one request; wait for it if `block`, else raise RateLimited with the seconds to wait."""
        while True:
            wait = self._try(purpose)
            if wait <= 0:
                return
            if not block or wait > patience_or(LONGEST_WAIT):
                raise errors.RateLimited(
                    f"Our own budget for this key is used up for {math.ceil(wait)} s; nothing was sent.",
                    retry_after=wait,
                    sent=False,
                )
            self._sleep(wait)

    def penalise(self, retry_after: float) -> None:
        """Let nobody send for that many seconds, at most an hour."""
        milliseconds = int(min(max(retry_after, 0.001), 3600) * 1000)
        self._paused_until = time.monotonic() + milliseconds / 1000
        try:
            pool.client().eval(_PENALISE, 1, self._keys[1], milliseconds)
        except redis.RedisError:
            return  # without Redis, `acquire` already lets next to nothing pass

    def settle(self) -> None:
        """Put on record what was spent of a key without limits since that was last done."""
        if self._unreported:
            self._report()

    def _report(self) -> float:
        """Tell Redis what was spent; gives for how many seconds PostHog asked us to pause."""
        with self._lock:
            spent, self._unreported = self._unreported, Counter()
            self._reported_at = time.monotonic()
        told = [part for consumer, count in spent.items() for part in (count, consumer)]
        try:
            return pool.client().eval(_REPORT, 2, self._keys[1], self._keys[2], *told) / 1000
        except redis.RedisError:
            return 0

    def _try_without_limit(self, consumer: str) -> float:
        """Redis hears a few times a second of what a mirror at full speed sends, not at each request."""
        now = time.monotonic()
        if now - self._reported_at >= REPORT_EVERY and (pause := self._report()):
            self._paused_until = now + pause
        if now < self._paused_until:
            return self._paused_until - now
        with self._lock:
            self._unreported[consumer] += 1
        return 0

    def _try(self, purpose: str) -> float:
        """Seconds to wait; 0 when the request is counted and may go."""
        person, consumer = purpose == INTERACTIVE, consumer_of(purpose)
        if not person and not self.per_minute and not self.per_hour:
            return self._try_without_limit(consumer)
        arguments = (
            uuid.uuid4().hex,
            consumer,
            int(person and consumer != CHECK),
            int(self._clock() * 1000) if self._clock else 0,
            MINUTE_MS,
            HOUR_MS,
            _usable(self.per_minute, 0 if person else IDLE_PERCENT_MINUTE),
            _usable(self.per_hour, 0 if person else IDLE_PERCENT_HOUR),
            _usable(self.per_minute, 0 if person else ACTIVE_PERCENT),
            _usable(self.per_hour, 0 if person else ACTIVE_PERCENT),
            ACTIVE_SECONDS,
        )
        try:
            return pool.client().eval(_ACQUIRE, len(self._keys), *self._keys, *arguments) / 1000
        except redis.RedisError:
            return self._try_without_redis(purpose)

    def _try_without_redis(self, purpose: str) -> float:
        if not self.per_minute and not self.per_hour:
            return 0
        if purpose != INTERACTIVE:
            raise BudgetUnreadable("The shared rate budget cannot be read: Redis does not answer. Nothing was sent.")
        return _fallback.wait_for(self._local_name)


def budget_name(connection: Connection, key: str | None = None) -> str:
    """Where a key's budget is kept: PostHog counts by key, so two connections with one key share it."""
    digest = hashlib.sha256(f"{connection.host} {key or connection.api_key}".encode()).hexdigest()[:24]
    return f"budget:{{{digest}}}"


def spent(connection: Connection, *, now: float | None = None) -> dict[int, dict[str, int]]:
    """Requests by consumer in each of the last twelve five-minute buckets, oldest first, by the bucket's start in
    seconds; empty without Redis. `now` in seconds, by default Redis' own."""
    prefix = f"{budget_name(connection)}:spent"
    try:
        moment = pool.client().time()[0] if now is None else now
        last = int(moment * 1000) // BUCKET_MS
        buckets = range(last - BUCKETS_SHOWN + 1, last + 1)
        with pool.client().pipeline(transaction=False) as pipe:
            for bucket in buckets:
                pipe.hgetall(f"{prefix}:{bucket}")
            answers = pipe.execute()
    except redis.RedisError:
        return {}
    return {
        bucket * BUCKET_MS // 1000: {name.decode(): int(count) for name, count in answer.items()}
        for bucket, answer in zip(buckets, answers, strict=True)
    }


def spending(connection: Connection) -> list[tuple[str, int]]:
    """Requests of the connection's key in about the last hour, by who spent them, most first; empty without Redis."""
    totals: dict[str, int] = {}
    for counts in spent(connection).values():
        for consumer, count in counts.items():
            totals[consumer] = totals.get(consumer, 0) + count
    return sorted(totals.items(), key=lambda item: (-item[1], item[0]))


def left(connection: Connection) -> tuple[int | None, int | None]:
    """Requests left for people in this minute and hour; None where there is no limit or Redis is away."""
    try:
        minute, hour = pool.client().eval(_LEFT, 1, f"{budget_name(connection)}:log", MINUTE_MS, HOUR_MS)
    except redis.RedisError:
        return None, None
    return _rest(connection.budget_per_minute, minute), _rest(connection.budget_per_hour, hour)


def _rest(limit: int, used: int) -> int | None:
    return max(0, limit - used) if limit else None


def _usable(limit: int, reserve_percent: int) -> int:
    if limit <= 1 or not reserve_percent:
        return limit
    return limit - max(1, limit * reserve_percent // 100)


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

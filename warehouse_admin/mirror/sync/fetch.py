"""Threads that only fetch, so that the one thread that writes keeps the heartbeat going while it awaits answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from django.utils import timezone

from warehouse_admin.accounts.consumers import spending_as
from warehouse_admin.mirror.sync.watch import Watch
from warehouse_admin.posthog import errors
from warehouse_admin.posthog.client import Client

T = TypeVar("T")
K = TypeVar("K")

THREADS = 8
WINDOW = 16
"""Requests in flight or answered and not yet stored: holding all of them would cost the memory of all answers."""
PATIENCE = 15 * 60.0
"""Seconds that PostHog's refusals for the rate may make one request wait; beyond that a later sync goes on."""
OWN_PATIENCE = 65 * 60.0
"""The same for our own budget, whose longest window is an hour: then it goes on for sure."""
FALLBACK_WAIT = 5.0


@dataclass(frozen=True)
class Fetched(Generic[K, T]):
    """One answer or error, and when it was asked for."""

    key: K
    asked_at: datetime
    value: T | None
    error: errors.PostHogError | None = None


class Fetcher:
    """Calls functions of `posthog.reads` with the client in a small pool."""

    def __init__(self, client: Client, watch: Watch) -> None:
        self.client = client
        self.consumer = "sync"
        """Whom the budget puts the next requests down to."""
        self._watch = watch
        self._waits: dict[int, datetime] = {}
        self._pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="sync")
        self._closing = threading.Event()
        self._dead_key: errors.InvalidKey | None = None

    def __enter__(self) -> Fetcher:
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._watch.waiting(None, 0)
        # An answer under way is not waited for: nobody will read it.
        self._pool.shutdown(wait=False, cancel_futures=True)

    def one(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> tuple[T, datetime]:
        """The answer and when it was asked for; raises what the call raises."""
        future = self._pool.submit(self._ask, None, lambda: call(self.client, *args, **kwargs))
        while not self._await({future})[0]:
            continue
        fetched = future.result()
        self._watch.counts["requests"] += 1
        if fetched.error is not None:
            raise fetched.error
        return fetched.value, fetched.asked_at  # type: ignore[return-value]

    def many(self, keys: Iterable[K], call: Callable[[Client, K], T]) -> Iterator[Fetched[K, T]]:
        """Answers and errors as they come; a bounded window of requests is in flight."""
        waiting = iter(keys)
        flying: set[Future[Fetched[K, T]]] = set()
        exhausted = False
        while True:
            while not exhausted and len(flying) < WINDOW:
                key = next(waiting, None)
                if key is None:
                    exhausted = True
                else:
                    flying.add(self._pool.submit(self._ask, key, lambda key=key: call(self.client, key)))
            if not flying:
                return
            done, flying = self._await(flying)
            for future in done:
                self._watch.counts["requests"] += 1
                yield future.result()

    def _await(self, flying: set[Future[T]]) -> tuple[set[Future[T]], set[Future[T]]]:
        """What is done after a moment and what is not; meanwhile the row tells that we live, or wait."""
        began = time.monotonic()
        done, rest = wait(flying, timeout=0.5, return_when=FIRST_COMPLETED)
        held_up = None if done else min(list(self._waits.values()), default=None)
        self._watch.waiting(held_up, time.monotonic() - began)
        self._watch.beat()
        return done, rest

    def _ask(self, key: K, call: Callable[[], T]) -> Fetched[K, T]:
        """Runs in a thread. Being told to slow down is waited out here, where it can be seen and broken off."""
        waited = 0.0
        while True:
            asked_at = timezone.now()
            if self._dead_key is not None:  # another thread was told so: nothing more is sent with it
                return Fetched(key, asked_at, None, self._dead_key)
            try:
                with spending_as(self.consumer, patience=0):
                    return Fetched(key, asked_at, call())
            except errors.RateLimited as busy:
                pause = busy.retry_after or FALLBACK_WAIT
                waited += pause
                patience = PATIENCE if busy.sent else OWN_PATIENCE
                if waited > patience or self._wait(pause):
                    return Fetched(key, asked_at, None, busy)
            except errors.PostHogError as error:
                if isinstance(error, errors.InvalidKey):
                    self._dead_key = error
                return Fetched(key, asked_at, None, error)

    def _wait(self, seconds: float) -> bool:
        """Wait in this thread; True when it was broken off."""
        self._waits[threading.get_ident()] = timezone.now() + timedelta(seconds=seconds)
        try:
            return self._closing.wait(seconds)
        finally:
            del self._waits[threading.get_ident()]

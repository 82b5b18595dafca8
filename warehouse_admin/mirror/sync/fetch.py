"""Threads that only fetch, so that the one thread that writes keeps the heartbeat going while it awaits answers."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from queue import Empty, PriorityQueue, SimpleQueue
from typing import Any, Generic, TypeVar

from django.utils import timezone

from warehouse_admin.accounts.consumers import spending_as
from warehouse_admin.mirror.sync.watch import Watch
from warehouse_admin.posthog import errors
from warehouse_admin.posthog.client import Client

T = TypeVar("T")
K = TypeVar("K")
Call = Callable[[Client], T]

THREADS = 12
"""More than the client has requests under way at once, so that answers are read while the line is full."""
WINDOW = 512
"""Requests in flight or answered and not yet stored: so much goes on while a page of a list is written. Holding all
of them would cost the memory of all answers."""
PATIENCE = 15 * 60.0
"""Seconds that PostHog's refusals for the rate may make one request wait; beyond that a later sync goes on."""
OWN_PATIENCE = 65 * 60.0
"""The same for our own budget, whose longest window is an hour: then it goes on for sure."""
FALLBACK_WAIT = 5.0
LOOK_AGAIN = 15.0
"""After so many seconds our own budget is asked again: somebody may have raised a limit."""
PAGE, OBJECT, END = 0, 1, 2
"""What goes first when the rate is scarce: a list tells of everything, an object of itself."""


@dataclass(frozen=True)
class Fetched(Generic[K, T]):
    """One answer or error, and when it was asked for."""

    key: K
    asked_at: datetime
    value: T | None
    error: errors.PostHogError | None = None
    bug: Exception | None = None


@dataclass(order=True)
class _Asked:
    """A request that waits for a thread; `call` None ends the thread."""

    priority: int
    number: int
    key: Any = field(compare=False, default=None)
    call: Call[Any] | None = field(compare=False, default=None)
    consumer: str = field(compare=False, default="")
    answers: SimpleQueue[Fetched[Any, Any]] = field(compare=False, default_factory=SimpleQueue)


class Fetcher:
    """Calls functions of `posthog.reads` with the client, in a few threads."""

    def __init__(self, client: Client, watch: Watch) -> None:
        self.client = client
        self.consumer = "sync"
        """Whom the budget puts the next requests down to."""
        self._watch = watch
        self._waits: dict[int, datetime] = {}
        self._asked: PriorityQueue[_Asked] = PriorityQueue()
        self._numbers = count()
        self._closing = threading.Event()
        self._dead_key: errors.InvalidKey | None = None

    def __enter__(self) -> Fetcher:
        for number in range(THREADS):
            threading.Thread(target=self._work, name=f"sync_{number}", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """An answer under way is not waited for: nobody will read it."""
        self._closing.set()
        self._watch.waiting(None, 0)
        for _thread in range(THREADS):
            self._asked.put(_Asked(END, next(self._numbers)))

    def one(self, call: Callable[..., T], *args: Any, **kwargs: Any) -> tuple[T, datetime]:
        """The answer and when it was asked for; raises what the call raises."""
        return self._take(self._ask_page(lambda client: call(client, *args, **kwargs)))

    def pages(self, first: Call[T], following: Callable[[T], Call[T] | None]) -> Iterator[tuple[T, datetime]]:
        """The pages of a list, each with when it was asked for; raises what a call raises.

        `following` gives the call for the page after one, None after the last: it is asked for while that one is used.
        """
        asked = self._ask_page(first)
        while True:
            page, asked_at = self._take(asked)
            self._watch.counts["pages"] += 1
            call = following(page)
            if call is not None:
                asked = self._ask_page(call)
            yield page, asked_at
            if call is None:
                return

    def many(self, keys: Iterable[K], call: Callable[[Client, K], T]) -> Iterator[Fetched[K, T]]:
        """Answers and errors as they come; a bounded window of requests is in flight."""
        stream = Stream(self, call, self.consumer)
        stream.add(keys)
        while stream.left:
            yield stream.next()

    def _ask_page(self, call: Call[T]) -> SimpleQueue[Fetched[None, T]]:
        answers: SimpleQueue[Fetched[None, T]] = SimpleQueue()
        self.ask(PAGE, None, call, answers, self.consumer)
        return answers

    def ask(self, priority: int, key: K, call: Call[T], answers: SimpleQueue[Fetched[K, T]], consumer: str) -> None:
        """Let a thread carry out `call` and put what came of it into `answers`."""
        self._asked.put(_Asked(priority, next(self._numbers), key, call, consumer, answers))

    def _take(self, answers: SimpleQueue[Fetched[None, T]]) -> tuple[T, datetime]:
        fetched = self.wait_for(answers)
        if fetched.error is not None:
            raise fetched.error
        return fetched.value, fetched.asked_at  # type: ignore[return-value]

    def wait_for(self, answers: SimpleQueue[Fetched[K, T]]) -> Fetched[K, T]:
        """The next answer; until it comes the row tells that we live, or wait."""
        while True:
            began = time.monotonic()
            try:
                fetched = answers.get(timeout=0.5)
            except Empty:
                fetched = None
            held_up = None if fetched else min(list(self._waits.values()), default=None)
            self._watch.waiting(held_up, time.monotonic() - began)
            self._watch.beat()
            if fetched is not None:
                if fetched.bug is not None:
                    raise fetched.bug
                self._watch.counts["requests"] += 1
                return fetched

    def _work(self) -> None:
        """The life of a thread. It holds on to no answer: a page of a list is megabytes."""
        while (asked := self._asked.get()).call is not None and not self._closing.is_set():
            asked.answers.put(self._outcome(asked, asked.call))

    def _outcome(self, asked: _Asked, call: Call[Any]) -> Fetched[Any, Any]:
        try:
            return self._carry_out(asked.key, call, asked.consumer)
        except Exception as bug:  # to be raised where it is seen: here it would only end a thread
            return Fetched(asked.key, timezone.now(), None, bug=bug)

    def _carry_out(self, key: K, call: Call[T], consumer: str) -> Fetched[K, T]:
        """Being told to slow down is waited out here, where it can be seen and broken off."""
        waited = 0.0
        while True:
            asked_at = timezone.now()
            if self._dead_key is not None:  # another thread was told so: nothing more is sent with it
                return Fetched(key, asked_at, None, self._dead_key)
            try:
                with spending_as(consumer, patience=0):
                    return Fetched(key, asked_at, call(self.client))
            except errors.RateLimited as busy:
                pause = busy.retry_after or FALLBACK_WAIT
                patience, step = (PATIENCE, pause) if busy.sent else (OWN_PATIENCE, min(pause, LOOK_AGAIN))
                if waited + pause > patience or self._wait(step, pause):
                    return Fetched(key, asked_at, None, busy)
                waited += step
            except errors.PostHogError as error:
                if isinstance(error, errors.InvalidKey):
                    self._dead_key = error
                return Fetched(key, asked_at, None, error)

    def _wait(self, seconds: float, told: float) -> bool:
        """Wait in this thread, and tell how long it will probably be; True when it was broken off."""
        self._waits[threading.get_ident()] = timezone.now() + timedelta(seconds=told)
        try:
            return self._closing.wait(seconds)
        finally:
            del self._waits[threading.get_ident()]


class Stream(Generic[K, T]):
    """Requests for one object each, a bounded window of them in flight, to which more may be added as one goes on."""

    def __init__(self, fetcher: Fetcher, call: Callable[[Client, K], T], consumer: str) -> None:
        self._fetcher, self._call, self._consumer = fetcher, call, consumer
        self._keys: deque[K] = deque()
        self._answers: SimpleQueue[Fetched[K, T]] = SimpleQueue()
        self._flying = 0

    def add(self, keys: Iterable[K]) -> None:
        """More objects to read, after those there are."""
        self._keys.extend(keys)
        self._fill()

    @property
    def left(self) -> int:
        """How many answers are still to come."""
        return len(self._keys) + self._flying

    @property
    def has_answer(self) -> bool:
        """Whether `next` would not have to wait."""
        return not self._answers.empty()

    def next(self) -> Fetched[K, T]:
        """The answer or error that comes next, whichever object it is about."""
        fetched = self._fetcher.wait_for(self._answers)
        self._flying -= 1
        self._fill()
        return fetched

    def forget_the_rest(self) -> None:
        """Ask for nothing more; what is in flight still comes."""
        self._keys.clear()

    def _fill(self) -> None:
        while self._keys and self._flying < WINDOW:
            key = self._keys.popleft()
            self._fetcher.ask(OBJECT, key, partial(_ask_for, self._call, key), self._answers, self._consumer)
            self._flying += 1


def _ask_for(call: Callable[[Client, K], T], key: K, client: Client) -> T:
    return call(client, key)

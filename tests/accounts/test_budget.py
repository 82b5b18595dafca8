"""One key's rate, shared by threads and processes through a real Redis or Valkey."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from celery import shared_task

from warehouse_admin.accounts import budget
from warehouse_admin.accounts import redis as pool
from warehouse_admin.accounts.budget import SharedBudget
from warehouse_admin.accounts.consumers import spending_as
from warehouse_admin.accounts.models import Connection
from warehouse_admin.core import context
from warehouse_admin.posthog import errors

key = ""
"""Another one for each test, so that tests that run side by side on one server do not spend each other's budget."""


@pytest.fixture(autouse=True)
def own_key() -> None:
    global key
    key = f"phx_{uuid.uuid4().hex}"


def connection_with(per_minute: int, per_hour: int) -> Connection:
    return Connection(
        slug="x", host="https://ph.example", api_key=key, budget_per_minute=per_minute, budget_per_hour=per_hour
    )


def take(shared: SharedBudget, purpose: str, most: int) -> int:
    """How many requests are let through at once, up to `most`."""
    for count in range(most):
        try:
            shared.acquire(purpose, block=False)
        except errors.RateLimited as refusal:
            assert refusal.sent is False and 0 < refusal.retry_after <= 3601
            return count
    return most


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 1_000_000_000.0

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def no_redis(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    pool.client.cache_clear()
    known, settings.REDIS_URL = settings.REDIS_URL, "unix:///nowhere/at/all.sock"
    monkeypatch.setattr(budget, "_fallback", budget._Fallback())
    yield
    settings.REDIS_URL = known
    pool.client.cache_clear()


def test_while_a_person_is_active_jobs_leave_a_tenth() -> None:
    shared = SharedBudget(connection_with(50, 0))

    assert take(shared, "interactive", 1) == 1
    assert take(shared, "background", 100) == 44
    assert take(shared, "interactive", 100) == 5
    assert take(shared, "interactive", 1) == 0


def test_while_nobody_is_active_jobs_leave_only_a_click_or_two() -> None:
    shared = SharedBudget(connection_with(450, 0))

    assert take(shared, "background", 1000) == 441
    assert take(shared, "interactive", 1000) == 9


def test_a_person_who_finds_nothing_makes_jobs_step_back() -> None:
    clock = Clock()
    shared = SharedBudget(connection_with(50, 0), clock=clock.read)
    for _ in range(50):  # a second apart, so that room comes back one by one
        SharedBudget(connection_with(1000, 0), clock=clock.read).acquire("background", block=False)
        clock.now += 1
    assert take(shared, "interactive", 1) == 0

    clock.now += 12
    assert take(shared, "background", 5) == 0
    assert take(shared, "interactive", 1) == 1


def test_a_person_who_left_minutes_ago_holds_nothing_up() -> None:
    clock = Clock()
    shared = SharedBudget(connection_with(50, 0), clock=clock.read)
    shared.acquire("interactive", block=False)

    clock.now += budget.ACTIVE_SECONDS - 1
    assert take(shared, "background", 100) == 45
    clock.now += 61
    assert take(shared, "background", 100) == 49


def test_a_check_of_the_connection_may_use_the_reserve_but_holds_nothing_up() -> None:
    shared = SharedBudget(connection_with(50, 0))
    assert take(shared, "background", 100) == 49
    with spending_as("check"):
        assert take(shared, "interactive", 2) == 1

    pool.client().delete(f"{shared._local_name}:log")
    assert take(shared, "background", 100) == 49


def test_a_long_mirror_uses_nearly_all_of_a_limit_and_never_exceeds_it() -> None:
    """1,200 requests against a server that counts 480 in any minute, as PostHog does."""
    limit, clock = 480, Clock()
    shared = SharedBudget(connection_with(limit, 0), clock=clock.read, sleep=clock.sleep)
    arrived: list[float] = []
    for number in range(1200):
        shared.acquire("background", block=True)
        arrived.append(clock.now + (0.3 if number < 8 else 0.0))  # the first eight also open their connections
        clock.now += 0.02 / 8

    in_a_minute = [sum(at - 60 < other <= at for other in arrived) for at in arrived[::20] + arrived[-1:]]
    assert max(in_a_minute) <= limit
    two_windows = [at for at in arrived if at < arrived[0] + 121]
    assert len(two_windows) >= 0.95 * limit * 121 / 60


def test_the_hour_counts_too() -> None:
    shared = SharedBudget(connection_with(100, 50))

    assert take(shared, "background", 100) == 48
    assert take(shared, "interactive", 100) == 2
    with pytest.raises(errors.RateLimited) as refusal:
        shared.acquire("interactive", block=False)
    assert refusal.value.retry_after > 3500


def test_zero_is_no_limit() -> None:
    assert take(SharedBudget(connection_with(0, 0)), "background", 500) == 500


def test_a_key_without_limits_tells_what_it_spent_by_and_by() -> None:
    connection = connection_with(0, 0)
    shared = SharedBudget(connection)
    with spending_as("sync views"):
        take(shared, "background", 300)
    shared.settle()

    assert budget.spending(connection) == [("sync views", 300)]


def test_a_pause_that_posthog_asked_for_holds_a_key_without_limits_in_every_process() -> None:
    connection = connection_with(0, 0)
    first, second = SharedBudget(connection), SharedBudget(connection)
    first.penalise(60)

    assert take(first, "background", 1) == take(second, "background", 1) == 0


def test_each_key_has_its_own_and_connections_with_one_key_share_it() -> None:
    one, other = connection_with(10, 0), connection_with(10, 0)

    assert take(SharedBudget(one), "interactive", 20) == 10
    assert take(SharedBudget(other), "interactive", 20) == 0
    assert take(SharedBudget(one, key=f"{key}-of-somebody-else"), "interactive", 20) == 10


def test_many_threads_together_stay_at_the_limit() -> None:
    connection, taken = connection_with(200, 0), Counter[int]()

    def worker(number: int) -> None:
        taken[number] = take(SharedBudget(connection), "interactive", 100)

    threads = [threading.Thread(target=worker, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(taken.values()) == 200


def test_other_processes_share_it() -> None:
    script = (
        "import django, sys; django.setup()\n"
        "from tests.accounts import test_budget as here\n"
        "here.key = sys.argv[1]\n"
        "print(here.take(here.SharedBudget(here.connection_with(30, 0)), 'interactive', 100))"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings_test"}
    processes = [
        subprocess.Popen([sys.executable, "-c", script, key], stdout=subprocess.PIPE, env=environment, text=True)
        for _ in range(2)
    ]
    counts = [int(process.communicate(timeout=60)[0]) for process in processes]

    assert sum(counts) == 30


def test_a_waiting_job_goes_on_when_there_is_room_again() -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        pool.client().delete(f"{budget.budget_name(connection)}:log")  # as if the minute had passed

    connection = connection_with(10, 0)
    shared = SharedBudget(connection, sleep=sleep)
    assert take(shared, "background", 20) == 9

    shared.acquire("background", block=True)
    assert len(slept) == 1 and 55 < slept[0] <= 60.5


def test_a_job_does_not_wait_out_an_hour() -> None:
    shared = SharedBudget(connection_with(0, 10), sleep=lambda seconds: pytest.fail("slept"))
    take(shared, "background", 20)

    with pytest.raises(errors.RateLimited) as refusal:
        shared.acquire("background", block=True)
    assert refusal.value.retry_after > 3500


def test_room_comes_back_as_the_window_slides() -> None:
    shared = SharedBudget(connection_with(5, 0))
    assert take(shared, "interactive", 10) == 5
    oldest = pool.client().zrange(f"{shared._local_name}:log", 0, 1)
    now = pool.client().time()[0] * 1000
    pool.client().zadd(f"{shared._local_name}:log", dict.fromkeys(oldest, now - 61_000))

    assert take(shared, "interactive", 10) == 2


def test_after_a_429_nobody_sends_until_it_is_over() -> None:
    connection = connection_with(0, 0)
    SharedBudget(connection).penalise(0.3)
    SharedBudget(connection).penalise(0.05)  # a shorter one does not end the longer

    with pytest.raises(errors.RateLimited) as refusal:
        SharedBudget(connection).acquire("interactive", block=False)
    assert 0.1 < refusal.value.retry_after <= 0.3
    began = time.monotonic()
    SharedBudget(connection).acquire("background", block=True)
    assert time.monotonic() - began >= 0.1


def test_what_is_left_and_who_spent_it_can_be_read() -> None:
    connection = connection_with(50, 100)
    take(SharedBudget(connection), "background", 7)
    take(SharedBudget(connection), "interactive", 3)

    assert budget.left(connection) == (40, 90)
    assert budget.spending(connection) == [("background", 7), ("page", 3)]
    assert [sum(counts.values()) for counts in budget.spent(connection).values()].count(0) >= 10
    assert budget.left(connection_with(0, 0)) == (None, None)


def test_who_spends_is_named_by_the_code_the_task_or_the_kind_of_request() -> None:
    connection = connection_with(0, 100)
    shared = SharedBudget(connection)

    @shared_task(name="schedules.a_task_of_the_test")
    def in_a_task() -> None:
        shared.acquire("interactive", block=False)

    @shared_task(name="somebody.elses_task")
    def in_another() -> None:
        shared.acquire("background", block=False)

    in_a_task.apply(throw=True)
    in_another.apply(throw=True)
    with spending_as("sync views"):
        shared.acquire("background", block=False)
    with context.use(context.RequestContext(token_name="ci")):
        shared.acquire("interactive", block=False)
    shared.acquire("interactive", block=False)

    assert dict(budget.spending(connection)) == {"resume": 1, "background": 1, "sync views": 1, "API": 1, "page": 1}


def test_without_redis_jobs_stop_and_people_get_a_little(no_redis: None) -> None:
    shared = SharedBudget(connection_with(450, 4500))

    with pytest.raises(errors.NotSent):
        shared.acquire("background", block=True)
    assert take(shared, "interactive", 50) == budget.WITHOUT_REDIS_PER_MINUTE
    assert budget.left(connection_with(450, 4500)) == (None, None)
    assert budget.spending(connection_with(450, 4500)) == []


def test_without_redis_and_without_limits_nothing_is_held_up(no_redis: None) -> None:
    shared = SharedBudget(connection_with(0, 0))

    shared.acquire("background", block=True)
    shared.penalise(5)
    assert take(shared, "interactive", 50) == 50

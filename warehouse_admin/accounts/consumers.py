"""Who spends a key's rate, in the words of the pages: named by the code that spends, else by the task at work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from celery import current_task

from warehouse_admin.core import context

INTERACTIVE = "interactive"
PAGE, API, BACKGROUND = "page", "API", "background"
_TASKS = {"mirror": "sync", "changes": "apply", "mutations": "settle", "schedules": "resume", "activity": "activity"}

_named: ContextVar[str] = ContextVar("budget_consumer", default="")


@contextmanager
def spending_as(consumer: str) -> Iterator[None]:
    """Requests of this block are put down to `consumer`; a thread has to say so for itself."""
    token = _named.set(consumer)
    try:
        yield
    finally:
        _named.reset(token)


def consumer_of(purpose: str) -> str:
    """The name that a request made here and now is put down to."""
    if named := _named.get():
        return named
    if task := current_task:
        return _TASKS.get((task.name or "").partition(".")[0], BACKGROUND)
    if purpose != INTERACTIVE:
        return BACKGROUND
    return API if context.current().token_name else PAGE

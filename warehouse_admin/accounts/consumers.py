"""Who spends a key's rate, in the words of the pages: named by the code that spends, else by the task at work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from celery import current_task

from warehouse_admin.core import context

INTERACTIVE = "interactive"
PAGE, API, CHECK, BACKGROUND = "page", "API", "check", "background"
_TASKS = {"mirror": "sync", "changes": "apply", "mutations": "settle", "schedules": "resume", "activity": "activity"}
ORDER = (PAGE, API, CHECK, "apply", "settle", "resume", "sync lists", "sync log", "sync views", "sync runs", "sync")
"""How pages list those known beforehand, people first; others come after them."""


@dataclass(frozen=True)
class Spender:
    """`patience`: seconds to wait inside the budget instead of its own limit; who waits elsewhere gives 0."""

    name: str = ""
    patience: float | None = None


_NOBODY = Spender()
_spender: ContextVar[Spender] = ContextVar("budget_spender", default=_NOBODY)


@contextmanager
def spending_as(name: str, *, patience: float | None = None) -> Iterator[None]:
    """Requests of this block are put down to `name`; a thread has to say so for itself."""
    token = _spender.set(Spender(name, patience))
    try:
        yield
    finally:
        _spender.reset(token)


def patience_or(default: float) -> float:
    """Seconds that a request made here and now may wait for the budget."""
    patience = _spender.get().patience
    return default if patience is None else patience


def consumer_of(purpose: str) -> str:
    """The name that a request made here and now is put down to."""
    if name := _spender.get().name:
        return name
    if task := current_task:
        return _TASKS.get((task.name or "").partition(".")[0], BACKGROUND)
    if purpose != INTERACTIVE:
        return BACKGROUND
    return API if context.current().token_name else PAGE

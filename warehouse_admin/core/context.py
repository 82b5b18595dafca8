"""Who asked, from where, under which request id: set by the middleware, a task or a command; the trail reads it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class RequestContext:
    """`request_id` correlates every audit entry of one click, one API call, one task or one campaign."""

    request_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    ip: str = ""
    user_agent: str = ""
    token_name: str = ""


_current: ContextVar[RequestContext | None] = ContextVar("request_context", default=None)


def current() -> RequestContext:
    """The context of this unit of work; a new one where nobody set any."""
    context = _current.get()
    if context is None:
        context = RequestContext()
        _current.set(context)
    return context


def note_token(name: str) -> None:
    """From here on this unit of work is done by an API token of this name."""
    _current.set(replace(current(), token_name=name))


def begin(context: RequestContext) -> None:
    """Make `context` the current one from here on, where every unit of work begins so and nobody has to go back."""
    _current.set(context)


@contextmanager
def use(context: RequestContext) -> Iterator[RequestContext]:
    """Make `context` the current one for a block."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)

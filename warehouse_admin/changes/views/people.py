"""Who is looking, and how many changes wait for them."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.policies import allows
from warehouse_admin.accounts.roles import APPLY, CLOSE, REVIEW
from warehouse_admin.audit import standing
from warehouse_admin.changes import selectors, turns
from warehouse_admin.core.counts import Counting, count_all


def signed_in(request: HttpRequest) -> User:
    """The person; the middleware lets nobody else as far as a view."""
    return cast(User, request.user)


def my_turn_count_and(request: HttpRequest, *others: Counting) -> list[int]:
    """How many changes wait for whoever is looking, and what else is to be counted, in one query.

    Whatever makes it somebody's turn is on record in the trail, so that it is counted anew only when that has grown.
    The one thing that is not, what a look at PostHog leaves a person to decide, may be told a minute late.
    """
    user = signed_in(request)
    key, length = _key("turns", user), _trail_length(request)
    known: int | None = getattr(request, "my_turn_count", None)
    if known is None:
        known = standing.found(key, length)
    if known is None:
        known, *counted = count_all(turns.counting(user), *others)
        standing.keep(key, length, known)
    else:
        counted = count_all(*others) if others else []
    request.my_turn_count = known  # type: ignore[attr-defined]
    return [known, *counted]


def tab_counts(request: HttpRequest) -> dict[str, int]:
    """How many changes each tab holds; the trail tells of each that is made or moves."""
    user = signed_in(request)
    key, length = _key("tabs", user), _trail_length(request)
    counts: dict[str, int] | None = standing.found(key, length)
    if counts is None:
        counts = selectors.tab_counts(user)
        standing.keep(key, length, counts)
    return {"my-turn": my_turn_count_and(request)[0], **counts}


def _trail_length(request: HttpRequest) -> int | None:
    """When the page was asked for; None where the request itself may have written, or nobody knows."""
    return getattr(request.user, "trail_length", None) if request.method == "GET" else None


def _key(what: str, user: User) -> str:
    rights = "".join(str(int(allows(user, right))) for right in (REVIEW, APPLY, CLOSE))
    return f"changes.{what}:{user.pk}:{rights}"

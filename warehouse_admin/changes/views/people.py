"""Who is looking."""

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


def my_turn_count(request: HttpRequest) -> int:
    """How many changes wait for whoever is looking: the menu and the tabs of one page show the same number."""
    return my_turn_count_and(request)[0]


def my_turn_count_and(request: HttpRequest, *others: Counting) -> list[int]:
    """The same with what else is to be counted, in one query where nothing was done since somebody looked.

    Whatever makes it somebody's turn is on record in the trail. The one thing that is not, what a look at PostHog
    leaves a person to decide, may be told a minute late.
    """
    known: int | None = getattr(request, "my_turn_count", None)
    if known is not None:
        return [known, *(count_all(*others) if others else ())]
    user = signed_in(request)
    length, *counted = count_all(standing.counting_entries(), *others)
    known = standing.kept(_key("turns", user), length, lambda: turns.my_turn_count(user))
    request.trail_length, request.my_turn_count = length, known  # type: ignore[attr-defined]
    return [known, *counted]


def tab_counts(request: HttpRequest) -> dict[str, int]:
    """How many changes each tab holds; the trail tells of each that is made or moves."""
    user, mine = signed_in(request), my_turn_count(request)
    length: int = request.trail_length  # type: ignore[attr-defined]
    return {"my-turn": mine} | standing.kept(_key("tabs", user), length, lambda: selectors.tab_counts(user))


def _key(what: str, user: User) -> str:
    rights = "".join(str(int(allows(user, right))) for right in (REVIEW, APPLY, CLOSE))
    return f"changes.{what}:{user.pk}:{rights}"

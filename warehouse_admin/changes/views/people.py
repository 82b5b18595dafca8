"""Who is looking."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from warehouse_admin.accounts.models import User
from warehouse_admin.changes import turns
from warehouse_admin.core.counts import Counting, count_all


def signed_in(request: HttpRequest) -> User:
    """The person; the middleware lets nobody else as far as a view."""
    return cast(User, request.user)


def my_turn_count(request: HttpRequest) -> int:
    """How many changes wait for whoever is looking: the menu and the tabs of one page show the same number."""
    return my_turn_count_and(request)[0]


def my_turn_count_and(request: HttpRequest, *others: Counting) -> list[int]:
    """The same with what else is to be counted, in one query."""
    known: int | None = getattr(request, "my_turn_count", None)
    if known is not None:
        return [known, *(count_all(*others) if others else ())]
    counted = count_all(turns.counting(signed_in(request)), *others)
    request.my_turn_count = counted[0]  # type: ignore[attr-defined]
    return counted

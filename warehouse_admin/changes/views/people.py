"""Who is looking."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from warehouse_admin.accounts.models import User
from warehouse_admin.changes import turns


def signed_in(request: HttpRequest) -> User:
    """The person; the middleware lets nobody else as far as a view."""
    return cast(User, request.user)


def my_turn_count(request: HttpRequest) -> int:
    """How many changes wait for whoever is looking: the menu and the tabs of one page show the same number."""
    if not hasattr(request, "my_turn_count"):
        request.my_turn_count = turns.my_turn_count(signed_in(request))  # type: ignore[attr-defined]
    return request.my_turn_count  # type: ignore[attr-defined]

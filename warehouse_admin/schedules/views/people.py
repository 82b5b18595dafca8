"""What every page of this app asks of the person in front of it."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from warehouse_admin.accounts.models import User


def person(request: HttpRequest) -> User:
    """Who is signed in: the middleware let nobody else through."""
    return cast(User, request.user)

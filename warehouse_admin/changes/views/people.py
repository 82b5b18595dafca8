"""Who is looking."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest

from warehouse_admin.accounts.models import User


def signed_in(request: HttpRequest) -> User:
    """The person; the middleware lets nobody else as far as a view."""
    return cast(User, request.user)

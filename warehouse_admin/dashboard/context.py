"""What every page's frame shows: the navigation, what waits, and whether this is the sandbox."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.models import Connection
from warehouse_admin.accounts.roles import MANAGE_CONNECTIONS, READ_INTERVIEWS, roles_of
from warehouse_admin.accounts.services import sandbox_people
from warehouse_admin.activity import selectors as activity
from warehouse_admin.changes.views.people import my_turn_count_and
from warehouse_admin.mirror import known_people

# (label, URL name, icon, permission or "" for everybody)
ITEMS = [
    ("Home", "dashboard:home", "home", ""),
    ("Views", "mirror:view-list", "view", ""),
    ("Tables", "mirror:table-list", "table", ""),
    ("Changes", "changes:list", "changes", ""),
    ("Schedules", "schedules:list", "calendar", ""),
    ("Activity", "activity:list", "activity", ""),
    ("Interviews", "interviews:list", "message", READ_INTERVIEWS),
    ("Audit", "audit:list", "audit", ""),
    ("Sync", "mirror:sync-list", "sync", ""),
    ("Connections", "accounts:connection-list", "plug", "accounts.manage_connections"),
    ("People", "accounts:people-list", "people", "accounts.manage_people"),
]


def chrome(request: HttpRequest) -> dict[str, Any]:
    """Context for templates/base.html; lazy, so that fragments pay nothing for it."""
    context: dict[str, Any] = {
        "sandbox_mode": settings.SANDBOX_MODE,
        "portal_version": settings.VERSION,
        "connection_scope": request.GET.get("connection", ""),
    }
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        context["known_people"] = SimpleLazyObject(known_people.names)
        context["nav"] = SimpleLazyObject(lambda: _nav(request))
        context["role_names"] = SimpleLazyObject(lambda: [role.label for role in roles_of(user)])
        context["connections"] = SimpleLazyObject(_connections)
        context["refused_connections"] = SimpleLazyObject(lambda: _refused(context["connections"]))
        context["may_manage_connections"] = SimpleLazyObject(lambda: policies.allows(user, MANAGE_CONNECTIONS))
        return context
    context["sends_mail"] = not settings.EMAIL_BACKEND.endswith("dummy.EmailBackend")  # else a reset never arrives
    if settings.SANDBOX_MODE:
        context["sandbox_people"] = SimpleLazyObject(sandbox_people)  # offered on the sign-in page
    return context


def _connections() -> list[Connection]:
    """All of them, with what the frame tells of each; their keys are not read."""
    return list(Connection.objects.only("slug", "name", "is_active", "key_refused_at"))


def _refused(connections: list[Connection]) -> list[Connection]:
    """Those in use whose key PostHog refuses."""
    return [connection for connection in connections if connection.is_active and connection.key_refused_at]


def _nav(request: HttpRequest) -> list[dict[str, Any]]:
    turns, unreviewed = my_turn_count_and(request, activity.counting_unreviewed())
    badges = {"changes:list": turns, "activity:list": unreviewed}
    items = []
    for label, name, icon, permission in ITEMS:
        if permission and not policies.allows(request.user, permission):
            continue
        url = reverse(name)
        active = request.path == url if url == "/" else request.path.startswith(url)
        scope = request.GET.get("connection", "")
        if scope not in ("", "all"):
            url = f"{url}?{urlencode({'connection': scope})}"  # whoever looks at one connection goes on doing so
        items.append({"label": label, "url": url, "icon": icon, "badge": badges.get(name, 0), "active": active})
    return items

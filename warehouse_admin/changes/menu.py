"""What can be proposed for a view or a table, for the menu on its page."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.policies import allows
from warehouse_admin.accounts.roles import PROPOSE
from warehouse_admin.changes.actions import ACTIONS, Action
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable


def proposals(user: User, view: SavedQuery) -> list[dict[str, Any]]:
    """Every action without SQL that makes sense for the view; what cannot be proposed says why."""
    return [
        {
            "label": f"{action.menu_label}…",
            "icon": action.icon,
            "url": reverse("changes:propose-action", args=[view.posthog_id, action.name]),
            "refusal": _refusal(user, view, action),
            "danger": action.is_danger,
        }
        for action in ACTIONS.values()
        if not action.has_sql and not action.of_tables and action.fits(view)
    ]


def table_proposals(user: User, table: WarehouseTable) -> list[dict[str, Any]]:
    """Every action on the table; what cannot be proposed says why."""
    locked = mirror.why_locked(table)
    like = new_table(user)
    twin = {
        "label": "New table like this…",
        "icon": "copy",
        "url": f"{like['url']}?from={table.posthog_id}",
        "refusal": locked or like["refusal"],
        "danger": False,
    }
    return [
        {
            "label": f"{action.menu_label}…",
            "icon": action.icon,
            "url": reverse("changes:propose-table-action", args=[table.posthog_id, action.name]),
            "refusal": locked or _unoffered(user, table.connection, action),
            "danger": action.is_danger,
        }
        for action in ACTIONS.values()
        if action.of_tables and not action.makes
    ] + [twin]


def new_table(user: User) -> dict[str, str]:
    """Where a new table is proposed, for those who may."""
    refusal = "" if allows(user, PROPOSE) else "Your role may not propose changes."
    return {"url": reverse("changes:new-table"), "refusal": refusal}


def _refusal(user: User, view: SavedQuery, action: Action) -> str:
    if view.deleted_at is not None:
        return "This view was deleted in PostHog."
    if view.is_managed:
        return "PostHog manages this view; it cannot be changed."
    return _unoffered(user, view.connection, action)


def _unoffered(user: User, connection: Connection, action: Action) -> str:
    if not allows(user, PROPOSE):
        return "Your role may not propose changes."
    capability = accounts.capability(connection, action.capability)
    return capability.reason if capability.state == "no" else ""

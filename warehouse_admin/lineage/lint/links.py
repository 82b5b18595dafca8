"""Addresses that other modules of lint need; views know all of them."""

from __future__ import annotations

from urllib.parse import urlencode

from django.urls import reverse

from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror.models import SavedQuery


def page_of_rule(rule: str) -> str:
    return reverse("lint:rule", args=[rule])


def page_to_exempt(rule: str, connection: Connection, view: SavedQuery | None, name: str = "") -> str:
    """Where a view is exempted from a rule, or an exemption is asked for."""
    about = {"view": str(view.posthog_id)} if view else {"name": name}
    return f"{reverse('lint:exempt', args=[rule])}?{urlencode({'connection': connection.slug, **about})}"

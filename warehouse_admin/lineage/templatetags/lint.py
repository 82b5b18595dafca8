"""Tags of the pages that show what lint finds."""

from __future__ import annotations

from django import template

from warehouse_admin.accounts.models import Connection
from warehouse_admin.lineage.lint.links import page_of_rule, page_to_exempt
from warehouse_admin.mirror.models import SavedQuery

register = template.Library()
register.filter("rule_url", page_of_rule)


@register.simple_tag
def exempt_url(rule: str, connection: Connection, view: SavedQuery | None, name: str = "") -> str:
    """Where a view is exempted from a rule, or that is asked for; nothing for a view without a name yet."""
    if not view and not name:
        return ""
    return page_to_exempt(rule, connection, view or None, "" if view else name)

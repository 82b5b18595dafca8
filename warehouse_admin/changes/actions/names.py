"""Names that a view may have, and who has them already."""

from __future__ import annotations

from warehouse_admin.accounts.models import Connection
from warehouse_admin.lineage.builtins import BUILTIN_TABLES
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable
from warehouse_admin.posthog import names


def problem_with(name: str, connection: Connection, *, besides: SavedQuery | None = None) -> str:
    """Why PostHog would refuse this name, and what to do; empty when nothing is known against it."""
    if not name:
        return "Give it a name."
    if len(name) > names.LONGEST:
        return f"At most {names.LONGEST} characters, please; this has {len(name):,}."
    if not names.is_valid(name):
        return "Use letters, digits, “_”, “.” and “$” only, and begin with a letter, “_” or “$”."
    return _taken(name, connection, besides)


def _taken(name: str, connection: Connection, besides: SavedQuery | None) -> str:
    if name in BUILTIN_TABLES:
        return f"PostHog has a table {name} of its own. Choose another name."
    views = SavedQuery.objects.present().filter(connection=connection, name=name)
    if views.exclude(pk=besides.pk if besides else 0).exists():
        return f"There is a view {name} already. Choose another name, or edit that view."
    if WarehouseTable.objects.present().filter(connection=connection, name=name).exists():
        return f"There is a warehouse table {name} already. Choose another name."
    return ""

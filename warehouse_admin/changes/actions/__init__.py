"""Everything that can be proposed: one class for each action, and nothing about an action elsewhere."""

from __future__ import annotations

from warehouse_admin.changes.actions.base import KEPT, Action, Consequences, Facts, Inverse, Mirrored, Row, Subject
from warehouse_admin.changes.actions.describing import MoveToFolder, SetDescription
from warehouse_admin.changes.actions.queries import CreateView, EditQuery
from warehouse_admin.changes.actions.removal import Delete
from warehouse_admin.changes.actions.settings import Rename, SetCadence
from warehouse_admin.changes.actions.table_schemas import RefreshSchema, UpdateSchema
from warehouse_admin.changes.actions.tables import Materialize, Unmaterialize
from warehouse_admin.changes.actions.warehouse_tables import CreateTable, DeleteTable, UpdateTable

ACTIONS: dict[str, Action] = {
    str(action.name): action
    for action in (
        CreateView(),
        EditQuery(),
        Rename(),
        SetCadence(),
        SetDescription(),
        MoveToFolder(),
        Materialize(),
        Unmaterialize(),
        Delete(),
        CreateTable(),
        UpdateTable(),
        DeleteTable(),
        RefreshSchema(),
        UpdateSchema(),
    )
}
FIELDS = frozenset(name for action in ACTIONS.values() for name in action.fields)

__all__ = [
    "ACTIONS",
    "FIELDS",
    "KEPT",
    "Action",
    "Consequences",
    "Facts",
    "Inverse",
    "Mirrored",
    "Row",
    "Subject",
    "action_of",
]


def action_of(name: str) -> Action:
    """The action of this name, which the caller knows to be one."""
    return ACTIONS[name]

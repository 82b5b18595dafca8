"""Everything that can be proposed for a view: one class for each action, and nothing about an action elsewhere."""

from __future__ import annotations

from warehouse_admin.changes.actions.base import KEPT, Action, Consequences, Facts, Inverse, Row, Subject
from warehouse_admin.changes.actions.queries import CreateView, EditQuery
from warehouse_admin.changes.actions.removal import Delete
from warehouse_admin.changes.actions.settings import Rename, SetCadence
from warehouse_admin.changes.actions.tables import Materialize, Unmaterialize

ACTIONS: dict[str, Action] = {
    str(action.name): action
    for action in (CreateView(), EditQuery(), Rename(), SetCadence(), Materialize(), Unmaterialize(), Delete())
}

__all__ = ["ACTIONS", "KEPT", "Action", "Consequences", "Facts", "Inverse", "Row", "Subject", "action_of"]


def action_of(name: str) -> Action:
    """The action of this name, which the caller knows to be one."""
    return ACTIONS[name]

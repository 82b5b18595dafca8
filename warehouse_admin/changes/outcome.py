"""What an applied change leaves in the mirror: what was read back, never what was sent."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from warehouse_admin.changes import attribution
from warehouse_admin.changes.actions import action_of
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.lineage.lint import services as lint
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.models import Mutation

State = Mutation.State


def keep_outcome(change: ChangeRequest, mutation: Mutation) -> SavedQuery | WarehouseTable | None:
    """Bring the mirror to where a mutation found or left PostHog; gives the view or table that it made, if any."""
    if mutation.state not in (State.HAPPENED, State.CONFLICT):
        return None
    if action_of(change.action).of_tables:
        return _keep_table(change, mutation)
    ours = mutation.state == State.HAPPENED and mutation.sent_at is not None
    if change.saved_query is not None and change.action == ChangeRequest.Action.DELETE and ours:
        mirror.store_deleted(saved_query=change.saved_query, read_at=mutation.finished_at or timezone.now())
        return None
    if not mutation.after:
        return None
    read: dict[str, Any] = {
        "row": mutations.restore(mutation.after),
        "read_at": mutations.fetched_at(mutation.after),
        "author_name": change.author.display_name if ours else "",
        "change_number": change.pk if ours else None,
    }
    if change.saved_query is None:
        # One that was there already is somebody else's: the next sync tells of it as of any other.
        if not ours:
            return None
        made = mirror.store_created(connection=change.connection, **read)
        lint.follow(view=made, name=change.object_name)
        return made
    did = action_of(change.action).did
    mirror.store_read_back(saved_query=change.saved_query, origin="portal" if ours else "outside", did=did, **read)
    if mutation.state == State.CONFLICT:
        base = mutation.base or {}
        attribution.find_out(change.saved_query, base, mutation.after.get("query") or "", purpose="background")
    return None


def _keep_table(change: ChangeRequest, mutation: Mutation) -> WarehouseTable | None:
    ours = mutation.state == State.HAPPENED and mutation.sent_at is not None
    if change.table is not None and change.action == ChangeRequest.Action.DELETE_TABLE and ours:
        mirror.store_table_deleted(table=change.table, read_at=mutation.finished_at or timezone.now())
        return None
    if not mutation.after or (change.table is None and not ours):
        return None  # one that was there already is somebody else's: the next sync finds it
    table = mirror.store_table(
        connection=change.connection,
        row=mutations.restore_table(mutation.after),
        read_at=mutations.fetched_at(mutation.after),
        change_number=change.pk if ours else None,
    )
    return table if change.table is None else None

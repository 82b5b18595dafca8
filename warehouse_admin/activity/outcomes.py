"""How what was sent from here ended, as the inbox tells it, also where that comes to light later."""

from __future__ import annotations

from warehouse_admin.accounts.models import Connection
from warehouse_admin.activity import facts
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mutations.models import Mutation

State = Mutation.State
Outcome = ActivityEntry.Outcome

UNSETTLED = (State.ASKED, State.SENDING, State.UNCONFIRMED)
TOLD = (State.HAPPENED, State.CONFLICT, State.REFUSED, State.UNCONFIRMED, State.DID_NOT_HAPPEN)
"""States of a mutation that left here and of which people are told."""


def outcome_of(mutation: Mutation) -> str:
    if mutation.state == State.HAPPENED:
        return ""
    return Outcome.UNKNOWN if mutation.state in UNSETTLED else Outcome.FAILED


def settle(connection: Connection) -> None:
    """Entries whose end was unknown say how it ended, once a later look has found out."""
    open_ends = ActivityEntry.objects.filter(connection=connection, outcome=Outcome.UNKNOWN)
    settled = open_ends.exclude(mutation__state__in=UNSETTLED).select_related("mutation__connection")
    for entry in settled:
        mutation = entry.mutation
        assert mutation is not None  # only what was sent has an outcome
        entry.outcome = outcome_of(mutation)
        entry.saved_query = entry.saved_query or _view(connection, mutation)
        if entry.observation_id is None:
            entry.before, entry.after = facts.shown_of(mutation)
        entry.save(update_fields=["outcome", "saved_query", "before", "after"])


def _view(connection: Connection, mutation: Mutation) -> SavedQuery | None:
    if len(mutation.object_id) != 36:
        return None
    return SavedQuery.objects.filter(connection=connection, posthog_id=mutation.object_id).first()

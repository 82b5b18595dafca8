"""How what was sent from here ended, as the inbox tells it, also where that comes to light later."""

from __future__ import annotations

from typing import cast

from django.db.models import Q

from warehouse_admin.accounts.models import Connection
from warehouse_admin.activity import facts
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mutations.models import Mutation

State = Mutation.State
Outcome = ActivityEntry.Outcome

UNSETTLED = (State.ASKED, State.SENDING, State.UNCONFIRMED)
_FAILED = (State.CONFLICT, State.REFUSED, State.NOT_SENT, State.DID_NOT_HAPPEN)
TOLD = Q(state__in=(State.HAPPENED, State.UNCONFIRMED), sent_at__isnull=False) | Q(state__in=_FAILED)
"""Mutations of which people are told: not those that were not needed, because PostHog held it already."""


def outcome_of(mutation: Mutation) -> str:
    if mutation.state == State.HAPPENED:
        return ""
    return Outcome.UNKNOWN if mutation.state in UNSETTLED else Outcome.FAILED


def settle(connection: Connection) -> None:
    """Entries whose end was unknown say how it ended, once a later look has found out."""
    open_ends = ActivityEntry.objects.filter(connection=connection, outcome=Outcome.UNKNOWN)
    settled = open_ends.exclude(mutation__state__in=UNSETTLED).select_related("mutation__connection")
    for entry in settled:
        mutation = cast(Mutation, entry.mutation)  # nothing else has an outcome
        entry.outcome = outcome_of(mutation)
        entry.saved_query = entry.saved_query or _view(connection, mutation)
        if entry.observation_id is None:
            entry.before, entry.after = facts.shown_of(mutation)
        entry.save(update_fields=["outcome", "saved_query", "before", "after", "teaser"])


def _view(connection: Connection, mutation: Mutation) -> SavedQuery | None:
    if len(mutation.object_id) != 36:
        return None
    return SavedQuery.objects.filter(connection=connection, posthog_id=mutation.object_id).first()

"""Pauses that the portal could not end on their date: one entry in the inbox for each, closed when the pause ends."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from warehouse_admin.activity.facts import WAKE_FAILED
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.mirror import hooks
from warehouse_admin.mirror.models import SavedQuery

Calls = dict[int, dict[str, str]]


@transaction.atomic
def watch() -> int:
    """Open and close entries; gives how many were opened. Safe to call at any time, again."""
    calls: Calls = {key: told for hook in hooks.calls_for_people for key, told in hook().items()}
    views = (
        SavedQuery.objects.select_for_update(no_key=True, of=("self",))
        .filter(pk__in=calls)
        .only("pk", "name", "connection_id")
    )
    by_key = {view.pk: view for view in views}  # locked: two of us would both find that nothing was told yet
    _close(calls)
    told = ActivityEntry.objects.filter(kind=WAKE_FAILED, saved_query__in=by_key, needs_review=True)
    known = {(key, (after or {}).get("due")) for key, after in told.values_list("saved_query", "after")}
    fresh = [_entry(view, calls[key]) for key, view in by_key.items() if (key, calls[key]["due"]) not in known]
    ActivityEntry.objects.bulk_create(fresh)
    return len(fresh)


def _entry(view: SavedQuery, told: dict[str, str]) -> ActivityEntry:
    return ActivityEntry(
        connection_id=view.connection_id,
        saved_query=view,
        source=ActivityEntry.Source.SYSTEM,
        kind=WAKE_FAILED,
        object_name=view.name,
        after={name: text for name, text in told.items() if name != "since"},
        occurred_at=parse_datetime(told["since"]) or timezone.now(),
        needs_review=True,
    )


def _close(calls: Calls) -> None:
    """Entries that nobody has dealt with yet and whose pause is over need nobody any more."""
    waiting = ActivityEntry.objects.filter(kind=WAKE_FAILED, needs_review=True, verdict="")
    waiting.exclude(saved_query__in=calls).update(
        note="The pause ended, or the portal could go on by itself, before anybody looked.", needs_review=False
    )

"""Schedules that stopped without a word: one entry in the inbox for each silence, closed when the view runs again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from warehouse_admin.accounts.models import Connection
from warehouse_admin.activity.facts import OVERDUE
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.mirror.models import Confidence, SavedQuery, ScheduleState
from warehouse_admin.mirror.selectors import history_ends

RUNS_AGAIN = (ScheduleState.ON_TIME, ScheduleState.RUNNING)


def watch() -> int:
    """Open and close entries for all connections; gives how many were opened. Safe to call at any time, again."""
    return sum(_watch(key) for key in Connection.objects.values_list("pk", flat=True))


@transaction.atomic
def _watch(key: int) -> int:
    # One at a time for each connection: two of us would both find that nothing was told yet.
    connection = Connection.objects.select_for_update(no_key=True).only("pk").get(pk=key)
    _close(connection)
    return _open(connection)


def _open(connection: Connection) -> int:
    """Only what is certain: a view that nobody could read since may have run."""
    silent = SavedQuery.objects.present().filter(
        connection=connection, schedule_state=ScheduleState.OVERDUE, schedule_confidence=Confidence.CERTAIN
    )
    views = list(silent.defer("query", "columns"))
    told = _told(views)
    begin = history_ends(connection) if views else None
    fresh = [_entry(view, begin) for view in views if told.get(view.pk) != _due(view)]
    ActivityEntry.objects.bulk_create(fresh)
    return len(fresh)


def _told(views: Iterable[SavedQuery]) -> dict[int, str]:
    """The missed run that the newest entry of each view is about: the same silence is not told twice."""
    entries = ActivityEntry.objects.filter(saved_query__in=[view.pk for view in views], kind=OVERDUE)
    rows = entries.order_by("occurred_at", "pk").values_list("saved_query", "after")
    return {view: str((after or {}).get("due", "")) for view, after in rows}


def _due(view: SavedQuery) -> str:
    return view.next_due_at.isoformat() if view.next_due_at else ""


def _entry(view: SavedQuery, begin: datetime | None) -> ActivityEntry:
    due = view.next_due_at or timezone.now()
    return ActivityEntry(
        connection_id=view.connection_id,
        saved_query=view,
        source=ActivityEntry.Source.SYSTEM,
        kind=OVERDUE,
        object_name=view.name,
        before={"last_run": view.last_run_at.isoformat() if view.last_run_at else None},
        after={"due": _due(view), "sync_frequency": view.sync_frequency},
        occurred_at=due,
        needs_review=begin is not None and due >= begin,
    )


def _close(connection: Connection) -> None:
    """Entries that nobody has dealt with yet and whose view runs again need nobody any more."""
    waiting = ActivityEntry.objects.filter(connection=connection, kind=OVERDUE, needs_review=True, verdict="")
    back = waiting.filter(saved_query__schedule_state__in=RUNS_AGAIN).select_related("saved_query")
    for entry in back.defer("saved_query__query", "saved_query__columns"):
        view: Any = entry.saved_query
        ran = f" at {view.last_run_at:%Y-%m-%d %H:%M} UTC" if view.last_run_at else ""
        entry.note, entry.needs_review = f"It ran again{ran}, before anybody looked.", False
        entry.save(update_fields=["note", "needs_review"])

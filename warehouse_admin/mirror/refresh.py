"""Work out the stored schedule states again: they change with time as well as with what PostHog says."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror.models import Run, SavedQuery
from warehouse_admin.mirror.states import schedule_state

RECENT = timedelta(days=62)
RUNS = 6
BATCH = 500


def newest_runs(view_ids: list[int]) -> dict[int, list[Run]]:
    """The newest runs of each view, newest first, in one query."""
    position = Window(RowNumber(), partition_by=F("saved_query_id"), order_by=[F("started_at").desc(), F("pk").desc()])
    recent = Run.objects.filter(saved_query__in=view_ids, started_at__gt=timezone.now() - RECENT)
    found: dict[int, list[Run]] = defaultdict(list)
    for run in recent.annotate(position=position).filter(position__lte=RUNS).order_by("saved_query_id", "position"):
        found[run.saved_query_id].append(run)
    return found


def refresh_states(connection: Connection | None = None) -> int:
    """Bring the states of one connection (None: all) up to date; gives how many changed."""
    views = SavedQuery.objects.present().defer("query", "columns")
    if connection is not None:
        views = views.filter(connection=connection)
    changed, last = 0, 0
    while batch := list(views.filter(pk__gt=last).order_by("pk")[:BATCH]):
        last = batch[-1].pk
        changed += _refresh(batch)
    return changed


def refresh_state(view: SavedQuery) -> None:
    """The same for one view that was just read."""
    _refresh([view])


def _refresh(batch: list[SavedQuery]) -> int:
    now = timezone.now()
    runs = newest_runs([view.pk for view in batch if view.is_materialized])
    changed = []
    for view in batch:
        found = schedule_state(view, now=now, newest_runs=runs.get(view.pk, []))
        if (view.schedule_state, view.schedule_evidence) != (found.state, found.evidence):
            view.schedule_state, view.schedule_evidence = found.state, found.evidence
            changed.append(view)
    SavedQuery.objects.bulk_update(changed, ["schedule_state", "schedule_evidence"], batch_size=200)
    return len(changed)

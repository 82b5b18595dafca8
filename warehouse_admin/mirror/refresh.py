"""Work out the stored schedule states again: they change with time as well as with what PostHog says."""

from __future__ import annotations

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from warehouse_admin.accounts.models import Connection
from warehouse_admin.core.bulk import update_rows
from warehouse_admin.mirror.models import Run, SavedQuery
from warehouse_admin.mirror.states import schedule_state

_READ = (
    "managed_viewset_kind",
    "origin",
    "is_materialized",
    "status",
    "latest_error",
    "sync_frequency",
    "last_cadence",
    "last_run_at",
    "suspended",
    "schedule_state",
    "schedule_evidence",
)
"""What a state depends on, and what it is kept in."""
RUNS = 6
BATCH = 500


def newest_runs(view_ids: list[int]) -> dict[int, list[Run]]:
    """The newest runs of each view, newest first; two queries that read these runs alone, however many there are."""
    own = Run.objects.filter(saved_query=OuterRef("pk")).order_by("-started_at", "-pk").values("pk")
    places = {f"newest_{place}": Subquery(own[place : place + 1]) for place in range(RUNS)}
    rows = SavedQuery.objects.filter(pk__in=view_ids).annotate(**places).values_list("pk", *places)
    keys = {view: [run for run in found if run is not None] for view, *found in rows}
    runs = Run.objects.in_bulk([run for found in keys.values() for run in found])
    return {view: [runs[key] for key in found if key in runs] for view, found in keys.items()}


def refresh_states(connection: Connection | None = None) -> int:
    """Bring the states of one connection (None: all) up to date; gives how many changed."""
    views = SavedQuery.objects.present().only(*_READ)
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
    update_rows(changed, ["schedule_state", "schedule_evidence"])
    return len(changed)

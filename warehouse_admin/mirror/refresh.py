"""Work out what is stored about schedules again: it changes with time as well as with what PostHog says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Q, Subquery
from django.utils import timezone

from warehouse_admin.accounts.models import Connection
from warehouse_admin.core.bulk import update_rows
from warehouse_admin.mirror import hooks
from warehouse_admin.mirror.causes import cause_of, fingerprint
from warehouse_admin.mirror.freshness import Freshness, freshness
from warehouse_admin.mirror.models import Run, SavedQuery, SavedQueryVersion, ScheduleState
from warehouse_admin.mirror.own_acts import NONE, OwnActs
from warehouse_admin.mirror.roots import refresh_roots
from warehouse_admin.mirror.states import AS_OF, TOLD, State, schedule_state

_FROM = ("connection_id", "synced_at", *TOLD)
"""What is read of a view to work out the rest."""
_KEPT = (
    "schedule_state",
    "schedule_evidence",
    "schedule_confidence",
    "schedule_confidence_reason",
    "schedule_since",
    "next_due_at",
    "cause",
    "cause_fingerprint",
    "edited_at",
    "edited_by",
)
"""What it is kept in."""
_FOR_A_TIME = (ScheduleState.LATE, ScheduleState.RUNNING, ScheduleState.UNKNOWN)
RUNS = 6
BATCH = 1_000
Edit = tuple[datetime, str]


def newest_runs(view_ids: list[int]) -> dict[int, list[Run]]:
    """The newest runs of each view, newest first; two queries that read these runs alone, however many there are."""
    own = Run.objects.filter(saved_query=OuterRef("pk")).order_by("-started_at", "-pk").values("pk")
    places = {f"newest_{place}": Subquery(own[place : place + 1]) for place in range(RUNS)}
    rows = SavedQuery.objects.filter(pk__among=view_ids).annotate(**places).values_list("pk", *places)
    keys = {view: [run for run in found if run is not None] for view, *found in rows}
    shown = Run.objects.filter(pk__among=[run for found in keys.values() for run in found])
    runs = {run.pk: run for run in shown}
    return {view: [runs[key] for key in found if key in runs] for view, found in keys.items()}


def refresh_states(
    connection: Connection | None = None,
    *,
    news: Collection[int] | None = None,
    meanwhile: Callable[[], object] = lambda: None,
) -> int:
    """Bring what is kept of one connection's views (None: of all) up to date; gives how many changed their state.

    `news`: the views of which something new was read. Of the others only those are looked at which time alone may
    have changed; None: all of them, whatever else may have changed. `meanwhile` is called now and then.
    """
    views = SavedQuery.objects.present().only(*_FROM, *_KEPT)
    if connection is not None:
        views = views.filter(connection=connection)
    if news is not None and len(news) < BATCH:
        views = views.filter(_moves_with_time(timezone.now()) | Q(pk__among=news))
    changed, last, fresh = 0, 0, freshness()
    while batch := list(views.filter(pk__gt=last).order_by("pk")[:BATCH]):
        last = batch[-1].pk
        changed += _refresh(batch, fresh)
        meanwhile()
    refresh_roots(connection)
    return changed


def _moves_with_time(now: datetime) -> Q:
    """Schedules whose state may be another one by now although nothing was read of them, or was not worked out yet."""
    overtaken = Q(schedule_state__in=_FOR_A_TIME) | Q(schedule_state=ScheduleState.ON_TIME, next_due_at__lte=now)
    return ~Q(is_materialized=False) & (overtaken | Q(schedule_evidence="") | Q(schedule_evidence__startswith=AS_OF))


def refresh_some(keys: Collection[int]) -> int:
    """The same for some views, by primary key, and without the roots; gives how many changed."""
    return _refresh(list(SavedQuery.objects.present().filter(pk__in=keys).only(*_FROM, *_KEPT)), freshness())


def refresh_state(view: SavedQuery) -> None:
    """The same for one view that was just read; the roots of others wait for the next beat."""
    _refresh([view], freshness())


def _refresh(batch: list[SavedQuery], fresh: Mapping[int, Freshness]) -> int:
    now = timezone.now()
    scheduled = [view.pk for view in batch if view.is_materialized]
    runs, edits = newest_runs(scheduled), _edits([view.pk for view in batch])
    own = hooks.own_acts_of(scheduled)
    changed = []
    for view in batch:
        unread = fresh[view.connection_id].unread(view, now)
        values = _values(view, now, runs.get(view.pk, []), own.get(view.pk, NONE), unread, edits.get(view.pk))
        if any(getattr(view, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(view, name, value)
            changed.append(view)
    update_rows(changed, _KEPT)
    return len(changed)


def _values(
    view: SavedQuery, now: datetime, runs: Sequence[Run], own: OwnActs, unread: str, edit: Edit | None
) -> dict[str, Any]:
    found = schedule_state(view, now=now, newest_runs=runs, own=own, unread=unread)
    cause = cause_of(view, found.state, runs)
    return {
        "schedule_state": found.state,
        "schedule_evidence": found.evidence,
        "schedule_confidence": found.confidence,
        "schedule_confidence_reason": found.because,
        "schedule_since": _since(view, found, now),
        "next_due_at": found.due,
        "cause": cause,
        "cause_fingerprint": fingerprint(cause),
        "edited_at": edit[0] if edit else None,
        "edited_by": edit[1] if edit else "",
    }


def _since(view: SavedQuery, found: State, now: datetime) -> datetime | None:
    """Since when: as the facts tell, else when it was first seen to be so; None where it was so from the start."""
    if found.since is not None:
        return found.since
    if view.schedule_state == found.state or not view.schedule_evidence:
        return view.schedule_since
    return now


def _edits(keys: list[int]) -> dict[int, Edit]:
    """When the SQL of each view last changed since we know it, and by whom, if anybody says."""
    versions = SavedQueryVersion.objects.filter(saved_query__pk__among=keys)
    versions = versions.exclude(origin=SavedQueryVersion.Origin.FIRST_SEEN).order_by("saved_query", "number")
    rows = versions.values_list("saved_query", "seen_at", "author_name")
    return {key: (at, by) for key, at, by in rows}

"""Keep the runs that PostHog tells of, once each: by its feed of jobs, or without ids by a view's history.

A sync and a look after an act may be told of the same run at the same time: whoever comes second leaves it as it is.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import BigIntegerField
from django.utils import timezone

from warehouse_admin.accounts.models import Connection
from warehouse_admin.core.bulk import insert_rows, update_rows
from warehouse_admin.mirror.models import Run, SavedQuery
from warehouse_admin.mirror.states import AT_WORK
from warehouse_admin.mirror.texts import storable
from warehouse_admin.posthog import types


class Kept(NamedTuple):
    """Runs that were not known, and those of which something else was told than before."""

    new: list[Run]
    changed: list[Run]

    @property
    def views(self) -> set[int]:
        """The primary keys of their views."""
        return {run.saved_query_id for run in (*self.new, *self.changed)}


def views_by_id(connection: Connection) -> dict[str, int]:
    """The primary key of each of its views by PostHog's id, as jobs name it."""
    views = SavedQuery.objects.filter(connection=connection).values_list("posthog_id", "pk")
    return {str(key): pk for key, pk in views}


@transaction.atomic
def keep_jobs(jobs: list[types.Job], by_id: dict[str, int]) -> Kept:
    """Insert new runs and finish those that were under way; `by_id` as of `views_by_id`."""
    told: dict[tuple[int, str], types.Job] = {}
    for row in jobs:
        view = by_id.get((row.saved_query_id or "").lower())
        if view is not None and row.created_at is not None:
            told[(view, row.id[:64])] = row
    known = Run.objects.filter(job_id__in=[key for _, key in told], saved_query__in={view for view, _ in told})
    changed = []
    for run in known:
        same = (run.saved_query_id, run.job_id)
        if same in told and _fill(run, told.pop(same)):
            changed.append(run)
    update_rows(changed, ["status", "finished_at", "rows", "error"])
    made = []
    for (view, key), row in told.items():
        run = Run(saved_query_id=view, job_id=key, started_at=row.created_at or timezone.now())
        _fill(run, row)
        made.append(run)
    insert_rows(made, unless_there=True)
    _drop_doubles(made)
    return Kept(made, changed)


def _fill(run: Run, row: types.Job) -> bool:
    """True when the row says something new about the run."""
    status = storable(row.status, 30) or "Unknown"
    finished = None if status in AT_WORK else row.last_run_at
    fresh = (status, finished, _countable(row.rows_materialized), storable(row.error))
    if (run.status, run.finished_at, run.rows, run.error) == fresh:
        return False
    run.status, run.finished_at, run.rows, run.error = fresh
    return True


def _countable(rows: int | None) -> int | None:
    """A number of rows that a database can hold; an absurd one counts as unknown."""
    return rows if rows is not None and 0 <= rows <= BigIntegerField.MAX_BIGINT else None


def _drop_doubles(made: list[Run]) -> None:
    """What `run_history` had told without an id is the same run once the feed tells it: its time is the run's end."""
    views = {run.saved_query_id for run in made}
    nameless = Run.objects.filter(saved_query__in=views, job_id="")
    if made and nameless.exists():
        times = {(run.saved_query_id, moment) for run in made for moment in (run.started_at, run.finished_at)}
        doubles = [
            pk for pk, view, at in nameless.values_list("pk", "saved_query_id", "started_at") if (view, at) in times
        ]
        Run.objects.filter(pk__in=doubles).delete()


@transaction.atomic
def keep_history(view: int, history: list[types.HistoryRun]) -> Kept:
    """The same for what `run_history` tells of one view, by its primary key."""
    told: dict[datetime, str] = {run.timestamp: storable(run.status, 30) for run in history if run.timestamp}
    changed = []
    for run in Run.objects.filter(saved_query=view, started_at__in=list(told)):
        status = told.pop(run.started_at)
        if run.status != status and not run.job_id:
            run.status = status
            changed.append(run)
    update_rows(changed, ["status"])
    made = [Run(saved_query_id=view, started_at=at, status=status or "Unknown") for at, status in told.items()]
    insert_rows(made, unless_there=True)
    return Kept(made, changed)

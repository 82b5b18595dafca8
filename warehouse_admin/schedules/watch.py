"""Look soon after a start what came of it, so that nobody who waits for a run has to wait for a sync."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from warehouse_admin.accounts.services.refusals import why_refused
from warehouse_admin.core.errors import UserError
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import Run, SavedQuery
from warehouse_admin.mirror.recent_runs import read_recent_runs
from warehouse_admin.mirror.refresh import refresh_some
from warehouse_admin.posthog import errors as posthog_errors
from warehouse_admin.schedules.models import Campaign
from warehouse_admin.schedules.own_starts import STARTS, latest, single_runs, started_items

WATCHED_FOR = timedelta(minutes=15)
"""After that syncs tell: most schedules take their next run hours later."""
READS = 10  # views whose run has ended and that are read again, in one beat

Started = dict[int, datetime]


def watch(now: datetime) -> int:
    """Read the runs of what was started lately, connection by connection; gives of how many views."""
    since = now - WATCHED_FOR
    started = {key: start.at for key, start in latest(started_items(since), single_runs(since)).items()}
    by_connection: dict[int, list[SavedQuery]] = defaultdict(list)
    for view in _awaited(started):
        by_connection[view.connection_id].append(view)
    for awaited in by_connection.values():
        first = min(started[view.pk] for view in awaited)
        if read_recent_runs(awaited[0].connection, awaited, first):
            _read_ended(awaited, started)
            refresh_some([view.pk for view in awaited])
    return sum(map(len, by_connection.values()))


def is_watched(campaign: Campaign, now: datetime) -> bool:
    """Whether the first runs of an ended campaign's views are being looked for."""
    if why_not_asked(campaign):
        return False
    ended = campaign.finished_at
    follows = campaign.action in STARTS and campaign.followed_at is None
    return follows and ended is not None and ended > now - WATCHED_FOR


def why_not_asked(campaign: Campaign) -> str:
    """Why PostHog is not asked about it now, in a sentence; empty while it can be."""
    if not campaign.connection.is_active:
        return f"{campaign.connection.name} is paused: PostHog is not asked before an administrator activates it again."
    return why_refused(campaign.connection)


def _awaited(started: Started) -> list[SavedQuery]:
    """Those of which no run has ended since, or that were not read after it."""
    views = SavedQuery.objects.present().filter(pk__in=list(started), connection__is_active=True)
    ended = _ended(started)
    return [view for view in views.select_related("connection") if view.pk not in ended or _is_older(view, ended)]


def _ended(started: Started) -> Started:
    """The end of the last run of each view that began after its start and is over."""
    if not started:
        return {}
    over = Run.objects.filter(
        saved_query__in=list(started), started_at__gt=min(started.values()), status__in=["Completed", "Failed"]
    )
    rows = over.order_by("started_at").values_list("saved_query", "started_at", "finished_at")
    return {view: end or begin for view, begin, end in rows if begin > started[view]}


def _is_older(view: SavedQuery, ended: Started) -> bool:
    return view.synced_at is None or view.synced_at < ended[view.pk]


def _read_ended(awaited: Iterable[SavedQuery], started: Started) -> None:
    """A run that ended may have changed the view itself: its status, its error, a suspension."""
    ended = _ended(started)
    news = [view for view in awaited if view.pk in ended and _is_older(view, ended)]
    for view in news[:READS]:
        try:
            mirror.read_live(view, purpose="background")
        except posthog_errors.RateLimited:
            return
        except (posthog_errors.PostHogError, UserError):
            continue  # the next beat tries again, the next sync reads it anyway

"""The SQL that PostHog's log tells of, handed to the mirror's versions together with whose it is."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from warehouse_admin.accounts.models import Connection
from warehouse_admin.activity import presenters
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.mirror import versions
from warehouse_admin.mirror.logged import told_sql
from warehouse_admin.mirror.models import RemoteActivity, SavedQuery, SavedQueryVersion
from warehouse_admin.mirror.selectors import history_ends

Origin = SavedQueryVersion.Origin
_READ = Q(needs_detail=False) | Q(deleted_at__isnull=False)
"""Views of which the mirror knows how it went on after what the log tells: the newest version is their own text."""


def take_in(connection: Connection) -> None:
    """Make versions of all texts that wait for it. One view at a time, so that no sync waits for two of them."""
    begin = history_ends(connection)
    if begin is None:
        return
    waiting = RemoteActivity.objects.filter(connection=connection, awaits_version=True, entry__isnull=False)
    views = SavedQuery.objects.filter(_READ, connection=connection, posthog_id__in=waiting.values("posthog_id"))
    for pk in list(views.values_list("pk", flat=True)):
        with transaction.atomic():
            view = SavedQuery.objects.select_for_update().filter(_READ, pk=pk).first()
            if view is not None:
                told = waiting.filter(posthog_id=view.posthog_id).select_related("entry__mutation")
                _take_in(view, list(told.order_by("created_at", "pk")), begin)


def _take_in(view: SavedQuery, told: list[RemoteActivity], begin: datetime) -> None:
    edits = [edit for row in told if row.created_at >= begin and (edit := _edit(row)) is not None]
    versions.take_in(view, edits)
    RemoteActivity.objects.filter(pk__in=[row.pk for row in told]).update(awaits_version=False)


def _edit(row: RemoteActivity) -> versions.Edit | None:
    """Whose it was is what the inbox found out."""
    sql, entry = told_sql(row.detail), row.entry
    if sql is None:
        return None
    before, after = sql
    origin = Origin.PORTAL if entry.source == ActivityEntry.Source.PORTAL else Origin.OUTSIDE
    return versions.Edit(before, after, row.created_at, origin, entry.author, presenters.change_number(entry))

"""Reads of campaigns, and of what they are about; the number of queries never depends on the number of rows."""

from __future__ import annotations

from django.db.models import QuerySet

from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror.models import MirroredQuerySet
from warehouse_admin.schedules.filters import Filters, schedules
from warehouse_admin.schedules.rows import Row as Row
from warehouse_admin.schedules.rows import rows_of as rows_of


def schedules_of(connection: Connection) -> MirroredQuerySet:
    """The schedules of one connection."""
    return schedules().filter(connection=connection)


def matching_ids(filters: Filters) -> list[str]:
    """Remote ids of every schedule that the filters let through, in their order."""
    rows = filters.apply(schedules()).order_by(*filters.order())
    return [str(key) for key in rows.values_list("posthog_id", flat=True)]


def connections_of(slug: str) -> QuerySet[Connection]:
    """The connection that the page is limited to, or all; paused ones too."""
    rows = Connection.objects.defer("api_key")
    return rows.filter(slug=slug) if slug else rows

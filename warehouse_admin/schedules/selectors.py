"""Reads of campaigns, and of what they are about; the number of queries never depends on the number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, QuerySet

from warehouse_admin.accounts.models import Connection
from warehouse_admin.accounts.selectors import CONNECTION_UNREAD
from warehouse_admin.mirror.models import MirroredQuerySet
from warehouse_admin.schedules.filters import Filters, schedules
from warehouse_admin.schedules.models import BulkResume, BulkResumeItem
from warehouse_admin.schedules.rows import Row as Row
from warehouse_admin.schedules.rows import rows_of as rows_of


def schedules_of(connection: Connection) -> MirroredQuerySet:
    """The schedules of one connection."""
    return schedules().filter(connection=connection)


def matching_keys(filters: Filters) -> list[int]:
    """Primary keys of every schedule that the filters let through, in their order."""
    return list(filters.apply(schedules()).order_by(*filters.order()).values_list("pk", flat=True))


def connections_of(slug: str) -> QuerySet[Connection]:
    """The connection that the page is limited to, or all; paused ones too."""
    rows = Connection.objects.defer("api_key")
    return rows.filter(slug=slug) if slug else rows


def campaigns(connection: str = "") -> QuerySet[BulkResume]:
    """Campaigns, newest first."""
    rows = BulkResume.objects.select_related("started_by", "connection").defer(*CONNECTION_UNREAD)
    rows = rows.order_by("-created_at")
    return rows.filter(connection__slug=connection) if connection else rows


def add_counts(resumes: Sequence[BulkResume]) -> None:
    """Give each campaign its `counts`, in one query for all."""
    by_resume: dict[Any, dict[str, int]] = {resume.pk: {} for resume in resumes}
    rows = BulkResumeItem.objects.filter(resume__in=list(by_resume)).order_by()
    for key, outcome, count in rows.values_list("resume", "outcome").annotate(Count("pk")):
        by_resume[key][outcome] = count
    for resume in resumes:
        resume.counts = by_resume[resume.pk]  # type: ignore[attr-defined]


def counts_of(resume: BulkResume) -> dict[str, int]:
    """How many views of a campaign have each outcome; outcomes that none has are left out."""
    return dict(resume.items.order_by().values_list("outcome").annotate(Count("pk")))


def items_of(resume: BulkResume, outcome: str = "") -> QuerySet[BulkResumeItem]:
    """The items of a campaign in the order in which they are sent."""
    rows = resume.items.select_related("saved_query", "mutation").order_by("position")
    rows = rows.defer("saved_query__query", "saved_query__columns")
    return rows.filter(outcome=outcome) if outcome in BulkResumeItem.Outcome.values else rows

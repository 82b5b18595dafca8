"""What pages and the API read. Every one asks first whether the person may."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import F, Q, QuerySet

from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.selectors import CONNECTION_UNREAD
from warehouse_admin.core.errors import Missing
from warehouse_admin.core.searching import every_word
from warehouse_admin.interviews import policies
from warehouse_admin.interviews.models import Interview, Reading, Write
from warehouse_admin.mirror.selectors import in_scope

SEARCHED = ("summary", "transcript", "emails_text")
SORTS = {"recorded": "remote_created_at", "by": "created_by_email"}
Params = Mapping[str, Any]


def rows(user: User) -> QuerySet[Interview]:
    """All interviews, tombstones too, without their transcripts."""
    policies.require_read(user)
    return Interview.objects.select_related("connection").defer("transcript", *CONNECTION_UNREAD)


def interview_list(user: User, params: Params) -> QuerySet[Interview]:
    """Parameters: q, connection, deleted, sort (recorded, by). Newest first unless another order is asked for."""
    gone = {"only": Q(deleted_at__isnull=False), "any": Q()}.get(params.get("deleted", ""), Q(deleted_at=None))
    found = rows(user).filter(gone & in_scope(params) & every_word(params.get("q", ""), *SEARCHED))
    sort = params.get("sort", "") or "-recorded"
    field = SORTS.get(sort.removeprefix("-"), "remote_created_at")
    return found.order_by(f"-{field}" if sort.startswith("-") else field, "-pk")


def interview_by_id(user: User, posthog_id: uuid.UUID, connection: str = "") -> Interview:
    """One interview, a tombstone too; Missing when the mirror has none."""
    policies.require_read(user)
    found = Interview.objects.of(connection).filter(posthog_id=posthog_id).select_related("connection")
    interview = found.order_by(F("deleted_at").desc(nulls_first=True), "-pk").first()
    if interview is None:
        raise Missing("There is no such interview here. It may be newer than the last sync.")
    return interview


def write_by_id(user: User, write_id: uuid.UUID) -> Write:
    """One upload, edit or deletion."""
    policies.require_read(user)
    found = Write.objects.filter(pk=write_id).select_related("mutation__connection", "mutation__actor", "interview")
    if (write := found.first()) is None:
        raise Missing("There is no such upload or change.")
    return write


def uploads_to_show(params: Params) -> list[Write]:
    """Uploads under way, the newest first."""
    open_ones = Write.objects.filter(kind=Write.Kind.CREATE, finished_at=None)
    slug = params.get("connection", "")
    if slug and slug != "all":
        open_ones = open_ones.filter(mutation__connection__slug=slug)
    return list(open_ones.select_related("mutation", "mutation__actor").order_by("-created_at")[:20])


def last_write(interview: Interview) -> Write | None:
    """The newest edit or deletion of an interview."""
    writes = interview.writes.exclude(kind=Write.Kind.CREATE).select_related("mutation", "mutation__actor")
    return writes.order_by("-created_at").first()


def readings(params: Params) -> list[Reading]:
    """How reading went, for each connection in scope that was tried."""
    found = Reading.objects.filter(in_scope(params), connection__is_active=True)
    return list(found.select_related("connection").defer(*CONNECTION_UNREAD).order_by("connection__slug"))

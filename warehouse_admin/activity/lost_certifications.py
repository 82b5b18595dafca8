"""Certifications that hold no more: one entry in the inbox for each, closed when somebody decides anew."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from warehouse_admin.accounts.models import Connection
from warehouse_admin.activity.facts import CERTIFICATION_LOST
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.mirror import hooks
from warehouse_admin.mirror.hooks import LostCertification

Lost = dict[tuple[str, datetime], LostCertification]
"""By the remote id of what was certified, and when that fell: the same loss is not told twice."""


@transaction.atomic
def watch() -> int:
    """Open and close entries; gives how many were opened. Safe to call at any time, again."""
    lost: Lost = {(one.posthog_id, one.since): one for hook in hooks.lost_certifications for one in hook()}
    of_connections = Connection.objects.filter(pk__in={one.connection for one in lost.values()})
    # Locked: two of us would both find that nothing was told yet.
    list(of_connections.select_for_update(no_key=True).order_by("pk").values_list("pk"))
    _close(lost)
    told = ActivityEntry.objects.filter(kind=CERTIFICATION_LOST, occurred_at__in={since for _, since in lost})
    known = {((after or {}).get("posthog_id"), at) for after, at in told.values_list("after", "occurred_at")}
    fresh = [_entry(one) for key, one in lost.items() if key not in known]
    ActivityEntry.objects.bulk_create(fresh)
    return len(fresh)


def _entry(lost: LostCertification) -> ActivityEntry:
    return ActivityEntry(
        connection_id=lost.connection,
        saved_query_id=lost.view,
        source=ActivityEntry.Source.SYSTEM,
        kind=CERTIFICATION_LOST,
        object_name=lost.name,
        before={"certified_by": lost.by, "certified_at": lost.certified_at.isoformat()},
        after={"posthog_id": lost.posthog_id, "why": lost.why},
        occurred_at=lost.since,
        needs_review=True,
    )


def _close(lost: Lost) -> None:
    """Entries that nobody has dealt with yet, of what somebody decided about meanwhile, need nobody any more."""
    waiting = ActivityEntry.objects.filter(kind=CERTIFICATION_LOST, needs_review=True, verdict="")
    rows = waiting.values_list("pk", "after", "occurred_at")
    over = [pk for pk, after, at in rows if ((after or {}).get("posthog_id"), at) not in lost]
    ActivityEntry.objects.filter(pk__in=over).update(
        note="It was certified anew, deprecated or taken back before anybody looked.", needs_review=False
    )

"""The entries of the audit trail that are about a change and its writes, with all that their hashes cover."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from warehouse_admin.audit import segments
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.mutations.kinds import kind_of
from warehouse_admin.mutations.models import Mutation

DOWNLOADED = "change.evidence_downloaded"
_AROUND = timedelta(seconds=2)


def entries_about(change: ChangeRequest, writes: Iterable[Mutation]) -> list[dict[str, Any]]:
    """Oldest first. Who had the pack before is left out: each download would make the next pack another one."""
    about = Q(object_type="change", object_id=str(change.pk))
    for write in writes:
        about |= _about_write(write)
    found = AuditEntry.objects.filter(about).exclude(action=DOWNLOADED).order_by("sequence")
    return [segments.entry_of(entry) for entry in found]


def _about_write(write: Mutation) -> Q:
    """Those of the request that asked for it, and whatever else ended while it was under way: an object has one write
    at a time, and it may be a person who says later how it ended."""
    about = Q(action=kind_of(write).action, object_id__in={write.object_id, ""}, object_name=write.object_name)
    end = write.finished_at or timezone.now()
    meanwhile = Q(at__gte=write.asked_at - _AROUND, at__lte=end + _AROUND)
    if not write.request_id:
        return about & meanwhile
    return about & (Q(request_id=write.request_id) | meanwhile & ~Q(result=AuditEntry.Result.ASKED))

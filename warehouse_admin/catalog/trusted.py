"""The trust in views, as other apps ask for it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.db.models import QuerySet

from warehouse_admin.catalog.models import Entry, Trust
from warehouse_admin.catalog.selectors import KINDS, trusted_as
from warehouse_admin.mirror.hooks import LostCertification, Trusted

_TOLD = ("word", "note", "instead", "until", "lost_at", "lost_why")


def of_views(views: Collection[int]) -> dict[int, Trusted]:
    """What is said of the trust in these views, by primary key, of those of which something is; one query."""
    said = Trust.objects.filter(entry__kind=Entry.Kind.VIEW, entry__view__pk__in=views)
    rows = said.values_list("entry__view__pk", *_TOLD)
    return {key: trusted_as(Trust(**dict(zip(_TOLD, values, strict=True)))) for key, *values in rows}


def views_in(state: str) -> QuerySet[Any]:
    """The primary keys of the views in a state of trust; none for a word that is no state."""
    return Trust.objects.filter(Trust.in_state(state), entry__kind=Entry.Kind.VIEW).values("entry__view__pk")


def lost() -> list[LostCertification]:
    """Every certification that does not hold any more; three queries at most, one where none is."""
    fallen = list(Trust.objects.filter(Trust.in_state(Trust.SUSPENDED)).select_related("entry", "said_by"))
    found = []
    for kind, model in KINDS.items():
        of_kind = {(one.entry.connection_id, one.entry.posthog_id): one for one in fallen if one.entry.kind == kind}
        if not of_kind:
            continue
        there = model.objects.filter(posthog_id__in=[key for _, key in of_kind])
        for pk, connection, key, name in there.values_list("pk", "connection", "posthog_id", "name"):
            if (connection, key) in of_kind:
                found.append(_lost(of_kind[connection, key], name, pk if kind == Entry.Kind.VIEW else None))
    return found


def _lost(trust: Trust, name: str, view: int | None) -> LostCertification:
    entry = trust.entry
    return LostCertification(
        connection=entry.connection_id,
        posthog_id=str(entry.posthog_id),
        name=name,
        since=_since(trust),
        why=trust.why_suspended,
        by=trust.said_by.get_username(),
        certified_at=trust.said_at,
        view=view,
    )


def _since(trust: Trust) -> datetime:
    """When it was suspended, or the moment after the last day on which it held."""
    if trust.lost_at is not None or trust.until is None:
        return trust.lost_at or trust.said_at
    return datetime.combine(trust.until + timedelta(days=1), time.min, tzinfo=UTC)

"""What a view's timeline tells of the inbox: what came from outside or from PostHog itself, and what people said."""

from __future__ import annotations

from functools import reduce
from operator import or_

from django.db.models import Q
from django.urls import reverse

from warehouse_admin.activity import presenters
from warehouse_admin.activity.facts import CERTIFICATION_LOST, OVERDUE, RESUMED, UNREMARKABLE, WAKE_FAILED
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.mirror.history import Wanted
from warehouse_admin.mirror.hooks import Event, HistorySource
from warehouse_admin.mirror.models import Observation

Source = ActivityEntry.Source
OF_SCHEDULE = (Observation.Kind.SUSPENDED, OVERDUE, RESUMED, WAKE_FAILED)
_IN_KIND = {
    "schedule": Q(kind__in=OF_SCHEDULE),
    "trust": Q(kind=CERTIFICATION_LOST),
    "outside": ~Q(kind__in=(*OF_SCHEDULE, CERTIFICATION_LOST)),
}
_ICONS = {"schedule": "ban", "trust": "badge", "outside": "external"}
_NOT_TOLD = Q(kind__in=UNREMARKABLE - {RESUMED}) | Q(source=Source.PORTAL) & ~Q(kind=WAKE_FAILED)
"""Runs are told by the mirror where they changed a state; what was done here, by the change or campaign that did it."""


def _entries(wanted: Wanted) -> list[Event]:
    rows = ActivityEntry.objects.filter(saved_query=wanted.view).exclude(_NOT_TOLD)
    if wanted.kinds:
        rows = rows.filter(reduce(or_, (_IN_KIND[kind] for kind in _IN_KIND if kind in wanted.kinds)))
    rows = rows.select_related("reviewed_by").defer("before", "after")
    return [_of_entry(entry) for entry in wanted.newest(rows, "activity", "occurred_at")]


def _of_entry(entry: ActivityEntry) -> Event:
    kind = _kind_of(entry)
    bad = entry.kind in (Observation.Kind.SUSPENDED, Observation.Kind.DELETED, CERTIFICATION_LOST)
    flagged = entry.verdict == ActivityEntry.Verdict.FLAGGED
    return Event(
        entry.occurred_at,
        kind,
        entry.pk,
        _ICONS[kind],
        "bad" if bad or flagged else "warn",
        presenters.sentence(entry),
        url=reverse("activity:detail", args=[entry.pk]),
        how=f"{presenters.how_known(entry)} {_reviewed(entry)}".strip(),
        body=entry.note,
    )


def _kind_of(entry: ActivityEntry) -> str:
    if entry.kind == CERTIFICATION_LOST:
        return "trust"
    return "schedule" if entry.kind in OF_SCHEDULE else "outside"


def _reviewed(entry: ActivityEntry) -> str:
    if entry.verdict and entry.reviewed_by:
        return f"{entry.get_verdict_display()} by {entry.reviewed_by.display_name}."
    return "Not reviewed yet." if entry.needs_review else ""


SOURCES = (HistorySource("activity", frozenset(_IN_KIND), _entries),)

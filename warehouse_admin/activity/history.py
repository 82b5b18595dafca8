"""What a view's timeline tells of the inbox: what came from outside or from PostHog itself, and what people said."""

from __future__ import annotations

from django.db.models import Q
from django.urls import reverse

from warehouse_admin.activity import presenters
from warehouse_admin.activity.facts import OVERDUE, RESUMED, UNREMARKABLE, WAKE_FAILED
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.mirror.history import Wanted
from warehouse_admin.mirror.hooks import Event, HistorySource
from warehouse_admin.mirror.models import Observation

Source = ActivityEntry.Source
OF_SCHEDULE = (Observation.Kind.SUSPENDED, OVERDUE, RESUMED, WAKE_FAILED)
_IN_KIND = {"schedule": Q(kind__in=OF_SCHEDULE), "outside": ~Q(kind__in=OF_SCHEDULE)}
_NOT_TOLD = Q(kind__in=UNREMARKABLE - {RESUMED}) | Q(source=Source.PORTAL) & ~Q(kind=WAKE_FAILED)
"""Runs are told by the mirror where they changed a state; what was done here, by the change or campaign that did it."""


def _entries(wanted: Wanted) -> list[Event]:
    rows = ActivityEntry.objects.filter(saved_query=wanted.view).exclude(_NOT_TOLD)
    if wanted.kinds and len(chosen := [_IN_KIND[kind] for kind in _IN_KIND if kind in wanted.kinds]) == 1:
        rows = rows.filter(chosen[0])
    rows = rows.select_related("reviewed_by").defer("before", "after")
    return [_of_entry(entry) for entry in wanted.newest(rows, "activity", "occurred_at")]


def _of_entry(entry: ActivityEntry) -> Event:
    kind = "schedule" if entry.kind in OF_SCHEDULE else "outside"
    bad = entry.kind in (Observation.Kind.SUSPENDED, Observation.Kind.DELETED)
    flagged = entry.verdict == ActivityEntry.Verdict.FLAGGED
    return Event(
        entry.occurred_at,
        kind,
        entry.pk,
        "ban" if kind == "schedule" else "external",
        "bad" if bad or flagged else "warn",
        presenters.sentence(entry),
        url=reverse("activity:detail", args=[entry.pk]),
        how=f"{presenters.how_known(entry)} {_reviewed(entry)}".strip(),
        body=entry.note,
    )


def _reviewed(entry: ActivityEntry) -> str:
    if entry.verdict and entry.reviewed_by:
        return f"{entry.get_verdict_display()} by {entry.reviewed_by.display_name}."
    return "Not reviewed yet." if entry.needs_review else ""


SOURCES = (HistorySource("activity", frozenset(_IN_KIND), _entries),)

"""What the inbox is asked to show; all of it comes from the URL."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.http import QueryDict
from django.utils import timezone

from warehouse_admin.accounts.models import User
from warehouse_admin.activity.facts import CERTIFICATION_LOST, OVERDUE, RUN_FAILED, WAKE_FAILED
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.core.rest.filters import Unusable, read_moment
from warehouse_admin.core.searching import every_word, mentioned
from warehouse_admin.core.states import LOOKS
from warehouse_admin.mirror import hooks
from warehouse_admin.mirror.models import Observation

Source = ActivityEntry.Source
Verdict = ActivityEntry.Verdict

OUTSIDE = Q(source__in=[Source.OUTSIDE, Source.UNKNOWN])


AWAKE = Q(snoozed_until=None) | Q(snoozed_until__lte=Now())
WAITING = Q(needs_review=True, verdict="", assignee=None) & AWAKE
"""Entries that nobody has taken on yet; a snoozed one comes back by itself."""
FOLDERS: dict[str, tuple[str, str]] = {
    "unreviewed": ("Unreviewed", "inbox"),
    "mine": ("Assigned to me", "people"),
    "outside": ("Outside changes", "external"),
    "failed": ("Failed, unknown", "alert"),
    "suspensions": ("Suspensions", "pause"),
    "trust": ("Certification lost", "badge"),
    "flagged": ("Flagged", "flag"),
    "snoozed": ("Snoozed", "clock"),
    "done": ("Done", "check"),
    "all": ("All", "layers"),
}
KEPT_PARAMETERS = (
    *("folder", "source", "kind", "author", "view", "q", "connection"),
    *("period", "since", "until", "owner", "trust"),
)
"""What a saved search keeps of the URL."""


def folder_conditions(person: int) -> dict[str, Q]:
    """Which entries each folder holds for the person with this key, at the moment of the query."""
    mine = Q(verdict="", assignee=person) | Q(asked_person=person)
    return {
        "unreviewed": WAITING,
        "mine": mine & AWAKE,
        "outside": OUTSIDE & Q(needs_review=True),
        "failed": ~Q(outcome="") | Q(kind=RUN_FAILED),
        "suspensions": Q(kind__in=[Observation.Kind.SUSPENDED, OVERDUE, WAKE_FAILED]),
        "trust": Q(kind=CERTIFICATION_LOST),
        "flagged": Q(verdict=Verdict.FLAGGED),
        "snoozed": Q(verdict="", snoozed_until__gt=Now()),
        "done": ~Q(verdict=""),
        "all": Q(),
    }


TRUSTS = {state: look.word for state, look in LOOKS["trust"].items()}
PERIODS = {"1d": ("Last day", 1), "7d": ("Last 7 days", 7), "30d": ("Last 30 days", 30)}


@dataclass(frozen=True)
class Filters:
    """One reading of the query string; anything unusable in it is left out."""

    folder: str = "unreviewed"
    source: str = ""
    kind: str = ""
    author: str = ""
    view: uuid.UUID | None = None
    search: str = ""
    connection: str = ""
    since: datetime | None = None
    until: datetime | None = None
    owner: str = ""
    trust: str = ""

    @classmethod
    def parse(cls, query: QueryDict) -> Filters:
        folder = query.get("folder", "")
        source = query.get("source", "")
        return cls(
            folder=folder if folder in FOLDERS else "unreviewed",
            source=source if source in Source.values else "",
            kind=_text(query.get("kind", ""), 60),
            author=_text(query.get("author", ""), 254),
            view=_uuid(query.get("view", "")),
            search=_text(query.get("q", ""), 200),
            connection=_text(query.get("connection", ""), 50),
            since=_since(query),
            until=_until(query.get("until", "")),
            owner=_text(query.get("owner", ""), 150),
            trust=query.get("trust", "") if query.get("trust", "") in TRUSTS else "",
        )

    @property
    def any_set(self) -> bool:
        of_what = self.source or self.kind or self.author or self.view or self.search or self.owner or self.trust
        return bool(of_what or self.since or self.until)

    def narrow(self, rows: QuerySet[ActivityEntry]) -> QuerySet[ActivityEntry]:
        """Every filter but the folder."""
        if self.connection:
            rows = rows.filter(connection__slug=self.connection)
        if self.source:
            rows = rows.filter(source=self.source)
        if self.kind:
            rows = rows.filter(kind=self.kind)
        if self.author:
            rows = rows.filter(mentioned(self.author, "author"))
        if self.view:
            rows = rows.filter(saved_query__posthog_id=self.view)
        if self.search:
            rows = rows.filter(every_word(self.search, "object_name", "author", "note"))
        if self.owner:
            rows = rows.filter(saved_query__in=hooks.owned_by(self.owner))
        if self.trust:
            rows = rows.filter(saved_query__in=hooks.views_trusted(self.trust))
        if self.since:
            rows = rows.filter(occurred_at__gte=self.since)
        if self.until:
            rows = rows.filter(occurred_at__lte=self.until)
        return rows

    def apply(self, rows: QuerySet[ActivityEntry], user: User) -> QuerySet[ActivityEntry]:
        return self.narrow(rows).filter(folder_conditions(user.pk)[self.folder])


def _since(query: QueryDict) -> datetime | None:
    period = PERIODS.get(query.get("period", ""))
    return timezone.now() - timedelta(days=period[1]) if period else _moment(query.get("since", ""))


def _until(value: str) -> datetime | None:
    """A moment, or the end of a day."""
    found = _moment(value)
    is_day = found is not None and "T" not in value and ":" not in value
    return found + timedelta(days=1, microseconds=-1) if found is not None and is_day else found


def _text(value: str, length: int) -> str:
    return value.replace("\x00", "").strip()[:length]


def _uuid(value: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(value)
    except ValueError:
        return None


def _moment(value: str) -> datetime | None:
    try:
        return read_moment(value)
    except Unusable:
        return None

"""The timeline of one view: what the apps above and the mirror itself know of it, newest first, page by page."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db.models import F, Q, Window
from django.db.models.functions import Lag
from django.utils.dateparse import parse_datetime

from warehouse_admin.mirror import hooks
from warehouse_admin.mirror.hooks import Event, HistorySource
from warehouse_admin.mirror.models import SavedQuery, SavedQueryVersion
from warehouse_admin.mirror.states import NO_VERDICT

PAGE = 40
KINDS = {
    "changes": "Changes here",
    "outside": "Outside changes",
    "runs": "Runs",
    "schedule": "Suspensions and pauses",
    "votes": "Votes and notes",
    "trust": "Trust",
}
UNFOLDED = 3
"""Of more in a row of the same kind only the first are shown at once."""
FAILED = "Failed"


@dataclass(frozen=True)
class Older:
    """Where a page ends: what stands after it is older than this, in the one order that all sources share."""

    at: datetime
    source: str
    key: int

    def condition(self, source: str, moment: str) -> Q:
        """For the rows of a source whose time is the field `moment`."""
        older = Q(**{f"{moment}__lt": self.at})
        if source < self.source:
            return older | Q(**{moment: self.at})
        return older | Q(**{moment: self.at}, pk__lt=self.key) if source == self.source else older

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.source}~{self.key}"

    @classmethod
    def read(cls, text: str) -> Older | None:
        """The place that a link names; None, which is the start, for one that makes no sense."""
        moment, _, rest = text.partition("~")
        source, _, key = rest.partition("~")
        try:
            at = parse_datetime(moment)
        except ValueError:
            return None
        if at is None or at.tzinfo is None or not (key.isascii() and key.isdigit() and len(key) < 18):
            return None
        return cls(at, source[:20], int(key))


@dataclass(frozen=True)
class Wanted:
    """What a source is asked for: at most `limit` of its rows, the newest, for `user`, of `kinds` (none: all)."""

    view: SavedQuery
    user: Any
    kinds: frozenset[str]
    older: Older | None
    limit: int = PAGE + 1

    def wants(self, kind: str) -> bool:
        return not self.kinds or kind in self.kinds

    def newest(self, rows: Any, source: str, moment: str) -> list[Any]:
        """The rows that may be on the page."""
        found = rows.filter(self.older.condition(source, moment)) if self.older else rows
        return list(found.order_by(f"-{moment}", "-pk")[: self.limit])


@dataclass(frozen=True)
class Stretch:
    """Neighbours of one kind, those that are shown at once and those that are folded away."""

    shown: Sequence[Event]
    folded: Sequence[Event] = field(default_factory=list)


@dataclass(frozen=True)
class Timeline:
    """One page; `older` is the link to the next one, empty on the last."""

    stretches: list[Stretch]
    older: str


def page_of(view: SavedQuery, user: Any, kinds: Collection[str] = (), older: str = "") -> Timeline:
    """The newest events of these kinds that are older than a place; one to three queries for each source asked."""
    chosen = frozenset(kinds) & set(KINDS)
    wanted = Wanted(view, user, chosen, Older.read(older))
    found: list[tuple[datetime, str, int, Event]] = []
    for source in (*OWN, *hooks.history):
        if not chosen or chosen & source.kinds:
            found += [(event.at, source.name, event.key, event) for event in source.read(wanted)]
    found.sort(key=lambda told: told[:3], reverse=True)
    shown = found[:PAGE]
    last = Older(*shown[-1][:3]) if len(found) > PAGE else None
    return Timeline(list(_stretches([event for *_, event in shown])), str(last or ""))


def _stretches(events: list[Event]) -> Iterator[Stretch]:
    for _, group in groupby(events, key=lambda event: event.kind):
        same = list(group)
        cut = UNFOLDED if len(same) > UNFOLDED + 1 else len(same)  # to fold a single one away saves nothing
        yield Stretch(same[:cut], same[cut:])


def _turning_points(wanted: Wanted) -> list[Event]:
    """The first failure after runs that went well, and the first run that went well again."""
    before = Window(Lag("status"), order_by=[F("started_at").asc(), F("pk").asc()])
    runs = wanted.view.runs.exclude(status__in=NO_VERDICT).annotate(before=before)
    broke = Q(status=FAILED) & (Q(before=None) | ~Q(before=FAILED))
    recovered = ~Q(status=FAILED) & Q(before=FAILED)
    found = wanted.newest(runs.filter(broke | recovered), "runs", "started_at")
    return [_of_run(run) for run in found]


def _of_run(run: Any) -> Event:
    if run.status == FAILED:
        said = "A run failed" if run.before is None else "A run failed, the first one after runs that went well"
        return Event(run.started_at, "runs", run.pk, "x-circle", "bad", said, body=run.error)
    return Event(run.started_at, "runs", run.pk, "check-circle", "ok", f"A run went well again ({run.status})")


def _first_seen(wanted: Wanted) -> list[Event]:
    """Where what the mirror knows begins; no filter asks for it."""
    if wanted.kinds:
        return []
    versions = wanted.view.versions.defer("query").filter(origin=SavedQueryVersion.Origin.FIRST_SEEN)
    found = wanted.newest(versions, "first", "seen_at")
    return [Event(one.seen_at, "first", one.pk, "eye", "muted", "The mirror first read its SQL") for one in found]


OWN = (
    HistorySource("runs", frozenset({"runs"}), _turning_points),
    HistorySource("first", frozenset(), _first_seen),
)

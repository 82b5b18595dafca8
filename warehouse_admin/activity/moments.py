"""Two moments of the warehouse compared, or one as it was: what the page and REST are asked, and what they find."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.core.rest.filters import Unusable, read_moment
from warehouse_admin.core.searching import every_word
from warehouse_admin.lineage import selectors as lineage
from warehouse_admin.mirror import moments
from warehouse_admin.mirror.models import Observation, SavedQuery

DAYS = 7
"""How far back a comparison looks that names no start."""
OF_FIELDS = (
    *(Observation.Kind.RENAMED, Observation.Kind.CADENCE_CHANGED, Observation.Kind.MATERIALIZED),
    *(Observation.Kind.UNMATERIALIZED, Observation.Kind.CREATED, Observation.Kind.DELETED),
    *(Observation.Kind.DESCRIBED, Observation.Kind.FILED),
)


@dataclass(frozen=True)
class Asked:
    """Two moments, and of what: one connection or all (""), one view with all that feeds it or everything (None).

    `is_cut`: an earlier start was asked for than `known_from`, the end of the first sync.
    """

    start: datetime
    end: datetime
    connection: str = ""
    known_from: datetime | None = None
    is_cut: bool = False
    feeding: SavedQuery | None = None
    views: Collection[int] | None = field(default=None, compare=False)
    tables: Collection[int] | None = field(default=None, compare=False)


def read_time(name: str, text: str, otherwise: datetime) -> datetime:
    """A moment as it is typed, UTC where it names no zone; InvalidInput under `name` for what is none."""
    if not text.strip():
        return otherwise
    try:
        return read_moment(text.strip()[:40])
    except Unusable as error:
        raise InvalidInput("The moment cannot be used.", errors={name: [str(error)]}) from error


def read_past(name: str, text: str) -> datetime:
    """The same for a moment that has passed; now where none is typed."""
    now = timezone.now()
    at = read_time(name, text, now)
    if at > now:
        raise InvalidInput("The moment cannot be used.", errors={name: ["It has not come yet: choose one that has."]})
    return at


def asked(*, start: str, end: str, connection: str = "", feeds: str = "") -> Asked:
    """What a query string asks for. InvalidInput names the field at fault; `feeds` is a name or the id of a view."""
    now = timezone.now()
    until = read_time("to", end, now)
    since = read_time("from", start, until - timedelta(days=DAYS))
    if since >= until:
        raise InvalidInput("Nothing lies in between.", errors={"from": ["Choose a moment before the other one."]})
    begin = moments.known_from(connection)
    if begin is not None and until <= begin:
        why = f"Nothing is known before the first sync ended, on {begin:%Y-%m-%d at %H:%M} UTC: choose a later moment."
        raise InvalidInput("Nothing is known of that time.", errors={"to": [why]})
    found = Asked(max(since, begin or since), until, connection, begin, begin is not None and since < begin)
    if not feeds.strip():
        return found
    view = _view("feeds", feeds, connection)
    views, tables = lineage.feeding(view.pk)
    return replace(found, feeding=view, views=views, tables=tables)


def _view(name: str, text: str, connection: str) -> SavedQuery:
    word = text.replace("\x00", "").strip()[:200]
    known = Q(posthog_id=word) if len(word) == 36 and word.count("-") == 4 else Q(name=word)
    try:
        found = SavedQuery.objects.of(connection).filter(known).defer("query").order_by("-deleted_at", "pk").last()
    except ValueError:  # looks like an id and is none
        found = None
    if found is None:
        raise InvalidInput("There is no such view.", errors={name: ["No view of this name is known. Check the name."]})
    return found


def touched(found: Asked) -> QuerySet[SavedQuery]:
    rows = moments.touched_between(found.start, found.end, found.connection).defer("query").select_related("connection")
    return rows if found.views is None else rows.filter(pk__in=found.views)


def tables(found: Asked) -> QuerySet[Any]:
    return moments.tables_changed(found.start, found.end, found.connection, found.tables)


@dataclass(frozen=True)
class Told:
    """A difference with what is on record about everything but its SQL, newest first."""

    found: moments.Difference
    entries: list[ActivityEntry]


def told(views: Collection[SavedQuery], start: datetime, end: datetime) -> list[Told]:
    """Each of these views at both moments and who did it; the number of queries does not depend on how many."""
    keys = [view.pk for view in views]
    entries: dict[int | None, list[ActivityEntry]] = {}
    rows = ActivityEntry.objects.filter(saved_query__in=keys, occurred_at__gt=start, occurred_at__lte=end, outcome="")
    rows = rows.filter(kind__in=OF_FIELDS).select_related("mutation").defer("before", "after", "mutation__base")
    for entry in rows.order_by("-occurred_at", "-pk"):
        entries.setdefault(entry.saved_query_id, []).append(entry)
    found = moments.differences(views, start, end)
    return [Told(one, entries.get(one.view.pk, [])) for one in found]


def stood(moment: datetime, connection: str = "", words: str = "") -> QuerySet[SavedQuery]:
    """The views that were there at a moment; words are looked for in the names that they have now or had."""
    rows = moments.existing_at(moment, connection).defer("query").select_related("connection")
    return rows.filter(every_word(words, "name") | Q(former__in=_named(words))).distinct() if words else rows


def _named(words: str) -> QuerySet[Any]:
    return moments.FormerView.objects.filter(every_word(words, "name"))

"""The views as they stood at a moment, and what became otherwise between two; as the mirror knew it then.

What was changed here is known from the second it happened. What was changed outside is known from the sync that saw
it, except SQL that PostHog's log dates. Before the first sync nothing is known.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db.models import Exists, F, OuterRef, Q, Subquery

from warehouse_admin.core.digests import text_digest
from warehouse_admin.mirror import columns
from warehouse_admin.mirror.models import (
    ColumnsChange,
    FormerView,
    MirroredQuerySet,
    SavedQuery,
    SavedQueryVersion,
    SyncRun,
)

Origin = SavedQueryVersion.Origin
Former = dict[int, list[FormerView]]
Versions = dict[int, list[SavedQueryVersion]]
SHOWN = tuple(name for name in FormerView.FACTS if name != "deleted_at")


@dataclass(frozen=True)
class Stand:
    """What a view was like at a moment; `version` is None while its SQL was not read, or where PostHog has none."""

    view: SavedQuery
    existed: bool
    facts: dict[str, Any]
    version: SavedQueryVersion | None

    @property
    def name(self) -> str:
        return str(self.facts["name"])

    @property
    def query_hash(self) -> str:
        return self.version.query_hash if self.version else ""


@dataclass(frozen=True)
class Difference:
    """One view at two moments, with the edits of its SQL in between, newest first."""

    before: Stand
    after: Stand
    edits: list[SavedQueryVersion]

    @property
    def view(self) -> SavedQuery:
        return self.after.view

    @property
    def kind(self) -> str:
        """`added`, `removed`, `changed`, or `put_back`; `passing` for a view that came and went in between."""
        if not self.before.existed:
            return "added" if self.after.existed else "passing"
        if not self.after.existed:
            return "removed"
        return "changed" if self.edited or self.fields else "put_back"

    @property
    def edited(self) -> bool:
        """Whether its SQL is another one; not where one of the two was not read."""
        old, new = self.before.version, self.after.version
        return old is not None and new is not None and old.query_hash != new.query_hash

    @property
    def fields(self) -> dict[str, tuple[Any, Any]]:
        """What else differs: before and after, by name."""
        pairs = {name: (self.before.facts[name], self.after.facts[name]) for name in SHOWN}
        return {name: pair for name, pair in pairs.items() if _differ(name, *pair)}


def _differ(name: str, before: Any, after: Any) -> bool:
    return columns.differ(before, after) if name == "columns" else bool(before != after)


def known_from(slug: str = "") -> datetime | None:
    """When the first sync of a connection (of any, for "") ended well: of earlier moments nothing is known."""
    key = f"mirror.known_from.{text_digest(slug)}"
    if (known := cache.get(key)) is not None:
        return known  # it never changes again
    ended = SyncRun.objects.filter(state=SyncRun.State.SUCCEEDED)
    ended = ended.filter(connection__slug=slug) if slug else ended
    known = ended.order_by("finished_at").values_list("finished_at", flat=True).first()
    cache.set(key, known, 3600)
    return known


def existing_at(moment: datetime, slug: str = "") -> MirroredQuerySet:
    """The views that were there, in the order of the names that they have now."""
    former = FormerView.objects.filter(saved_query=OuterRef("pk"), until__gt=moment).order_by("until", "pk")
    rows = SavedQuery.objects.of(slug).filter(first_seen_at__lte=moment)
    rows = rows.annotate(then=Subquery(former.values("pk")[:1]), then_gone=Subquery(former.values("deleted_at")[:1]))
    still = Q(then=None) & (Q(deleted_at=None) | Q(deleted_at__gt=moment))
    was = Q(then__isnull=False, then_gone=None)
    return rows.filter(still | was).order_by("name", "pk")


def touched_between(start: datetime, end: datetime, slug: str = "") -> MirroredQuerySet:
    """The views of which anything became otherwise after `start` and up to `end`, perhaps there and back."""
    former = FormerView.objects.filter(saved_query=OuterRef("pk"), until__gt=start, until__lte=end)
    versions = SavedQueryVersion.objects.filter(saved_query=OuterRef("pk"), seen_at__gt=start, seen_at__lte=end)
    edited = Exists(versions.exclude(origin=Origin.FIRST_SEEN))
    came = Q(first_seen_at__gt=start, first_seen_at__lte=end)
    return SavedQuery.objects.of(slug).filter(came | Exists(former) | edited).order_by("name", "pk")


def stands(views: Iterable[SavedQuery], moment: datetime) -> dict[int, Stand]:
    """What each of these was like, by primary key; two queries."""
    views = list(views)
    former, versions = _former(views, moment), _versions(views, moment)
    return {view.pk: _stand(view, former, versions, moment) for view in views}


def differences(views: Iterable[SavedQuery], start: datetime, end: datetime) -> list[Difference]:
    """Each of these views at both moments, in the order given; two queries."""
    views = list(views)
    former, versions = _former(views, start, end), _versions(views, start, end)
    return [
        Difference(
            before=_stand(view, former, versions, start),
            after=_stand(view, former, versions, end),
            edits=[one for one in versions.get(view.pk, []) if one.origin != Origin.FIRST_SEEN and one.seen_at > start],
        )
        for view in views
    ]


def _stand(view: SavedQuery, former: Former, versions: Versions, moment: datetime) -> Stand:
    was = next((row for row in former.get(view.pk, []) if row.until > moment), None)
    version = next((one for one in versions.get(view.pk, []) if one.seen_at <= moment), None)
    source: FormerView | SavedQuery = was or view
    gone = source.deleted_at is not None and (was is not None or source.deleted_at <= moment)
    facts = {name: getattr(source, name) for name in SHOWN}
    return Stand(view, view.first_seen_at <= moment and not gone, facts, version)


def _former(views: list[SavedQuery], *moments: datetime) -> Former:
    """Of each view the row that tells of each moment, where there is one, oldest first."""
    own = FormerView.objects.filter(saved_query=OuterRef("saved_query")).order_by("until", "pk").values("pk")
    wanted = Q.create([("pk", Subquery(own.filter(until__gt=at)[:1])) for at in moments], connector=Q.OR)
    found: Former = {}
    for row in FormerView.objects.filter(wanted, saved_query__in=views).order_by("until", "pk"):
        found.setdefault(row.saved_query_id, []).append(row)
    return found


def _versions(views: list[SavedQuery], start: datetime, end: datetime | None = None) -> Versions:
    """Of each view the version of the moment and those that came up from then to `end`, newest first."""
    own = SavedQueryVersion.objects.filter(saved_query=OuterRef("saved_query"), seen_at__lte=start).order_by("-number")
    wanted = Q(pk=Subquery(own.values("pk")[:1])) | Q(seen_at__gt=start, seen_at__lte=end or start)
    rows = SavedQueryVersion.objects.filter(wanted, saved_query__in=views).order_by("-number")
    found: Versions = {}
    for row in rows.defer("query"):
        found.setdefault(row.saved_query_id, []).append(row)
    return found


def tables_changed(start: datetime, end: datetime, slug: str = "", among: Collection[int] | None = None) -> Any:
    """Times that columns of tables were found to be others in between, newest first."""
    rows = ColumnsChange.objects.filter(seen_at__gt=start, seen_at__lte=end).select_related("table")
    if slug:
        rows = rows.filter(table__connection__slug=slug)
    return (rows if among is None else rows.filter(table__in=among)).order_by(F("seen_at").desc(), "-pk")

"""One schedule as the page shows it, with all that a row tells; few queries for a whole page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, OuterRef, Q, Subquery, Window
from django.db.models.functions import Coalesce, RowNumber
from django.utils import timezone

from warehouse_admin.lineage.models import Edge
from warehouse_admin.mirror import hooks
from warehouse_admin.mirror.models import BEHIND, BROKEN, MirroredQuerySet, Run, SavedQuery, ScheduleState
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.schedules.models import Campaign, CampaignItem

ROOT = ("root_upstream__posthog_id", "root_upstream__name", "root_upstream__schedule_state")
SHOWN = (
    "posthog_id",
    "name",
    "sync_frequency",
    "last_cadence",
    "is_materialized",
    "last_run_at",
    "latest_error",
    "managed_viewset_kind",
    "origin",
    "suspended",
    "schedule_state",
    "schedule_evidence",
    "schedule_confidence",
    "schedule_confidence_reason",
    "schedule_since",
    "next_due_at",
    "cause",
    "cause_fingerprint",
    "edited_at",
    "edited_by",
    "created_by_email",
    "holds_up",
    *ROOT,
)
"""What the table, and the warnings before a resume, tell of a view itself."""
ACTS = {
    Mutation.Kind.RUN: "Run asked for",
    Mutation.Kind.CANCEL: "Run cancelled",
    Mutation.Kind.SET_CADENCE: "Cadence set",
    Mutation.Kind.MATERIALIZE: "Materialized",
}


@dataclass(frozen=True)
class Act:
    """The last thing that was done here to a schedule; a campaign has an outcome and a page of its own."""

    words: str
    by: str
    at: datetime
    outcome: str = ""
    campaign: Any = None
    detail: str = ""


@dataclass(frozen=True)
class Row:
    """One schedule as the table shows it."""

    view: SavedQuery
    last_act: Act | None = None

    @property
    def last_good(self) -> datetime | None:
        return self.view.last_good  # type: ignore[attr-defined]

    @property
    def downstream(self) -> int:
        return self.view.downstream  # type: ignore[attr-defined]

    @property
    def owner(self) -> str:
        """The user name of who answers for it; empty for nobody."""
        return self.view.owned_by  # type: ignore[attr-defined]

    @property
    def error(self) -> str:
        """The first line of what went wrong, bounded: PostHog's text, not markup."""
        return self.view.cause

    @property
    def is_broken(self) -> bool:
        return self.view.schedule_state in BROKEN

    @property
    def overdue_by(self) -> float | None:
        """Seconds since a run was due that has not come; None where none is missing."""
        due = self.view.next_due_at
        late = (timezone.now() - due).total_seconds() if due is not None else 0
        return late if self.view.schedule_state in BEHIND and late > 0 else None

    @property
    def changed_since(self) -> bool:
        """Whether its SQL was edited after the run that failed or the suspension: it may succeed now."""
        view = self.view
        moments = [view.last_run_at, view.schedule_since if view.schedule_state == ScheduleState.SUSPENDED else None]
        broke = max((moment for moment in moments if moment), default=None)
        return view.edited_at is not None and (broke is None or view.edited_at >= broke)

    @property
    def unchanged_since_failure(self) -> bool:
        """Whether it failed and nobody edited it since: it will most likely fail again."""
        return self.is_broken and not self.changed_since


def rows_of(keys: Sequence[int], *, with_acts: bool = True) -> list[Row]:
    """Everything the table shows about these views, in this order; three queries at most, one without last acts."""
    if not keys:
        return []
    found: dict[int, Any] = {view.pk: view for view in _decorated(SavedQuery.objects.filter(pk__among=keys))}
    if not with_acts:
        return [Row(found[key]) for key in keys if key in found]
    resumed = _in_campaigns([view.last_item for view in found.values() if view.last_item])
    acted = _last_acts([str(view.posthog_id) for view in found.values()])
    return [_row(found[key], resumed.get(key), acted) for key in keys if key in found]


def plain_rows_of(keys: Sequence[int]) -> list[Row]:
    """The same without what only the table tells; one query."""
    views = SavedQuery.objects.filter(pk__in=keys).select_related("root_upstream").only(*SHOWN)
    found = {view.pk: view for view in views}
    return [Row(found[key]) for key in keys if key in found]


def _row(view: Any, resumed: Act | None, acted: dict[str, Act]) -> Row:
    acts = [act for act in (resumed, acted.get(str(view.posthog_id))) if act is not None]
    return Row(view, max(acts, key=lambda act: act.at, default=None))


def _decorated(views: MirroredQuerySet) -> MirroredQuerySet:
    me = OuterRef("pk")
    good = Run.objects.filter(saved_query=me, status="Completed").order_by("-started_at")
    readers = Edge.objects.filter(upstream_view=me).order_by().values("upstream_view").annotate(n=Count("pk"))
    items = CampaignItem.objects.filter(saved_query=me).order_by("-pk")
    return (
        hooks.with_owner_name(views, "owned_by")
        .select_related("root_upstream")
        .only(*SHOWN)
        .annotate(
            last_good=Subquery(good.values("started_at")[:1]),
            downstream=Coalesce(Subquery(readers.values("n")[:1]), 0),
            last_item=Subquery(items.values("pk")[:1]),
        )
    )


def _last_acts(ids: Sequence[str]) -> dict[str, Act]:
    """The newest act on each of these remote ids that really reached PostHog, or may have."""
    alone = Q(cause="schedules") | Q(cause__startswith="change:")  # what a campaign did is told with its outcome
    done = Mutation.objects.filter(alone, object_id__among=ids, kind__in=list(ACTS), sent_at__isnull=False)
    place = Window(RowNumber(), partition_by="object_id", order_by="-asked_at")
    newest = done.annotate(place=place).filter(place=1).values_list("object_id", "kind", "actor__username", "asked_at")
    return {key: Act(ACTS[Mutation.Kind(kind)], by or "", at) for key, kind, by, at in newest}


def _in_campaigns(keys: Sequence[int]) -> dict[int, Act]:
    """What the newest campaign of each view did to it, by the view."""
    items = CampaignItem.objects.filter(pk__among=keys) if keys else CampaignItem.objects.none()
    of_item = ("saved_query", "outcome", "detail")
    of_campaign = ("campaign__action", "campaign__started_by__username", "campaign__created_at", "campaign")
    return {
        view: Act(Campaign.Action(action).label, by or "system", at, outcome, campaign, detail)
        for view, outcome, detail, action, by, at, campaign in items.values_list(*of_item, *of_campaign)
    }

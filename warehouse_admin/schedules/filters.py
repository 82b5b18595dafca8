"""What the schedules page is asked to show; all of it comes from the URL and goes back into it."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import BigIntegerField, Case, CharField, F, Q, When
from django.db.models.functions import Coalesce
from django.http import QueryDict

from warehouse_admin.core.searching import every_word
from warehouse_admin.mirror import hooks
from warehouse_admin.mirror.models import BROKEN, Confidence, MirroredQuerySet, SavedQuery, ScheduleState
from warehouse_admin.schedules.waking_week import waking_soon

SORTS = {
    "name": ("name", "pk"),
    "state": ("schedule_state", "name", "pk"),
    "cadence": ("sync_frequency", "name", "pk"),
    "last_run": ("last_run_at", "name", "pk"),
    "due": ("next_due_at", "name", "pk"),
    "waiting": ("holds_up", "name", "pk"),
    "lineage": ("lineage_depth", "name", "pk"),
}
STOOD_STILL = (ScheduleState.SUSPENDED, ScheduleState.PAUSED, ScheduleState.FAILING, ScheduleState.OVERDUE)
EDITED_SINCE = (
    Q(edited_at__isnull=False)
    & (Q(last_run_at=None) | Q(edited_at__gte=F("last_run_at")))
    & (~Q(schedule_state=ScheduleState.SUSPENDED) | Q(schedule_since=None) | Q(edited_at__gte=F("schedule_since")))
)
"""The SQL was edited after the run that failed, or after the suspension; as `rows.Row.changed_since` has it."""
CHANGED = {
    "yes": ("Since it broke", Q(schedule_state__in=BROKEN) & EDITED_SINCE),
    "no": ("Not since it broke", Q(schedule_state__in=BROKEN) & ~EDITED_SINCE),
}
TABLE, GRID = "table", "grid"
LAST_EDITOR = Case(When(edited_by__gt="", then=F("edited_by")), default=F("created_by_email"), output_field=CharField())
"""Whoever edited it last, else who made it: the one to ask about a view that nobody owns."""
IS_ROOT = Case(When(holds_up__gt=0, then=F("pk")), default=None, output_field=BigIntegerField())


ROOT = Coalesce(F("root_upstream"), IS_ROOT, output_field=BigIntegerField())


@dataclass(frozen=True)
class Grouping:
    """What rows can be put together by: what gives them their `group_key`, and the key of those that have none."""

    label: str
    keyed: Callable[[MirroredQuerySet], MirroredQuerySet]
    none: Any = ""


GROUPS = {
    "cause": Grouping("Cause", lambda rows: rows.annotate(group_key=F("cause_fingerprint"))),
    "root": Grouping("Root upstream", lambda rows: rows.annotate(group_key=ROOT), none=None),
    "owner": Grouping("Owner", lambda rows: hooks.with_owner_name(rows, "group_key")),
    "editor": Grouping("Last editor", lambda rows: rows.annotate(group_key=LAST_EDITOR)),
}


@dataclass(frozen=True)
class Filters:
    """One reading of the query string; anything unknown in it is left out."""

    states: tuple[str, ...] = ()
    search: str = ""
    cadence: str = ""
    connection: str = ""
    confidence: str = ""
    cause: str = ""
    root: uuid.UUID | None = None
    owner: str = ""
    editor: str = ""
    waking: bool = False
    changed: str = ""
    sort: str = "name"
    group: str = ""
    layout: str = TABLE

    @classmethod
    def parse(cls, query: QueryDict) -> Filters:
        wanted = [state for state in query.getlist("state") if state in ScheduleState.values]
        if query.get("state") == "broken":
            wanted = list(STOOD_STILL)
        layout = GRID if query.get("layout") == GRID else TABLE
        return cls(
            states=tuple(dict.fromkeys(wanted)),
            search=_text(query.get("q", "")),
            cadence=_text(query.get("cadence", "")),
            connection=_text(query.get("connection", "")),
            confidence=_known(query.get("confidence", ""), Confidence.values),
            cause=_text(query.get("cause", ""))[:16],
            root=_uuid(query.get("root", "")),
            owner=_text(query.get("owner", "")),
            editor=_text(query.get("editor", "")),
            waking=query.get("wakes") == "week",
            changed=_known(query.get("changed", ""), CHANGED),
            sort=_sort(query.get("sort", ""), "lineage" if layout == GRID else "name"),
            group=_known(query.get("group", ""), GROUPS),
            layout=layout,
        )

    @property
    def any_set(self) -> bool:
        return bool(self.states or self.search or self.cadence or self.changed or self.narrowed)

    @property
    def narrowed(self) -> bool:
        """Whether it is limited in a way that neither tiles nor the search box show."""
        return bool(self.confidence or self.cause or self.root or self.owner or self.editor or self.waking)

    def apply(self, rows: MirroredQuerySet, *, with_states: bool = True) -> MirroredQuerySet:
        rows = rows.of(self.connection)
        if self.search:
            rows = rows.filter(every_word(self.search, "name", "latest_error"))
        if self.cadence:
            rows = rows.filter(sync_frequency="" if self.cadence == "none" else self.cadence)
        if self.confidence:
            rows = rows.filter(schedule_confidence=self.confidence)
        if self.cause:
            rows = rows.filter(cause_fingerprint=self.cause)
        if self.root:
            rows = rows.filter(Q(root_upstream__posthog_id=self.root) | Q(posthog_id=self.root))
        if self.owner:
            rows = rows.filter(pk__in=hooks.owned_by(self.owner))
        if self.editor:
            rows = rows.alias(last_editor=LAST_EDITOR).filter(last_editor=self.editor)
        if self.changed:
            rows = rows.filter(CHANGED[self.changed][1])
        if self.waking:
            rows = rows.filter(pk__in=waking_soon())
        if with_states and self.states:
            rows = rows.filter(schedule_state__in=self.states)
        return rows

    def order(self) -> list[Any]:
        """What to order by; the direction turns the first one only, so that names stay readable."""
        first, *rest = SORTS[self.sort.removeprefix("-")]
        if first == "name":
            return ["-name" if self.sort.startswith("-") else "name", *rest]
        field = F(first)
        return [field.desc(nulls_last=True) if self.sort.startswith("-") else field.asc(nulls_last=True), *rest]


def _text(value: str) -> str:
    return value.replace("\x00", "").strip()[:200]


def _known(value: str, values: Any) -> str:
    return value if value in values else ""


def _sort(value: str, otherwise: str) -> str:
    return value if value.removeprefix("-") in SORTS else otherwise


def _uuid(value: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(value)
    except ValueError:
        return None


def schedules() -> MirroredQuerySet:
    """Every view that has, or had and lost, a schedule: the materialized ones."""
    return SavedQuery.objects.present().filter(is_materialized=True)

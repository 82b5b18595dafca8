"""What the schedules page is asked to show; all of it comes from the URL and goes back into it."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import QueryDict

from warehouse_admin.core.searching import every_word
from warehouse_admin.mirror.models import MirroredQuerySet, SavedQuery, ScheduleState

SORTS = {
    "name": ("name", "pk"),
    "state": ("schedule_state", "name", "pk"),
    "cadence": ("sync_frequency", "name", "pk"),
    "last_run": ("last_run_at", "name", "pk"),
}
BROKEN = (ScheduleState.SUSPENDED, ScheduleState.PAUSED, ScheduleState.FAILING, ScheduleState.OVERDUE)


@dataclass(frozen=True)
class Filters:
    """One reading of the query string; anything unknown in it is left out."""

    states: tuple[str, ...] = ()
    search: str = ""
    cadence: str = ""
    connection: str = ""
    sort: str = "name"

    @classmethod
    def parse(cls, query: QueryDict) -> Filters:
        wanted = [state for state in query.getlist("state") if state in ScheduleState.values]
        if query.get("state") == "broken":
            wanted = list(BROKEN)
        sort = query.get("sort", "")
        return cls(
            states=tuple(dict.fromkeys(wanted)),
            search=_text(query.get("q", "")),
            cadence=_text(query.get("cadence", "")),
            connection=_text(query.get("connection", "")),
            sort=sort if sort.removeprefix("-") in SORTS else "name",
        )

    @property
    def any_set(self) -> bool:
        return bool(self.states or self.search or self.cadence)

    def apply(self, rows: MirroredQuerySet, *, with_states: bool = True) -> MirroredQuerySet:
        rows = rows.of(self.connection)
        if self.search:
            rows = rows.filter(every_word(self.search, "name", "latest_error"))
        if self.cadence:
            rows = rows.filter(sync_frequency="" if self.cadence == "none" else self.cadence)
        if with_states and self.states:
            rows = rows.filter(schedule_state__in=self.states)
        return rows

    def order(self) -> list[str]:
        """Fields to order by; the direction turns the first one only, so that names stay readable."""
        first, *rest = SORTS[self.sort.removeprefix("-")]
        return [f"-{first}" if self.sort.startswith("-") else first, *rest]


def _text(value: str) -> str:
    return value.replace("\x00", "").strip()[:200]


def schedules() -> MirroredQuerySet:
    """Every view that has, or had and lost, a schedule: the materialized ones."""
    return SavedQuery.objects.present().filter(is_materialized=True)

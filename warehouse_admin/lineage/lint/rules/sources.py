"""What a query reads, and how that fares."""

from __future__ import annotations

from collections.abc import Iterable

from warehouse_admin.lineage.lint.base import Found, Rule, Subject
from warehouse_admin.mirror.models import BROKEN, SavedQuery, WarehouseTable


class UnhealthySource(Rule):
    id = "unhealthy-source"
    title = "A source that is broken, hidden or gone"
    why = (
        "A materialized view that fails or is suspended keeps its old rows, and whoever reads it gets them without a "
        "word. One that is hidden or deleted in PostHog may be gone at the next run."
    )
    bad = "SELECT company_id, health\nFROM int_account_health  -- suspended since Monday"
    good = "SELECT company_id, health\nFROM int_account_health  -- mended, and resumed"
    limits = (
        "It knows what the mirror knows: views that are suspended, failing, hidden or deleted. Of trust other rules "
        "speak; and it looks no further than what the query itself reads."
    )

    def look(self, subject: Subject) -> Iterable[Found]:
        if not subject.sources:
            return
        told = _told(subject, set(subject.sources))
        for name, place in subject.sources.items():
            if name in told:
                yield Found(place, told[name])


def _told(subject: Subject, wanted: set[str]) -> dict[str, str]:
    """A sentence for each name that is not well; at most two queries."""
    fields = ("name", "deleted_at", "hidden_at", "schedule_state", "cause")
    views = SavedQuery.objects.filter(connection=subject.connection, name__in=wanted)
    found: dict[str, str] = {}
    present: set[str] = set()
    gone: set[str] = set()
    for name, deleted_at, hidden_at, state, cause in views.values_list(*fields):
        if deleted_at is not None:
            gone.add(name)
            continue
        present.add(name)
        if hidden_at is not None:
            found[name] = f"{name} is hidden in PostHog, which lists it no more. Read something else."
        elif state in BROKEN:
            word = "suspended" if state == "suspended" else "failing"
            because = f": {cause.rstrip('.')}" if cause else ""
            found[name] = f"{name} is {word}{because}. Its rows are old; mend it first, or read something else."
    if lost := gone - present:
        tables_there = WarehouseTable.objects.present().filter(connection=subject.connection, name__in=lost)
        for name in lost - set(tables_there.values_list("name", flat=True)):
            found[name] = f"The view {name} was deleted in PostHog. Read something else."
    return found

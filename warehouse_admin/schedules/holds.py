"""Pauses that people asked for here, as the mirror's states and the list of pauses show them."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Exists, F, OuterRef, QuerySet

from warehouse_admin.accounts.models import Connection
from warehouse_admin.core.errors import Missing
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mirror.own_acts import OwnPause
from warehouse_admin.schedules.models import Hold


def own_pauses(keys: Sequence[int]) -> dict[int, OwnPause]:
    """The open pauses of these views, by primary key, in one query."""
    rows = Hold.objects.filter(saved_query__pk__among=keys, ended_at=None).select_related("by")
    return {
        hold.saved_query_id: OwnPause(hold.at, hold.until, hold.by_name, hold.reason, hold.trouble) for hold in rows
    }


def open_holds(connection: str = "", *, needing_a_person: bool = False) -> QuerySet[Hold]:
    """Pauses in force: those that need a person first, then by when they wake up."""
    rows = Hold.objects.filter(ended_at=None, saved_query__deleted_at=None)
    if connection:
        rows = rows.filter(saved_query__connection__slug=connection)
    if needing_a_person:
        rows = rows.filter(needs_person_at__isnull=False)
    order = (F("needs_person_at").asc(nulls_last=True), F("until").asc(nulls_last=True), "pk")
    rows = rows.select_related("saved_query__connection", "by", "wake").order_by(*order)
    return rows.defer("saved_query__query", "saved_query__columns", "saved_query__connection__api_key")


def hold_by_id(key: int) -> Hold:
    """One pause, also one that has ended; Missing when there is none."""
    found = Hold.objects.select_related("saved_query__connection", "by", "ended_by", "wake").filter(pk=key).first()
    if found is None:
        raise Missing("There is no such pause.")
    return found


def open_hold_of(view: SavedQuery) -> Hold:
    """The pause in force of a view; Missing when it is not paused here."""
    found = open_holds().filter(saved_query=view).first()
    if found is None:
        raise Missing("No pause of this view is in force here.")
    return found


def not_woken(connections: QuerySet[Connection]) -> QuerySet[Connection]:
    """The same connections, each with whether one of its pauses needs a person (`not_woken`)."""
    theirs = Hold.objects.filter(saved_query__connection=OuterRef("pk"), ended_at=None, saved_query__deleted_at=None)
    return connections.annotate(not_woken=Exists(theirs.filter(needs_person_at__isnull=False)))


def calls_for_people() -> dict[int, dict[str, str]]:
    """By view: the pauses whose wake-up failed for good, as the inbox tells of them."""
    return {
        hold.saved_query_id: {
            "due": hold.until.isoformat() if hold.until else "",
            "since": hold.needs_person_at.isoformat() if hold.needs_person_at else "",
            "paused by": hold.by_name,
            "why": hold.wake_error,
        }
        for hold in open_holds(needing_a_person=True)
    }

"""Reads for the inbox; the number of queries never depends on the number of entries."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.core.cache import cache
from django.core.paginator import Page
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import JSONObject

from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.selectors import CONNECTION_UNREAD
from warehouse_admin.activity.assigning import assignable
from warehouse_admin.activity.filters import FOLDERS, OUTSIDE, WAITING, Filters, folder_conditions
from warehouse_admin.activity.models import ActivityEntry, Question
from warehouse_admin.core.counts import Counting, Tally, count_all
from warehouse_admin.core.paging import CountedPaginator

PAGE_SIZE = 50
UNREAD = (
    *CONNECTION_UNREAD,
    *("mutation__base", "mutation__payload", "mutation__before", "mutation__after", "mutation__remote"),
    *("saved_query__query", "saved_query__columns"),
)
HEAVY = ("before", "after")
"""What only the page of one entry shows."""

PEOPLE, MOST_PEOPLE = "activity.people", 500
LAST_QUESTION = Subquery(
    Question.objects.filter(entry=OuterRef("pk"))
    .order_by("-asked_at", "-pk")
    .values(
        found=JSONObject(
            text="text",
            by="asked_by__username",
            to="addressed_to",
            person="person_id",
            answer="answer",
            answered_by="answered_by__username",
        )
    )[:1]
)
"""What was asked last about an entry, and what came back, without a query of its own."""
LISTED = (
    *("source", "kind", "object_name", "author", "occurred_at", "note", "outcome", "known_only_here", "teaser"),
    *("needs_review", "verdict", "asked_at", "was_asked", "assignee", "saved_query", "reviewed_by", "remote_activity"),
    *("observation", "mutation__state", "mutation__cause"),
)
"""What a line of the list tells, and what the pane beside it has to join."""
IN_PANE_FROM = ("saved_query", "mutation", "reviewed_by", "assignee", "remote_activity", "observation")
IN_PANE = (
    *("source", "kind", "object_name", "author", *HEAVY, "occurred_at"),
    *("needs_review", "verdict", "note", "reviewed_at", "reviewed_by__username", "mutation__cause"),
    *("outcome", "known_only_here", "assignee__username", "snoozed_until", "asked_at", "revert_number"),
    *("remote_activity__created_at", "remote_activity__user_email", "remote_activity__user_name"),
    *("remote_activity__is_system", "observation__seen_at", "mutation__state", "mutation__sent_at"),
    *("mutation__asked_at", "connection"),
    *("saved_query__name", "saved_query__posthog_id", "saved_query__deleted_at"),
    *("saved_query__managed_viewset_kind", "saved_query__origin"),
)


@dataclass(frozen=True)
class Folder:
    """A saved filter with the number of entries in it."""

    name: str
    label: str
    icon: str
    count: int
    active: bool


def unreviewed_count() -> int:
    """Entries that wait for a person."""
    return count_all(counting_unreviewed())[0]


@lru_cache
def counting_unreviewed() -> Counting:
    """How to count them, written once: every page does."""
    return Counting.of(ActivityEntry.objects.filter(WAITING))


def folders(filters: Filters, user: User) -> list[Folder]:
    """Every folder of this person, counted under the other filters; one query."""
    counts = _tally(user.pk).count(filters.narrow(ActivityEntry.objects.all()))
    return [
        Folder(name, label, icon, count, name == filters.folder)
        for (name, (label, icon)), count in zip(FOLDERS.items(), counts, strict=True)
    ]


@lru_cache
def _tally(person: int) -> Tally:
    """How to count somebody's folders."""
    conditions = folder_conditions(person)
    return Tally.of(ActivityEntry, [conditions[name] for name in FOLDERS])


def related(rows: QuerySet[ActivityEntry]) -> QuerySet[ActivityEntry]:
    return rows.select_related("saved_query", "connection", "mutation", "reviewed_by", "assignee").defer(*UNREAD)


def entry_page(filters: Filters, user: User, total: int, number: Any) -> Page:
    """One page of the list, newest first, with what a sentence tells, `total` counted by the folders; one query."""
    found = filters.apply(ActivityEntry.objects.select_related("mutation"), user)
    rows = found.annotate(assignee_name=F("assignee__username")).only(*LISTED)
    page = CountedPaginator(rows.order_by("-occurred_at", "-pk"), PAGE_SIZE, total).get_page(number)
    page.object_list = list(page.object_list)
    return page


def entry(pk: int) -> ActivityEntry | None:
    evidence = ("remote_activity", "observation")
    rows = related(ActivityEntry.objects.filter(pk=pk)).select_related(*evidence)
    unread = (*UNREAD, "remote_activity__detail", "observation__before", "observation__after")
    return rows.annotate(last_question=LAST_QUESTION).defer(*unread).first()


def last_outside() -> ActivityEntry | None:
    """The newest outside change, whoever dealt with it; for an inbox that is empty."""
    rows = ActivityEntry.objects.filter(OUTSIDE, needs_review=True).select_related("reviewed_by")
    return rows.defer(*HEAVY).order_by("-occurred_at", "-pk").first()


def people() -> list[str]:
    """The user names of those to whom an entry can be given; looked up again after a minute."""
    names: list[str] | None = cache.get(PEOPLE)
    if names is None:
        names = list(assignable().values_list("username", flat=True)[:MOST_PEOPLE])
        cache.set(PEOPLE, names, 60)
    return names


def entry_in_pane(pk: int, listed: ActivityEntry | None = None) -> ActivityEntry | None:
    """One entry with what the reading pane beside the list tells, and no more: the list is asked for at each key.

    `listed` is the same entry as the list has it: what that links to is joined, and nothing else.
    """
    links = [name for name in IN_PANE_FROM if listed is None or getattr(listed, f"{name}_id") is not None]
    rows = ActivityEntry.objects.filter(pk=pk).only(*IN_PANE)
    if listed is None or listed.was_asked:
        rows = rows.annotate(last_question=LAST_QUESTION)
    return (rows.select_related(*links) if links else rows).first()


def entries_of_view(posthog_id: uuid.UUID) -> QuerySet[ActivityEntry]:
    """What happened to one view, newest first."""
    rows = related(ActivityEntry.objects.filter(saved_query__posthog_id=posthog_id))
    return rows.defer(*HEAVY).order_by("-occurred_at", "-pk")

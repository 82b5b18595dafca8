"""What the pages and the API read of the changes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from uuid import UUID

from django.db.models import Count, Exists, F, IntegerField, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.policies import allows
from warehouse_admin.accounts.roles import APPLY, CLOSE, REVIEW
from warehouse_admin.accounts.selectors import CONNECTION_UNREAD
from warehouse_admin.changes.models import ChangeEvent, ChangeRequest, Revision, Vote
from warehouse_admin.core.errors import Missing
from warehouse_admin.core.searching import mentioned
from warehouse_admin.mirror.models import SavedQuery

State = ChangeRequest.State

SORTS = {
    "updated": "state_changed_at",
    "number": "pk",
    "view": "saved_query__name",
    "author": "author__username",
    "state": "state",
}
TABS = ("my-turn", "mine", "open", "closed", "all")
_AUTHORS_TURN = (State.CHANGES_REQUESTED, State.NEEDS_REBASE, State.FAILED)
_ANYBODYS_TURN = (*_AUTHORS_TURN, State.IN_REVIEW, State.APPROVED)


def visible_to(user: User) -> QuerySet[ChangeRequest]:
    """Drafts are their author's business, and that of whoever may close anybody's change."""
    if allows(user, CLOSE):
        return ChangeRequest.objects.all()
    return ChangeRequest.objects.exclude(Q(state=State.DRAFT) & ~Q(author=user))


def my_turn(user: User) -> QuerySet[ChangeRequest]:
    """Changes that wait for something this person can do."""
    mine = Q(author=user, state__in=_AUTHORS_TURN)
    if allows(user, REVIEW):
        voted = Vote.objects.filter(change=OuterRef("pk"), voter=user, voided_at=None)
        mine |= Q(~Exists(voted), state=State.IN_REVIEW) & ~Q(author=user)
    if allows(user, APPLY):
        by_hand = Q(connection__apply_policy=Connection.ApplyPolicy.MANUAL) | Q(attempts__gt=0)
        by_hand |= Q(scheduled_for__isnull=False)
        mine |= Q(state=State.APPROVED) & by_hand | Q(state=State.FAILED)
    # Said once more, so that the index on the state leaves unread what is closed: most changes are.
    return ChangeRequest.objects.filter(mine, state__in=_ANYBODYS_TURN)


def my_turn_count(user: User) -> int:
    return my_turn(user).count()


def change_list(user: User, params: Mapping[str, str]) -> QuerySet[ChangeRequest]:
    """Changes as the list shows them. `params`: tab, q, state, author, saved_query, connection, sort."""
    found = _of_tab(user, params.get("tab") or "all")
    found = _filtered(found, params)
    if text := (params.get("q") or "").strip()[:500]:
        found = found.filter(_matches(text))
    approvals = Vote.objects.filter(change=OuterRef("pk"), voided_at=None, verdict=Vote.Verdict.APPROVE)
    counted = approvals.order_by().values("change").annotate(n=Count("pk")).values("n")
    found = found.annotate(approvals=Coalesce(Subquery(counted, output_field=IntegerField()), 0))
    shown = found.select_related("saved_query", "author", "connection")
    shown = shown.defer("remote", "saved_query__query", "saved_query__columns", *CONNECTION_UNREAD)
    return shown.order_by(*_order(params))


def tab_counts(user: User) -> dict[str, int]:
    """How many changes each tab holds but "my turn", in one query."""
    closed = Q(state__in=ChangeRequest.CLOSED)
    return visible_to(user).aggregate(
        mine=Count("pk", filter=Q(author=user) & ~closed),
        open=Count("pk", filter=~closed),
        closed=Count("pk", filter=closed),
        all=Count("pk"),
    )


def detail(number: int, user: User | None = None) -> ChangeRequest:
    """One change with what its page needs; Missing when there is none, or none for this person."""
    rows = ChangeRequest.objects.all() if user is None else visible_to(user)
    related = (
        "saved_query",
        "saved_query__connection",
        "author",
        "connection",
        "mutation",
        "rolls_back",
        "apply_asked_by",
    )
    found = rows.select_related(*related).filter(pk=number).first()
    if found is None:
        raise Missing(f"There is no change #{number}.")
    return found


def revision(change: ChangeRequest, number: int | None = None) -> Revision:
    """One revision of a change, by default the newest."""
    wanted = change.revision_number if number is None else number
    for known in change.prefetched("revisions") or []:
        if known.number == wanted:
            return known
    found = Revision.objects.select_related("editor").filter(change=change, number=wanted).first()
    if found is None:
        raise Missing(f"#{change.pk} has no revision {wanted}.")
    return found


def with_all_shown(changes: QuerySet[ChangeRequest]) -> QuerySet[ChangeRequest]:
    """Changes with all that `presenters.detail_dict` tells of them, in a fixed number of queries."""
    current = Revision.objects.filter(number=F("change__revision_number")).select_related("editor")
    votes = Vote.objects.select_related("voter", "revision").defer("revision__base", "revision__proposal")
    return changes.prefetch_related(
        Prefetch("revisions", current),
        Prefetch("votes", votes.prefetch_related("voter__groups")),
        Prefetch("events", ChangeEvent.objects.select_related("actor")),
        Prefetch("rollbacks", ChangeRequest.objects.only("rolls_back").order_by("pk")),
    )


def others_open(saved_query: SavedQuery, *, besides: ChangeRequest | None = None) -> QuerySet[ChangeRequest]:
    """Submitted changes of a view that are not closed."""
    found = ChangeRequest.objects.filter(saved_query=saved_query).exclude(
        state__in=(*ChangeRequest.CLOSED, State.DRAFT)
    )
    return found.exclude(pk=besides.pk if besides else 0).select_related("author").order_by("pk")


def open_by_view(views: Iterable[SavedQuery]) -> dict[int, ChangeRequest]:
    """The newest open change of each view that has one, by the view's primary key; drafts stay private."""
    hidden = (*ChangeRequest.CLOSED, ChangeRequest.State.DRAFT)
    found = ChangeRequest.objects.filter(saved_query__in=[view.pk for view in views]).exclude(state__in=hidden)
    return {change.saved_query_id: change for change in found.only("saved_query", "state").order_by("pk")}


def own_draft(user: User, saved_query: SavedQuery) -> ChangeRequest | None:
    """The newest draft this person has for a view."""
    drafts = ChangeRequest.objects.filter(author=user, saved_query=saved_query, state=State.DRAFT)
    return drafts.order_by("-pk").first()


def _of_tab(user: User, tab: str) -> QuerySet[ChangeRequest]:
    if tab == "my-turn":
        return my_turn(user)
    found = visible_to(user)
    closed = Q(state__in=ChangeRequest.CLOSED)
    if tab == "mine":
        return found.filter(author=user).exclude(closed)
    if tab == "open":
        return found.exclude(closed)
    return found.filter(closed) if tab == "closed" else found


def _filtered(found: QuerySet[ChangeRequest], params: Mapping[str, str]) -> QuerySet[ChangeRequest]:
    plain = {
        "state": "state",
        "author": "author__username",
        "connection": "connection__slug",
        "action": "action",
    }
    for name, lookup in plain.items():
        if value := params.get(name):
            found = found.filter(**{lookup: value})
    if view := params.get("saved_query"):
        found = found.filter(saved_query__posthog_id=view) if _is_uuid(str(view)) else found.none()
    return found


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _matches(text: str) -> Q:
    # Names are looked for in their own tables first: joined, each would be fetched and compared once for each change.
    views = SavedQuery.objects.filter(mentioned(text, "name")).values("pk")
    people = User.objects.filter(mentioned(text, "username")).values("pk")
    match = Q(saved_query__in=views) | mentioned(text, "reason") | Q(author__in=people)
    number = text.removeprefix("#")
    return match | Q(pk=int(number)) if re.fullmatch(r"[0-9]{1,15}", number) else match


def _order(params: Mapping[str, str]) -> list[str]:
    wanted = params.get("sort") or ("updated" if params.get("tab") == "my-turn" else "-updated")
    field = SORTS.get(wanted.removeprefix("-"), "state_changed_at")
    sign = "-" if wanted.startswith("-") else ""
    return [f"{sign}{field}", f"{sign}pk"]

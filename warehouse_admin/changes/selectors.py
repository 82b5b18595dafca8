"""What the pages and the API read of the changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from django.db.models import (
    Case,
    Count,
    Exists,
    F,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    When,
    prefetch_related_objects,
)
from django.db.models.functions import Coalesce
from django.utils.functional import SimpleLazyObject

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.policies import allows
from warehouse_admin.accounts.roles import CLOSE
from warehouse_admin.accounts.selectors import CONNECTION_UNREAD
from warehouse_admin.changes import keys, policies, searching, votes
from warehouse_admin.changes.models import (
    ChangeEvent,
    ChangeRequest,
    CoAuthor,
    Credit,
    Item,
    Look,
    Revision,
    Thread,
    Vote,
)
from warehouse_admin.changes.turns import my_turn
from warehouse_admin.core.errors import Missing
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable

State = ChangeRequest.State

SORTS = {
    "updated": "state_changed_at",
    "number": "pk",
    "view": "object_name",
    "author": "author__username",
    "state": "state",
}
TABS: dict[str, tuple[State, ...] | None] = {  # by the states that each holds, where that is all there is to it
    "my-turn": None,
    "mine": None,
    "open": None,
    "scheduled": (State.SCHEDULED,),
    "needs-rebase": (State.NEEDS_REBASE,),
    "unconfirmed": (State.UNCONFIRMED,),
    "closed": ChangeRequest.CLOSED,
    "all": None,
}
_FOUND = Subquery(Look.objects.filter(revision=OuterRef("revision")).order_by("-pk").values("found")[:1])
_SHARED = Exists(CoAuthor.objects.filter(change=OuterRef("pk")))
_CREDITED = Exists(Credit.objects.filter(revision__change=OuterRef("pk")))
_OPEN_THREADS = Thread.objects.filter(change=OuterRef("pk"), resolved_at=None).order_by()
_UNRESOLVED = Coalesce(Subquery(_OPEN_THREADS.values("change").annotate(number=Count("pk")).values("number")), 0)
_UNSEEN = (*ChangeRequest.CLOSED, State.DRAFT)  # a draft is its authors' business, and what is closed stands in no way
_SAME_OBJECT = Q(saved_query=OuterRef("saved_query")) | Q(table=OuterRef("table"))
_RIVALS = ChangeRequest.objects.filter(_SAME_OBJECT).exclude(state__in=_UNSEEN)
_HAS_RIVALS = Exists(_RIVALS.exclude(pk=OuterRef("pk")))
_UNREAD_OF_PERSON = ("password", "email", "last_login", "date_joined")
_UNREAD_OF_AUTHOR = tuple(f"author__{name}" for name in _UNREAD_OF_PERSON)
_UNREAD_OF_VOTER = tuple(f"voter__{name}" for name in _UNREAD_OF_PERSON)
_READ_OF_VIEW = {"id", "name", "posthog_id", "managed_viewset_kind", "origin", "deleted_at"}
_UNREAD_OF_VIEW = tuple(
    f"saved_query__{field.name}" for field in SavedQuery._meta.concrete_fields if field.name not in _READ_OF_VIEW
)


def visible_to(user: User) -> QuerySet[ChangeRequest]:
    """Drafts are the business of those who write them, and of whoever may close anybody's change."""
    if allows(user, CLOSE):
        return ChangeRequest.objects.all()
    return ChangeRequest.objects.exclude(Q(state=State.DRAFT) & ~policies.written_by(user))


def change_list(user: User, params: Mapping[str, str]) -> QuerySet[ChangeRequest]:
    """Changes as the list shows them. `params`: tab, q, state, author, action, saved_query, connection, sort."""
    found = _filtered(_of_tab(user, params.get("tab") or "all"), params)
    found = found.filter(searching.parse(params.get("q") or "", user).condition)
    shown = found.select_related("saved_query", "table", "author", "connection")
    shown = shown.defer("remote", "table__columns", *_UNREAD_OF_VIEW, *_UNREAD_OF_AUTHOR, *CONNECTION_UNREAD)
    shown = shown.annotate(is_credited=_CREDITED, unresolved=_UNRESOLVED)
    return shown.order_by(*_order(params))


def tab_counts(user: User) -> dict[str, int]:
    """How many changes each tab holds but "my turn", in one query."""
    written = Count("pk", filter=policies.written_by(user))
    rows = visible_to(user).values("state").annotate(count=Count("pk"), written=written).order_by()
    of_states = {row["state"]: row["count"] for row in rows}
    counts = {tab: sum(of_states.get(state, 0) for state in states) for tab, states in TABS.items() if states}
    total = sum(of_states.values())
    mine = sum(row["written"] for row in rows if row["state"] not in ChangeRequest.CLOSED)
    return counts | {"mine": mine, "open": total - counts["closed"], "all": total}


def detail(number: int, user: User | None = None) -> ChangeRequest:
    """One change with what its page needs; Missing when there is none, or none for this person."""
    rows = ChangeRequest.objects.all() if user is None else visible_to(user)
    related = (
        "saved_query",
        "saved_query__connection",
        "table",
        "table__connection",
        "author",
        "connection",
        "mutation",
        "rolls_back",
        "apply_asked_by",
    )
    told = rows.select_related(*related).annotate(
        is_shared=_SHARED,
        has_rivals=_HAS_RIVALS,
        is_credited=_CREDITED,
        unresolved=_UNRESOLVED,
        has_threads=Exists(Thread.objects.filter(change=OuterRef("pk"))),
    )
    found = told.filter(pk=number).first()
    if found is None:
        raise Missing(f"There is no change #{number}.")
    _read_revisions_of(found)
    read_votes([found])
    return found


def revision(change: ChangeRequest, number: int | None = None) -> Revision:
    """One revision of a change, by default the newest."""
    wanted = change.revision_number if number is None else number
    found = Revision.numbered(change, wanted)
    if found is None:
        raise Missing(f"#{change.pk} has no revision {wanted}.")
    return found


def with_all_shown(changes: QuerySet[ChangeRequest]) -> QuerySet[ChangeRequest]:
    """Changes with what `presenters.list_dicts` tells beside votes and revisions, in a fixed number of queries."""
    return changes.annotate(is_shared=_SHARED, is_credited=_CREDITED, unresolved=_UNRESOLVED).prefetch_related(
        Prefetch("events", ChangeEvent.objects.select_related("actor")),
        Prefetch("rollbacks", ChangeRequest.objects.only("rolls_back").order_by("pk")),
    )


def read_revisions(changes: Iterable[ChangeRequest]) -> None:
    """Give each change its newest revision with its item, all in one query."""
    known = {change.pk: change for change in changes}
    newest = {"revision__change__in": known, "revision__number": F("revision__change__revision_number"), "position": 0}
    for item in Item.objects.filter(**newest).select_related("revision__editor").annotate(found=_FOUND):
        item.revision.item, item.revision.checks = item, item.found
        known[item.revision.change_id].newest = item.revision


def _read_revisions_of(change: ChangeRequest) -> None:
    """Give one change all its revisions in one query; of those between the first and the newest without their texts."""
    ends = Q(revision__number__in=(1, change.revision_number))
    texts = {f"{name}_at_an_end": Case(When(ends, then=F(name))) for name in ("base", "proposal")}
    texts["found"] = Case(When(ends, then=_FOUND))
    items = Item.objects.filter(revision__change=change, position=0).select_related("revision__editor")
    steps = []
    for item in items.defer("base", "proposal").annotate(**texts).order_by("revision__number"):
        steps.append(item.revision)
        if item.revision.number in (1, change.revision_number):
            item.base, item.proposal = item.base_at_an_end, item.proposal_at_an_end  # type: ignore[attr-defined]
            item.revision.item, item.revision.checks = item, item.found  # type: ignore[attr-defined]
            change.first = change.first or item.revision
            change.newest = item.revision
    change.steps = steps  # type: ignore[attr-defined]


def read_votes(changes: Sequence[ChangeRequest]) -> None:
    """Read for all at once what `votes.tally` counts by: three queries, and one more each where some have co-authors or
    accepted suggestions of others.

    And one for what `readiness` asks about their authors' own keys, where any of them may be used.
    """
    steps = Revision.objects.only("change", "number", "editor", "meaning_digest", "requirements", "created_at")
    unread = []
    for change in (change for change in changes if not hasattr(change, "steps")):
        if change.newest is None or change.revision_number > 1:
            unread.append(change)
        else:
            change.steps = [change.newest]  # type: ignore[attr-defined]
    prefetch_related_objects(unread, Prefetch("revisions", steps, to_attr="steps"))
    prefetch_related_objects(changes, Prefetch("votes", Vote.objects.select_related("voter").defer(*_UNREAD_OF_VOTER)))
    prefetch_related_objects([change for change in changes if getattr(change, "is_shared", False)], "co_authors")
    credited = [change for change in changes if getattr(change, "is_credited", True)]
    credits = votes.read_credits(credited) if credited else {}
    reviewers = SimpleLazyObject(votes.reviewers)  # where nobody has voted, nobody asks
    own = SimpleLazyObject(lambda: accounts.own_keys(change.author_id for change in changes))
    spent = SimpleLazyObject(lambda: keys.spent_of(changes))
    for change in changes:
        change.reviewers, change.own_keys, change.spent = reviewers, own, spent  # type: ignore[attr-defined]
        change.credited = credits.get(change.pk, {})  # type: ignore[attr-defined]


def others_open(
    about: SavedQuery | WarehouseTable | None, *, besides: ChangeRequest | None = None
) -> QuerySet[ChangeRequest]:
    """Submitted changes of a view or table that are not closed; of one that is not made yet there are none."""
    if about is None or not getattr(besides, "has_rivals", True):
        return ChangeRequest.objects.none()
    field = "table" if isinstance(about, WarehouseTable) else "saved_query"
    found = ChangeRequest.objects.filter(**{field: about}).exclude(state__in=_UNSEEN)
    return found.exclude(pk=besides.pk if besides else 0).select_related("author").order_by("pk")


def namesakes(connection: Connection, name: str, *, besides: ChangeRequest | None = None) -> list[str]:
    """A sentence for each submitted change that makes a view or table of this name: PostHog takes only the first."""
    makes = (ChangeRequest.Action.CREATE_VIEW, ChangeRequest.Action.CREATE_TABLE)
    found = ChangeRequest.objects.filter(connection=connection, object_name=name, action__in=makes)
    found = found.exclude(state__in=_UNSEEN).exclude(pk=besides.pk if besides else 0)
    nouns = dict(zip(makes, ("view", "table"), strict=True))
    return [
        f"{one} creates a {nouns[one.action]} {name} too. Whichever is applied second fails."  # type: ignore[index]
        for one in found.order_by("pk")[:5]
    ]


def open_by_view(views: Iterable[SavedQuery]) -> dict[int, ChangeRequest]:
    """The newest open change of each view that has one, by the view's primary key; drafts stay private."""
    found = ChangeRequest.objects.filter(saved_query__in=[view.pk for view in views]).exclude(state__in=_UNSEEN)
    found = found.only("saved_query", "state").order_by("pk")
    return {change.saved_query_id: change for change in found if change.saved_query_id is not None}


def own_draft(user: User, saved_query: SavedQuery) -> ChangeRequest | None:
    """The newest draft this person has for a view."""
    drafts = ChangeRequest.objects.filter(author=user, saved_query=saved_query, state=State.DRAFT)
    return drafts.order_by("-pk").first()


def _of_tab(user: User, tab: str) -> QuerySet[ChangeRequest]:
    if tab == "my-turn":
        return my_turn(user)
    found = visible_to(user)
    if states := TABS.get(tab):
        return found.filter(state__in=states)
    closed = Q(state__in=ChangeRequest.CLOSED)
    if tab == "mine":
        found = found.filter(policies.written_by(user))
    return found if tab == "all" else found.exclude(closed)


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
    if table := params.get("table"):
        found = found.filter(table__posthog_id=table) if _is_uuid(str(table)) else found.none()
    return found


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _order(params: Mapping[str, str]) -> list[str]:
    wanted = params.get("sort") or ("updated" if params.get("tab") == "my-turn" else "-updated")
    field = SORTS.get(wanted.removeprefix("-"), "state_changed_at")
    sign = "-" if wanted.startswith("-") else ""
    return [f"{sign}{field}", f"{sign}pk"]

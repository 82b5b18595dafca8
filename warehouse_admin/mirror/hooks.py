"""What the apps above add to the mirror's pages. They register when they start, so the mirror imports none of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet, Value
from django.http import QueryDict

from warehouse_admin.mirror.models import SavedQuery, WarehouseTable
from warehouse_admin.mirror.own_acts import OwnActs, OwnPause, OwnStart
from warehouse_admin.mirror.search.operators import Operator

if TYPE_CHECKING:
    from warehouse_admin.mirror.history import Wanted

Counts = dict[int, Any]

# primary keys → how many views read each of them
downstream_counts: list[Callable[[Iterable[SavedQuery]], Counts]] = []
# primary keys → something with `number` and `state`: the open change of a view
open_changes: list[Callable[[Iterable[SavedQuery]], Counts]] = []
# a person and a view → whether they have begun an edit of it that is not proposed yet
begun_edits: list[Callable[[Any, SavedQuery], bool]] = []
# what else the search of views knows beside what the mirror holds
search_operators: list[Operator] = []
# views or tables → what is said of them here, by primary key, of those of which something is: {owner, tags}
descriptions: list[Callable[[Iterable[SavedQuery | WarehouseTable]], dict[int, Description]]] = []
# one connection and names → what is said of the trust in those views and tables of which something is, by name
trusts: list[Callable[[Any, Collection[str]], dict[str, Trusted]]] = []
# primary keys of views → what is said of the trust in each of which something is
view_trusts: list[Callable[[Collection[int]], dict[int, Trusted]]] = []
# a state of trust → the primary keys of the views that are in it, to filter by
views_by_trust: list[Callable[[str], QuerySet[Any]]] = []
# every certification that does not hold any more, as long as nobody decided anew
lost_certifications: list[Callable[[], Iterable[LostCertification]]] = []
# views and a name → the same with the user name of who answers for each under it, "" for nobody
owner_names: list[Callable[[QuerySet[SavedQuery], str], QuerySet[SavedQuery]]] = []
# a person and a view or table → what its page shows beside it: {template, …}, with `pill` for what its head shows too
cards: list[Callable[[Any, SavedQuery | WarehouseTable], list[dict[str, Any]]]] = []
# a person → what they may do with several views at once
bulk_acts: list[Callable[[Any], Iterable[BulkAct]]] = []
# the name of a list → how to know what was ticked in it
selections: dict[str, Selection] = {}
# one view → what it reads, what reads it
upstream: list[Callable[[SavedQuery], list[Any]]] = []
downstream: list[Callable[[SavedQuery], list[SavedQuery]]] = []
# one connection → why lists of readers may lack some, in a sentence; empty when they are whole
caveats: list[Callable[[Any], str]] = []
# a person and one view → what can be proposed for it: {label, icon, url, refusal, danger}
proposals: list[Callable[[Any, SavedQuery], list[dict[str, Any]]]] = []
# primary keys of views → the pause that was made here and is still in force, of those that have one
own_pauses: list[Callable[[Sequence[int]], dict[int, OwnPause]]] = []
# primary keys of views → the last resume or run that was asked for here, of those that have one
own_starts: list[Callable[[Sequence[int]], dict[int, OwnStart]]] = []
# all views whose pause nothing but a person can end any more, by primary key → what to tell of it
calls_for_people: list[Callable[[], dict[int, dict[str, str]]]] = []
# primary keys of views → pairs (one of these, a view that it reads)
view_sources: list[Callable[[Collection[int]], list[tuple[int, int]]]] = []
# a person, a view, the wanted cadence, why and a nonce → the number of the change request that was opened for it
cadence_changes: list[Callable[[Any, SavedQuery, str, str, str], int]] = []
# who, what and why, by keyword (`changes.drafting.draft`) → the number of the change that was begun as a draft
change_drafts: list[Callable[..., int]] = []
# who and which number, by keyword: such a draft is withdrawn, and refused once it has gone on
dropped_drafts: list[Callable[..., None]] = []
# one view, how many steps up and down, and what the address asks for → a picture of what is around it
pictures: list[Callable[[SavedQuery, int, Mapping[str, str]], Any]] = []
# one view → PostHog's own lineage beside the parsed one, once somebody asked for it
comparisons: list[Callable[[SavedQuery], Any]] = []
table_readers: list[Callable[[WarehouseTable], list[SavedQuery]]] = []
# a person and one table → what can be proposed for it: {label, icon, url, refusal, danger}
table_proposals: list[Callable[[Any, WarehouseTable], list[dict[str, Any]]]] = []
# a person → where a new table is proposed and why not: {url, refusal}
new_tables: list[Callable[[Any], dict[str, str]]] = []
# one table → its open changes, each with `pk`, `state` and `author`
open_table_changes: list[Callable[[WarehouseTable], Iterable[Any]]] = []


# a text → itself in a tidy layout, or the sentence that says why not: {text, refusal}
formatters: list[Callable[[str], Any]] = []


@dataclass(frozen=True)
class BulkAct:
    """A button below a list of views; it takes what is ticked to a page of its own, perhaps by a key."""

    label: str
    icon: str
    url: str
    key: str = ""


@dataclass(frozen=True)
class Selection:
    """A list of views: the route of its page, and the remote ids of what a person ticked in it, from what was sent."""

    url: str
    ids: Callable[[Any, QueryDict], Sequence[str]]


@dataclass(frozen=True)
class Description:
    """What people here say of a view or table: the user name of who answers for it, words to find it by, and trust.

    `trust` is certified, suspended, deprecated or "" where nobody judged, `trust_why` the note or what suspended it.
    """

    owner: str = ""
    owner_name: str = ""
    tags: tuple[str, ...] = ()
    trust: str = ""
    trust_why: str = ""


NOBODY = "none"
"""The owner of views that have none, in an address and in the search of views."""
NOTHING_SAID = Description()


@dataclass(frozen=True)
class Trusted:
    """How far a source can be trusted: certified, suspended or deprecated, why, and what to read in its place."""

    state: str
    why: str = ""
    instead: str = ""


@dataclass(frozen=True)
class LostCertification:
    """Of a view or table; `view` is the primary key of a view, `why` a sentence, `by` a user name."""

    connection: int
    posthog_id: str
    name: str
    since: datetime
    why: str
    by: str
    certified_at: datetime
    view: int | None = None


@dataclass(frozen=True)
class Event:
    """One line of a view's timeline. `key` orders what one source tells of the same moment.

    `actor` is who did it and `text` what, as one sentence; `how` says how that is known; `body` is what somebody said.
    `names_people`: the sentence calls them by their names already, which may look like somebody else's user name.
    """

    at: datetime
    kind: str
    key: int
    icon: str
    tone: str
    text: str
    actor: str = ""
    url: str = ""
    how: str = ""
    body: str = ""
    names_people: bool = False


@dataclass(frozen=True)
class HistorySource:
    """Who knows a part of a view's timeline: a name of its own, the kinds of events, and what reads them."""

    name: str
    kinds: frozenset[str]
    read: Callable[[Wanted], list[Event]]


history: list[HistorySource] = []


def merged(hooks: list[Callable[[Iterable[SavedQuery]], Counts]], views: list[SavedQuery]) -> Counts:
    """The answers of all who registered, together; empty when nobody did or there is nothing to ask about."""
    found: Counts = {}
    for hook in hooks:
        found |= hook(views) if views else {}
    return found


def listed(hooks: Sequence[Callable[[Any], Iterable[Any]]], subject: Any) -> list[Any]:
    """The same for lists about one object."""
    return [item for hook in hooks for item in hook(subject)]


def described(objects: Sequence[SavedQuery | WarehouseTable]) -> dict[int, Description]:
    """What is said of these, by primary key, all of one kind."""
    return {key: said for hook in descriptions for key, said in hook(objects).items()} if objects else {}


def trusted(connection: Any, names: Collection[str]) -> dict[str, Trusted]:
    """What is said of the trust in the views and tables of these names, of those of which something is."""
    return {name: trust for hook in trusts for name, trust in hook(connection, names).items()} if names else {}


def trusts_of(views: Collection[int]) -> dict[int, Trusted]:
    """What is said of the trust in these views, by primary key, of those of which something is."""
    return {key: trust for hook in view_trusts for key, trust in hook(views).items()} if views else {}


def with_owner_name(views: Any, name: str) -> Any:
    """Views with the user name of who answers for each under `name`, "" for nobody, to filter and group by."""
    return owner_names[0](views, name) if owner_names else views.annotate(**{name: Value("")})


def owned_by(owner: str) -> QuerySet[SavedQuery]:
    """The primary keys of the views that somebody answers for, by their user name; `NOBODY`: those of nobody."""
    owned = with_owner_name(SavedQuery.objects.all(), "owned_by")
    return owned.filter(owned_by="" if owner == NOBODY else owner).values("pk")


def views_trusted(state: str) -> QuerySet[Any]:
    """The primary keys of the views in a state of trust."""
    return views_by_trust[0](state) if views_by_trust else SavedQuery.objects.none().values("pk")


def own_acts_of(keys: Sequence[int]) -> dict[int, OwnActs]:
    """What was done here about the schedules of these views, of those that have any."""
    if not keys:
        return {}
    pauses = {key: pause for hook in own_pauses for key, pause in hook(keys).items()}
    starts = {key: start for hook in own_starts for key, start in hook(keys).items()}
    return {key: OwnActs(pauses.get(key), starts.get(key)) for key in pauses.keys() | starts.keys()}


def caveat(connection: Any) -> str:
    """Everything that is to be said about how complete lineage is."""
    return " ".join(said for hook in caveats if (said := hook(connection)))

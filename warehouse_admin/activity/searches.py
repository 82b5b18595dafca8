"""Filters of the inbox under a name."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.http import QueryDict

from warehouse_admin.accounts.models import User
from warehouse_admin.activity.errors import UnknownSearch, bad
from warehouse_admin.activity.filters import KEPT_PARAMETERS
from warehouse_admin.activity.models import SavedSearch
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.targets import Target

MOST = 50
SAVED, REMOVED = "activity.search_saved", "activity.search_removed"


def searches_of(user: User) -> QuerySet[SavedSearch]:
    """One's own, and what others share."""
    return SavedSearch.objects.filter(Q(owner=user) | Q(is_shared=True)).select_related("owner").order_by("name", "pk")


def save(*, user: User, name: str, query: str, is_shared: bool = False) -> SavedSearch:
    """Keep a filter under a name of one's own; the same name again replaces it."""
    name = " ".join(name.split())
    if not name or len(name) > 80 or "\x00" in name:
        raise bad("name", "Give it a name of at most 80 characters.")
    query = _clean_query(query)
    if SavedSearch.objects.filter(owner=user).exclude(name=name).count() >= MOST:
        raise bad("name", f"At most {MOST} saved searches for each person: remove one first.")
    for _ in range(2):
        try:
            with transaction.atomic():
                return _save(user, name, query, is_shared)
        except IntegrityError:
            continue  # a double click: the other one has made it
    raise bad("name", "Somebody is saving this search right now. Try again.")


def _save(user: User, name: str, query: str, is_shared: bool) -> SavedSearch:
    known = SavedSearch.objects.select_for_update().filter(owner=user, name=name).first()
    before = _shown(known) if known else None
    search = known or SavedSearch(owner=user, name=name)
    search.query, search.is_shared = query, is_shared
    if before == _shown(search):
        return search
    search.save()
    _record(user, SAVED, search, before, _shown(search))
    return search


def remove(*, user: User, pk: int) -> None:
    """Only one's own."""
    with transaction.atomic():
        search = SavedSearch.objects.select_for_update().filter(owner=user, pk=pk).first()
        if search is None:
            raise UnknownSearch("There is no such search of yours.")
        _record(user, REMOVED, search, _shown(search), None)
        search.delete()


def _clean_query(query: str) -> str:
    asked = QueryDict(query[:2_000].lstrip("?"))
    kept = QueryDict(mutable=True)
    for name in KEPT_PARAMETERS:
        if value := asked.get(name, "").replace("\x00", "").strip():
            kept[name] = value
    text = kept.urlencode()
    if len(text) > 1_000:
        raise bad("query", "These filters are too long to keep.")
    return text


def _shown(search: SavedSearch) -> dict[str, object]:
    return {"query": search.query, "shared": search.is_shared}


def _record(user: User, action: str, search: SavedSearch, before: object, after: object) -> None:
    target = Target("saved_search", str(search.pk), search.name)
    audit.record(actor=user, action=action, target=target, before=before, after=after)

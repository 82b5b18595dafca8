"""Filters that people keep under a name, on whatever page: their own, or shared. Every write is in the trail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.http import QueryDict

from warehouse_admin.audit import services
from warehouse_admin.audit.reasons import HOLDS_KEY
from warehouse_admin.audit.redaction import holds_key
from warehouse_admin.audit.targets import Target
from warehouse_admin.core.errors import InvalidInput, Missing
from warehouse_admin.core.saved import LONGEST_NAME, LONGEST_QUERY, Saved
from warehouse_admin.core.unseen import is_blank

MOST = 50
"""So many may one person keep."""
Kept = TypeVar("Kept", bound=Saved)


@dataclass(frozen=True)
class Shelf(Generic[Kept]):
    """The saved filters of one page. `parameters` are what is kept of its address."""

    model: type[Kept]
    parameters: Sequence[str]
    noun: str  # in sentences: "saved search"
    kind: str  # in the trail: "saved_search"
    saved: str
    removed: str

    def of(self, user: Any, *, shared: bool = True) -> QuerySet[Kept]:
        """One's own, and with `shared` what others share."""
        seen = Q(owner=user.pk) | Q(is_shared=True) if shared else Q(owner=user.pk)
        return self.model._default_manager.filter(seen).select_related("owner").order_by("name", "pk")

    def save(self, *, user: Any, name: str, query: str, is_shared: bool = False) -> Kept:
        """Keep filters under a name of one's own; the same name again replaces them."""
        name, query = self._name(name), self._query(query)
        if self._own(user).exclude(name=name).count() >= MOST:
            raise _bad("name", f"At most {MOST} for each person: remove one first.")
        for _ in range(2):
            try:
                with transaction.atomic():
                    known = self._own(user).select_for_update().filter(name=name).first()
                    return self._put(user, known or self.model(owner=user), name, query, is_shared)
            except IntegrityError:
                continue  # a double click: the other one has made it
        raise _bad("name", "Somebody is saving under this name right now. Try again.")

    def change(
        self,
        *,
        user: Any,
        pk: int,
        name: str | None = None,
        query: str | None = None,
        is_shared: bool | None = None,
    ) -> Kept:
        """Give one of one's own another name, other filters, or to others; what is None stays."""
        try:
            with transaction.atomic():
                known = self._locked(user, pk)
                return self._put(
                    user,
                    known,
                    known.name if name is None else self._name(name),
                    known.query if query is None else self._query(query),
                    known.is_shared if is_shared is None else is_shared,
                )
        except IntegrityError as taken:
            raise _bad("name", "You have another one of this name: choose a different name.") from taken

    def remove(self, *, user: Any, pk: int) -> None:
        """Only one's own."""
        with transaction.atomic():
            known = self._locked(user, pk)
            self._record(user, self.removed, known, _told(known), None)
            known.delete()

    def _put(self, user: Any, one: Kept, name: str, query: str, is_shared: bool) -> Kept:
        before = _told(one) if one.pk else None
        one.name, one.query, one.is_shared = name, query, is_shared
        if before == _told(one):
            return one
        one.save()
        self._record(user, self.saved, one, before, _told(one))
        return one

    def _own(self, user: Any) -> QuerySet[Kept]:
        return self.model._default_manager.filter(owner=user.pk)

    def _locked(self, user: Any, pk: int) -> Kept:
        found = self._own(user).select_for_update().filter(pk=pk).first() if pk < 2**63 else None
        if found is None:
            raise Missing(f"There is no such {self.noun} of yours.")
        return found

    def _name(self, name: str) -> str:
        name = " ".join(name.split())
        if is_blank(name) or len(name) > LONGEST_NAME or "\x00" in name:
            raise _bad("name", f"Give it a name of at most {LONGEST_NAME} characters.")
        if holds_key(name):
            raise _bad("name", HOLDS_KEY)
        return name

    def _query(self, query: str) -> str:
        asked, kept = QueryDict(query[: 2 * LONGEST_QUERY].lstrip("?")), dict[str, str]()
        for name in self.parameters:
            if value := asked.get(name, "").replace("\x00", "").strip():
                kept[name] = value
        text = urlencode(kept)
        if len(text) > LONGEST_QUERY:
            raise _bad("query", "These filters are too long to keep.")
        if any(holds_key(value) for value in kept.values()):
            raise _bad("query", HOLDS_KEY)
        return text

    def _record(self, user: Any, action: str, one: Kept, before: object, after: object) -> None:
        services.record(
            actor=user, action=action, target=Target(self.kind, str(one.pk), one.name), before=before, after=after
        )


def _told(one: Saved) -> dict[str, object]:
    return {"name": one.name, "query": one.query, "shared": one.is_shared}


def _bad(field: str, message: str) -> InvalidInput:
    return InvalidInput(message, errors={field: [message]})

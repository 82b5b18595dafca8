"""One decision for many entries, also for those on the pages that are not shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.http import QueryDict

from warehouse_admin.accounts.models import User
from warehouse_admin.activity.assigning import ASSIGNED, assigning
from warehouse_admin.activity.dealing import Deed, deal, require
from warehouse_admin.activity.errors import MovedOn, bad
from warehouse_admin.activity.filters import Filters
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.activity.review import AT_ONCE, REVIEWED, clean, deciding

MOST = 2_000


@dataclass(frozen=True)
class Matching:
    """A filter as somebody saw it: what came in later was not seen, and is left alone."""

    query: str
    seen_at: datetime
    total: int


def keys_of(user: User, matching: Matching) -> list[int]:
    """The entries of a filter that were there when it was looked at; MovedOn where there are more than were shown."""
    filters = Filters.parse(QueryDict(matching.query[:2_000]))
    rows = filters.apply(ActivityEntry.objects.filter(created_at__lte=matching.seen_at), user)
    keys = list(rows.order_by("pk").values_list("pk", flat=True)[: MOST + 1])
    if len(keys) > MOST:
        raise bad("entries", f"At most {MOST:,} entries at once: narrow the filter.")
    if len(keys) > matching.total:
        raise MovedOn(f"The filter finds {len(keys):,} entries now, and you saw {matching.total:,}. Look again.")
    return keys


def review_keys(
    *, user: User, keys: Sequence[int], verdict: str, note: str = "", seen_at: datetime | None = None
) -> list[ActivityEntry]:
    """The same verdict and note for all, or for none; one undo takes all of it back.

    What somebody else has decided since `seen_at` is left alone.
    """
    require(user, REVIEWED)
    _check(keys, MOST)
    verdict, note = clean(verdict, note)
    return deal(Deed(user, REVIEWED, note, seen_at, many=True), keys, deciding(user, verdict, note))


def assign_keys(*, user: User, keys: Sequence[int], to: str) -> list[ActivityEntry]:
    """The same person for all."""
    require(user, ASSIGNED)
    _check(keys, MOST)
    return deal(Deed(user, ASSIGNED), keys, assigning(to))


def _check(keys: Sequence[int], most: int) -> None:
    if not keys:
        raise bad("entries", "Choose at least one entry.")
    if len(keys) > most:
        raise bad("entries", f"At most {most:,} entries at once; you chose {len(keys):,}.")


def chosen(entries: Sequence[ActivityEntry]) -> list[int]:
    """The keys of entries that were ticked one by one."""
    _check([entry.pk for entry in entries], AT_ONCE)
    return [entry.pk for entry in entries]

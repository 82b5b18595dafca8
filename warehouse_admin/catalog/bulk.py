"""Owners and tags of many views at once."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from warehouse_admin.accounts.models import User
from warehouse_admin.audit.reasons import clean_reason
from warehouse_admin.audit.targets import Target
from warehouse_admin.catalog import policies, tags
from warehouse_admin.catalog.models import Entry, Tag
from warehouse_admin.catalog.services import DESCRIBED, described_as, person_called, record_described
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.mirror.models import SavedQuery

AT_ONCE = 1_000
NAMED = 5  # so many offenders are named in a message


@dataclass(frozen=True)
class Wanted:
    """What shall become of each; `owner` None leaves it, "" is nobody, else a user name."""

    owner: str | None = None
    added: Sequence[str] = ()
    removed: Sequence[str] = ()


def chosen(ids: Iterable[str]) -> list[SavedQuery]:
    """The views of these remote ids, by name; InvalidInput where there are none, too many, or one is unknown."""
    try:
        keys = {uuid.UUID(str(key).strip()) for key in ids}
    except ValueError:
        raise _bad("What was chosen is no list of views. Choose from the list again.") from None
    if not keys:
        raise _bad("Choose at least one view.")
    if len(keys) > AT_ONCE:
        raise _bad(f"These are {len(keys):,} views, and at most {AT_ONCE:,} are taken at once. Narrow the list.")
    views = list(
        SavedQuery.objects.filter(posthog_id__in=keys)
        .select_related("connection")
        .defer("query", "columns", "connection__api_key")
        .order_by("name", "pk")
    )
    if missing := len(keys - {view.posthog_id for view in views}):
        are = "is" if missing == 1 else "are"
        raise _bad(f"{missing} of the chosen views {are} in the mirror no more. Choose from the list again.")
    return views


def describe_many(*, user: User, views: Sequence[SavedQuery], wanted: Wanted, reason: str = "") -> int:
    """Set the owner, add and take away tags, of all or of none; how many changed. Each that did is one entry."""
    policies.require_describe(user, DESCRIBED, Target(Entry.Kind.VIEW, "", f"{len(views)} views"))
    reason = clean_reason(reason, needed=False)
    added, removed = tags.clean(wanted.added), set(tags.clean(wanted.removed))
    if both := removed.intersection(added):
        raise InvalidInput(told := f"To add and to take away: {', '.join(sorted(both))}.", errors={"removed": [told]})
    if wanted.owner is None and not added and not removed:
        raise InvalidInput("Choose an owner, or tags to add or to take away.")
    owner = person_called(wanted.owner) if wanted.owner else None
    with transaction.atomic():
        made = {name: Tag.objects.get_or_create(name=name)[0] for name in added}
        entries = _locked(views)
        before = {key: described_as(entry) for key, entry in entries.items()}
        after = {key: _after(said, wanted, added, removed) for key, said in before.items()}
        _refuse_too_many(views, after)
        changed = [view for view in views if before[view.pk] != after[view.pk]]
        for view in changed:
            _save(entries[view.pk], before[view.pk], after[view.pk], owner, made)
        for view in changed:
            record_described(user, view, before[view.pk], after[view.pk], reason)
    return len(changed)


def _locked(views: Sequence[SavedQuery]) -> dict[int, Entry]:
    """The entry of each view, made where there is none; in one order, so that two people do not wait for each other."""
    by_id = {(view.connection_id, view.posthog_id): view.pk for view in views}
    made = [Entry(connection_id=of, kind=Entry.Kind.VIEW, posthog_id=key) for of, key in sorted(by_id)]
    Entry.objects.bulk_create(made, ignore_conflicts=True)
    rows = Entry.objects.filter(kind=Entry.Kind.VIEW, posthog_id__in=[key for _, key in by_id]).order_by("pk")
    locked = list(rows.select_for_update(of=("self",)).select_related("owner").prefetch_related("tags"))
    return {by_id[found]: entry for entry in locked if (found := (entry.connection_id, entry.posthog_id)) in by_id}


def _after(before: dict[str, Any], wanted: Wanted, added: Sequence[str], removed: set[str]) -> dict[str, Any]:
    owner = before["owner"] if wanted.owner is None else wanted.owner
    return {"owner": owner, "tags": sorted({*before["tags"], *added} - removed)}


def _refuse_too_many(views: Sequence[SavedQuery], after: dict[int, dict[str, Any]]) -> None:
    full = [view.name for view in views if len(after[view.pk]["tags"]) > tags.MOST]
    if full:
        more = f" and {len(full) - NAMED} more" if len(full) > NAMED else ""
        told = f"At most {tags.MOST} tags for one view; {', '.join(full[:NAMED])}{more} would have more."
        raise InvalidInput(told, errors={"added": [told]})


def _save(
    entry: Entry, before: dict[str, Any], after: dict[str, Any], owner: User | None, made: dict[str, Tag]
) -> None:
    if before["owner"] != after["owner"]:
        entry.owner = owner
        entry.save(update_fields=["owner"])
    had, has = set(before["tags"]), set(after["tags"])
    if gone := [tag for tag in entry.tags.all() if tag.name not in has]:
        entry.tags.remove(*gone)
    if new := [made[name] for name in sorted(has - had)]:
        entry.tags.add(*new)


def _bad(told: str) -> InvalidInput:
    return InvalidInput(told, errors={"saved_queries": [told]})

"""SQL texts that no read has met, because only PostHog's log tells of them: each finds its place among the versions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from django.utils import timezone

from warehouse_admin.core.digests import text_digest
from warehouse_admin.mirror.models import SavedQuery, SavedQueryVersion

Origin = SavedQueryVersion.Origin


@dataclass(frozen=True)
class Edit:
    """One edit as the log tells it, and whose it was."""

    before: str | None
    after: str
    at: datetime
    origin: str
    author_name: str
    change_number: int | None

    @property
    def hashes(self) -> tuple[str, str]:
        return ("" if self.before is None else text_digest(self.before)), text_digest(self.after)


def take_in(view: SavedQuery, edits: Iterable[Edit]) -> None:
    """Make versions of the texts that are none yet, and say whose the others are. Oldest edit first, `view` locked.

    A version's number is its place: those after one that came to light late move up. The newest stays the view's text.
    """
    if view.query is None and view.deleted_at is None:
        return  # PostHog gives this view no SQL
    versions = list(view.versions.order_by("number").defer("query"))
    known = [edit for edit in edits if not _inserted(versions, edit)]
    for edit in reversed(known):
        _name(versions, edit)
    if versions and versions[-1].query_hash != view.query_hash:
        _end_with_present_text(view, versions)
    for version in versions:
        version.saved_query = view
    _number(versions)


def _inserted(versions: list[SavedQueryVersion], edit: Edit) -> bool:
    """Whether the edit's text became a version: it was none, or it follows on one that is newer than what was read."""
    before, after = edit.hashes
    hashes = [version.query_hash for version in versions]
    if after in hashes and not (hashes[-1] == before and versions[-1].pk is None):
        return False
    place = len(hashes) - hashes[::-1].index(before) if before in hashes else max(len(hashes) - 1, 0)
    made = SavedQueryVersion(
        query=edit.after,
        query_hash=after,
        origin=edit.origin,
        seen_at=edit.at,
        author_name=edit.author_name,
        change_number=edit.change_number,
    )
    versions.insert(place, made)
    return True


def _name(versions: list[SavedQueryVersion], edit: Edit) -> None:
    """Say whose a text was that a read met without being told."""
    for earlier, version in reversed(list(pairwise(versions))):
        unnamed = version.pk is not None and version.origin == Origin.OUTSIDE and not version.author_name
        if unnamed and (earlier.query_hash, version.query_hash) == edit.hashes:
            version.origin, version.author_name = edit.origin, edit.author_name
            version.change_number = edit.change_number
            version.save(update_fields=["origin", "author_name", "change_number"])
            return


def _end_with_present_text(view: SavedQuery, versions: list[SavedQueryVersion]) -> None:
    """The log ends with SQL that the view no longer has: it was put back. A view that is gone had it to the last."""
    newest = versions[-1]
    if view.deleted_at is not None:
        view.query, view.query_hash = newest.query, newest.query_hash
        view.save(update_fields=["query", "query_hash"])
        return
    seen_at = view.detail_synced_at or timezone.now()
    again = SavedQueryVersion(
        query=view.query or "", query_hash=view.query_hash, origin=Origin.OUTSIDE, seen_at=seen_at
    )
    versions.append(again)


def _number(versions: list[SavedQueryVersion]) -> None:
    """From the highest down, so that no number is taken twice on the way."""
    for number, version in reversed(list(enumerate(versions, start=1))):
        if version.pk is None or version.number != number:
            version.number = number
            version.save()

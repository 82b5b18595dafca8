"""A person deals with what happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.models import User
from warehouse_admin.activity.errors import BadReview
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.targets import Target

PERMISSION = "activity.review_activityentry"
ACTION = "activity.reviewed"
NOTE_LIMIT = 2_000
AT_ONCE = 500
Verdict = ActivityEntry.Verdict


def review(*, user: User, entry: ActivityEntry, verdict: str, note: str = "") -> ActivityEntry:
    """Accept or flag an entry, again if need be; flagging needs a note."""
    policies.require(user, PERMISSION, action=ACTION, target=target_of(entry))
    verdict, note = _clean(verdict, note)
    with transaction.atomic():
        return _decide(user, entry.pk, verdict, note)


def review_many(*, user: User, entries: Sequence[ActivityEntry], verdict: str, note: str = "") -> list[ActivityEntry]:
    """The same decision with one note for several entries, all or none; the permission counts for each."""
    for entry in entries:
        policies.require(user, PERMISSION, action=ACTION, target=target_of(entry))
    if not entries:
        raise _bad("entries", "Choose at least one entry.")
    if len(entries) > AT_ONCE:
        raise _bad("entries", f"At most {AT_ONCE} entries at once; you chose {len(entries)}.")
    verdict, note = _clean(verdict, note)
    with transaction.atomic():
        return [_decide(user, pk, verdict, note) for pk in sorted(entry.pk for entry in entries)]


def resolve(ids: Iterable[str]) -> list[ActivityEntry]:
    """The entries of these ids; BadReview names those that do not exist."""
    wanted = list(dict.fromkeys(str(one).strip() for one in ids))
    numbers = [int(one) for one in wanted if one.isascii() and one.isdigit() and len(one) < 18]
    found = {str(entry.pk): entry for entry in ActivityEntry.objects.filter(pk__in=numbers)}
    missing = [one[:40] for one in wanted if one not in found]
    if missing:
        raise _bad("entries", f"No such activity entry: {', '.join(missing[:10])}. Choose from the list again.")
    return list(found.values())


def target_of(entry: ActivityEntry) -> Target:
    """An entry as the audit trail names it."""
    return Target("activity", str(entry.pk), f"{entry.object_name} {entry.kind}".strip())


def _clean(verdict: str, note: str) -> tuple[str, str]:
    note = note.strip()
    if verdict not in Verdict.values:
        raise _bad("verdict", f"A verdict is {' or '.join(Verdict.values)}.")
    if verdict == Verdict.FLAGGED and not note:
        raise _bad("note", "Say what is wrong: a flag needs a note.")
    if len(note) > NOTE_LIMIT:
        raise _bad("note", f"At most {NOTE_LIMIT:,} characters.")
    if "\x00" in note:
        raise _bad("note", "The note contains a NUL character; remove it.")
    return verdict, note


def _bad(field: str, message: str) -> BadReview:
    return BadReview(message, errors={field: [message]})


def _decide(user: User, pk: int, verdict: str, note: str) -> ActivityEntry:
    entry = ActivityEntry.objects.select_for_update(of=("self",)).select_related("connection").get(pk=pk)
    before = _shown(entry)
    entry.verdict, entry.note = verdict, note
    entry.reviewed_by, entry.reviewed_at = user, timezone.now()
    entry.save(update_fields=["verdict", "note", "reviewed_by", "reviewed_at"])
    audit.record(
        actor=user,
        action=ACTION,
        target=target_of(entry),
        reason=note,
        before=before,
        after=_shown(entry),
        connection=entry.connection.slug,
    )
    return entry


def _shown(entry: ActivityEntry) -> dict[str, Any]:
    return {
        "verdict": entry.verdict,
        "note": entry.note,
        "reviewed_by": entry.reviewed_by.username if entry.reviewed_by else None,
    }

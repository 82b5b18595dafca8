"""A person decides about what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from django.utils import timezone

from warehouse_admin.accounts.models import User
from warehouse_admin.activity import facts
from warehouse_admin.activity.dealing import PERMISSION, Deed, clean_text, deal, require, target_of
from warehouse_admin.activity.errors import NotPossible, bad
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.mirror.models import Observation

__all__ = ["PERMISSION", "adopt", "reopen", "resolve", "review", "review_many", "target_of", "why_not_adopted"]

REVIEWED, ADOPTED, REOPENED = "activity.reviewed", "activity.adopted", "activity.reopened"
AT_ONCE = 500
Verdict = ActivityEntry.Verdict
Source = ActivityEntry.Source
VERDICTS = (Verdict.ACCEPTED, Verdict.FLAGGED)
"""Those that are only said; the others come with something that is done."""


def review(
    *, user: User, entry: ActivityEntry, verdict: str, note: str = "", seen_at: datetime | None = None
) -> ActivityEntry:
    """Accept or flag an entry, again if need be; flagging needs a note. MovedOn as `Deed` says of `seen_at`."""
    require(user, REVIEWED, entry)
    verdict, note = clean(verdict, note)
    deal(Deed(user, REVIEWED, note, seen_at), [entry.pk], deciding(user, verdict, note))
    return ActivityEntry.objects.get(pk=entry.pk)


def review_many(*, user: User, entries: Sequence[ActivityEntry], verdict: str, note: str = "") -> list[ActivityEntry]:
    """The same decision with one note for several entries, all or none."""
    require(user, REVIEWED, entries[0] if entries else None)
    if not entries:
        raise bad("entries", "Choose at least one entry.")
    if len(entries) > AT_ONCE:
        raise bad("entries", f"At most {AT_ONCE} entries at once; you chose {len(entries)}.")
    verdict, note = clean(verdict, note)
    return deal(Deed(user, REVIEWED, note), [entry.pk for entry in entries], deciding(user, verdict, note))


def adopt(*, user: User, entry: ActivityEntry, note: str = "", seen_at: datetime | None = None) -> ActivityEntry:
    """What came from outside is the agreed baseline from now on; the view's history says so."""
    require(user, ADOPTED, entry)
    if why := why_not_adopted(entry):
        raise NotPossible(why)
    note = clean_text("note", note)
    deal(Deed(user, ADOPTED, note, seen_at), [entry.pk], deciding(user, Verdict.ADOPTED, note))
    return ActivityEntry.objects.get(pk=entry.pk)


def why_not_adopted(entry: ActivityEntry) -> str:
    """A sentence where there is nothing to adopt; else empty."""
    if entry.source not in (Source.OUTSIDE, Source.UNKNOWN):
        return "Only what was changed outside the portal can be adopted: this was not."
    if entry.kind not in Observation.Kind.values or entry.kind == Observation.Kind.SUSPENDED:
        return "This changed nothing that could be a baseline: accept it instead."
    return "" if entry.kind not in facts.UNREMARKABLE else "This changed nothing: accept it instead."


def reopen(*, user: User, entry: ActivityEntry, seen_at: datetime | None = None) -> ActivityEntry:
    """Nobody has dealt with it any more: it waits again, in everybody's inbox."""
    require(user, REOPENED, entry)
    if not entry.needs_review and not entry.verdict:
        raise NotPossible("This entry never waited for anybody.")
    deal(Deed(user, REOPENED, seen_at=seen_at), [entry.pk], _forget)
    return ActivityEntry.objects.get(pk=entry.pk)


def _forget(entry: ActivityEntry) -> bool:
    if not (entry.verdict or entry.assignee_id or entry.snoozed_until):
        return False
    entry.verdict, entry.note = "", ""
    entry.reviewed_by = entry.reviewed_at = entry.assignee = entry.snoozed_until = None
    return True


def resolve(ids: Iterable[str]) -> list[ActivityEntry]:
    """The entries of these ids; BadReview names those that do not exist."""
    wanted = list(dict.fromkeys(str(one).strip() for one in ids))
    numbers = [int(one) for one in wanted if one.isascii() and one.isdigit() and len(one) < 18]
    rows = ActivityEntry.objects.filter(pk__in=numbers).defer("before", "after")
    found = {str(entry.pk): entry for entry in rows}
    missing = [one[:40] for one in wanted if one not in found]
    if missing:
        raise bad("entries", f"No such activity entry: {', '.join(missing[:10])}. Choose from the list again.")
    return list(found.values())


def clean(verdict: str, note: str) -> tuple[str, str]:
    """A verdict that is only said, and its note."""
    if verdict not in VERDICTS:
        raise bad("verdict", f"A verdict is {' or '.join(VERDICTS)}.")
    needed = "Say what is wrong: a flag needs a note." if verdict == Verdict.FLAGGED else ""
    return verdict, clean_text("note", note, needed=needed)


def deciding(user: User, verdict: str, note: str, **more: object) -> Callable[[ActivityEntry], bool]:
    """Give an entry this verdict by this person. One that it has already is kept with its time; to say the same again
    counts as said, to do the same again does not count as done."""

    def decide(entry: ActivityEntry) -> bool:
        held = {"verdict": entry.verdict, "note": entry.note, "reviewed_by_id": entry.reviewed_by_id}
        held |= {name: getattr(entry, name) for name in more}
        if held == {"verdict": verdict, "note": note, "reviewed_by_id": user.pk, **more}:
            return verdict in VERDICTS
        entry.verdict, entry.note, entry.snoozed_until = verdict, note, None
        entry.reviewed_by, entry.reviewed_at = user, timezone.now()
        for name, value in more.items():
            setattr(entry, name, value)
        return True

    return decide

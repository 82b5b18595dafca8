"""How a person's click becomes a new state of entries: locked, remembered for undo, and on record."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.models import User
from warehouse_admin.activity import meter
from warehouse_admin.activity.errors import MovedOn, bad
from warehouse_admin.activity.models import ActivityEntry, Step
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.reasons import HOLDS_KEY
from warehouse_admin.audit.targets import Target

PERMISSION = "activity.review_activityentry"
TEXT_LIMIT = 2_000
KEPT = (
    *("verdict", "note", "reviewed_by_id", "reviewed_at", "assignee_id", "snoozed_until"),
    *("asked_at", "asked_person_id", "revert_number"),
)
"""All that people change about an entry: what undo puts back."""
State = dict[str, Any]


@dataclass(frozen=True)
class Deed:
    """One click: whose, its word in the trail, and the reason that stands there.

    `seen_at` is when the page that was clicked was made: what somebody else has decided since is not overwritten. One
    of `many` is then left alone; else nothing is done.
    """

    user: User
    action: str
    reason: str = ""
    seen_at: datetime | None = None
    many: bool = False

    @property
    def step(self) -> str:
        return self.action.partition(".")[2]


def require(user: User, action: str, entry: ActivityEntry | None = None) -> None:
    """Only those who review activity; the denial names the entry."""
    policies.require(user, PERMISSION, action=action, target=target_of(entry) if entry else Target("activity"))


def target_of(entry: ActivityEntry) -> Target:
    """What the trail calls an entry."""
    return Target("activity", str(entry.pk), f"{entry.object_name} {entry.kind}".strip())


def state_of(entry: ActivityEntry) -> State:
    """What people made of an entry, as JSON."""
    return {name: _plain(getattr(entry, name)) for name in KEPT}


def put_back(entry: ActivityEntry, state: State) -> None:
    """Give an entry a state that it had."""
    for name in KEPT:
        value = state.get(name)
        setattr(entry, name, datetime.fromisoformat(value) if name.endswith(("_at", "_until")) and value else value)


def overtaken(deed: Deed, entry: ActivityEntry) -> str:
    """What somebody else has decided since the page was made, in a sentence; empty for nothing."""
    if deed.seen_at is None or entry.reviewed_at is None or entry.reviewed_by in (None, deed.user):
        return ""
    if entry.reviewed_at <= deed.seen_at:
        return ""
    who, said = entry.reviewed_by.display_name, entry.get_verdict_display().lower()
    return f"{who} has dealt with this meanwhile ({said}); nothing was done. Look at it, then decide again if need be."


def deal(deed: Deed, keys: Iterable[int], change: Callable[[ActivityEntry], bool]) -> list[ActivityEntry]:
    """Change each entry under its lock, all or none. Where `change` says that nothing was done, as after a double
    click, nothing is recorded; only what differs can be taken back."""
    batch = uuid.uuid4()
    with transaction.atomic():
        done = []
        for entry in locked(keys):
            if told := overtaken(deed, entry):
                if deed.many:
                    continue
                raise MovedOn(told)
            before, shown = state_of(entry), shown_of(entry)
            if change(entry):
                entry.save(update_fields=[name.removesuffix("_id") for name in KEPT])
                done.append((entry, before, shown))
        Step.objects.bulk_create(
            Step(entry=entry, batch=batch, actor=deed.user, action=deed.step, before=before, after=after)
            for entry, before, _ in done
            if before != (after := state_of(entry))
        )
        for entry, _, shown in done:
            record(deed, entry, shown)
        transaction.on_commit(lambda: meter.forget({entry.connection.slug for entry, _, _ in done}))
    return [entry for entry, _, _ in done]


def last_batch(user: User, entries: Sequence[ActivityEntry]) -> uuid.UUID | None:
    """The click that has just dealt with these entries, so that it can be taken back; None where it did nothing."""
    recent = Step.objects.filter(actor=user, entry__in=[entry.pk for entry in entries[:1]], undone_at=None)
    return recent.order_by("-at", "-pk").values_list("batch", flat=True).first()


def locked(keys: Iterable[int]) -> list[ActivityEntry]:
    """In the order of their keys, so that two clicks cannot wait for each other."""
    rows = ActivityEntry.objects.select_for_update(of=("self",)).filter(pk__in=list(keys))
    related = rows.select_related("connection", "reviewed_by", "assignee", "asked_person")
    return list(related.defer("before", "after").order_by("pk"))


def record(deed: Deed, entry: ActivityEntry, before: State) -> None:
    """The verdict always, and whatever else differs."""
    after = shown_of(entry)
    said = [name for name in after if name in _VERDICT or before[name] != after[name]]
    audit.record(
        actor=deed.user,
        action=deed.action,
        target=target_of(entry),
        reason=deed.reason,
        before={name: before[name] for name in said},
        after={name: after[name] for name in said},
        connection=entry.connection.slug,
    )


_VERDICT = ("verdict", "note", "reviewed_by")


def shown_of(entry: ActivityEntry) -> State:
    """The same as people and the trail read it."""
    return {
        "verdict": entry.verdict,
        "note": entry.note,
        "reviewed_by": entry.reviewed_by.username if entry.reviewed_by else None,
        "assignee": entry.assignee.username if entry.assignee else None,
        "snoozed_until": _plain(entry.snoozed_until),
        "asked": entry.asked_at is not None,
        "revert": entry.revert_number,
    }


def clean_text(field: str, text: str, *, needed: str = "") -> str:
    """Trimmed and bounded; `needed` is what to say where there is none."""
    text = text.strip()
    if needed and not text:
        raise bad(field, needed)
    if len(text) > TEXT_LIMIT:
        raise bad(field, f"At most {TEXT_LIMIT:,} characters.")
    if "\x00" in text:
        raise bad(field, f"The {field} contains a NUL character; remove it.")
    if audit.holds_key(text):
        raise bad(field, HOLDS_KEY)
    return text


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value

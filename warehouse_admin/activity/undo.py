"""Taking back what one has just done."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from warehouse_admin.accounts.models import User
from warehouse_admin.activity import reverting
from warehouse_admin.activity.dealing import KEPT, Deed, locked, put_back, record, require, shown_of, state_of
from warehouse_admin.activity.errors import MovedOn, NotPossible
from warehouse_admin.activity.models import ActivityEntry, Step

UNDONE = "activity.undone"
WITHIN = timedelta(minutes=10)


def last(user: User) -> Step | None:
    """The newest thing that this person can take back now; one query."""
    recent = Step.objects.filter(actor=user, undone_at=None, at__gt=timezone.now() - WITHIN)
    return (
        recent.select_related("entry__mutation").defer("entry__before", "entry__after").order_by("-at", "-pk").first()
    )


def undo(*, user: User, batch: uuid.UUID | None = None) -> list[ActivityEntry]:
    """Take back one click of this person, the last one unless told which, with all its entries or none.

    Refused after ten minutes, and where somebody has dealt with an entry since. Taking back twice does nothing.
    """
    require(user, UNDONE)
    step = last(user) if batch is None else Step.objects.filter(actor=user, batch=batch).first()
    if step is None:
        raise NotPossible("There is nothing of yours to take back.")
    with transaction.atomic():
        steps = {one.entry_id: one for one in Step.objects.select_for_update().filter(batch=step.batch, undone_at=None)}
        if not steps:
            return []  # a double click
        if min(one.at for one in steps.values()) < timezone.now() - WITHIN:
            raise NotPossible("That is more than ten minutes ago: decide anew instead.")
        return _restore(user, steps)


def _restore(user: User, steps: dict[int, Step]) -> list[ActivityEntry]:
    entries = locked(steps)
    for entry in entries:
        if state_of(entry) != steps[entry.pk].after:
            raise MovedOn(f"{entry} has been dealt with since; nothing was taken back.")
    shown = {entry.pk: shown_of(entry) for entry in entries}
    for entry in entries:
        step = steps[entry.pk]
        reverting.take_back(step, user)
        if step.action == "asked":
            entry.questions.filter(answered_at=None).delete()
        put_back(entry, step.before)
        entry.save(update_fields=[name.removesuffix("_id") for name in KEPT])
    Step.objects.filter(pk__in=[step.pk for step in steps.values()]).update(undone_at=timezone.now())
    for entry in locked(steps):
        record(Deed(user, UNDONE, f"took back: {steps[entry.pk].action}"), entry, shown[entry.pk])
    return entries

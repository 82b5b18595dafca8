"""From the wish to what the mirror shows: sent once, followed to its end, the recording removed in every end."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from warehouse_admin.core import context
from warehouse_admin.core.errors import UserError
from warehouse_admin.interviews import reading, recordings
from warehouse_admin.interviews.models import Interview, Write
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.errors import NotYet
from warehouse_admin.mutations.models import GONE, Mutation
from warehouse_admin.posthog import errors

logger = logging.getLogger(__name__)
State = Mutation.State

FORGOTTEN = timedelta(seconds=30)
"""What was asked this long ago and not sent has lost its task, or had to wait."""
GIVEN_UP_AFTER = timedelta(hours=24)
"""A recording does not wait for ever for a PostHog that cannot be reached."""


MOST_AT_ONCE = 2
"""So many uploads may be under way: each holds a worker for minutes, and syncs and changes need some too."""
KEPT_UNCONFIRMED = timedelta(days=7)
"""A recording that left is never sent again; so long it is there for a person who has to look what became of it."""


def carry_out(write_id: UUID | str) -> Write:
    """Send a write unless that was done, and take in how it ended; safe to call any number of times."""
    write = Write.objects.select_related("mutation__connection", "interview").get(pk=write_id)
    if not write.is_open or _must_wait(write):
        return write
    with context.use(context.RequestContext(request_id=write.mutation.request_id)):
        try:
            write.mutation = mutations.send(write.mutation_id)
        except NotYet:
            return write  # `tend` comes back to it
        _follow(write)
    return write


def _must_wait(write: Write) -> bool:
    """`tend` comes back to it."""
    if write.kind != Write.Kind.CREATE or write.mutation.state != State.ASKED:
        return False
    under_way = Mutation.objects.filter(kind=Mutation.Kind.CREATE_INTERVIEW, state=State.SENDING)
    return under_way.count() >= MOST_AT_ONCE


def _follow(write: Write) -> None:
    """Once it has ended: show what came of it, remove the recording, close the write."""
    mutation = write.mutation
    if mutation.state in Mutation.OPEN:
        return
    interview = write.interview
    if _is_gone(mutation):
        reading.bury(mutation.connection, mutation.object_id, timezone.now())
    elif mutation.state in (State.HAPPENED, State.CONFLICT):
        interview = _show(write) or interview
    recordings.remove(write.recording)
    ended = Write.objects.filter(pk=write.pk, finished_at=None)
    ended.update(finished_at=timezone.now(), interview=interview, recording="")
    write.refresh_from_db()


def _is_gone(mutation: Mutation) -> bool:
    """Whether PostHog has just answered that it has no such interview: what was said in it is forgotten at once."""
    found_nothing = mutation.state == State.CONFLICT and mutation.sent_at is None and mutation.after is None
    return bool(mutation.object_id) and (found_nothing or bool(mutation.remote.get(GONE)))


def _show(write: Write) -> Interview | None:
    """Have the mirror show it now, after a conflict too: the next try starts from what is there.

    Where PostHog cannot be read, the next sync does. An upload that was not told apart has no interview to show.
    """
    mutation = write.mutation
    if not mutation.object_id:
        return None
    if write.kind == Write.Kind.DELETE and mutation.state == State.HAPPENED:
        reading.bury(mutation.connection, mutation.object_id, timezone.now())
        return write.interview
    try:
        return reading.read_one(mutation.connection, mutation.object_id)
    except (errors.PostHogError, UserError) as error:
        logger.info("interview write %s: not shown yet: %s", write.pk, type(error).__name__)
        return None


def tend() -> None:
    """Take up what lost its worker, close what was settled meanwhile, clear away what nobody needs."""
    now = timezone.now()
    for write in Write.objects.filter(finished_at=None).select_related("mutation__connection", "interview"):
        mutation = write.mutation
        if mutation.state == State.ASKED:
            if now - mutation.asked_at > GIVEN_UP_AFTER:
                mutations.give_up(mutation.pk)
        elif mutation.state == State.UNCONFIRMED and now - mutation.asked_at > KEPT_UNCONFIRMED:
            _let_go(write)
        else:
            _follow(write)
    waiting = Write.objects.filter(
        finished_at=None, mutation__state=State.ASKED, mutation__asked_at__lt=now - FORGOTTEN
    )
    due = Q(mutation__not_before=None) | Q(mutation__not_before__lte=now)
    for key in waiting.filter(due).values_list("pk", flat=True):
        _queue(key)
    wanted = Write.objects.exclude(recording="").values_list("recording", flat=True)
    recordings.remove_left_over(set(wanted))


def _let_go(write: Write) -> None:
    recordings.remove(write.recording)
    Write.objects.filter(pk=write.pk).update(recording="")


def _queue(key: UUID) -> None:
    """A task of its own: an upload takes minutes and must not hold up the others."""
    from warehouse_admin.interviews import tasks

    tasks.carry_out.delay(str(key))

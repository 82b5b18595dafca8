"""Carrying an approved change to PostHog: claimed once, sent once, and finished after any crash."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from kombu.exceptions import OperationalError

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.changes import moved_base, policies, rebase, tasks
from warehouse_admin.changes.errors import StateForbids
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.changes.transitions import State, current_revision, lock, move, note, record, require_state
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.errors import NotYet
from warehouse_admin.mutations.models import Mutation

Sent = Mutation.State
APPROVAL_LOST = "An approval no longer counts, because its reviewer lost the role; it needs a new review."
GRACE = timedelta(minutes=10)
"""A scheduled change that could not start for so long after its time waits for a person instead."""
logger = logging.getLogger(__name__)


def apply(change: ChangeRequest, user: User) -> ChangeRequest:
    """Start applying an approved change, or one whose last attempt failed. Everything is checked anew."""
    with transaction.atomic():
        change = lock(change)
        policies.require_apply(user, change, action="change.apply_asked")
        require_state(change, "apply")
        _refuse_held_up(change)
        approved = policies.is_approved(change, current_revision(change))
        if approved:
            claim(change, asked_by=user)
        else:
            back_to_review(change)
    if not approved:
        raise StateForbids(APPROVAL_LOST, who="a reviewer")
    return change


def starts_by_itself(change: ChangeRequest) -> bool:
    """Whether the last needed approval also applies it; never once an operator gave it a time."""
    connection = change.connection
    by_policy = connection.apply_policy == Connection.ApplyPolicy.AUTOMATIC and change.scheduled_for is None
    return by_policy and not _held_up(change)


def _held_up(change: ChangeRequest) -> str:
    """Why nothing is sent for a change until somebody sees to its connection or key; empty when it may go."""
    if not change.connection.is_active:
        return f"The connection {change.connection.name} is paused."
    return accounts.why_no_writes(change.connection, author=change.author)


def _refuse_held_up(change: ChangeRequest) -> None:
    if why := _held_up(change):
        raise StateForbids(why, who="an administrator, or the author for a key of their own")


def claim(change: ChangeRequest, *, asked_by: User | None) -> Mutation:
    """In the caller's transaction: take a locked, approved change for applying, and ask the gate for it."""
    attempt = change.attempts + 1
    free = ChangeRequest.objects.filter(
        pk=change.pk,
        state__in=(State.APPROVED, State.SCHEDULED, State.FAILED),
        revision_number=change.revision_number,
    )
    if free.update(state=State.APPLYING, attempts=attempt) != 1:
        raise StateForbids(f"#{change.pk} is being applied already.")
    revision = current_revision(change)
    asked = {"attempts": attempt, "apply_asked_by": asked_by, "scheduled_for": None}
    move(change, State.APPLYING, problem="", remote=None, **asked)
    note(change, asked_by, "apply_asked")
    record(change, asked_by, "apply_asked", reason=change.reason, after={"revision": revision.number})
    mutation = mutations.ask(
        connection=change.connection,
        kind=Mutation.Kind.EDIT_QUERY,
        object_id=str(change.saved_query.posthog_id),
        object_name=change.saved_query.name,
        actor=asked_by,
        idempotency_key=f"change:{change.pk}:{revision.number}:{attempt}",
        payload={"query": revision.proposal["query"]},
        base=revision.base,
        cause=f"change:{change.pk}",
        reason=change.reason,
        credential=change.author.get_username(),
        author_name=change.author.get_username(),
    )
    change.mutation = mutation
    change.save(update_fields=["mutation"])
    transaction.on_commit(lambda: _queue(change.pk))
    return mutation


def advance(change_id: int, *, now: datetime | None = None) -> ChangeRequest:
    """Take a change that is under way, or should start by itself, one step on; any number of times, after any crash."""
    change = ChangeRequest.objects.select_related("connection", "mutation", "saved_query", "author").get(pk=change_id)
    if change.state == State.APPROVED:
        change = _start(change)
    elif change.state == State.SCHEDULED:
        change = _start_due(change, now or timezone.now())
    if change.state in ChangeRequest.IN_FLIGHT and change.mutation is not None:
        _finish(change, _carried(change.mutation, now))
        change.refresh_from_db()
    return change


def settle_open(*, now: datetime | None = None) -> int:
    """Take every change that is under way, due, or was never started, one step further; says how many moved."""
    moved = 0
    in_flight = Q(state__in=ChangeRequest.IN_FLIGHT)
    due = Q(state=State.SCHEDULED, scheduled_for__lte=now or timezone.now())
    automatic = Q(connection__apply_policy=Connection.ApplyPolicy.AUTOMATIC)
    unstarted = automatic & Q(state=State.APPROVED, attempts=0, scheduled_for=None)
    waiting = ChangeRequest.objects.filter(in_flight | due | unstarted).order_by("pk")
    for key, state in waiting.values_list("pk", "state"):
        try:
            moved += advance(key, now=now).state != state
        except Exception:  # the sweep's edge: one change that cannot be advanced must not hold up all others
            logger.exception("change %s could not be advanced", key)
    return moved


def _queue(change_id: int) -> None:
    try:
        tasks.apply_change.delay(change_id)
    except OperationalError:
        # The decision is committed; the sweep takes it up when the broker is back.
        logger.warning("change %s is applied by the next sweep: the broker cannot be reached", change_id)


def _start(change: ChangeRequest) -> ChangeRequest:
    """Claim an approved change that should have started by itself and was not."""
    with transaction.atomic():
        change = lock(change)
        if change.state != State.APPROVED or change.attempts or not starts_by_itself(change):
            return change
        if policies.is_approved(change, current_revision(change)):
            claim(change, asked_by=None)
        else:
            back_to_review(change)
    change.refresh_from_db()
    return change


def _start_due(change: ChangeRequest, now: datetime) -> ChangeRequest:
    """Claim a scheduled change whose time has come, for the operator who set it, if that may still be."""
    with transaction.atomic():
        change = lock(change)
        due, operator = change.scheduled_for, change.apply_asked_by
        if change.state != State.SCHEDULED or due is None or due > now:
            return change
        if not policies.is_approved(change, current_revision(change)):
            back_to_review(change)
        elif operator is None or not policies.may_apply(operator):
            _miss(change, f"{operator} may no longer apply changes, so it was not started.")
        elif now - due > GRACE:
            why = _held_up(change)
            _miss(change, f"It could not be started within {GRACE.seconds // 60} minutes of its time. {why}".strip())
        elif not _held_up(change):
            claim(change, asked_by=operator)
    change.refresh_from_db()
    return change


def _miss(change: ChangeRequest, why: str) -> None:
    """Nothing is applied late without a person's decision."""
    text = f"{why} Apply it now or give it another time."
    move(change, State.APPROVED, problem=text)
    note(change, None, "schedule_missed", text)
    record(change, None, "schedule_missed", result="failed", reason=text, after={"at": change.scheduled_for})


def back_to_review(change: ChangeRequest) -> None:
    text = "An approval no longer counts, because its reviewer lost the role."
    move(change, State.IN_REVIEW, problem="", scheduled_for=None)
    note(change, None, "approval_lost", text)
    record(change, None, "approval_lost", reason=text)


def _carried(mutation: Mutation, now: datetime | None) -> Mutation:
    """The mutation after one more step of the gate."""
    if mutation.state == Mutation.State.ASKED:
        try:
            return mutations.send(mutation.pk)
        except NotYet:
            mutation.refresh_from_db()
            return mutation
    return mutations.settle(mutation.pk, now=now, only_if_due=True)


def _finish(change: ChangeRequest, mutation: Mutation) -> None:
    """Bring the change to where its mutation stands."""
    if mutation.state in (Sent.HAPPENED, Sent.CONFLICT) and mutation.after:
        ours = mutation.state == Sent.HAPPENED and mutation.sent_at is not None
        # Before the state changes: a crash in between does this again, the other way round would forget it.
        mirror.store_read_back(
            saved_query=change.saved_query,
            row=mutations.restore(mutation.after),
            read_at=mutations.fetched_at(mutation.after),
            origin="portal" if ours else "outside",
            author_name=change.author.display_name if ours else "",
            change_number=change.pk if ours else None,
        )
    with transaction.atomic():
        change = lock(change)
        if change.state not in ChangeRequest.IN_FLIGHT or change.mutation_id != mutation.pk:
            return
        if mutation.state == Sent.HAPPENED:
            _happened(change, mutation)
        elif mutation.state == Sent.CONFLICT and moved_base.follow(change, mutation):
            _again(change)
        elif mutation.state == Sent.CONFLICT:
            _end(change, State.NEEDS_REBASE, "needs_rebase", mutation, remote=mutation.after)
        elif mutation.state in (Sent.REFUSED, Sent.NOT_SENT):
            _end(change, State.FAILED, "failed", mutation)
        elif mutation.state == Sent.DID_NOT_HAPPEN:
            _end(change, State.APPROVED, "did_not_happen", mutation)
        elif mutation.state == Sent.UNCONFIRMED and change.state != State.UNCONFIRMED:
            _end(change, State.UNCONFIRMED, "unconfirmed", mutation, result="unknown")
        elif change.problem != mutation.error:
            change.problem = mutation.error
            change.save(update_fields=["problem"])


def _again(change: ChangeRequest) -> None:
    """Claim anew, for whoever asked, what was put onto a base that moved without changing its meaning."""
    move(change, State.APPROVED)
    if policies.is_approved(change, current_revision(change)):
        claim(change, asked_by=change.apply_asked_by)
    else:
        back_to_review(change)


def _happened(change: ChangeRequest, mutation: Mutation) -> None:
    if not Mutation.objects.filter(cause=mutation.cause, sent_at__isnull=False).exists():
        rebase.supersede(change, None)
        return
    move(change, State.APPLIED, problem="", remote=None)
    note(change, mutation.actor, "applied", str(mutation.remote.get("said", "")))
    record(change, mutation.actor, "applied", after={"mutation": str(mutation.pk)})


def _end(
    change: ChangeRequest,
    to: State,
    did: str,
    mutation: Mutation,
    *,
    remote: dict | None = None,
    result: str = "failed",
) -> None:
    move(change, to, problem=mutation.error, remote=remote)
    note(change, None, did, mutation.error)
    record(change, None, did, result=result, reason=mutation.error, after={"mutation": str(mutation.pk)})

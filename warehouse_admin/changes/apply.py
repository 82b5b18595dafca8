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
from warehouse_admin.changes import guards, holding, keys, moved_base, moves, policies, tasks
from warehouse_admin.changes.actions import action_of
from warehouse_admin.changes.errors import StateForbids
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.changes.outcome import keep_outcome
from warehouse_admin.changes.transitions import (
    State,
    current_revision,
    lock,
    move,
    note,
    record,
    require_state,
    supersede,
)
from warehouse_admin.mirror.models import WarehouseTable
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.errors import NotYet
from warehouse_admin.mutations.models import GONE, Mutation

Sent = Mutation.State
GRACE = timedelta(minutes=10)
"""A scheduled change that could not start for so long after its time waits for a person instead."""
logger = logging.getLogger(__name__)


def apply(change: ChangeRequest, user: User) -> ChangeRequest:
    """Start applying an approved change, or one whose last attempt failed. Everything is checked anew."""
    with transaction.atomic():
        change = lock(change)
        policies.require_apply(user, change, action="change.apply_asked")
        require_state(change, "apply")
        refuse_held_up(change)
        approved = guards.still_approved(change)
        if approved:
            claim(change, asked_by=user)
    if not approved:
        raise StateForbids(change.problem or guards.APPROVAL_LOST, who="a reviewer")
    return change


def starts_by_itself(change: ChangeRequest) -> bool:
    """Whether the last needed approval also applies it; never once an operator gave it a time."""
    return approval_applies(change) and not _held_up(change)


def approval_applies(change: ChangeRequest) -> bool:
    """The same by the connection's policy alone, whatever holds it up now."""
    return change.connection.apply_policy == Connection.ApplyPolicy.AUTOMATIC and not change.by_hand


def _held_up(change: ChangeRequest) -> str:
    """Why nothing is sent for a change until somebody sees to its connection, key or threads; empty when it may go."""
    if not change.connection.is_active:
        return f"The connection {change.connection.name} is paused."
    why = accounts.why_no_writes(change.connection, author=change.author) or keys.why_spent(change)
    return why or holding.why_held(change)


def refuse_held_up(change: ChangeRequest) -> None:
    """Neither applied nor given a time: nobody shall rely on what would not start."""
    keys.refuse_spent(change)
    if why := holding.why_held(change):
        raise StateForbids(why, kind="fix", who=holding.WHO)
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
    asked = {"attempts": attempt, "apply_asked_by": asked_by, "scheduled_for": None, "by_hand": False}
    move(change, State.APPLYING, problem="", remote=None, **asked)
    note(change, asked_by, "apply_asked")
    record(change, asked_by, "apply_asked", reason=change.reason, after={"revision": revision.number})
    action, about = action_of(change.action), change.about
    mutation = mutations.ask(
        connection=change.connection,
        kind=action.kind,
        object_id=str(about.posthog_id) if about else "",
        object_name=change.object_name,
        actor=asked_by,
        idempotency_key=f"change:{change.pk}:{revision.number}:{attempt}",
        payload=action.payload(revision.proposal),
        base=revision.base,
        cause=change.cause,
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
    change = ChangeRequest.objects.select_related("connection", "mutation", "saved_query", "table", "author").get(
        pk=change_id
    )
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
    unstarted = automatic & Q(state=State.APPROVED, attempts=0, by_hand=False)
    waiting = ChangeRequest.objects.filter(in_flight | due | unstarted).order_by("pk")
    for key, state in waiting.values_list("pk", "state"):
        try:
            moved += advance(key, now=now).state != state
        except Exception:  # the sweep's edge: one change that cannot be advanced must not hold up all others
            logger.exception("change %s could not be advanced", key)
    return moved


def start_released(change: ChangeRequest) -> None:
    """Claim a locked change that threads alone kept from starting by itself, now that they are resolved."""
    if change.connection.threads_block and change.state == State.APPROVED and not change.attempts:
        if starts_by_itself(change) and guards.still_approved(change):
            claim(change, asked_by=None)


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
        if guards.still_approved(change):
            claim(change, asked_by=None)
    change.refresh_from_db()
    return change


def _start_due(change: ChangeRequest, now: datetime) -> ChangeRequest:
    """Claim a scheduled change whose time has come, for the operator who set it, if that may still be."""
    with transaction.atomic():
        change = lock(change)
        due, operator = change.scheduled_for, change.apply_asked_by
        if change.state != State.SCHEDULED or due is None or due > now:
            return change
        if not guards.still_approved(change):
            pass
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
    # Before the state changes: a crash in between does this again, the other way round would forget it.
    made = keep_outcome(change, mutation)
    with transaction.atomic():
        change = lock(change)
        if change.state not in ChangeRequest.IN_FLIGHT or change.mutation_id != mutation.pk:
            return
        if made is not None:
            field = "table" if isinstance(made, WarehouseTable) else "saved_query"
            setattr(change, field, made)
            change.save(update_fields=[field])
        if mutation.state == Sent.HAPPENED:
            _happened(change, mutation)
        elif mutation.state == Sent.CONFLICT and moved_base.follow(change, mutation):
            _again(change)
        elif mutation.state == Sent.CONFLICT and change.about is not None:
            _needs_rebase(change, mutation)
        elif mutation.remote.get(GONE) and change.about is not None:
            _end(change, State.NEEDS_REBASE, "needs_rebase", mutation)
        elif mutation.state in (Sent.CONFLICT, Sent.REFUSED, Sent.NOT_SENT):  # what is new is rebased onto nothing
            _end(change, State.FAILED, "failed", mutation)
        elif mutation.state == Sent.DID_NOT_HAPPEN:
            # What only a person could tell, or what needs keys anew, is not tried again before somebody looks at it.
            by_hand = bool(mutations.decided_by(mutation) or keys.why_spent(change))
            _end(change, State.FAILED if by_hand else State.APPROVED, "did_not_happen", mutation)
        elif mutation.state == Sent.UNCONFIRMED and change.state != State.UNCONFIRMED:
            _end(change, State.UNCONFIRMED, "unconfirmed", mutation, result="unknown")
        elif change.problem != mutation.error:
            change.problem = mutation.error
            change.save(update_fields=["problem"])


def _again(change: ChangeRequest) -> None:
    """Claim anew, for whoever asked, what was put onto a base that moved without changing its meaning."""
    move(change, State.APPROVED)
    if guards.still_approved(change):
        claim(change, asked_by=change.apply_asked_by)


def _happened(change: ChangeRequest, mutation: Mutation) -> None:
    sent = mutation.sent_at or Mutation.objects.filter(cause=mutation.cause, sent_at__isnull=False).exists()
    if not sent:
        supersede(change, None)
        return
    move(change, State.APPLIED, problem="", remote=None)
    note(change, mutation.actor, "applied", str(mutation.remote.get("said", "")))
    record(change, mutation.actor, "applied", after={"mutation": str(mutation.pk)})


def _needs_rebase(change: ChangeRequest, mutation: Mutation) -> None:
    """Says what moved and whose work that is, as far as it is known at this moment."""
    moved = moves.told(change, current_revision(change).base, mutation.after) if mutation.after else ""
    said = f"{moved} Nothing was sent." if moved and not mutation.sent_at else f"{mutation.error} {moved}".strip()
    _end(change, State.NEEDS_REBASE, "needs_rebase", mutation, remote=mutation.after, said=said)


def _end(
    change: ChangeRequest,
    to: State,
    did: str,
    mutation: Mutation,
    *,
    remote: dict | None = None,
    result: str = "failed",
    said: str = "",
) -> None:
    told = said or mutation.error
    move(change, to, problem=told, remote=remote)
    note(change, None, did, told)
    record(change, None, did, result=result, reason=told, after={"mutation": str(mutation.pk)})

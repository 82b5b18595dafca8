"""Carrying an approved change to PostHog: claimed once, sent once, and finished after any crash."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from kombu.exceptions import OperationalError

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.changes import policies, propose, tasks
from warehouse_admin.changes.errors import StateForbids
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.changes.transitions import State, current_revision, lock, move, note, record, require_state
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.errors import NotYet
from warehouse_admin.mutations.models import Mutation

Sent = Mutation.State
logger = logging.getLogger(__name__)


def apply(change: ChangeRequest, user: User) -> ChangeRequest:
    """Start applying an approved change, or one whose last attempt failed. Everything is checked anew."""
    with transaction.atomic():
        change = lock(change)
        policies.require_apply(user, change, action="change.apply_asked")
        require_state(change, "apply")
        refuse_paused(change)
        approved = policies.is_approved(change, current_revision(change))
        if approved:
            claim(change, asked_by=user)
        else:
            _back_to_review(change)
    if not approved:
        text = "An approval no longer counts, because its reviewer lost the role; it needs a new review."
        raise StateForbids(text, who="a reviewer")
    return change


def starts_by_itself(change: ChangeRequest) -> bool:
    """Whether the last needed approval also applies it."""
    connection = change.connection
    return connection.apply_policy == Connection.ApplyPolicy.AUTOMATIC and connection.is_active


def refuse_paused(change: ChangeRequest) -> None:
    if not change.connection.is_active:
        raise StateForbids(f"The connection {change.connection.name} is paused.", who="an administrator")


def claim(change: ChangeRequest, *, asked_by: User | None) -> Mutation:
    """In the caller's transaction: take a locked, approved change for applying, and ask the gate for it."""
    attempt = change.attempts + 1
    free = ChangeRequest.objects.filter(
        pk=change.pk, state__in=(State.APPROVED, State.FAILED), revision_number=change.revision_number
    )
    if free.update(state=State.APPLYING, attempts=attempt) != 1:
        raise StateForbids(f"#{change.pk} is being applied already.")
    revision = current_revision(change)
    move(change, State.APPLYING, attempts=attempt, apply_asked_by=asked_by, problem="", remote=None)
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
    if change.state in ChangeRequest.IN_FLIGHT and change.mutation is not None:
        _finish(change, _carried(change.mutation, now))
        change.refresh_from_db()
    return change


def settle_open(*, now: datetime | None = None) -> int:
    """Take every change that is under way, or was never started, one step further; says how many moved."""
    moved = 0
    waiting = ChangeRequest.objects.filter(state__in=(*ChangeRequest.IN_FLIGHT, State.APPROVED)).order_by("pk")
    unstarted = {"connection__apply_policy": Connection.ApplyPolicy.AUTOMATIC, "attempts": 0}
    waiting = waiting.filter(state__in=ChangeRequest.IN_FLIGHT) | waiting.filter(state=State.APPROVED, **unstarted)
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
            _back_to_review(change)
    change.refresh_from_db()
    return change


def _back_to_review(change: ChangeRequest) -> None:
    text = "An approval no longer counts, because its reviewer lost the role."
    move(change, State.IN_REVIEW, problem="")
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
    if mutation.state == Sent.HAPPENED and mutation.after:
        # Before the state changes: a crash in between does this again, the other way round would forget it.
        mirror.store_read_back(
            saved_query=change.saved_query,
            row=mutations.restore(mutation.after),
            read_at=mutations.fetched_at(mutation.after),
            origin="portal" if mutation.sent_at else "outside",
            author_name=change.author.display_name if mutation.sent_at else "",
            change_number=change.pk if mutation.sent_at else None,
        )
    with transaction.atomic():
        change = lock(change)
        if change.state not in ChangeRequest.IN_FLIGHT or change.mutation_id != mutation.pk:
            return
        if mutation.state == Sent.HAPPENED:
            _happened(change, mutation)
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


def _happened(change: ChangeRequest, mutation: Mutation) -> None:
    if mutation.sent_at is None and change.attempts == 1:
        propose.supersede(change, None)
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

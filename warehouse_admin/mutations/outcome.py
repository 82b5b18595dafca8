"""Writes down how a mutation stands, with its audit entry, in one short transaction."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from warehouse_admin.accounts.models import User
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.targets import Target
from warehouse_admin.mutations import credentials, locks, timing
from warehouse_admin.mutations.errors import NotYet
from warehouse_admin.mutations.kinds import kind_of
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.mutations.rows import Snapshot

State = Mutation.State
RESULTS = {
    State.HAPPENED: "ok",
    State.CONFLICT: "failed",
    State.REFUSED: "failed",
    State.NOT_SENT: "failed",
    State.DID_NOT_HAPPEN: "failed",
    State.UNCONFIRMED: "unknown",
}


def audit_asked(mutation: Mutation) -> None:
    kind = kind_of(mutation)
    _record(mutation, "asked", before=kind.shown(mutation.base) or None, after=kind.shown(mutation.payload))


def conclude(
    mutation: Mutation,
    state: Mutation.State,
    *,
    said: str = "",
    after: Snapshot | None = None,
    remote: dict[str, Any] | None = None,
    credential: str | None = None,
    result: str = "",
    by: User | None = None,
    reason: str = "",
) -> Mutation:
    """Move a mutation that is held by `mutation.claim` to `state`; without effect when somebody else was first.

    `by` is the person who decided it, with a reason, where PostHog could not tell.
    """
    now = timezone.now()
    evidence = {**mutation.remote, **(remote or {}), "outcome": str(state)} | ({"said": said} if said else {})
    changes: dict[str, Any] = {"state": state, "error": "" if state == State.HAPPENED else said, "remote": evidence}
    if after is not None:
        changes["after"] = after
    if credential is not None:
        changes["credential"] = credential
    if state not in Mutation.OPEN:
        changes["finished_at"] = now
        changes["payload"] = kind_of(mutation).wipe(mutation.payload)
    if state == State.HAPPENED and after is not None and kind_of(mutation).makes:
        changes["object_id"] = after["id"]
    expected = [State.SENDING] if state == State.UNCONFIRMED else [State.SENDING, State.UNCONFIRMED]
    with transaction.atomic():
        held = Mutation.objects.filter(pk=mutation.pk, claim=mutation.claim, state__in=expected)
        if held.update(**changes):
            for name, value in changes.items():
                setattr(mutation, name, value)
            if state not in Mutation.OPEN:
                locks.release(mutation)
            credentials.wipe_sent(mutation)
            kind = kind_of(mutation)
            shown_before = kind.shown(mutation.before or mutation.base) or None
            shown_after = kind.shown(after) if after else None
            told = {"before": shown_before, "after": shown_after, "remote": _told(evidence)}
            _record(mutation, result or RESULTS[state], by=by, reason=reason, **told)
    mutation.refresh_from_db()
    return mutation


def _told(evidence: dict[str, Any]) -> dict[str, Any]:
    """Whose key was used, under a name that does not sound like a secret's: the trail would hide it."""
    return {"sent_with" if name == "key" else name: value for name, value in evidence.items()}


def give_back(mutation: Mutation, *, seconds: float, said: str, counts: bool) -> Mutation:
    """Certainly nothing left: to be sent after `seconds` (raises NotYet), or given up after a few that `counts`."""
    attempts = mutation.attempts + counts
    if counts and attempts > len(timing.BACKOFFS):
        return conclude(mutation, State.NOT_SENT, said=said)
    seconds = min(seconds, timing.LONGEST_WAIT)
    with transaction.atomic():
        held = Mutation.objects.filter(pk=mutation.pk, claim=mutation.claim, state=State.SENDING)
        given = held.update(
            state=State.ASKED,
            claim=None,
            claimed_at=None,
            sent_at=None,
            not_before=timing.in_seconds(seconds),
            attempts=attempts,
            error=said,
        )
        if given:
            locks.release(mutation)
    mutation.refresh_from_db()
    if given:
        raise NotYet(seconds, said)
    return mutation


def _record(mutation: Mutation, result: str, *, by: User | None = None, reason: str = "", **details: Any) -> None:
    kind = kind_of(mutation)
    audit.record(
        actor=by or mutation.actor,
        action=kind.action,
        target=Target(kind.target, mutation.object_id, mutation.object_name),
        result=result,
        reason=reason or mutation.reason,
        connection=mutation.connection.slug,
        **details,
    )

"""Step two: claim, compare with the live view, send once, classify the answer, read back."""

from __future__ import annotations

import time
import uuid
from contextlib import closing
from typing import Any

from django.db import transaction
from django.utils import timezone

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import User
from warehouse_admin.core import context
from warehouse_admin.core.errors import UserError
from warehouse_admin.mutations import locks, timing
from warehouse_admin.mutations.errors import Busy, NotYet
from warehouse_admin.mutations.kinds import Decided, Standing, kind_of
from warehouse_admin.mutations.kinds.create import NEW_ID
from warehouse_admin.mutations.models import GONE, Mutation
from warehouse_admin.mutations.outcome import State, conclude, give_back
from warehouse_admin.mutations.rows import Remote, Snapshot, token_of
from warehouse_admin.mutations.words import sentence
from warehouse_admin.posthog import errors
from warehouse_admin.posthog.client import Client


def send(mutation_id: uuid.UUID) -> Mutation:
    """Carry out an asked mutation; safe to call any number of times. Raises NotYet when it must wait, nothing sent."""
    mutation = Mutation.objects.select_related("connection", "actor").get(pk=mutation_id)
    if mutation.state != State.ASKED:
        return mutation
    wait = -timing.age(mutation.not_before, timezone.now())
    if wait > 0:
        raise NotYet(wait, mutation.error)
    request_id = mutation.request_id or context.current().request_id
    with context.use(context.RequestContext(request_id=request_id)):
        if not _claim(mutation):
            return mutation
        return _carry_out(mutation)


@transaction.atomic
def _claim(mutation: Mutation) -> bool:
    """Take it, and the lock of its object; false when another worker was first."""
    free = Mutation.objects.filter(pk=mutation.pk, state=State.ASKED)
    taken = free.update(
        state=State.SENDING, claim=uuid.uuid4(), claimed_at=timezone.now(), sent_at=None, not_before=None
    )
    if taken and kind_of(mutation).locks and not locks.take(mutation):
        # Raised inside the transaction: the claim is undone.
        raise Busy(timing.LOCK_WAIT, f"Another change of this {kind_of(mutation).noun} is under way.")
    mutation.refresh_from_db()
    return bool(taken)


def _carry_out(mutation: Mutation) -> Mutation:
    try:
        client, credential = accounts.writer_for(mutation.connection, author=_author(mutation))
    except UserError as refusal:
        return conclude(mutation, State.NOT_SENT, said=refusal.message)
    with closing(client):
        return _carry_out_with(mutation, client, credential)


def _carry_out_with(mutation: Mutation, client: Client, credential: str) -> Mutation:
    kind = kind_of(mutation)
    read_at = timezone.now()
    try:
        live = kind.read(client, mutation)
    except errors.PostHogError as error:
        return _could_not_read(mutation, error, credential)
    before = kind.keep(live, read_at) if live else None
    standing = kind.standing(mutation, live)
    if standing is not Standing.BASE:
        return _nothing_to_send(mutation, standing, live, before, credential)
    if why := kind.refusal(mutation, live):
        return conclude(mutation, State.NOT_SENT, said=f"{why} Nothing was sent.", credential=credential)
    request = kind.request(mutation, live)
    evidence = {**request.evidence(client), "key": credential}
    if (token := token_of(live)) is not None:
        evidence["token_before"] = token
    if not _mark_sent(mutation, before, evidence):
        return mutation
    return _write(mutation, client, live, credential)


def _author(mutation: Mutation) -> User | None:
    """The person whose own key may be used."""
    if mutation.credential:
        return User.objects.filter(username=mutation.credential).first()
    return mutation.actor


def _could_not_read(mutation: Mutation, error: errors.PostHogError, credential: str) -> Mutation:
    """The live read failed: whatever it was, nothing has been sent."""
    if isinstance(error, errors.RateLimited):
        return give_back(
            mutation, seconds=error.retry_after or timing.RATE_WAIT, said=_sentence(mutation, error), counts=False
        )
    final = errors.InvalidKey | errors.PermissionDenied | errors.NotFound | errors.Refused
    if isinstance(error, final):
        evidence = {"method": error.method, "path": error.path, "status": error.status, "key": credential}
        evidence |= _missing(error)
        said = _sentence(mutation, error, credential)
        return conclude(mutation, State.REFUSED, said=said, remote=evidence, credential=credential)
    return _try_later(mutation, error)


def _missing(error: errors.PostHogError) -> dict[str, Any]:
    return {GONE: True} if isinstance(error, errors.NotFound) and error.object_missing else {}


def _try_later(mutation: Mutation, error: errors.PostHogError) -> Mutation:
    seconds = timing.BACKOFFS[min(mutation.attempts, len(timing.BACKOFFS) - 1)]
    return give_back(mutation, seconds=seconds, said=_sentence(mutation, error), counts=True)


def _nothing_to_send(
    mutation: Mutation, standing: Standing, live: Remote | None, after: Snapshot | None, credential: str
) -> Mutation:
    kind = kind_of(mutation)
    if standing is Standing.DONE:
        said = f"{kind.words.already} {kind.note(mutation, live)}".strip()
        return conclude(mutation, State.HAPPENED, said=said, after=after, credential=credential)
    said = kind.words.conflict(mutation, live)
    return conclude(mutation, State.CONFLICT, said=said, after=after, credential=credential)


def _mark_sent(mutation: Mutation, before: Snapshot | None, evidence: dict[str, Any]) -> bool:
    """Committed before the request leaves; false when the claim was lost, and then nothing may be sent."""
    held = Mutation.objects.filter(pk=mutation.pk, claim=mutation.claim, state=State.SENDING, sent_at=None)
    marked = held.update(sent_at=timezone.now(), before=before, remote=evidence)
    mutation.refresh_from_db()
    return bool(marked)


def _write(mutation: Mutation, client: Client, live: Remote | None, credential: str) -> Mutation:
    kind = kind_of(mutation)
    started = time.monotonic()
    error: errors.PostHogError | None = None
    decided: Decided | None = None
    answer: Remote | None = None
    try:
        answer = kind.write(client, mutation, live)
    except errors.PostHogError as failure:
        error = failure
    except Decided as end:
        decided = end
    status = error.status if error else decided.status if decided else client.last_status
    evidence: dict[str, Any] = {"status": status, "duration_ms": round((time.monotonic() - started) * 1000)}
    if error is not None:
        return _failed(mutation, client, error, evidence, credential)
    accounts.learn(mutation.connection, kind.capability, None)
    if decided is not None:
        return _as_decided(mutation, decided, evidence, credential)
    if not kind.reads_back:
        said = kind.note(mutation, live)
        return conclude(mutation, State.HAPPENED, said=said, remote=evidence, credential=credential)
    if kind.makes and answer is not None:
        evidence[NEW_ID] = answer.id
        mutation.remote = {**mutation.remote, NEW_ID: answer.id}
    return _read_back(mutation, client, answer, evidence, credential)


def _as_decided(mutation: Mutation, decided: Decided, evidence: dict[str, Any], credential: str) -> Mutation:
    after = kind_of(mutation).keep(decided.live, timezone.now()) if decided.live else None
    return conclude(
        mutation,
        decided.state,
        said=decided.said,
        after=after,
        remote=evidence,
        credential=credential,
        result=decided.result,
    )


def _failed(
    mutation: Mutation, client: Client, error: errors.PostHogError, evidence: dict[str, Any], credential: str
) -> Mutation:
    """What a write that raised means: the three ways are "certainly not", "no" and "nobody knows"."""
    if isinstance(error, errors.RateLimited):
        return give_back(
            mutation, seconds=error.retry_after or timing.RATE_WAIT, said=_sentence(mutation, error), counts=False
        )
    if not error.sent:
        return _try_later(mutation, error)
    said = _sentence(mutation, error, credential)
    evidence |= _missing(error)
    if error.status is not None:
        evidence["answer"] = said  # kept when a later look says how it ended
    if error.unconfirmed:
        said = f"{said} It may have happened all the same; PostHog is being read to find out."
        return conclude(mutation, State.UNCONFIRMED, said=said, remote=evidence, credential=credential)
    if isinstance(error, errors.Conflict):
        after = _look(mutation, client)
        return conclude(mutation, State.CONFLICT, said=said, after=after, remote=evidence, credential=credential)
    if isinstance(error, errors.PermissionDenied):
        accounts.learn(mutation.connection, kind_of(mutation).capability, error)
    return conclude(mutation, State.REFUSED, said=said, remote=evidence, credential=credential)


def _sentence(mutation: Mutation, error: errors.PostHogError, credential: str = "connection") -> str:
    return sentence(error, kind_of(mutation).noun, credential=credential)


def _look(mutation: Mutation, client: Client) -> Snapshot | None:
    """What PostHog holds now; None when it cannot be read."""
    read_at = timezone.now()
    try:
        live = kind_of(mutation).read(client, mutation)
    except errors.PostHogError:
        return None
    return kind_of(mutation).keep(live, read_at) if live else None


def _read_back(
    mutation: Mutation, client: Client, answer: Remote | None, evidence: dict[str, Any], credential: str
) -> Mutation:
    """Believe a write when PostHog, asked again, holds it. The answer's own token can be the old one."""
    kind = kind_of(mutation)
    words = kind.words
    answer_done = answer is not None and kind.judge(mutation, answer) is Standing.DONE
    read_at = timezone.now()
    try:
        standing, live = kind.look(client, mutation)
    except errors.PostHogError as error:
        gone = isinstance(error, errors.NotFound) and error.object_missing
        if not (gone and answer_done):
            said = f"PostHog accepted it, but could not be read again. {_sentence(mutation, error)}"
            return conclude(mutation, State.UNCONFIRMED, said=said, remote=evidence, credential=credential)
        standing, live = Standing.OTHER, None
    said = ""
    if standing is not Standing.DONE:
        if not answer_done:
            return conclude(
                mutation, State.UNCONFIRMED, said=words.showed_other, remote=evidence, credential=credential
            )
        said = words.changed_again if live else f"PostHog saved it; somebody deleted the {kind.noun} right afterwards."
        live, read_at = answer, mutation.sent_at or read_at
    if (token := token_of(live)) is not None:
        evidence["token_after"] = token
    said = f"{said} {kind.note(mutation, live)}".strip()
    after = kind.keep(live, read_at) if live else None
    return conclude(mutation, State.HAPPENED, said=said, after=after, remote=evidence, credential=credential)

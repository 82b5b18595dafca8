"""Step three, when there was no answer: read PostHog and decide. Nothing here ever sends an edit again."""

from __future__ import annotations

import logging
import uuid
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from warehouse_admin.accounts import services as accounts
from warehouse_admin.core import context
from warehouse_admin.core.errors import UserError
from warehouse_admin.mutations import elsewhere, locks, timing, trace
from warehouse_admin.mutations.errors import NotYet
from warehouse_admin.mutations.kinds import Standing, kind_of
from warehouse_admin.mutations.models import CANDIDATES, Mutation
from warehouse_admin.mutations.outcome import State, conclude
from warehouse_admin.mutations.rows import Remote, Snapshot, token_of
from warehouse_admin.mutations.send import send
from warehouse_admin.mutations.words import sentence
from warehouse_admin.posthog import errors
from warehouse_admin.posthog.client import Client

logger = logging.getLogger(__name__)

ACTS = (Mutation.Kind.RUN, Mutation.Kind.CANCEL)
OF_CAMPAIGN = "run:"  # so the cause of a run begins that belongs to a campaign, which sends it, rests or is stopped
FORGOTTEN_SECONDS = 60.0  # an act asked for this long ago has lost its task
TOO_OLD_SECONDS = 900.0  # nobody expects a run or a cancel that late
GIVEN_UP = "It could not be sent in time, so it was given up. Ask again if it is wanted."


def settle(mutation_id: uuid.UUID, *, now: datetime | None = None, only_if_due: bool = False) -> Mutation:
    """Look at PostHog and decide about an unconfirmed mutation or one whose worker is lost; others are left alone.

    `only_if_due` leaves alone what was looked at a moment ago.
    """
    now = now or timezone.now()
    mutation = Mutation.objects.select_related("connection", "actor").get(pk=mutation_id)
    request_id = mutation.request_id or context.current().request_id
    with context.use(context.RequestContext(request_id=request_id)):
        if mutation.state == State.SENDING:
            mutation = _take_from_lost_worker(mutation, now)
        due = not only_if_due or timing.look_is_due(mutation.sent_at, mutation.looked_at, now)
        if mutation.state != State.UNCONFIRMED or not due:
            return mutation
        return _look(mutation, now)


def settle_due(*, now: datetime | None = None, everything: bool = False) -> int:
    """Settle what is due to be looked at (or `everything` open) and say how many came to an end."""
    now = now or timezone.now()
    ended = 0
    waiting = Mutation.objects.filter(state__in=[State.SENDING, State.UNCONFIRMED]).order_by("asked_at")
    for row in waiting.values("pk", "sent_at", "looked_at"):
        if not everything and not timing.look_is_due(row["sent_at"], row["looked_at"], now):
            continue
        try:
            ended += settle(row["pk"], now=now).state not in Mutation.OPEN
        except Exception:  # the sweep's edge: one mutation that cannot be settled must not hold up all others
            logger.exception("mutation %s could not be settled", row["pk"])
    return ended + _send_forgotten_acts(now)


def _send_forgotten_acts(now: datetime) -> int:
    """Runs and cancels whose task was lost with its worker.

    Edits, resumes and the runs of a campaign are taken up by who asked for them, or no longer wanted.
    """
    since = now - timedelta(seconds=FORGOTTEN_SECONDS)
    ready = Q(not_before=None) | Q(not_before__lte=now)
    found = Mutation.objects.filter(ready, state=State.ASKED, kind__in=ACTS, asked_at__lt=since).order_by("asked_at")
    ended = 0
    for mutation in found.exclude(cause__startswith=OF_CAMPAIGN).select_related("connection", "actor"):
        if timing.age(mutation.asked_at, now) > TOO_OLD_SECONDS:
            ended += give_up(mutation.pk)
            continue
        try:
            ended += send(mutation.pk).state not in Mutation.OPEN
        except NotYet:
            continue
    return ended


def give_up(mutation_id: uuid.UUID, *, said: str = GIVEN_UP) -> bool:
    """End what was asked and never sent; false when a worker has it, or it has ended."""
    mutation = Mutation.objects.select_related("connection", "actor").get(pk=mutation_id)
    claim = uuid.uuid4()
    free = Mutation.objects.filter(pk=mutation.pk, state=State.ASKED)
    if not free.update(state=State.SENDING, claim=claim, claimed_at=timezone.now(), sent_at=None):
        return False
    mutation.refresh_from_db()
    conclude(mutation, State.NOT_SENT, said=said)
    return True


def _take_from_lost_worker(mutation: Mutation, now: datetime) -> Mutation:
    """Nothing, while the worker may still be at it; asked again if it never sent; else unconfirmed."""
    if mutation.sent_at is not None:
        if timing.age(mutation.sent_at, now) < timing.answer_seconds(is_slow=kind_of(mutation).is_slow):
            return mutation
        said = "The worker that sent it stopped before the answer came; PostHog is being read to find out."
        return conclude(mutation, State.UNCONFIRMED, said=said)
    if timing.age(mutation.claimed_at, now) < timing.CLAIM_SECONDS:
        return mutation
    with transaction.atomic():
        held = Mutation.objects.filter(pk=mutation.pk, claim=mutation.claim, state=State.SENDING, sent_at=None)
        if held.update(state=State.ASKED, claim=None, claimed_at=None):
            locks.release(mutation)
    mutation.refresh_from_db()
    return mutation


def _look(mutation: Mutation, now: datetime) -> Mutation:
    read_at = timezone.now()
    try:
        with closing(accounts.client_for(mutation.connection, purpose="background", read_timeout=10)) as client:
            standing, live, found = _read(client, mutation, now)
    except UserError as refusal:
        return _still_open(mutation, now, refusal.message)
    except errors.PostHogError as error:
        return _still_open(mutation, now, f"PostHog could not be read: {sentence(error, kind_of(mutation).noun)}")
    if isinstance(found, elsewhere.Doubt):
        return _still_open(mutation, now, found.said, candidates=found.candidates)
    if found:
        return _happened_and_changed(mutation, found, kind_of(mutation).keep(live, read_at) if live else None)
    return _decide(mutation, standing, live, read_at, now)


def _read(
    client: Client, mutation: Mutation, now: datetime
) -> tuple[Standing, Remote | None, trace.Found | elsewhere.Doubt | None]:
    """What PostHog holds, and what its log or its lists tell beside."""
    try:
        standing, live = kind_of(mutation).look(client, mutation)
    except errors.NotFound as error:
        if not error.object_missing:
            raise
        standing, live = Standing.OTHER, None
    found: trace.Found | elsewhere.Doubt | None = trace.follow(client, mutation, standing, live, now=now)
    if elsewhere.is_due(mutation, standing, live, now):
        found = elsewhere.look(client, mutation, now=now)
    return standing, live, found


def _happened_and_changed(mutation: Mutation, found: trace.Found, now_there: Snapshot | None) -> Mutation:
    evidence = {"settled": True, "logged_at": found.at.isoformat()}
    left = trace.kept(mutation, found, now_there)
    return conclude(mutation, State.HAPPENED, said=found.said, after=left, remote=evidence)


def _decide(mutation: Mutation, standing: Standing, live: Remote | None, read_at: datetime, now: datetime) -> Mutation:
    kind = kind_of(mutation)
    after = kind.keep(live, read_at) if live else None
    note = kind.note(mutation, live)
    evidence = {"settled": True} | ({"token_after": token} if (token := token_of(live)) else {})
    if standing is Standing.DONE:
        said = f"PostHog was read again and shows that it happened. {note}".strip()
        return conclude(mutation, State.HAPPENED, said=said, after=after, remote=evidence)
    if timing.age(mutation.sent_at, now) < timing.landing_seconds(is_slow=kind.is_slow):
        return _still_open(mutation, now, "PostHog does not show it yet; a late request can still land.")
    if standing is Standing.BASE:
        said = f"{kind.words.former} {note}".strip()
        return conclude(mutation, State.DID_NOT_HAPPEN, said=said, after=after, remote=evidence)
    if standing is Standing.OTHER:
        gone = f"the {kind.noun} is gone" if live is None else kind.words.third
        said = f"PostHog was read again: {gone}. Whether ours was there in between cannot be told."
        return conclude(mutation, State.CONFLICT, said=said, after=after, remote=evidence, result="unknown")
    return _still_open(mutation, now, "Reading PostHog does not tell whether it happened.")


def _still_open(
    mutation: Mutation, now: datetime, said: str, *, candidates: list[dict[str, Any]] | None = None
) -> Mutation:
    """`candidates` are what only a person can judge; where PostHog could not be read, those of the last look stay."""
    changes: dict[str, Any] = {"looked_at": now, "error": said}
    if candidates is not None:
        changes["remote"] = {**mutation.remote, CANDIDATES: candidates}
    Mutation.objects.filter(pk=mutation.pk, state=State.UNCONFIRMED).update(**changes)
    mutation.refresh_from_db()
    return mutation

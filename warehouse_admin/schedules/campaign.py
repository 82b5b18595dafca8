"""Run a campaign: chunk by chunk, each chunk one mutation, each view settled by re-reading it."""

from __future__ import annotations

import math
import uuid
from collections import Counter
from collections.abc import Sequence

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.audit import services as audit
from warehouse_admin.core import context
from warehouse_admin.core.errors import UserError
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.errors import NotYet
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog import errors as posthog_errors
from warehouse_admin.schedules.claims import ClaimLost, claim, give_back, heartbeat
from warehouse_admin.schedules.items import settle, settle_all
from warehouse_admin.schedules.models import BulkResume, BulkResumeItem
from warehouse_admin.schedules.pauses import Pause, pause_of
from warehouse_admin.schedules.start import ACTION, target_of
from warehouse_admin.schedules.verify import GONE, verify

Outcome = BulkResumeItem.Outcome
State = BulkResume.State

CHUNK = 25  # on older servers each view of a call costs two slow steps, so small chunks by default
CALLS = 25  # a big campaign takes bigger chunks rather than more calls than this
CHUNK_LIMIT = 50
WAIT = 15.0  # seconds before asking again when nobody said how long to wait
STOPPING_STATUSES = {401, 403}  # what PostHog refuses one chunk for, it refuses the next one for too

NO_SCHEDULE = "It has no schedule: it is not materialized."
NOT_PAUSED = "Its schedule was neither paused nor suspended, so nothing was sent."
MANAGED = "PostHog manages this view and its schedule; nothing was sent."
CADENCE = "It was paused by taking its cadence away, which a resume does not undo; set a cadence. Nothing was sent."


class _Wait(Exception):
    """PostHog or our budget wants a pause of `seconds`."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds = WAIT if seconds is None else max(1.0, seconds)


def run_resume(resume_id: uuid.UUID | str) -> None:
    """Work on a campaign until it is done, stopped, or has to wait. Safe to call any number of times."""
    resume = claim(resume_id)
    if resume is None:
        return
    with context.use(context.RequestContext(request_id=resume.request_id)):
        try:
            _work(resume)
        except _Wait as pause:
            give_back(resume, pause.seconds)
        except ClaimLost:
            return


def _work(resume: BulkResume) -> None:
    for mutation in _sent_chunks(resume):
        _finish_chunk(resume, mutation)
    while not _key_is_refused(resume) and (chunk := _next_chunk(resume)) is not None:
        _finish_chunk(resume, _ask(resume, chunk))
    _conclude(resume)


def _key_is_refused(resume: BulkResume) -> bool:
    """True when somebody was told so, here or elsewhere: what is left is settled as not sent."""
    connection = Connection.objects.get(pk=resume.connection_id)
    why = accounts.why_no_writes(connection, author=resume.started_by)
    if why:
        settle_all(resume, list(_waiting(resume)), Outcome.FAILED, f"Not sent. {why}")
    return bool(why)


def _sent_chunks(resume: BulkResume) -> list[Mutation]:
    """Chunks that an earlier worker asked for and did not finish."""
    waiting = resume.items.filter(outcome__in=[Outcome.QUEUED, Outcome.SENT], mutation__isnull=False)
    return list(Mutation.objects.filter(pk__in=waiting.values("mutation")).order_by("asked_at"))


def _next_chunk(resume: BulkResume) -> list[BulkResumeItem] | None:
    """The next views to send; those that need no sending are settled on the way. None when done or stopped."""
    size = min(CHUNK_LIMIT, max(CHUNK, math.ceil(resume.items.count() / CALLS)))
    chunk: list[BulkResumeItem] = []
    seen = 0
    while len(chunk) < size:
        batch = list(_waiting(resume).filter(position__gt=seen)[: size - len(chunk)])
        if not batch:
            break
        for item in batch:
            heartbeat(resume)
            if resume.stop_requested:
                return None
            seen = item.position
            if _needs_sending(resume, item):
                chunk.append(item)
    return chunk or None


def _waiting(resume: BulkResume) -> QuerySet[BulkResumeItem]:
    waiting = resume.items.filter(outcome=Outcome.QUEUED, mutation=None).order_by("position")
    return waiting.select_related("saved_query__connection")


def _needs_sending(resume: BulkResume, item: BulkResumeItem) -> bool:
    view = item.saved_query
    if view.deleted_at:
        settle(resume, item, Outcome.FAILED, GONE)
    elif view.is_managed:
        settle(resume, item, Outcome.IGNORED, MANAGED)
    elif pause_of(view) in (Pause.SUSPENDED, Pause.PAUSED):
        return True
    else:
        return _looks_paused_live(resume, item)
    return False


def _looks_paused_live(resume: BulkResume, item: BulkResumeItem) -> bool:
    """The mirror says it is not paused, which may be old: look, and settle it if that is so."""
    try:
        mirror.read_live(item.saved_query, purpose="background")
    except posthog_errors.RateLimited as error:
        raise _Wait(error.retry_after) from error
    except posthog_errors.NotFound as error:
        if error.object_missing:
            settle(resume, item, Outcome.FAILED, GONE)
            return False
        return True
    except (posthog_errors.PostHogError, UserError):
        return True  # nobody can tell: a resume of a running schedule changes nothing
    item.saved_query.refresh_from_db()
    match pause_of(item.saved_query):
        case Pause.NONE:
            settle(resume, item, Outcome.NOT_PAUSED, NOT_PAUSED)
        case Pause.NO_SCHEDULE:
            settle(resume, item, Outcome.NOT_PAUSED, NO_SCHEDULE)
        case Pause.CADENCE:
            settle(resume, item, Outcome.IGNORED, CADENCE)
        case _:
            return True
    return False


@transaction.atomic
def _ask(resume: BulkResume, chunk: Sequence[BulkResumeItem]) -> Mutation:
    """Commit to one call for these views: the mutation and who belongs to it are one fact."""
    number = resume.items.exclude(mutation=None).values("mutation").distinct().count() + 1
    mutation = mutations.ask(
        connection=resume.connection,
        kind=Mutation.Kind.RESUME_SCHEDULES,
        object_id=f"{resume.pk}",
        object_name=f"{len(chunk)} schedules",
        actor=resume.started_by,
        idempotency_key=f"resume:{resume.pk}:{number}",
        payload={"ids": [str(item.saved_query.posthog_id) for item in chunk]},
        cause=f"resume:{resume.pk}",
        reason=resume.reason,
    )
    asked = BulkResumeItem.objects.filter(pk__in=[item.pk for item in chunk], mutation=None)
    if asked.update(mutation=mutation) != len(chunk):
        raise ClaimLost
    return mutation


def _finish_chunk(resume: BulkResume, mutation: Mutation) -> None:
    """Send a chunk (once, whoever calls) and settle its views."""
    heartbeat(resume)
    try:
        mutation = mutations.send(mutation.pk)
    except NotYet as wait:
        raise _Wait(wait.retry_after) from wait
    if mutation.state == Mutation.State.SENDING:
        raise _Wait(None)  # another worker is on it, or died on it: the gate will find out which
    waiting = resume.items.filter(mutation=mutation, outcome__in=[Outcome.QUEUED, Outcome.SENT])
    if mutation.state in (Mutation.State.REFUSED, Mutation.State.NOT_SENT, Mutation.State.CONFLICT):
        _not_done(resume, mutation, list(waiting.select_related("saved_query")))
        return
    waiting.update(outcome=Outcome.SENT, sent_at=mutation.sent_at or timezone.now())
    for item in waiting.select_related("saved_query__connection").order_by("position"):
        heartbeat(resume)
        try:
            verify(resume, item, mutation)
        except posthog_errors.RateLimited as error:
            raise _Wait(error.retry_after) from error


def _not_done(resume: BulkResume, mutation: Mutation, items: list[BulkResumeItem]) -> None:
    """Nothing of this chunk landed. Where the key itself was refused, the rest would fare the same."""
    why = mutation.error or "PostHog refused the request."
    settle_all(resume, items, Outcome.FAILED, why)
    if (mutation.remote or {}).get("status") in STOPPING_STATUSES:
        said = f"Not sent, because PostHog refused the views before it: {why}"
        settle_all(resume, list(_waiting(resume)), Outcome.FAILED, said)


def _conclude(resume: BulkResume) -> None:
    """End the campaign, once, with an audit entry that counts the outcomes."""
    with transaction.atomic():
        counts = Counter(resume.items.values_list("outcome", flat=True))
        state = final_state(counts, stopped=resume.stop_requested)
        mine = BulkResume.objects.filter(pk=resume.pk, claim=resume.claim, state=State.RUNNING)
        if not mine.update(state=state, finished_at=timezone.now(), error=summary_error(state, counts)):
            raise ClaimLost
        resume.items.update(is_open=False)
        record_end(resume, state, counts)


def record_end(resume: BulkResume, state: str, counts: Counter[str]) -> None:
    """The audit entry of how a campaign stands now that it ended, or was settled later."""
    result = {State.SUCCEEDED: "ok", State.NEEDS_ATTENTION: "unknown"}.get(State(state), "failed")
    audit.record(
        actor=resume.started_by,
        action=ACTION,
        target=target_of(resume),
        result=result,
        reason=resume.reason,
        after={"state": state, "counts": dict(sorted(counts.items()))},
        connection=resume.connection.slug,
    )


def final_state(counts: Counter[str], *, stopped: bool) -> State:
    """How a campaign with these outcomes ended. A stop that came after the last view changes nothing."""
    if stopped and counts[Outcome.QUEUED]:
        return State.STOPPED
    if all(outcome in BulkResumeItem.FINE for outcome in counts if counts[outcome]):
        return State.SUCCEEDED
    if set(+counts) <= {Outcome.FAILED}:
        return State.FAILED
    return State.NEEDS_ATTENTION


def summary_error(state: str, counts: Counter[str]) -> str:
    """One sentence on why a campaign did not simply succeed; empty when it did."""
    if state == State.SUCCEEDED:
        return ""
    words = {
        Outcome.FAILED: "failed",
        Outcome.FAILED_AGAIN: "failed again",
        Outcome.IGNORED: "were ignored",
        Outcome.UNKNOWN: "are not known yet",
        Outcome.QUEUED: "were not sent",
    }
    parts = [f"{counts[outcome]} {text}" for outcome, text in words.items() if counts[outcome]]
    return f"Of {counts.total()} schedules {', '.join(parts)}." if parts else ""

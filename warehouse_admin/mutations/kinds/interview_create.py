"""Upload a recording. PostHog transcribes it for minutes before it answers, and knows no key that tells a repetition.

So what it lists right before is written down, and after a lost answer only one that is new since then, came in the time
when ours may have, names the same people and was made by nobody else is taken for ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from warehouse_admin.core.digests import text_digest
from warehouse_admin.mutations import owner, timing
from warehouse_admin.mutations.kinds.base import Kind, Request, Standing, Words
from warehouse_admin.mutations.kinds.create import NEW_ID
from warehouse_admin.mutations.kinds.interviews import CAPABILITY, EMAILS, TARGET, digest_of, in_digests
from warehouse_admin.mutations.kinds.interviews import keep as keep_one
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.mutations.rows import Snapshot
from warehouse_admin.posthog import errors, reads, writes
from warehouse_admin.posthog.client import Client
from warehouse_admin.posthog.types import UserInterview

AUDIO, FILE = "audio", "file"
PAGE, MOST_PAGES = 100, 20


@dataclass(frozen=True)
class Known:
    """What PostHog listed before anything was sent."""

    ids: list[str]


@dataclass(frozen=True)
class Doubtful:
    """Several that may all be ours."""

    ids: list[str]


def recording(name: str) -> Path:
    """Where the recording of this name waits to be sent."""
    return Path(settings.MEDIA_ROOT) / "interviews" / Path(name).name


def check(mutation: Mutation) -> None:
    wanted = mutation.payload
    if mutation.object_id or mutation.base or not wanted.get(EMAILS):
        raise ValueError("A new interview needs an interviewee, and has neither an id nor a former state.")
    audio = wanted.get(AUDIO) or {}
    if not {"media_type", "bytes", "sha256"} <= audio.keys() or not wanted.get(FILE):
        raise ValueError("A new interview needs its recording.")


def read(client: Client, mutation: Mutation) -> Known:
    """The newest ones, so that none of them is taken for ours later."""
    return Known([row.id for row in reads.list_interviews(client, PAGE).results])


def standing(mutation: Mutation, live: Any) -> Standing:
    """Nothing there can stand in the way, and nothing there can already be it."""
    return Standing.DONE if isinstance(live, UserInterview) else Standing.BASE


def refusal(mutation: Mutation, live: Any) -> str:
    """A worker on another machine, or a file that somebody cleared away: seen before anything is sent."""
    try:
        size = recording(mutation.payload[FILE]).stat().st_size
    except OSError:
        return "The recording is not on the machine of this worker (all of them need the same VAR_DIR)."
    whole = size == mutation.payload[AUDIO]["bytes"]
    return "" if whole else "The recording on disk is not the one that was uploaded."


def request(mutation: Mutation, live: Any) -> Request:
    return Request("POST", reads.INTERVIEWS, in_digests(mutation.payload))


def write(client: Client, mutation: Mutation, live: Any) -> UserInterview:
    name, kind = mutation.payload[FILE], mutation.payload[AUDIO]["media_type"]
    try:
        audio = recording(name).open("rb")
    except OSError:
        raise errors.NotSent("The recording could not be read.", method="POST", path=reads.INTERVIEWS) from None
    with audio:
        # What people call their files is nobody's business.
        shown, emails = f"interview{Path(name).suffix}", mutation.payload[EMAILS]
        return writes.create_interview(
            client,
            audio=audio,
            filename=shown,
            content_type=kind,
            interviewee_emails=emails,
            timeout=getattr(settings, "INTERVIEW_ANSWER_SECONDS", writes.INTERVIEW_TIMEOUT),
        )


def look(client: Client, mutation: Mutation) -> tuple[Standing, Any]:
    """By the id of the answer where there was one, else among those that came since."""
    if known := mutation.remote.get(NEW_ID):
        return Standing.DONE, reads.get_interview(client, known)
    rows = list(_newest(client, mutation))
    before = set((mutation.before or {}).get("known", []))
    if before and before.isdisjoint(row.id for row in rows):
        return Standing.UNTOLD, None  # a list that lost everything proves nothing
    ours = [row for row in rows if row.id not in before and _may_be_ours(mutation, row)]
    if ours and (mine := owner.email_of(client)):
        ours = [row for row in ours if not row.created_by or row.created_by.email in (None, mine)]
    if len(ours) > 1:
        return Standing.OTHER, Doubtful([row.id for row in ours])
    return (Standing.DONE, ours[0]) if ours else (Standing.BASE, None)


def _newest(client: Client, mutation: Mutation) -> Iterator[UserInterview]:
    """From the newest on, down to one that was there before; a page that fails raises."""
    before = set((mutation.before or {}).get("known", []))
    for number in range(MOST_PAGES):
        page = reads.list_interviews(client, PAGE, number * PAGE)
        yield from page.results
        if not page.has_next or not before.isdisjoint(row.id for row in page.results):
            return


def _may_be_ours(mutation: Mutation, row: UserInterview) -> bool:
    sent = mutation.sent_at or mutation.asked_at
    until = sent + timedelta(seconds=timing.SLOW_LANDING_SECONDS) + timing.CLOCKS
    if row.created_at is None or not sent - timing.CLOCKS <= row.created_at <= until:
        return False
    if _people(row.interviewee_emails) != _people(mutation.payload[EMAILS]):
        return False
    return not Mutation.objects.filter(connection=mutation.connection, object_id=row.id).exists()


def _people(emails: list[str]) -> list[str]:
    return sorted(email.strip().casefold() for email in emails)


def keep(live: Any, read_at: datetime) -> Snapshot:
    if isinstance(live, UserInterview):
        return keep_one(live, read_at)
    name = "known" if isinstance(live, Known) else "candidates"
    return {name: live.ids, "fetched_at": read_at.isoformat()}


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """For the trail: which other interviews there were is no part of what was done."""
    return {name: value for name, value in in_digests(row).items() if name not in ("known", "fetched_at")}


def lock_id(mutation: Mutation) -> str:
    """Two uploads that name the same people wait for each other: only so can a lost answer be told apart."""
    return text_digest(f"create_interview {digest_of(_people(mutation.payload[EMAILS]))}")


CREATE_INTERVIEW = Kind(
    action="interview.create",
    capability=CAPABILITY,
    target=TARGET,
    check=check,
    read=read,
    standing=standing,
    refusal=refusal,
    request=request,
    write=write,
    look=look,
    judge=standing,
    shown=shown,
    keep=keep,
    wipe=in_digests,
    lock_id=lock_id,
    makes=True,
    is_slow=True,
    words=Words(
        changed_again="PostHog made the interview; somebody changed it right afterwards.",
        former="PostHog was read again and lists no such interview: it did not happen. Upload the recording again.",
        third="it lists several new interviews with the same people, and which of them is this one cannot be told",
    ),
)

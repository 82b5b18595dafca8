"""Edit and delete user interviews. They are personal data: what is kept of one here are digests, never its content."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.crypto import salted_hmac

from warehouse_admin.mutations.kinds.base import Decided, Kind, Request, Standing, Words
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.mutations.rows import Snapshot
from warehouse_admin.posthog import errors, reads, writes
from warehouse_admin.posthog.client import Client
from warehouse_admin.posthog.types import UserInterview

TARGET = "interview"
CAPABILITY = "interviews_write"
EMAILS, SUMMARY, TRANSCRIPT = "interviewee_emails", "summary", "transcript"
PERSONAL = (EMAILS, SUMMARY, TRANSCRIPT)
IN_CLEAR = ("id", "created_at", "audio", "known", "candidates", "fetched_at")


def digest_of(value: Any) -> str:
    """Tells whether two texts are the same. Keyed, for an address could be found again by trying addresses."""
    text = "\n".join(value) if isinstance(value, list) else str(value)
    return salted_hmac("warehouse_admin.interviews", text, algorithm="sha256").hexdigest()[:32]


def in_digests(row: dict[str, Any]) -> dict[str, Any]:
    """A row or payload with a count and a digest where personal data stood; what is in digests already stays so."""
    kept = {name: row[name] for name in IN_CLEAR if name in row}
    for name in PERSONAL:
        if name in row:
            value = row[name]
            kept[name] = value if isinstance(value, dict) else _in_digest(value)
    return kept


def _in_digest(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {"count": len(value), "digest": digest_of(value)}
    text = value or ""
    return {"characters": len(text), "digest": digest_of(text)}


def keep(live: UserInterview, read_at: datetime) -> Snapshot:
    """What the gate stores of an interview that it read."""
    made = live.created_at.isoformat() if live.created_at else None
    return in_digests({**content_of(live), "id": live.id, "created_at": made, "fetched_at": read_at.isoformat()})


def content_of(live: UserInterview) -> dict[str, Any]:
    return {EMAILS: live.interviewee_emails, SUMMARY: live.summary or "", TRANSCRIPT: live.transcript or ""}


def read(client: Client, mutation: Mutation) -> UserInterview | None:
    """None when it is gone; a NotFound of anything but the interview itself stays an error."""
    try:
        return reads.get_interview(client, mutation.object_id)
    except errors.NotFound as error:
        if error.object_missing:
            return None
        raise


def path_of(mutation: Mutation) -> str:
    return reads.path_to(reads.INTERVIEWS, mutation.object_id)


def check_update(mutation: Mutation) -> None:
    wanted = mutation.payload
    if not wanted or not wanted.keys() <= {EMAILS, SUMMARY}:
        raise ValueError("Of an interview only its summary and e-mail addresses can be changed.")
    if EMAILS in wanted and not wanted[EMAILS]:
        raise ValueError("An interview needs an interviewee.")
    if not wanted.keys() <= mutation.base.keys():
        raise ValueError("An edit needs what it was written against.")
    UUID(mutation.object_id)


def standing_of_update(mutation: Mutation, live: UserInterview | None) -> Standing:
    """Compared in the fields that are to change; whatever else somebody edits does not matter."""
    if live is None:
        return Standing.OTHER
    wanted, seen = in_digests(mutation.payload), in_digests(mutation.base)
    there = {name: value for name, value in in_digests(content_of(live)).items() if name in wanted}
    if there == wanted:
        return Standing.DONE
    return Standing.BASE if there == {name: seen[name] for name in wanted} else Standing.OTHER


def look_after_update(client: Client, mutation: Mutation) -> tuple[Standing, Any]:
    live = read(client, mutation)
    return standing_of_update(mutation, live), live


def write_update(client: Client, mutation: Mutation, live: UserInterview | None) -> Any:
    return writes.update_interview(client, mutation.object_id, **mutation.payload)


def conflict(mutation: Mutation, live: UserInterview | None) -> str:
    if live is None:
        return "The interview no longer exists in PostHog, so nothing was sent."
    return "Somebody changed the interview in PostHog since this was written, so nothing was sent."


UPDATE_INTERVIEW = Kind(
    action="interview.update",
    capability=CAPABILITY,
    target=TARGET,
    check=check_update,
    read=read,
    standing=standing_of_update,
    request=lambda mutation, live: Request("PATCH", path_of(mutation), in_digests(mutation.payload)),
    write=write_update,
    look=look_after_update,
    judge=standing_of_update,
    shown=in_digests,
    keep=keep,
    wipe=in_digests,
    words=Words(
        already="PostHog already held it so, so nothing was sent.",
        conflict=conflict,
        changed_again="PostHog saved it; somebody changed the interview again right afterwards.",
    ),
)


def standing_of_delete(mutation: Mutation, live: UserInterview | None) -> Standing:
    """Where it is known what the person saw, only that is deleted: nobody decided on what came since."""
    if live is None:
        return Standing.DONE
    seen, there = in_digests(mutation.base), in_digests(content_of(live))
    return Standing.BASE if all(there[name] == digest for name, digest in seen.items()) else Standing.OTHER


def is_deleted(mutation: Mutation, live: UserInterview | None) -> Standing:
    """Once it was sent only that matters, whatever somebody edited meanwhile."""
    return Standing.DONE if live is None else Standing.BASE


def look_after_delete(client: Client, mutation: Mutation) -> tuple[Standing, Any]:
    live = read(client, mutation)
    return is_deleted(mutation, live), live


def write_delete(client: Client, mutation: Mutation, live: UserInterview | None) -> None:
    try:
        writes.delete_interview(client, mutation.object_id)
    except errors.NotFound as error:
        if not error.object_missing:
            raise
        said = "The interview was gone when the request came: it was deleted a moment before."
        raise Decided(Mutation.State.HAPPENED, said, status=error.status) from None


DELETE_INTERVIEW = Kind(
    action="interview.delete",
    capability=CAPABILITY,
    target=TARGET,
    check=lambda mutation: check_delete(mutation),
    read=read,
    standing=standing_of_delete,
    request=lambda mutation, live: Request("DELETE", path_of(mutation), {}),
    write=write_delete,
    look=look_after_delete,
    judge=is_deleted,
    shown=in_digests,
    keep=keep,
    wipe=in_digests,
    words=Words(
        already="The interview was already gone from PostHog, so nothing was sent.",
        conflict=conflict,
        showed_other="PostHog accepted it, yet still shows the interview.",
        former="PostHog was read again and still has the interview: it did not happen.",
    ),
)


def check_delete(mutation: Mutation) -> None:
    if not mutation.base.keys() <= {EMAILS, SUMMARY}:
        raise ValueError("A deletion is written against a summary and e-mail addresses at most.")
    UUID(mutation.object_id)

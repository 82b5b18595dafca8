"""Reading PostHog's interviews into the mirror: an optional product, so its absence is a finding and not a failure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.accounts.services.clients import Purpose
from warehouse_admin.core.errors import UserError
from warehouse_admin.interviews.models import CONTENT, Interview, Reading
from warehouse_admin.mirror.texts import storable, storable_json
from warehouse_admin.posthog import errors, reads
from warehouse_admin.posthog.client import Client
from warehouse_admin.posthog.types import UserInterview

CAPABILITY = "interviews"
PAGE, MOST_PAGES = 100, 200
MOST_LOOKS = 50
"""Interviews that a list lacked are asked for one by one, so many in one reading."""
ASK_AGAIN = timedelta(minutes=30)
"""After this long a server that did not offer interviews is asked whether it does now; a full sync asks at once."""


def read_all(connection: Connection, *, is_full: bool = False) -> Reading:
    """List every interview. What PostHog lacks is noted; nothing is taken for gone but what it answers 404 for."""
    reading, _ = Reading.objects.get_or_create(connection=connection)
    now = timezone.now()
    if reading.is_offered is False and not is_full and reading.tried_at and now - reading.tried_at < ASK_AGAIN:
        return reading
    reading.tried_at = now
    try:
        client = accounts.client_for(connection, purpose="background")
    except UserError as refusal:
        return _note(reading, refusal.message)
    try:
        seen = _list(client, connection)
        if seen is not None:
            _settle_missing(client, connection, seen, now)
            reading.read_at = now
    except errors.PostHogError as error:
        return _not_read(reading, error)
    finally:
        client.close()
    accounts.learn(connection, CAPABILITY, None)
    reading.is_offered = True
    return _note(
        reading, "" if seen is not None else "The list changed while it was read; the next sync reads it again."
    )


def read_one(
    connection: Connection, posthog_id: UUID | str, *, purpose: Purpose = "background", timeout: float | None = None
) -> Interview | None:
    """Read one interview now and keep it; None, with a tombstone, when PostHog has it no more. Raises PostHogError."""
    asked_at = timezone.now()
    client = accounts.client_for(connection, purpose=purpose, read_timeout=timeout)
    try:
        found = reads.get_interview(client, posthog_id)
    except errors.NotFound as error:
        if not error.object_missing:
            raise
        bury(connection, posthog_id, asked_at)
        return None
    finally:
        client.close()
    _store(connection, [found], asked_at)
    return Interview.objects.get(connection=connection, posthog_id=found.id)


def bury(connection: Connection, posthog_id: UUID | str, at: datetime) -> None:
    """Make a tombstone: when and by whom it was recorded stays, everything about the interviewee goes."""
    emptied = {field.attname: field.get_default() for field in Interview._meta.concrete_fields if field.name in CONTENT}
    present = Interview.objects.filter(connection=connection, posthog_id=posthog_id, deleted_at=None)
    present.update(deleted_at=at, synced_at=at, **emptied)


def _list(client: Client, connection: Connection) -> set[str] | None:
    """The ids of a list that held still and came whole, else None."""
    seen: set[str] = set()
    first_count: int | None = None
    for number in range(MOST_PAGES):
        asked_at = timezone.now()
        page = reads.list_interviews(client, PAGE, number * PAGE)
        first_count = page.count if number == 0 else first_count
        _store(connection, page.results, asked_at)
        seen.update(row.id for row in page.results)
        if not page.has_next or not page.results:
            held_still = page.count is not None and page.count == first_count and len(seen) >= page.count
            return seen if held_still else None
    return None


@transaction.atomic
def _store(connection: Connection, rows: list[UserInterview], asked_at: datetime) -> None:
    """An answer that is older than what is kept changes nothing: a deletion may have come in between."""
    values = {row.id: _values(row) for row in rows if _is_uuid(row.id)}
    known = Interview.objects.select_for_update().filter(connection=connection, posthog_id__in=list(values))
    for kept in known:
        fresh = values.pop(str(kept.posthog_id))
        if kept.synced_at is not None and kept.synced_at > asked_at:
            continue
        changed = [name for name, value in fresh.items() if getattr(kept, name) != value]
        for name in changed:
            setattr(kept, name, fresh[name])
        kept.synced_at, kept.deleted_at = asked_at, None
        kept.save(update_fields=[*changed, "synced_at", "deleted_at"])
    made = [Interview(connection=connection, posthog_id=key, synced_at=asked_at, **v) for key, v in values.items()]
    Interview.objects.bulk_create(made, ignore_conflicts=True)


def _values(row: UserInterview) -> dict[str, Any]:
    return {
        "emails_text": "\n".join(storable(email).replace("\n", " ") for email in row.interviewee_emails),
        "transcript": storable(row.transcript or ""),
        "summary": storable(row.summary or ""),
        "topic": storable(row.topic or ""),
        "identifier": storable(row.interviewee_identifier or ""),
        "classifications": storable_json(row.classifications or []),
        "created_by_email": storable((row.created_by.email if row.created_by else None) or "", 254),
        "remote_created_at": row.created_at,
    }


def _is_uuid(key: str) -> bool:
    try:
        return str(UUID(key)) == key
    except ValueError:
        return False


def _settle_missing(client: Client, connection: Connection, seen: set[str], since: datetime) -> None:
    """Whatever a whole list lacked is asked for by id; only "not found" makes a tombstone."""
    missing = Interview.objects.filter(connection=connection, deleted_at=None, synced_at__lt=since)
    for key in missing.exclude(posthog_id__in=seen).values_list("posthog_id", flat=True)[:MOST_LOOKS]:
        asked_at = timezone.now()
        try:
            _store(connection, [reads.get_interview(client, key)], asked_at)
        except errors.NotFound as error:
            if not error.object_missing:
                raise
            bury(connection, key, asked_at)


def _not_read(reading: Reading, error: errors.PostHogError) -> Reading:
    accounts.learn(reading.connection, CAPABILITY, error)
    known = accounts.capability(reading.connection, CAPABILITY)
    no_product = isinstance(error, errors.NotFound) and error.endpoint_missing
    is_refused = isinstance(error, errors.PermissionDenied) or no_product or error.status == 402
    if is_refused:
        reading.is_offered = False
        return _note(reading, known.reason or error.detail)
    if isinstance(error, errors.RateLimited):
        return _note(reading, "PostHog's rate limit was used up; the next sync reads them.")
    return _note(reading, f"PostHog could not be read. {error.detail}".strip())


def _note(reading: Reading, problem: str) -> Reading:
    reading.problem = storable(problem, 1_000)
    reading.save()
    return reading

"""Settling by PostHog's own log: a write that landed and was overwritten since left its line there."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import User
from warehouse_admin.core.errors import UserError
from warehouse_admin.mutations import owner, timing
from warehouse_admin.mutations.kinds import Standing, kind_of
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.mutations.rows import Snapshot
from warehouse_admin.posthog import errors, reads
from warehouse_admin.posthog.client import Client
from warehouse_admin.posthog.types import ActivityEntry, SavedQuery

LINES = 100
_SEEN_OTHERWISE = (Standing.BASE, Standing.OTHER)


@dataclass(frozen=True)
class Found:
    """The line of the log that tells of a mutation; `left` is what the view held because of it."""

    at: datetime
    said: str
    left: dict[str, Any]


def follow(
    client: Client, mutation: Mutation, standing: Standing, live: SavedQuery | None, *, now: datetime
) -> Found | None:
    """The proof that it happened although PostHog holds something else; None where nothing proves it.

    Raises PostHogError while the log may still be had later.
    """
    kind = kind_of(mutation)
    if kind.trace is None or live is None or standing not in _SEEN_OTHERWISE:
        return None
    if standing is Standing.BASE and timing.age(mutation.sent_at, now) < timing.write_seconds():
        return None  # it can still land, so nothing is decided yet
    entries = read(client, mutation, live.id, now)
    ours = own_entry(client, mutation, entries)
    if ours is None or ours.created_at is None:
        return None
    sequel = next((entry for entry in entries[: entries.index(ours)][::-1] if kind.trace.concerns(entry)), None)
    if sequel is None and kind.trace.needs_sequel:
        return None
    return Found(ours.created_at, f"PostHog's log shows that it happened. {_sequel(sequel)}", kind.trace.left(mutation))


def kept(mutation: Mutation, found: Found, now_there: Snapshot | None = None) -> Snapshot:
    """What our own write left, dated by when it was sent: what is there now is not ours."""
    sent = (mutation.sent_at or found.at).isoformat()
    return {**(mutation.before or now_there or {}), **found.left, "fetched_at": sent}


def read(client: Client, mutation: Mutation, view_id: str, now: datetime) -> list[ActivityEntry]:
    """The newest lines, newest first; none where the key may not read them, or they could not be had for long."""
    if accounts.capability(mutation.connection, "activity").state == "no":
        return []
    try:
        return reads.list_saved_query_activity(client, view_id, limit=LINES).results
    except (errors.PermissionDenied, errors.NotFound, errors.Refused) as error:
        accounts.learn(mutation.connection, "activity", error)
        return []
    except errors.PostHogError:
        if timing.age(mutation.sent_at, now) < timing.LOG_PATIENCE:
            raise
        return []


def own_entry(client: Client, mutation: Mutation, entries: list[ActivityEntry]) -> ActivityEntry | None:
    """The oldest line that can only be ours: same effect, since we sent it, by the owner of the key if anybody says.

    PostHog's clock may be behind ours. A line from before our own clock's moment needs the owner's name, and must not
    belong to an earlier write of ours.
    """
    trace, sent_at = kind_of(mutation).trace, mutation.sent_at
    if trace is None or sent_at is None:
        return None
    told = [entry for entry in entries if entry.created_at is not None and trace.tells(mutation, entry)]
    told = [entry for entry in told if entry.created_at >= sent_at - timing.CLOCKS and not entry.is_system]  # type: ignore[operator]
    if not told:
        return None
    mine = owner_of_key(client, mutation)
    earlier = _earlier(mutation)
    for entry in reversed(told):
        who = entry.user.email if entry.user else None
        known = bool(who and mine)
        if known and who != mine:
            continue
        if entry.created_at < sent_at and (not known or earlier):  # type: ignore[operator]
            continue
        return entry
    return None


def _earlier(mutation: Mutation) -> bool:
    """Whether another write of ours to the same object left so shortly before that the line may be its."""
    others = Mutation.objects.filter(connection=mutation.connection, object_id=mutation.object_id, kind=mutation.kind)
    since = mutation.sent_at and mutation.sent_at - 2 * timing.CLOCKS
    return (
        bool(since) and others.exclude(pk=mutation.pk).filter(sent_at__gte=since, sent_at__lt=mutation.sent_at).exists()
    )


def owner_of_key(client: Client, mutation: Mutation) -> str | None:
    """Whom PostHog's log names for the key that was used, which need not be the one we read with."""
    used = mutation.remote.get("key")
    if used in (None, "connection"):
        return owner.email_of(client)
    try:
        own, name = accounts.writer_for(mutation.connection, author=User.objects.filter(username=used).first())
    except UserError:
        return None
    with closing(own):
        return owner.email_of(own) if name == used else None


def _sequel(entry: ActivityEntry | None) -> str:
    if entry is None:
        return "It was changed again afterwards."
    who = entry.user.email or entry.user.first_name if entry.user else None
    when = f" at {entry.created_at:%Y-%m-%d %H:%M:%S} UTC" if entry.created_at else ""
    return f"{who or 'Somebody'} changed it again{when}."

"""What to say while nothing is heard of a write that was asked for."""

from __future__ import annotations

from django.utils import timezone

from warehouse_admin.mutations import timing
from warehouse_admin.mutations.models import Mutation

SILENT_AFTER = 20.0  # seconds


def silence(mutation: Mutation | None) -> str:
    """Why it takes so long and what comes of it, in sentences; empty while nothing has to be explained."""
    if mutation is None or mutation.not_before or mutation.state not in (Mutation.State.ASKED, Mutation.State.SENDING):
        return ""
    if timing.age(mutation.sent_at or mutation.asked_at, timezone.now()) < SILENT_AFTER:
        return ""
    if mutation.sent_at:
        return (
            "It was sent and no answer has come yet: PostHog is slow, or the worker was stopped. It is not sent again; "
            f"{timing.write_seconds():.0f} seconds after sending PostHog is read to find out."
        )
    return (
        "Nothing was sent yet: no background worker has taken it up, or the one that did was stopped. "
        "It is offered again until one sends it."
    )

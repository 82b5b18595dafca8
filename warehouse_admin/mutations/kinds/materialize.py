"""Give a view a table and a schedule, or take them away. Only the newest servers heed a cadence in the same breath."""

from __future__ import annotations

from typing import Any

from warehouse_admin.mutations.kinds.base import (
    Kind,
    Live,
    Request,
    Standing,
    Trace,
    Words,
    check_view,
    looking,
    part,
    path_of,
)
from warehouse_admin.mutations.kinds.cadences import CADENCES, NEVER, is_newest, read_as, was_raised, why_not_taken
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog import writes
from warehouse_admin.posthog.cadences import EVERY_DAY
from warehouse_admin.posthog.client import Client
from warehouse_admin.posthog.types import ActivityEntry

_SHOWN = part("name", "is_materialized", "sync_frequency", "status")


def check(mutation: Mutation) -> None:
    cadence = mutation.payload.get("sync_frequency")
    if cadence is not None and (cadence not in CADENCES or cadence == NEVER):
        raise ValueError("A view is materialized at a cadence that PostHog knows.")
    check_view(mutation)


def _cadence(mutation: Mutation, live: Live) -> str | None:
    """The cadence that goes out with it: none to a server that would not heed it."""
    wanted = mutation.payload.get("sync_frequency")
    return wanted if wanted and is_newest(live) else None


def standing(mutation: Mutation, live: Live) -> Standing:
    if live is None:
        return Standing.OTHER
    if not live.is_materialized:
        return Standing.BASE
    wanted = _cadence(mutation, live)
    if wanted is None or live.sync_frequency == read_as(wanted, live):
        return Standing.DONE
    base = mutation.base
    as_seen = bool(base.get("is_materialized")) and base.get("sync_frequency") == live.sync_frequency
    return Standing.BASE if as_seen else Standing.OTHER


def request(mutation: Mutation, live: Live) -> Request:
    cadence = _cadence(mutation, live)
    return Request("POST", path_of(mutation, "materialize"), {"sync_frequency": cadence} if cadence else {})


def write(client: Client, mutation: Mutation, live: Live) -> Live:
    writes.materialize(client, mutation.object_id, sync_frequency=_cadence(mutation, live))
    return None


def note(mutation: Mutation, live: Live) -> str:
    """What became of the cadence, also where the materialization itself failed after it was set."""
    if live is None:
        return ""
    wanted, before = mutation.payload.get("sync_frequency"), (mutation.before or {}).get("sync_frequency")
    if not live.is_materialized:
        moved = mutation.before is not None and live.sync_frequency != before
        return f"Its cadence now reads {live.sync_frequency or 'none'}, though." if moved else ""
    if wanted and not is_newest(live) and live.sync_frequency != wanted:
        return f"This server sets every new materialization to {EVERY_DAY}: set {wanted} as its cadence now."
    return was_raised(wanted, live) if wanted else ""


def conflict(mutation: Mutation, live: Live) -> str:
    now = (live.sync_frequency if live else None) or "no cadence"
    return f"Somebody materialized the view with another cadence meanwhile ({now}), so nothing was sent."


def _tells_on(mutation: Mutation, entry: ActivityEntry) -> bool:
    return entry.activity == "materialization_enabled"


def _tells_off(mutation: Mutation, entry: ActivityEntry) -> bool:
    return entry.activity == "materialization_disabled"


def _switches(entry: ActivityEntry) -> bool:
    return entry.activity in ("materialization_enabled", "materialization_disabled")


def _left_on(mutation: Mutation) -> dict[str, Any]:
    return {"is_materialized": True, "sync_frequency": mutation.payload.get("sync_frequency") or EVERY_DAY}


def _left_off(mutation: Mutation) -> dict[str, Any]:
    return {"is_materialized": False, "sync_frequency": None, "status": None, "latest_error": None}


MATERIALIZE = Kind(
    action="saved_query.materialize",
    capability="materialize",
    check=check,
    standing=standing,
    request=request,
    write=write,
    look=looking(standing),
    judge=standing,
    shown=_SHOWN,
    words=Words(
        already="The view was already materialized in PostHog, so nothing was sent.",
        conflict=conflict,
        showed_other="PostHog accepted it and then did not show it as it was asked for.",
        changed_again="PostHog materialized it; somebody changed that again right afterwards.",
        former="PostHog was read again and the view is still not materialized as asked: it did not happen.",
        third="it is materialized, but with another cadence than was asked for",
    ),
    note=note,
    refusal=why_not_taken,  # older servers heed no cadence here, and one that they do not know cannot be set afterwards
    # PostHog may take it back by itself when its scheduler fails: only a person's later step proves that it happened.
    trace=Trace(tells=_tells_on, concerns=_switches, left=_left_on, needs_sequel=True),
)


def standing_off(mutation: Mutation, live: Live) -> Standing:
    if live is None:
        return Standing.OTHER
    return Standing.BASE if live.is_materialized else Standing.DONE


def request_off(mutation: Mutation, live: Live) -> Request:
    return Request("POST", path_of(mutation, "revert_materialization"), {})


def write_off(client: Client, mutation: Mutation, live: Live) -> Live:
    writes.revert_materialization(client, mutation.object_id)
    return None


UNMATERIALIZE = Kind(
    action="saved_query.unmaterialize",
    capability="revert_materialization",
    standing=standing_off,
    request=request_off,
    write=write_off,
    look=looking(standing_off),
    judge=standing_off,
    shown=_SHOWN,
    words=Words(
        already="The view was not materialized in PostHog any more, so nothing was sent.",
        showed_other="PostHog accepted it, yet still shows the view as materialized.",
        former="PostHog was read again and the view is still materialized: it did not happen.",
    ),
    trace=Trace(tells=_tells_off, concerns=_switches, left=_left_off, needs_sequel=True),
)

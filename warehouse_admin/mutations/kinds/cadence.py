"""Another cadence for a view. No server guards it, and most take it without proving that the schedule followed."""

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
    logged_values,
    looking,
    part,
    path_of,
)
from warehouse_admin.mutations.kinds.cadences import (
    CADENCES,
    NEVER,
    is_newest,
    logged_as,
    read_as,
    was_raised,
    why_not_taken,
)
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog import writes
from warehouse_admin.posthog.client import Client
from warehouse_admin.posthog.types import ActivityEntry

_FIELD = "sync_frequency_interval"


def check(mutation: Mutation) -> None:
    if mutation.payload.get("sync_frequency") not in CADENCES:
        raise ValueError(f"A cadence is one of {', '.join(CADENCES)}.")
    if not isinstance(mutation.base.get("sync_frequency"), str | None):
        raise ValueError("A new cadence needs the one it replaces.")
    check_view(mutation)


def _wanted(mutation: Mutation) -> str:
    return str(mutation.payload["sync_frequency"])


def standing(mutation: Mutation, live: Live) -> Standing:
    """Before sending: no cadence is no proof of `never` where a schedule may be running all the same."""
    found = judge(mutation, live)
    base = mutation.base.get("sync_frequency")
    if found is Standing.DONE and live is not None and live.sync_frequency is None and base is None:
        return Standing.BASE if live.is_materialized else Standing.DONE
    return found


def judge(mutation: Mutation, live: Live) -> Standing:
    if live is None:
        return Standing.OTHER
    if live.sync_frequency == read_as(_wanted(mutation), live):
        return Standing.DONE
    return Standing.BASE if live.sync_frequency == mutation.base.get("sync_frequency") else Standing.OTHER


def request(mutation: Mutation, live: Live) -> Request:
    return Request("PATCH", path_of(mutation), {"sync_frequency": _wanted(mutation)})


def write(client: Client, mutation: Mutation, live: Live) -> Live:
    return writes.update_saved_query(client, mutation.object_id, sync_frequency=_wanted(mutation))


def note(mutation: Mutation, live: Live) -> str:
    """What PostHog shows is all that can be said; whether a schedule followed it does not show."""
    if live is None:
        return ""
    wanted, before = _wanted(mutation), mutation.before or {}
    said = [was_raised(wanted, live)]
    if wanted == NEVER and live.is_materialized and not mutation.sent_at:
        said.append(
            "It shows no cadence, which is all that a pause leaves to see; the next runs tell whether it rests."
        )
    if live.is_materialized and before.get("is_materialized") is False:
        said.append("This server also materialized the view with it.")
    elif not live.is_materialized and wanted != NEVER:
        said.append("The view is not materialized, so nothing runs at this cadence until it is.")
    elif mutation.sent_at and live.is_materialized and not is_newest(live):
        said.append("PostHog does not show whether the schedule itself followed: the next runs tell.")
    return " ".join(filter(None, said))


def conflict(mutation: Mutation, live: Live) -> str:
    now = (live.sync_frequency if live else None) or "no cadence"
    return f"The cadence was changed since this was written (PostHog shows {now}), so nothing was sent."


def tells(mutation: Mutation, entry: ActivityEntry) -> bool:
    values = logged_values(entry, _FIELD)
    return entry.activity == "updated" and values is not None and values[1] in logged_as(_wanted(mutation))


def sets_cadence(entry: ActivityEntry) -> bool:
    return logged_values(entry, _FIELD) is not None or entry.activity == "materialization_disabled"


def left(mutation: Mutation) -> dict[str, Any]:
    wanted = _wanted(mutation)
    return {"sync_frequency": None if wanted == NEVER else wanted}


SET_CADENCE = Kind(
    action="saved_query.set_cadence",
    capability="write",
    check=check,
    standing=standing,
    request=request,
    write=write,
    look=looking(judge),
    judge=judge,
    shown=part("name", "sync_frequency", "is_materialized"),
    words=Words(
        already="The view already had this cadence in PostHog, so nothing was sent.",
        conflict=conflict,
        showed_other="PostHog accepted it and then showed another cadence.",
        changed_again="PostHog saved it; somebody changed the cadence again right afterwards.",
        former="PostHog was read again and still shows the former cadence: it did not happen.",
        third="it has a cadence that is neither the former nor the new one",
    ),
    note=note,
    refusal=why_not_taken,
    trace=Trace(tells=tells, concerns=sets_cadence, left=left),
)

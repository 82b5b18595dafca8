"""New SQL for a view: protected by the text the asker saw, and by PostHog's token between our look and our write."""

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
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog import writes
from warehouse_admin.posthog.client import Client
from warehouse_admin.posthog.types import ActivityEntry


def check(mutation: Mutation) -> None:
    if not isinstance(mutation.payload.get("query"), str) or not isinstance(mutation.base.get("query"), str | None):
        raise ValueError("An edit needs the new SQL and the SQL it replaces.")
    check_view(mutation)


def standing(mutation: Mutation, live: Live) -> Standing:
    text = live.hogql if live else None
    if text == mutation.payload["query"]:
        return Standing.DONE
    # The text decides, never the token: older servers move it for edits of other fields too.
    return Standing.BASE if text == mutation.base.get("query") else Standing.OTHER


def request(mutation: Mutation, live: Live) -> Request:
    query = {**(query_object(live) or {}), "kind": "HogQLQuery", "query": mutation.payload["query"]}
    body = {"query": query, "edited_history_id": live.latest_history_id if live else None}
    return Request("PATCH", path_of(mutation), body)


def write(client: Client, mutation: Mutation, live: Live) -> Live:
    return writes.update_saved_query(
        client,
        mutation.object_id,
        hogql=mutation.payload["query"],
        edited_history_id=live.latest_history_id if live else None,
        base_query=query_object(live),
    )


def query_object(live: Live) -> dict[str, Any] | None:
    found = live.raw.get("query") if live else None
    return found if isinstance(found, dict) else None


def logged_text(entry: ActivityEntry) -> str | None:
    """The SQL that a log entry put in place."""
    _, after = logged_values(entry, "query") or (None, None)
    text = after.get("query") if isinstance(after, dict) else after
    return text if isinstance(text, str) else None


def tells(mutation: Mutation, entry: ActivityEntry) -> bool:
    return entry.activity == "updated" and logged_text(entry) == mutation.payload["query"]


def is_edit(entry: ActivityEntry) -> bool:
    return logged_values(entry, "query") is not None


def left(mutation: Mutation) -> dict[str, Any]:
    # The token that went with it is not told; the mirror must not take the former one for it.
    return {"query": mutation.payload["query"], "latest_history_id": None}


EDIT_QUERY = Kind(
    action="saved_query.edit_query",
    capability="write",
    check=check,
    standing=standing,
    request=request,
    write=write,
    look=looking(standing),
    judge=standing,
    shown=part("name", "query", "latest_history_id"),
    words=Words(
        already="PostHog already held this text, so nothing was sent.",
        conflict=lambda mutation, live: (
            "PostHog holds another text than the one this was written against, so nothing was sent."
        ),
        showed_other="PostHog accepted it and then showed another text.",
        former="PostHog was read again and still holds the former text: it did not happen.",
        third="it holds a text that is neither the former nor the new one",
    ),
    trace=Trace(tells=tells, concerns=is_edit, left=left),
)

"""Make a view. PostHog's create overwrites whatever has the name, so the name is looked up first and the answer too."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from warehouse_admin.core.digests import text_digest
from warehouse_admin.mutations import owner, timing
from warehouse_admin.mutations.kinds.base import Decided, Kind, Live, Request, Standing, Trace, Words, part
from warehouse_admin.mutations.kinds.edit import left as left_by_edit
from warehouse_admin.mutations.kinds.edit import logged_text
from warehouse_admin.mutations.kinds.rename import check_name
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog import errors, reads, writes
from warehouse_admin.posthog.client import Client
from warehouse_admin.posthog.types import ActivityEntry, SavedQuery

State = Mutation.State
NEW_ID = "new_id"
"""In the evidence: the id that PostHog's own answer gave to the new view."""


def check(mutation: Mutation) -> None:
    check_name(mutation.payload.get("name"))
    if not isinstance(mutation.payload.get("query"), str) or mutation.object_id or mutation.base:
        raise ValueError("A new view needs its SQL, and has neither an id nor a former state.")


def read(client: Client, mutation: Mutation) -> Live:
    """Whoever has the name now, as far as PostHog shows."""
    return reads.find_saved_query(client, mutation.payload["name"])


def standing(mutation: Mutation, live: Live) -> Standing:
    if live is None:
        return Standing.BASE
    return Standing.DONE if _is_equal(mutation, live) else Standing.OTHER


def _is_equal(mutation: Mutation, live: SavedQuery) -> bool:
    wanted = mutation.payload
    return (live.name, live.hogql, bool(live.deleted)) == (wanted["name"], wanted["query"], False)


def request(mutation: Mutation, live: Live) -> Request:
    query = {"kind": "HogQLQuery", "query": mutation.payload["query"]}
    return Request("POST", reads.SAVED_QUERIES, {"name": mutation.payload["name"], "query": query})


def write(client: Client, mutation: Mutation, live: Live) -> Live:
    try:
        made = writes.create_saved_query(client, name=mutation.payload["name"], hogql=mutation.payload["query"])
    except errors.Conflict as error:
        raise _name_is_held(client, mutation, error) from None
    if made.was_upsert:
        raise _overwrote(made.saved_query, client.last_status)
    return made.saved_query


def _overwrote(row: SavedQuery, status: int | None) -> Decided:
    """Nobody wanted this: the text is in a view that was there before, and no new one was made."""
    kind = "a hidden view" if row.deleted else "another view"
    remedy = (
        "It stays hidden and keeps the name: have it restored or deleted in PostHog, or take another name here."
        if row.deleted
        else "Look at that view in PostHog, put its former text back if it had one, and take another name here."
    )
    said = f"PostHog made no new view: it wrote this text into {kind} that already had the name ({row.id}). {remedy}"
    return Decided(State.CONFLICT, said, status=status, live=row, result="unknown")


def _name_is_held(client: Client, mutation: Mutation, error: errors.Conflict) -> Decided:
    """PostHog took the create for an edit of a view with that name, and refused: which view, only a look can tell."""
    name = mutation.payload["name"]
    try:
        live = read(client, mutation)
    except errors.PostHogError:
        said = f"PostHog made nothing: another view has the name {name}, and could not be read. Look and ask again."
        return Decided(State.REFUSED, said, status=error.status)
    if live is None:
        said = (
            f"PostHog made nothing: the name {name} is held by a view that it does not show, most likely a hidden one. "
            "Take another name, or have that view restored or deleted in PostHog first."
        )
        return Decided(State.REFUSED, said, status=error.status)
    if judge_found(client, mutation, live) is Standing.DONE and _made_by_us(client, live):
        said = "PostHog got the request twice and refused the second: the view is there, made with this key just now."
        return Decided(State.HAPPENED, said, status=error.status, live=live)
    return Decided(State.CONFLICT, f"PostHog made nothing. {conflict(mutation, live)}", status=error.status, live=live)


def _made_by_us(client: Client, live: SavedQuery) -> bool:
    """Certain only where PostHog names both."""
    maker = live.created_by.email if live.created_by else None
    return maker is not None and maker == owner.email_of(client)


def look(client: Client, mutation: Mutation) -> tuple[Standing, Live]:
    """By the id of the answer where there was one, else by the name."""
    known = mutation.remote.get(NEW_ID)
    if known:
        live = reads.get_saved_query(client, known)
        return standing(mutation, live), live
    found = read(client, mutation)
    return (judge_found(client, mutation, found) if found else Standing.BASE), found


def judge_found(client: Client, mutation: Mutation, live: SavedQuery) -> Standing:
    """A view of that name and text is ours if it was made since we asked, and not by somebody else."""
    if not _is_equal(mutation, live) or is_older(live.created_at, mutation.sent_at):
        return Standing.OTHER
    maker = live.created_by.email if live.created_by else None
    mine = owner.email_of(client) if maker else None
    return Standing.OTHER if maker and mine and maker != mine else Standing.DONE


def is_older(made: datetime | None, sent: datetime | None) -> bool:
    return made is not None and sent is not None and made < sent - timing.CLOCKS


def conflict(mutation: Mutation, live: Live) -> str:
    if live is None:
        return "Another view has this name."
    maker = live.created_by.email if live.created_by else None
    who = f"made by {maker}" if maker else "PostHog does not say by whom"
    same = "the same text" if _is_equal(mutation, live) else "other SQL"
    return (
        f"The name {live.name} is taken by a view with {same} ({who}, {live.id}). Take another name, or edit that view."
    )


def tells(mutation: Mutation, entry: ActivityEntry) -> bool:
    named = entry.name in (None, mutation.payload["name"])  # the name that it was made with, whatever it is by now
    return entry.activity == "created" and named and logged_text(entry) == mutation.payload["query"]


def left(mutation: Mutation) -> dict[str, Any]:
    return {"name": mutation.payload["name"], **left_by_edit(mutation)}


def concerns(entry: ActivityEntry) -> bool:
    return logged_text(entry) is not None


CREATE_VIEW = Kind(
    action="saved_query.create_view",
    capability="write",
    check=check,
    read=read,
    standing=standing,
    request=request,
    write=write,
    look=look,
    judge=standing,
    shown=part("id", "name", "query"),
    words=Words(
        already="PostHog already had a view of this name with the same text, so nothing was sent.",
        conflict=lambda mutation, live: f"{conflict(mutation, live)} Nothing was sent.",
        showed_other="PostHog made a view and then showed other SQL or another name.",
        changed_again="PostHog made the view; somebody changed it right afterwards.",
        former="PostHog was read again and lists no view of this name: it did not happen.",
        third="a view of this name is there, but it is not certainly the one that was asked for",
    ),
    lock_id=lambda mutation: text_digest(f"create_view {mutation.payload['name']}"),
    makes=True,
    trace=Trace(tells=tells, concerns=concerns, left=left),
)

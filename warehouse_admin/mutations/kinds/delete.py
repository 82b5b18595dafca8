"""Delete a view. There is no undelete, so one that is not as the asker saw it is left alone."""

from __future__ import annotations

from warehouse_admin.mutations.kinds.base import (
    Decided,
    Kind,
    Live,
    Request,
    Standing,
    Words,
    check_view,
    part,
    path_of,
    read_view,
)
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog import errors, writes
from warehouse_admin.posthog.client import Client


def check(mutation: Mutation) -> None:
    if not isinstance(mutation.base.get("name"), str) or not isinstance(mutation.base.get("query"), str | None):
        raise ValueError("A deletion needs the name and the SQL of what is deleted.")
    check_view(mutation)


def read(client: Client, mutation: Mutation) -> Live:
    """None when it is gone; a NotFound of anything but the view itself stays an error."""
    try:
        return read_view(client, mutation)
    except errors.NotFound as error:
        if error.object_missing:
            return None
        raise


def standing(mutation: Mutation, live: Live) -> Standing:
    if live is None:
        return Standing.DONE
    as_seen = (live.name, live.hogql) == (mutation.base["name"], mutation.base.get("query"))
    return Standing.BASE if as_seen else Standing.OTHER


def judge(mutation: Mutation, live: Live) -> Standing:
    """After sending only this counts: is it still there?"""
    return Standing.BASE if live else Standing.DONE


def look(client: Client, mutation: Mutation) -> tuple[Standing, Live]:
    live = read(client, mutation)
    return judge(mutation, live), live


def request(mutation: Mutation, live: Live) -> Request:
    return Request("DELETE", path_of(mutation), {})


def write(client: Client, mutation: Mutation, live: Live) -> Live:
    try:
        writes.delete_saved_query(client, mutation.object_id)
    except errors.NotFound as error:
        if not error.object_missing:
            raise
        said = "The view was gone when the request came: it was deleted a moment before."
        raise Decided(Mutation.State.HAPPENED, said, status=error.status) from None
    return None


def conflict(mutation: Mutation, live: Live) -> str:
    """Said of what differs, for it is what the person would have lost."""
    if live is not None and live.hogql != mutation.base.get("query"):
        return "The view was edited since this was written, so it was not deleted."
    return f"The view was renamed to {live.name if live else ''} since this was written, so it was not deleted."


DELETE = Kind(
    action="saved_query.delete",
    capability="write",
    check=check,
    read=read,
    standing=standing,
    request=request,
    write=write,
    look=look,
    judge=judge,
    shown=part("name", "query", "is_materialized", "sync_frequency"),
    words=Words(
        already="The view was already gone from PostHog, so nothing was sent.",
        conflict=conflict,
        showed_other="PostHog accepted it, yet still shows the view.",
        former="PostHog was read again and still has the view: it did not happen.",
    ),
)

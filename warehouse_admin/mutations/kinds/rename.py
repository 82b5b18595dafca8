"""Another name for a view. PostHog guards it with nothing and logs it nowhere: read, compare, write."""

from __future__ import annotations

from warehouse_admin.mutations.kinds.base import (
    Kind,
    Live,
    Request,
    Standing,
    Words,
    check_view,
    looking,
    part,
    path_of,
)
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog import names, writes
from warehouse_admin.posthog.client import Client


def check_name(name: object) -> None:
    """ValueError for a name that no server accepts."""
    if not isinstance(name, str) or len(name) > names.LONGEST or not names.is_valid(name):
        raise ValueError("This is not the name of a view.")


def check(mutation: Mutation) -> None:
    check_name(mutation.payload.get("name"))
    if not isinstance(mutation.base.get("name"), str):
        raise ValueError("A rename needs the name it replaces.")
    check_view(mutation)


def standing(mutation: Mutation, live: Live) -> Standing:
    name = live.name if live else None
    if name == mutation.payload["name"]:
        return Standing.DONE
    return Standing.BASE if name == mutation.base["name"] else Standing.OTHER


def request(mutation: Mutation, live: Live) -> Request:
    return Request("PATCH", path_of(mutation), {"name": mutation.payload["name"]})


def write(client: Client, mutation: Mutation, live: Live) -> Live:
    return writes.update_saved_query(client, mutation.object_id, name=mutation.payload["name"])


def conflict(mutation: Mutation, live: Live) -> str:
    name = live.name if live else ""
    return f"The view was renamed to {name} since this was written, so nothing was sent."


RENAME = Kind(
    action="saved_query.rename",
    capability="write",
    check=check,
    standing=standing,
    request=request,
    write=write,
    look=looking(standing),
    judge=standing,
    shown=part("name"),
    words=Words(
        already="The view already had this name in PostHog, so nothing was sent.",
        conflict=conflict,
        showed_other="PostHog accepted it and then showed another name.",
        changed_again="PostHog renamed it; somebody renamed the view again right afterwards.",
        former="PostHog was read again and the view still has its former name: it did not happen.",
        third="it has a name that is neither the former nor the new one",
    ),
)

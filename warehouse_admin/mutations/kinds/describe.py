"""What newer servers keep of a view beside its SQL: a description, and the folder it is in.

PostHog guards neither with anything: read, compare, write. Older servers take such a request and forget it.
"""

from __future__ import annotations

from uuid import UUID

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
from warehouse_admin.posthog import writes
from warehouse_admin.posthog.client import Client

LONGEST = 10_000


def check_description(mutation: Mutation) -> None:
    text = mutation.payload.get("description")
    if not isinstance(text, str) or len(text) > LONGEST:
        raise ValueError("This is not the description of a view.")
    if not isinstance(mutation.base.get("description"), str | None):
        raise ValueError("A description needs the one it replaces.")
    check_view(mutation)


def check_folder(mutation: Mutation) -> None:
    folder = mutation.payload.get("folder_id", "")
    if folder is not None:
        UUID(folder)
    if not isinstance(mutation.base.get("folder_id"), str | None):
        raise ValueError("A folder needs the one it replaces.")
    check_view(mutation)


def description_standing(mutation: Mutation, live: Live) -> Standing:
    """PostHog keeps a description that was cleared as empty or as null; both are none."""
    if live is None:
        return Standing.OTHER
    if not live.has("description"):
        return Standing.BASE  # `unknown_here` says why it is not sent
    return _compared(live.description or "", mutation.payload["description"], mutation.base.get("description") or "")


def folder_standing(mutation: Mutation, live: Live) -> Standing:
    if live is None:
        return Standing.OTHER
    if not live.has("folder_id"):
        return Standing.BASE
    return _compared(live.folder_id or None, mutation.payload["folder_id"], mutation.base.get("folder_id") or None)


def _compared(held: str | None, wanted: str | None, former: str | None) -> Standing:
    if held == wanted:
        return Standing.DONE
    return Standing.BASE if held == former else Standing.OTHER


def no_descriptions(mutation: Mutation, live: Live) -> str:
    known = live is None or live.has("description")
    return "" if known else "This PostHog server keeps no descriptions of views."


def no_folders(mutation: Mutation, live: Live) -> str:
    return "" if live is None or live.has("folder_id") else "This PostHog server has no folders for views."


def description_request(mutation: Mutation, live: Live) -> Request:
    return Request("PATCH", path_of(mutation), {"description": mutation.payload["description"]})


def folder_request(mutation: Mutation, live: Live) -> Request:
    return Request("PATCH", path_of(mutation), {"folder_id": mutation.payload["folder_id"]})


def write_description(client: Client, mutation: Mutation, live: Live) -> Live:
    return writes.update_saved_query(client, mutation.object_id, description=mutation.payload["description"])


def write_folder(client: Client, mutation: Mutation, live: Live) -> Live:
    return writes.update_saved_query(client, mutation.object_id, folder_id=mutation.payload["folder_id"])


def other_description(mutation: Mutation, live: Live) -> str:
    return "Somebody changed the description since this was written, so nothing was sent."


def other_folder(mutation: Mutation, live: Live) -> str:
    now = f"the folder {live.folder_name or live.folder_id}" if live and live.folder_id else "no folder"
    return f"The view is in {now} by now, so nothing was sent."


SET_DESCRIPTION = Kind(
    action="saved_query.set_description",
    capability="describe",
    check=check_description,
    standing=description_standing,
    request=description_request,
    write=write_description,
    look=looking(description_standing),
    judge=description_standing,
    shown=part("name", "description"),
    refusal=no_descriptions,
    words=Words(
        already="The view already had this description in PostHog, so nothing was sent.",
        conflict=other_description,
        showed_other="PostHog accepted it and then showed another description.",
        changed_again="PostHog saved it; somebody changed the description again right afterwards.",
        former="PostHog was read again and the view still has its former description: it did not happen.",
        third="it has a description that is neither the former nor the new one",
    ),
)

MOVE_TO_FOLDER = Kind(
    action="saved_query.move_to_folder",
    capability="file",
    check=check_folder,
    standing=folder_standing,
    request=folder_request,
    write=write_folder,
    look=looking(folder_standing),
    judge=folder_standing,
    shown=part("name", "folder_id", "folder_name"),
    refusal=no_folders,
    words=Words(
        already="The view was in this folder already, so nothing was sent.",
        conflict=other_folder,
        showed_other="PostHog accepted it and then showed the view elsewhere.",
        changed_again="PostHog moved it; somebody moved the view again right afterwards.",
        former="PostHog was read again and the view is still where it was: it did not happen.",
        third="it is in a folder that is neither the former nor the new one",
    ),
)

"""The columns of a warehouse table: read anew by PostHog, or given other types."""

from __future__ import annotations

from typing import Any

from warehouse_admin.mutations.kinds.base import Kind, Request, Standing, Words, always_base, check_view
from warehouse_admin.mutations.kinds.tables import SOURCED, Table, path_of, read
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.mutations.rows import restore_table
from warehouse_admin.posthog import writes
from warehouse_admin.posthog.client import Client


def types_of(live: Table) -> dict[str, str | None]:
    """The type of each column, by its name."""
    return {column.name: column.type for column in (live.columns if live else None) or []}


def validity_of(live: Table) -> dict[str, bool | None]:
    return {column.name: column.schema_valid for column in (live.columns if live else None) or []}


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """Column types of a row, or the types that a payload asks for."""
    if "updates" in row:
        return {"columns": dict(row["updates"])}
    return {"columns": types_of(restore_table(row))} if row.get("id") else {}


def refresh(client: Client, mutation: Mutation, live: Table) -> Table:
    writes.refresh_table_schema(client, mutation.object_id)
    return None


def look_refreshed(client: Client, mutation: Mutation) -> tuple[Standing, Table]:
    """After an answer it is done; without one only columns that differ tell."""
    live = read(client, mutation)
    before = restore_table(mutation.before) if mutation.before else None
    moved = (types_of(live), validity_of(live)) != (types_of(before), validity_of(before))
    return (Standing.DONE if moved or mutation.state == Mutation.State.SENDING else Standing.BASE), live


def check_types(mutation: Mutation) -> None:
    updates = mutation.payload.get("updates")
    if not isinstance(updates, dict) or not updates or not all(isinstance(one, str) for one in updates.values()):
        raise ValueError("Say which columns get which types.")
    check_view(mutation)


def typed(mutation: Mutation, live: Table) -> Standing:
    updates, now = mutation.payload["updates"], types_of(live)
    if {name: now.get(name) for name in updates} == updates:
        return Standing.DONE
    seen = types_of(restore_table(mutation.base)) if mutation.base.get("id") else {}
    same = all(now.get(name) == seen.get(name) and name in now for name in updates)
    return Standing.BASE if same else Standing.OTHER


def retype(client: Client, mutation: Mutation, live: Table) -> Table:
    writes.update_table_schema(client, mutation.object_id, mutation.payload["updates"])
    return None


def look_retyped(client: Client, mutation: Mutation) -> tuple[Standing, Table]:
    live = read(client, mutation)
    return typed(mutation, live), live


def not_linked(mutation: Mutation, live: Table) -> str:
    return SOURCED if live is not None and live.external_data_source is not None else ""


REFRESH_SCHEMA = Kind(
    action="table.refresh_schema",
    capability="refresh_schema",
    target="table",
    restore=restore_table,
    shown=shown,
    read=read,
    standing=always_base,
    request=lambda mutation, live: Request("POST", path_of(mutation, "refresh_schema"), {}),
    write=refresh,
    look=look_refreshed,
    judge=always_base,
    words=Words(
        former="PostHog was read again and shows the same columns: it did not happen, or there was nothing new.",
    ),
)
UPDATE_SCHEMA = Kind(
    action="table.update_schema",
    capability="update_schema",
    target="table",
    restore=restore_table,
    shown=shown,
    check=check_types,
    read=read,
    standing=typed,
    request=lambda mutation, live: Request(
        "POST", path_of(mutation, "update_schema"), {"updates": mutation.payload["updates"]}
    ),
    write=retype,
    look=look_retyped,
    judge=typed,
    refusal=not_linked,
    words=Words(
        already="The columns already had these types in PostHog, so nothing was sent.",
        conflict=lambda mutation, live: (
            "PostHog holds other columns or types than this was written against, so nothing was sent."
        ),
        showed_other="PostHog accepted it and then showed other types.",
        changed_again="PostHog saved the types; somebody changed them again right afterwards.",
        former="PostHog was read again and the columns have their former types: it did not happen.",
        third="the columns have neither the former types nor those that were asked for",
    ),
)

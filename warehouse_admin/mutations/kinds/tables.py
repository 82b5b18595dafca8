"""Make, change and delete a warehouse table. PostHog guards tables with no token and logs nothing of them."""

from __future__ import annotations

from typing import Any

from warehouse_admin.core.digests import text_digest
from warehouse_admin.mutations import credentials, owner, timing
from warehouse_admin.mutations.credentials import FIELD, SHOWN, Entered
from warehouse_admin.mutations.kinds.base import Decided, Kind, Request, Standing, Words, check_view
from warehouse_admin.mutations.kinds.create import is_older
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.mutations.rows import restore_table
from warehouse_admin.posthog import errors, reads, writes
from warehouse_admin.posthog.client import Client
from warehouse_admin.posthog.types import WarehouseTable

State = Mutation.State
Table = WarehouseTable | None
WRITTEN = ("name", "format", "url_pattern")
LONGEST_NAME = 128
NO_KEYS = "The keys of the bucket are not kept any more: enter them anew."
SOURCED = "The table belongs to a source, which PostHog keeps by itself."


def path_of(mutation: Mutation, action: str = "") -> str:
    return reads.path_to(reads.TABLES, mutation.object_id, action)


def read(client: Client, mutation: Mutation) -> Table:
    """The live table; NotFound when it is gone."""
    return reads.get_table(client, mutation.object_id)


def wanted(mutation: Mutation) -> dict[str, Any]:
    """The values that can be read back of what is asked for."""
    return {name: mutation.payload[name] for name in WRITTEN if name in mutation.payload}


def holds(live: Table, values: dict[str, Any]) -> bool:
    return live is not None and all(getattr(live, name) == value for name, value in values.items())


def holds_base(mutation: Mutation, live: Table) -> bool:
    return holds(live, {name: mutation.base.get(name) for name in WRITTEN})


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """What the trail keeps of a row or a payload; of keys only that they are set."""
    kept = {name: row[name] for name in WRITTEN if name in row}
    marker = row.get(FIELD)
    return kept | ({FIELD: credentials.told(marker)} if isinstance(marker, dict) and "set" in marker else {})


def body_of(mutation: Mutation) -> dict[str, Any]:
    """As it is shown and digested: the keys themselves are put in when it leaves."""
    return wanted(mutation) | ({FIELD: dict(SHOWN)} if FIELD in mutation.payload else {})


def keys_missing(mutation: Mutation, live: Table) -> str:
    return NO_KEYS if FIELD in mutation.payload and not credentials.is_kept(mutation.payload[FIELD]) else ""


def not_ours(mutation: Mutation, live: Table) -> str:
    """What this server must not be sent at all."""
    return SOURCED if live is not None and live.external_data_source is not None else keys_missing(mutation, live)


def check_values(mutation: Mutation) -> None:
    """ValueError for values that must never be sent."""
    values = wanted(mutation)
    if not all(isinstance(value, str) and value for value in values.values()):
        raise ValueError("The name, format and pattern of a table are texts.")
    if len(values.get("name", "")) > LONGEST_NAME:
        raise ValueError("The name of a table is too long.")


def check_new(mutation: Mutation) -> None:
    check_values(mutation)
    if set(wanted(mutation)) != set(WRITTEN) or FIELD not in mutation.payload or mutation.object_id:
        raise ValueError("A new table needs its name, format, pattern and keys, and has no id yet.")


def read_named(client: Client, mutation: Mutation) -> Table:
    """Whoever has the name now."""
    return reads.find_table(client, mutation.payload["name"])


def free(mutation: Mutation, live: Table) -> Standing:
    """Another table of the name is never taken for what is asked for: keys cannot be compared."""
    return Standing.BASE if live is None else Standing.OTHER


def create(client: Client, mutation: Mutation, live: Table) -> Table:
    keys = _keys(mutation)
    return writes.create_table(client, **wanted(mutation), access_key=keys.access_key, access_secret=keys.access_secret)


def _keys(mutation: Mutation) -> Entered:
    """Right before they leave; gone only where somebody closed the change in this moment."""
    keys = credentials.opened(mutation.payload[FIELD])
    if keys is None:
        raise Decided(State.NOT_SENT, f"{NO_KEYS} Nothing was sent.", status=None)
    return keys


def made(mutation: Mutation, live: Table) -> Standing:
    """Judges PostHog's own answer, and what is read by its id."""
    return Standing.DONE if holds(live, wanted(mutation)) else Standing.OTHER


def look_for_new(client: Client, mutation: Mutation) -> tuple[Standing, Table]:
    """By the id of the answer where there was one; else the table of that name, pattern and time, whoever made it."""
    if known := mutation.remote.get("new_id"):
        live = reads.get_table(client, known)
        return made(mutation, live), live
    found = read_named(client, mutation)
    if found is not None:
        return (Standing.DONE if _is_ours(client, mutation, found) else Standing.OTHER), found
    renamed = _made_under_another_name(client, mutation)
    return (Standing.OTHER if renamed else Standing.BASE), renamed


def _is_ours(client: Client, mutation: Mutation, live: WarehouseTable) -> bool:
    """Made since we sent, with our values, and not by somebody else."""
    if not holds(live, wanted(mutation)) or is_older(live.created_at, mutation.sent_at):
        return False
    maker = live.created_by.email if live.created_by else None
    mine = owner.email_of(client) if maker else None
    return not (maker and mine and maker != mine)


def _made_under_another_name(client: Client, mutation: Mutation) -> Table:
    """A table of our pattern that came since: renamed meanwhile it would be ours. Never made again over that doubt."""
    values = {name: value for name, value in wanted(mutation).items() if name != "name"}
    for row in reads.iter_tables(client):
        if row.created_at is not None and mutation.sent_at and row.created_at < mutation.sent_at - timing.CLOCKS:
            return None  # newest first
        if row.created_at is not None and holds(row, values) and not _is_known(mutation, row):
            return row
    return None


def _is_known(mutation: Mutation, row: WarehouseTable) -> bool:
    return Mutation.objects.filter(connection=mutation.connection, object_id=row.id).exclude(pk=mutation.pk).exists()


def keys_have_a_place(mutation: Mutation, live: Table) -> str:
    """PostHog puts new keys into the credential that is there, and fails where there is none."""
    if FIELD in mutation.payload and live is not None and live.credential_id is None:
        return "The table has no credential in PostHog whose keys could be replaced."
    return not_ours(mutation, live)


def check_update(mutation: Mutation) -> None:
    check_values(mutation)
    if not wanted(mutation) and FIELD not in mutation.payload:
        raise ValueError("Nothing to change was given.")
    if not all(name in mutation.base for name in WRITTEN):
        raise ValueError("An update needs the values it replaces.")
    check_view(mutation)


def standing(mutation: Mutation, live: Table) -> Standing:
    """Whether the keys are there already nobody can see, so they are always sent."""
    if FIELD not in mutation.payload and holds(live, wanted(mutation)):
        return Standing.DONE
    return Standing.BASE if holds_base(mutation, live) and _same_keys(mutation, live) else Standing.OTHER


def _same_keys(mutation: Mutation, live: Table) -> bool:
    """Where keys are replaced, those that the asker saw have to be there still: by their id, all that PostHog shows."""
    if FIELD not in mutation.payload or live is None:
        return True
    return live.credential_id == (mutation.base.get(FIELD) or {}).get("id")


def updated(mutation: Mutation, live: Table) -> Standing:
    if holds(live, wanted(mutation)):
        return Standing.DONE
    return Standing.BASE if holds_base(mutation, live) else Standing.OTHER


def look_updated(client: Client, mutation: Mutation) -> tuple[Standing, Table]:
    """After an answer the values tell; without one, keys alone tell nothing: PostHog writes them where the old were."""
    live = read(client, mutation)
    found = updated(mutation, live)
    tells = bool({name for name, value in wanted(mutation).items() if value != (mutation.before or {}).get(name)})
    if mutation.state == State.SENDING or tells or FIELD not in mutation.payload:
        return found, live
    return Standing.OTHER, live


def update(client: Client, mutation: Mutation, live: Table) -> Table:
    keys = _keys(mutation) if FIELD in mutation.payload else None
    return writes.update_table(
        client,
        mutation.object_id,
        **wanted(mutation),
        access_key=keys.access_key if keys else None,
        access_secret=keys.access_secret if keys else None,
    )


def said_of_keys(mutation: Mutation, live: Table) -> str:
    if FIELD not in mutation.payload or mutation.state != State.SENDING:
        return ""
    return "PostHog shows no keys: that it took the new ones stands on its answer alone."


def check_delete(mutation: Mutation) -> None:
    if not all(name in mutation.base for name in WRITTEN):
        raise ValueError("A deletion needs the values of what is deleted.")
    check_view(mutation)


def read_or_gone(client: Client, mutation: Mutation) -> Table:
    """None when it is gone; a NotFound of anything but the table itself stays an error."""
    try:
        return read(client, mutation)
    except errors.NotFound as error:
        if error.object_missing:
            return None
        raise


def doomed(mutation: Mutation, live: Table) -> Standing:
    if live is None:
        return Standing.DONE
    return Standing.BASE if holds_base(mutation, live) else Standing.OTHER


def deleted(mutation: Mutation, live: Table) -> Standing:
    return Standing.BASE if live else Standing.DONE


def look_deleted(client: Client, mutation: Mutation) -> tuple[Standing, Table]:
    live = read_or_gone(client, mutation)
    return deleted(mutation, live), live


def delete(client: Client, mutation: Mutation, live: Table) -> Table:
    try:
        writes.delete_table(client, mutation.object_id)
    except errors.NotFound as error:
        if not error.object_missing:
            raise
        said = "The table was gone when the request came: it was deleted a moment before."
        raise Decided(State.HAPPENED, said, status=error.status) from None
    return None


def taken(mutation: Mutation, live: Table) -> str:
    """Never by whom: a table's maker is no news to somebody who only wants the name."""
    table_id = live.id if live else "unknown"
    return (
        f"The name {mutation.payload['name']} is taken by another table ({table_id}): choose another. Nothing was sent."
    )


def moved(mutation: Mutation, live: Table) -> str:
    """Which of the values the asker saw are there no more."""
    words = {"name": "name", "format": "format", "url_pattern": "pattern"}
    found = [word for field, word in words.items() if not holds(live, {field: mutation.base.get(field)})]
    what = " and ".join(found) or "credential"
    return f"The {what} of the table changed in PostHog since this was written, so nothing was sent."


def _kind(**parts: Any) -> Kind:
    return Kind(capability="tables_write", target="table", restore=restore_table, shown=shown, **parts)


def _request(method: str) -> Any:
    def request(mutation: Mutation, live: Table) -> Request:
        if method == "POST":
            return Request(method, reads.TABLES, body_of(mutation))
        return Request(method, path_of(mutation), body_of(mutation) if method == "PATCH" else {})

    return request


CREATE_TABLE = _kind(
    action="table.create_table",
    check=check_new,
    read=read_named,
    standing=free,
    request=_request("POST"),
    write=create,
    look=look_for_new,
    judge=made,
    refusal=keys_missing,
    words=Words(
        conflict=taken,
        showed_other="PostHog made a table and then showed other values.",
        changed_again="PostHog made the table; somebody changed it right afterwards.",
        former="PostHog was read again and lists no such table: it did not happen.",
        third="a table with this name or pattern is there, but it is not certainly the one that was asked for",
    ),
    lock_id=lambda mutation: text_digest(f"create_table {mutation.payload['name']}"),
    makes=True,
)
UPDATE_TABLE = _kind(
    action="table.update_table",
    check=check_update,
    read=read,
    standing=standing,
    request=_request("PATCH"),
    write=update,
    look=look_updated,
    judge=updated,
    refusal=keys_have_a_place,
    note=said_of_keys,
    words=Words(
        already="The table already was so in PostHog, so nothing was sent.",
        conflict=moved,
        showed_other="PostHog accepted it and then showed other values.",
        changed_again="PostHog saved it; somebody changed the table again right afterwards.",
        former="PostHog was read again and the table is as before: it did not happen.",
        third="reading does not tell whether it happened, as PostHog shows no keys and the values may have moved",
    ),
)
DELETE_TABLE = _kind(
    action="table.delete_table",
    check=check_delete,
    read=read_or_gone,
    standing=doomed,
    request=_request("DELETE"),
    write=delete,
    look=look_deleted,
    judge=deleted,
    refusal=not_ours,
    words=Words(
        already="The table was already gone from PostHog, so nothing was sent.",
        conflict=moved,
        showed_other="PostHog accepted it, yet still shows the table.",
        former="PostHog was read again and still has the table: it did not happen.",
    ),
)

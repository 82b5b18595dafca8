"""What PostHog holds right now of the object of a proposal, and the sentences for when it cannot be read."""

from __future__ import annotations

from math import ceil

from django.utils import timezone

from warehouse_admin.accounts.models import Connection
from warehouse_admin.changes.actions import Action, Facts, Mirrored, Subject
from warehouse_admin.core.errors import Unavailable, UserError
from warehouse_admin.lineage import selectors as lineage
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.rows import Snapshot
from warehouse_admin.mutations.words import sentence
from warehouse_admin.posthog import errors as remote_errors

SECONDS = 10.0


def refuse_closed(about: Mirrored) -> None:
    """Raise for what nobody can change: gone, managed by PostHog, kept by a source, or the rows of a view."""
    if isinstance(about, SavedQuery):
        refuse_closed_view(about)
    elif why := mirror.why_locked(about):
        raise UserError(why, blockers=[{"text": why, "kind": "fix", "who": "PostHog"}])


def refuse_closed_view(saved_query: SavedQuery) -> None:
    """Raise for views that nobody can change: gone, or managed by PostHog."""
    why = ""
    if saved_query.deleted_at is not None:
        why = f"{saved_query.name} was deleted in PostHog, so it cannot be changed."
    elif saved_query.is_managed:
        why = f"{saved_query.name} is managed by PostHog, which refuses every edit of it."
    if why:
        raise UserError(why, blockers=[{"text": why, "kind": "fix", "who": "PostHog"}])


def read_subject(about: Mirrored) -> Subject:
    """The live object and who selects from it; raises a sentence that says that what was typed is kept."""
    return subject_of(about, read_live(about))


def read_live(about: Mirrored) -> Facts:
    """The live object as a snapshot; the mirror keeps the answer too."""
    try:
        return look(about, timeout=SECONDS)
    except remote_errors.NotFound as error:
        if error.object_missing:
            text = f"{about.name} no longer exists in PostHog. Your text is kept on this page."
            raise UserError(text) from error
        raise _unavailable(error) from error
    except remote_errors.PostHogError as error:
        raise _unavailable(error) from error


def look(about: Mirrored, *, timeout: float) -> Facts:
    """The same, but for errors of PostHog, which come as they are."""
    read_at = timezone.now()
    if isinstance(about, WarehouseTable):
        row = mirror.read_live_table(about, timeout=timeout)
        refuse_closed(about)
        return table_base(mutations.snapshot(row, read_at))
    live = mirror.read_live(about, purpose="interactive", timeout=timeout)
    if live.is_managed:
        raise UserError(f"{about.name} is managed by PostHog, which refuses every edit of it.")
    return mutations.snapshot(live, read_at)


def read_new(connection: Connection, action: Action, name: str) -> Subject:
    """Who has this name in PostHog already, if anybody: then `base` is that object."""
    try:
        return Subject(connection, name, look_for(connection, action, name, timeout=SECONDS))
    except remote_errors.PostHogError as error:
        raise _unavailable(error) from error


def look_for(connection: Connection, action: Action, name: str, *, timeout: float) -> Facts:
    """The live object of the action's kind and of this name, empty for none; errors of PostHog come as they are."""
    read_at = timezone.now()
    find = mirror.find_live_table if action.of_tables else mirror.find_live
    found = find(connection, name, timeout=timeout)
    return mutations.snapshot(found, read_at) if found else {}


def table_base(kept: Snapshot) -> Facts:
    """What a proposal is written against, of a table as PostHog showed it: of its credential only which one it is."""
    credential = kept.get("credential")
    columns = [
        {
            "name": column.get("name") or column.get("key"),
            "type": column.get("type"),
            "schema_valid": column.get("schema_valid"),
        }
        for column in kept.get("columns") or []
        if isinstance(column, dict)
    ]
    return {**kept, "columns": columns, "credential": {"id": credential.get("id")} if credential else None}


def mirrored_subject(about: Mirrored) -> Subject:
    """The object as the mirror knows it, for pages that must not wait for PostHog."""
    if isinstance(about, WarehouseTable):
        return subject_of(about, _mirrored_table(about))
    saved_query = about
    base = {
        "id": str(saved_query.posthog_id),
        "name": saved_query.name,
        "query": saved_query.query,
        "latest_history_id": saved_query.latest_history_id or None,
        "sync_frequency": saved_query.sync_frequency or None,
        "is_materialized": saved_query.is_materialized,
        "description": saved_query.description,
        "folder_id": saved_query.folder_id,
        "folder_name": saved_query.folder_name,
    }
    if saved_query.connection.generation == "D":
        base["suspended"] = saved_query.suspended  # by which a row of the newest servers is known
    return subject_of(saved_query, base)


def _mirrored_table(table: WarehouseTable) -> Facts:
    return {
        "id": str(table.posthog_id),
        "name": table.name,
        "format": table.format,
        "url_pattern": table.url_pattern,
        "columns": [
            {"name": column.get("name"), "type": column.get("type"), "schema_valid": column.get("valid")}
            for column in table.columns
        ],
    }


def subject_of(about: Mirrored, base: Facts) -> Subject:
    """An object from what was read of it, with those who select from it now."""
    dependents = [view.name for view in readers_of(about)]
    return Subject(about.connection, about.name, base, about, dependents)


def readers_of(about: Mirrored | None) -> list[SavedQuery]:
    """Present views that select from it; of what is not made yet there are none."""
    if about is None:
        return []
    return lineage.readers_of_table(about) if isinstance(about, WarehouseTable) else lineage.downstream(about)


def _unavailable(error: remote_errors.PostHogError) -> Unavailable:
    return Unavailable(_unread(error), retry_after=getattr(error, "retry_after", None))


def _unread(error: remote_errors.PostHogError) -> str:
    if isinstance(error, remote_errors.RateLimited):
        wait = f"in {ceil(error.retry_after)} seconds" if error.retry_after else "in a minute"
        return (
            f"PostHog's rate limit is used up, so its current text was not read. Your text is kept: try again {wait}."
        )
    return (
        f"The current text could not be read from PostHog. {sentence(error)} Your text is kept: try again in a moment."
    )

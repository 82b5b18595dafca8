"""What PostHog holds right now of the object of a proposal, and the sentences for when it cannot be read."""

from __future__ import annotations

from math import ceil

from django.utils import timezone

from warehouse_admin.accounts.models import Connection
from warehouse_admin.changes.actions import Facts, Subject
from warehouse_admin.core.errors import Unavailable, UserError
from warehouse_admin.lineage import selectors as lineage
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.words import sentence
from warehouse_admin.posthog import errors as remote_errors

SECONDS = 10.0


def refuse_closed_view(saved_query: SavedQuery) -> None:
    """Raise for views that nobody can change: gone, or managed by PostHog."""
    why = ""
    if saved_query.deleted_at is not None:
        why = f"{saved_query.name} was deleted in PostHog, so it cannot be changed."
    elif saved_query.is_managed:
        why = f"{saved_query.name} is managed by PostHog, which refuses every edit of it."
    if why:
        raise UserError(why, blockers=[{"text": why, "kind": "fix", "who": "PostHog"}])


def read_subject(saved_query: SavedQuery) -> Subject:
    """The live view and who selects from it; raises a sentence that says that what was typed is kept."""
    return subject_of(saved_query, read_live(saved_query))


def read_live(saved_query: SavedQuery) -> Facts:
    """The live view as a snapshot; the mirror keeps the answer too."""
    read_at = timezone.now()
    try:
        live = mirror.read_live(saved_query, purpose="interactive", timeout=SECONDS)
    except remote_errors.NotFound as error:
        if error.object_missing:
            text = f"{saved_query.name} no longer exists in PostHog. Your text is kept on this page."
            raise UserError(text) from error
        raise _unavailable(error) from error
    except remote_errors.PostHogError as error:
        raise _unavailable(error) from error
    if live.is_managed:
        raise UserError(f"{saved_query.name} is managed by PostHog, which refuses every edit of it.")
    return mutations.snapshot(live, read_at)


def read_new(connection: Connection, name: str) -> Subject:
    """Who has this name in PostHog already, if anybody: then `base` is that view."""
    read_at = timezone.now()
    try:
        live = mirror.find_live(connection, name, timeout=SECONDS)
    except remote_errors.PostHogError as error:
        raise _unavailable(error) from error
    return Subject(connection, name, mutations.snapshot(live, read_at) if live else {})


def mirrored_subject(saved_query: SavedQuery) -> Subject:
    """The view as the mirror knows it, for pages that must not wait for PostHog."""
    base = {
        "id": str(saved_query.posthog_id),
        "name": saved_query.name,
        "query": saved_query.query,
        "latest_history_id": saved_query.latest_history_id or None,
        "sync_frequency": saved_query.sync_frequency or None,
        "is_materialized": saved_query.is_materialized,
    }
    if saved_query.connection.generation == "D":
        base["suspended"] = saved_query.suspended  # by which a row of the newest servers is known
    return subject_of(saved_query, base)


def subject_of(saved_query: SavedQuery, base: Facts) -> Subject:
    """A view from what was read of it, with those who select from it now."""
    dependents = [view.name for view in lineage.downstream(saved_query)]
    return Subject(saved_query.connection, saved_query.name, base, saved_query, dependents)


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

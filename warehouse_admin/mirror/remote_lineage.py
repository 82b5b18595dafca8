"""Asks PostHog itself, because a person did, what a view reads and what reads it; the answer is kept with its time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any

from django.db import transaction
from django.utils import timezone

from warehouse_admin.accounts import policies
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.targets import Target
from warehouse_admin.core.errors import Unavailable, UserError
from warehouse_admin.mirror.models import RemoteLineage, SavedQuery
from warehouse_admin.mirror.texts import storable
from warehouse_admin.posthog import errors, reads
from warehouse_admin.posthog.client import Client

SECONDS = 4.0
"""For each of three answers."""
MOST = 2_000
"""Neighbours kept of each side."""
ASKED = {"upstream": "ancestors", "downstream": "descendants", "counts": "dependencies"}
MAY_ASK = "mirror.refresh_savedquery"


def why_not(connection: Connection) -> str:
    """Why PostHog cannot be asked there, in a sentence; empty where it can, or where nobody has tried."""
    refused = [accounts.capability(connection, action) for action in ASKED.values()]
    return refused[0].reason if all(one.state == "no" for one in refused) else ""


def compare(*, saved_query: SavedQuery, user: User) -> RemoteLineage:
    """Ask for the immediate neighbours of a view. Raises UserError where this server tells no key, or gives no answer.

    What was known before stays when nothing is told.
    """
    target = Target("saved_query", str(saved_query.posthog_id), saved_query.name)
    policies.require(user, MAY_ASK, action="saved_query.compare_lineage", target=target)
    if saved_query.deleted_at is not None:
        raise UserError("This view was deleted in PostHog, so there is nothing to compare with.")
    if why := why_not(saved_query.connection):
        raise UserError(why)
    asked_at = timezone.now()
    said, failure = _ask(saved_query)
    with transaction.atomic():
        if said:
            values = {**_kept(said), "error": failure.message if failure else "", "asked_at": asked_at}
            values["asked_by"] = user
            RemoteLineage.objects.update_or_create(saved_query=saved_query, defaults=values)
        audit.record(
            actor=user,
            action="saved_query.compare_lineage",
            target=target,
            result="failed" if failure and not said else "ok",
            reason=failure.message if failure else "",
            connection=saved_query.connection.slug,
        )
    if failure and not said:
        raise failure
    return RemoteLineage.objects.get(saved_query=saved_query)


def _ask(saved_query: SavedQuery) -> tuple[dict[str, Any], UserError | None]:
    """What was said of what was asked for, and what went wrong; after silence nothing more is asked."""
    key = saved_query.posthog_id
    questions: dict[str, Callable[[Client], Any]] = {
        "upstream": lambda client: reads.ancestors(client, key, 1),
        "downstream": lambda client: reads.descendants(client, key, 1),
        "counts": lambda client: reads.dependencies(client, key),
    }
    said: dict[str, Any] = {}
    problem: UserError | None = None
    with closing(accounts.client_for(saved_query.connection, purpose="interactive", read_timeout=SECONDS)) as client:
        for name, question in questions.items():
            try:
                said[name] = question(client)
            except errors.PermissionDenied as error:
                problem = _told(saved_query.connection, ASKED[name], error)
            except errors.PostHogError as error:
                problem = _unavailable(error)
                break
            else:
                accounts.learn(saved_query.connection, ASKED[name], None)
    return said, problem


def _told(connection: Connection, action: str, error: errors.PermissionDenied) -> UserError:
    accounts.learn(connection, action, error)
    return UserError(accounts.capability(connection, action).reason or "PostHog refused the key.")


def _unavailable(error: errors.PostHogError) -> Unavailable:
    if isinstance(error, errors.NotFound) and error.object_missing:
        return Unavailable("PostHog no longer has this view. The next sync marks it as deleted.")
    if isinstance(error, errors.RateLimited):
        return Unavailable("The rate limit is used up. Compare again in a minute.", retry_after=error.retry_after)
    if isinstance(error, errors.ServerError):
        return Unavailable(f"PostHog failed ({error.status or 'server error'}). Compare again in a moment.")
    return Unavailable("PostHog gave no answer in time. Compare again in a moment.")


def _kept(said: dict[str, Any]) -> dict[str, Any]:
    counts = said.get("counts")
    return {
        **{name: _listed(said[name]) if name in said else None for name in ("upstream", "downstream")},
        "upstream_count": counts.upstream_count if counts else None,
        "downstream_count": counts.downstream_count if counts else None,
    }


def _listed(names: list[str]) -> list[str]:
    return sorted({storable(name, 300) for name in names})[:MOST]

"""The first rows of a proposed query beside those of the present one. PostHog runs both; no row is kept."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from django.utils import timezone

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.audit.targets import Target
from warehouse_admin.changes import policies
from warehouse_admin.core.digests import text_digest
from warehouse_admin.core.errors import InvalidInput, Unavailable, UserError
from warehouse_admin.lineage.checks import check_view_sql
from warehouse_admin.lineage.lint.report import Finding, look
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mutations.words import sentence
from warehouse_admin.posthog import errors, queries
from warehouse_admin.posthog.client import Client
from warehouse_admin.posthog.queries import Rows

ACTION = "query.previewed"
MOST_ROWS = 100
PER_HOUR = 25
"""Previews of one project, by everybody. Each may ask four times, and PostHog lets a key run 120 queries an hour."""
SECONDS = 25.0
"""For all that one preview asks."""


@dataclass(frozen=True)
class Sample:
    """The first rows of one text; `total` is None where they could not be counted in time."""

    rows: Rows
    total: int | None


@dataclass(frozen=True)
class Preview:
    """`present` is None for a new view, and where the text is the present one. `left` counts this hour's previews."""

    proposed: Sample
    present: Sample | None
    left: int
    notes: list[Finding] = field(default_factory=list)
    """What to know about the preview itself."""

    @property
    def added(self) -> list[str]:
        return [name for name in self.proposed.rows.columns if self.present and name not in self.present.rows.columns]

    @property
    def removed(self) -> list[str]:
        return (
            [name for name in self.present.rows.columns if name not in self.proposed.rows.columns]
            if self.present
            else []
        )

    @property
    def retyped(self) -> list[tuple[str, str, str]]:
        """Columns of both with their types before and after, where those differ."""
        if self.present is None:
            return []
        now = dict(zip(self.proposed.rows.columns, self.proposed.rows.types, strict=True))
        was = dict(zip(self.present.rows.columns, self.present.rows.types, strict=True))
        return [(name, was[name], now[name]) for name in was if name in now and was[name] != now[name]]

    @property
    def difference(self) -> int | None:
        """How many rows more (or fewer, below 0) it gives; None where one of them was not counted."""
        if self.present is None or self.proposed.total is None or self.present.total is None:
            return None
        return self.proposed.total - self.present.total

    @property
    def fewer(self) -> int:
        """How many rows less it gives than now; 0 where that is not known."""
        return max(-(self.difference or 0), 0)


def left(connection: Connection) -> int:
    """How many previews of the project are left within the last hour."""
    since = timezone.now() - timedelta(hours=1)
    asked = AuditEntry.objects.filter(action=ACTION, connection=connection.slug, result=AuditEntry.Result.ASKED)
    return max(PER_HOUR - asked.filter(at__gte=since).count(), 0)


def preview(*, user: User, connection: Connection, query: str, view: SavedQuery | None = None) -> Preview:
    """Run a text for somebody who may propose it; a refusal or an error of PostHog's becomes a UserError."""
    target = Target("saved_query", str(view.posthog_id), view.name) if view else Target("connection", connection.slug)
    policies.require_propose(user, action=ACTION, target=target)
    _refuse(connection, query)
    about: dict[str, Any] = {"actor": user, "action": ACTION, "target": target, "connection": connection.slug}
    digest = {"query_digest": text_digest(query)}
    audit.record(**about, result=AuditEntry.Result.ASKED, after=digest)
    client = accounts.client_for(connection, purpose="interactive")
    try:
        found = _ask(client, connection, query, view)
    except errors.PostHogError as error:
        accounts.learn(connection, "preview", error)
        audit.record(**about, result=AuditEntry.Result.FAILED, reason=sentence(error, "query"), after=digest)
        raise _in_words(error) from error
    finally:
        client.close()
    accounts.learn(connection, "preview", None)
    audit.record(**about, result=AuditEntry.Result.OK, after=digest | {"rows": len(found.proposed.rows.rows)})
    return replace(found, notes=look(connection, query, view=view, preview=True).findings)


def _refuse(connection: Connection, query: str) -> None:
    """Raise for what need not be sent to know that it fails."""
    wrong = next((one for one in check_view_sql(query) if one.level == "error"), None)
    if wrong is not None:
        raise InvalidInput(f"Line {wrong.line}: {wrong.message}", errors={"query": [wrong.message]})
    known = accounts.capability(connection, "preview")
    if known.state == "no":
        raise UserError(f"No preview: {known.reason}")
    if not connection.is_active:
        raise UserError(f"No preview: {connection.name} is paused.")
    if not left(connection):
        raise UserError(
            f"All {PER_HOUR} previews of {connection.name} in an hour are used up: PostHog lets a key run few queries. "
            "Your text is kept; try again later."
        )


def _ask(client: Client, connection: Connection, query: str, view: SavedQuery | None) -> Preview:
    """The rows of both texts first, then how many there are, as far as there is time."""
    until = time.monotonic() + SECONDS
    texts = [query]
    if view is not None and view.query and view.query != query and view.deleted_at is None:
        texts.append(view.query)
    samples = [queries.rows(client, _limited(text), timeout=_rest(until)) for text in texts]
    totals = [_count(client, text, until) for text in texts]
    proposed, *present = (Sample(rows, total) for rows, total in zip(samples, totals, strict=True))
    return Preview(proposed, present[0] if present else None, left(connection))


def _count(client: Client, text: str, until: float) -> int | None:
    try:
        counting = f"SELECT count() FROM (\n{_bare(text)}\n)"  # noqa: S608  PostHog parses and confines it
        found = queries.rows(client, counting, timeout=_rest(until)).rows
    except errors.PostHogError:
        return None  # the rows are there; that nobody counted them is said
    number = found[0][0] if found and found[0] else None
    return number if type(number) is int else None


def _rest(until: float) -> float:
    return max(until - time.monotonic(), 1.0)


def _limited(text: str) -> str:
    """The text as it is, inside of one that stops after the first rows."""
    return f"SELECT * FROM (\n{_bare(text)}\n) LIMIT {MOST_ROWS}"  # noqa: S608  PostHog parses and confines it


def _bare(text: str) -> str:
    return text.rstrip().rstrip(";")


def _in_words(error: errors.PostHogError) -> UserError:
    if isinstance(error, errors.Refused):
        return InvalidInput(f"PostHog does not accept this query: {error.detail}", errors={"query": [error.detail]})
    if isinstance(error, errors.RateLimited):
        told = "PostHog's limit for running queries is used up. Your text is kept; try again later."
        return Unavailable(told, retry_after=error.retry_after)
    return Unavailable(f"{sentence(error, 'query')} Your text is kept.")

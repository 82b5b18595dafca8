"""Whose work lies between the text a change was written against and what PostHog holds now; never guessed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import QuerySet, Subquery

from warehouse_admin.accounts.services.clients import Purpose
from warehouse_admin.changes.dropped import Dropped, Line
from warehouse_admin.core.digests import text_digest
from warehouse_admin.mirror import remote_log
from warehouse_admin.mirror.logged import told_sql
from warehouse_admin.mirror.models import RemoteActivity, SavedQuery, SavedQueryVersion

MOST = 20
"""Older edits than these are told as unknown: each holds a whole text."""
CLOCKS = timedelta(minutes=5)  # PostHog's clock and ours may differ by this much
UNKNOWN = "somebody unknown"


@dataclass(frozen=True)
class Edit:
    """A text that PostHog came to hold. `who` is empty where nobody tells; `at` may only be when it was seen."""

    query: str
    who: str = ""
    at: datetime | None = None
    is_exact: bool = False
    change_number: int | None = None

    @property
    def name(self) -> str:
        return self.who or UNKNOWN

    @property
    def told(self) -> str:
        """Who, when and through what: a sentence for prose that is kept, but for its full stop."""
        return f"{self.name} changed it {self.how_and_when}"

    @property
    def how_and_when(self) -> str:
        when = f"{self.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if self.at else "at an unknown time"
        through = f"with change #{self.change_number}" if self.change_number else "in PostHog"
        if self.is_exact:
            return f"{through} on {when}"
        return f"{through} (seen {'on ' if self.at else ''}{when})"


def edits_since(view: SavedQuery | None, base: dict[str, Any], remote: str) -> list[Edit]:
    """The edits that led from a revision's base to `remote`, oldest first; the last one always is `remote`."""
    held = base.get("query") or ""
    if view is None or remote == held:
        return []
    known = [_edit(version) for version in _versions(view, base, held, remote)]
    edits = _named(known, _logged(view, base), held, remote)
    return edits if edits and edits[-1].query == remote else [*edits, Edit(remote)]


def find_out(
    view: SavedQuery | None, base: dict[str, Any], remote: str, *, purpose: Purpose = "interactive", timeout: float = 5
) -> None:
    """Ask PostHog's log of the view for whose work came between, where the mirror cannot tell yet. Never raises."""
    edits = edits_since(view, base, remote)
    if view is not None and not all(edit.is_exact for edit in edits):
        remote_log.read_now(view, purpose=purpose, timeout=timeout)


def whose(found: Dropped, base: str, edits: Sequence[Edit]) -> Dropped:
    """The same lines, each with who wrote or removed it."""
    steps = list(_steps(base, edits))
    return Dropped(
        tuple(replace(line, by=_by(line, steps, edits, came=True)) for line in found.added),
        tuple(replace(line, by=_by(line, steps, edits, came=False)) for line in found.removed),
    )


def told_edits(edits: Sequence[Edit]) -> str:
    """All of them in one sentence part: "what ana changed in PostHog on … and what …"."""
    return " and ".join(f"what {edit.name} changed {edit.how_and_when}" for edit in edits)


def sentences(edits: Sequence[Edit]) -> str:
    """The same as sentences of their own; empty without edits."""
    return " ".join(f"{edit.told[:1].upper()}{edit.told[1:]}." if not edit.who else f"{edit.told}." for edit in edits)


def _versions(view: SavedQuery, base: dict[str, Any], held: str, remote: str) -> list[SavedQueryVersion]:
    """Versions after the newest with the base's text, up to the newest with the text in question, in one query.

    Where the mirror has not met one of them, those seen since the base was read.
    """
    upto = _number_of(view, remote)
    after = _number_of(view, held).filter(number__lt=Subquery(upto[:1]))
    newest_first = view.versions.order_by("-number")
    between = newest_first.filter(number__gt=Subquery(after[:1]), number__lte=Subquery(upto[:1]))[:MOST]
    since = fetched_at(base)
    if not between and since is not None:
        between = newest_first.filter(seen_at__gt=since)[:MOST]
    return list(between)[::-1]


def _number_of(view: SavedQuery, text: str) -> QuerySet[SavedQueryVersion, int]:
    return view.versions.filter(query_hash=text_digest(text)).order_by("-number").values_list("number", flat=True)


def _edit(version: SavedQueryVersion) -> Edit:
    ours = version.origin == SavedQueryVersion.Origin.PORTAL
    return Edit(version.query, version.author_name, version.seen_at, ours, version.change_number)


def _logged(view: SavedQuery, base: dict[str, Any]) -> list[RemoteActivity]:
    """The lines of PostHog's log that put SQL in place since the base was read, oldest first."""
    rows = RemoteActivity.objects.filter(connection=view.connection_id, posthog_id=view.posthog_id)
    if since := fetched_at(base):
        rows = rows.filter(created_at__gte=since - CLOCKS)
    return [row for row in rows.order_by("-created_at", "-pk")[:MOST] if told_sql(row.detail)][::-1]


def _named(known: list[Edit], logged: list[RemoteActivity], held: str, remote: str) -> list[Edit]:
    """With what PostHog's own log says: it knows the moment, mostly the person, and texts that no read has met."""
    by_text = {edit.query: edit for edit in known}
    chain = _chain(logged, held, remote)
    if chain:
        return [_with_log(by_text.get(text, Edit(text)), row) for text, row in chain]
    rows = {sql[1]: row for row in logged if (sql := told_sql(row.detail))}
    return [_with_log(edit, rows.get(edit.query)) for edit in known]


def _chain(logged: list[RemoteActivity], held: str, remote: str) -> list[tuple[str, RemoteActivity]]:
    """The lines that lead from one text to the other without a gap, oldest first; none where one is missing."""
    found: list[tuple[str, RemoteActivity]] = []
    wanted: str | None = remote
    for row in reversed(logged):
        before, after = told_sql(row.detail) or (None, "")
        if after != wanted:
            continue
        found.append((after, row))
        if before == held:
            return found[::-1]
        wanted = before
    return []


def _with_log(edit: Edit, row: RemoteActivity | None) -> Edit:
    if row is None or edit.change_number is not None:
        return edit
    who = "PostHog itself" if row.is_system else row.user_email or row.user_name
    return replace(edit, who=who or edit.who, at=row.created_at, is_exact=True)


def fetched_at(base: dict[str, Any]) -> datetime | None:
    """When a base was read from PostHog; None where that was not kept."""
    kept = base.get("fetched_at")
    return datetime.fromisoformat(kept) if kept else None


def _steps(base: str, edits: Iterable[Edit]) -> Iterable[tuple[set[str], set[str], Edit]]:
    """The lines before and after each edit."""
    before = set(base.splitlines())
    for edit in edits:
        after = set(edit.query.splitlines())
        yield before, after, edit
        before = after


def _by(line: Line, steps: list[tuple[set[str], set[str], Edit]], edits: Sequence[Edit], *, came: bool) -> str:
    """The last edit that brought, or took, the line; the only edit there is, whatever became of the line."""
    for before, after, edit in reversed(steps):
        here, gone = (after, before) if came else (before, after)
        if line.text in here and line.text not in gone:
            return edit.name
    return edits[0].name if len(edits) == 1 else UNKNOWN

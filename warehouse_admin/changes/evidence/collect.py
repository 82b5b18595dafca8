"""What is on record about one change, as plain JSON: the same facts whenever and by whomever it is asked for."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q

from warehouse_admin.accounts.models import Connection
from warehouse_admin.changes import presenters, talks, votes
from warehouse_admin.changes.evidence.trail import entries_about
from warehouse_admin.changes.models import ChangeEvent, ChangeRequest, Revision, Vote
from warehouse_admin.changes.revisions import shown_to_reviewers
from warehouse_admin.changes.shown import shown
from warehouse_admin.core.diff import diff_to_dict
from warehouse_admin.core.digests import json_digest
from warehouse_admin.mutations.models import Mutation

VERSION = 1
_ADDRESS = re.compile(r"[\w.+-]+@(?=[\w-]+\.)")


def evidence_of(change: ChangeRequest) -> dict[str, Any]:
    """Everything but secrets, and people's addresses only where the hash of an entry covers them."""
    of_it = (
        Revision.objects.filter(change=change)
        .select_related("editor")
        .prefetch_related("items__saved_query", "items__table", "credits__person")
    )
    revisions = list(of_it.order_by("number"))
    causes = Q(cause=f"change:{change.pk}") | Q(cause__startswith=f"change:{change.pk}:")
    writes = list(Mutation.objects.filter(causes).select_related("connection").order_by("asked_at", "pk"))
    told: dict[str, Any] = _plain(
        {
            "version": VERSION,
            "change": _change(change),
            "policy": _policy(change.connection),
            "revisions": [_revision(change, revision) for revision in revisions],
            "votes": _votes(change),
            "threads": [talks.thread_dict(change, thread, said) for thread, said in talks.threads_of(change)],
            "writes": [_write(write) for write in writes],
            "timeline": _timeline(change),
            "entries": entries_about(change, writes),
        }
    )
    return told


def _change(change: ChangeRequest) -> dict[str, Any]:
    return {
        "number": change.pk,
        "action": change.action,
        "state": change.state,
        "view": change.object_name,
        "view_id": str(change.saved_query.posthog_id) if change.saved_query else None,
        **({"table_id": str(change.table.posthog_id)} if change.table else {}),
        "connection": change.connection.slug,
        "project": f"{change.connection.host} {change.connection.project_id}",
        "author": change.author.get_username(),
        "co_authors": [person.get_username() for person in votes.co_authors(change)],
        "reason": change.reason,
        "problem": _unaddressed(change.problem),
        "created_at": change.created_at,
        "submitted_at": change.submitted_at,
        "state_changed_at": change.state_changed_at,
        "scheduled_for": change.scheduled_for,
        "rolls_back": change.rolls_back_id,
    }


RULES = (
    "Who wrote, co-wrote or suggested what stands there cannot approve it.",
    "An approval is for what the reviewer was shown, by its digest: what means something else needs another one.",
    "A request for changes stands in the way until whoever made it looks again, or an administrator lifts it.",
    "Right before it is sent PostHog is read: what somebody else changed meanwhile is not overwritten.",
)
"""What holds for every change; how many reviewers a revision needed stands with it."""


def _policy(connection: Connection) -> dict[str, Any]:
    """By which rules it was decided, and those of the connection as they stand; the trail has when they changed."""
    threads = "are resolved" if connection.threads_block else "need not be resolved"
    return {
        "rules": RULES,
        "applying": connection.get_apply_policy_display(),
        "key": connection.get_key_policy_display(),
        "threads": f"Threads {threads} before a change is applied",
    }


def _revision(change: ChangeRequest, revision: Revision) -> dict[str, Any]:
    item = revision.item
    told = shown(change, revision, item.dependents)
    digested = shown_to_reviewers(item, change.connection.slug)
    return {
        "number": revision.number,
        "editor": revision.editor.get_username(),
        "suggested_by": sorted(credit.person.get_username() for credit in revision.credits.all()),
        "created_at": revision.created_at,
        "title": told.title,
        "base": revision.base,
        "proposal": revision.proposal,
        "diff": diff_to_dict(told.base_text, told.proposal_text)["unified"] if told.action.has_sql else None,
        "fields": [{"field": row.label, "before": row.before, "after": row.after} for row in told.rows],
        "checks": {"requirements": revision.requirements, "consequences": asdict(told.consequences)},
        "checked": revision.checks,  # what was looked at when it was handed in; null: nothing was kept
        "dependents": item.dependents,
        "digest": revision.digest,
        "meaning_digest": revision.meaning_digest,
        "shown": digested if json_digest(digested) == revision.digest else None,
    }


def _votes(change: ChangeRequest) -> list[dict[str, Any]]:
    cast = Vote.objects.filter(change=change).select_related("voter", "revision").order_by("at", "pk")
    return [
        {
            "voter": vote.voter.get_username(),
            "verdict": vote.verdict,
            "role": vote.role,
            "revision": vote.revision.number,
            "digest": vote.digest,
            "comment": vote.comment,
            "at": vote.at,
            "voided_at": vote.voided_at,
            "voided_because": vote.voided_because,
        }
        for vote in cast
    ]


def _write(write: Mutation) -> dict[str, Any]:
    told = presenters.mutation_dict(write) or {}
    told = {name: _unaddressed(value) if isinstance(value, str) else value for name, value in told.items()}
    return {"kind": write.kind, "asked_by": write.author_name, **told}


def _timeline(change: ChangeRequest) -> list[dict[str, Any]]:
    return [
        {
            "at": event.at,
            "actor": event.actor.get_username() if event.actor else "system",
            "kind": event.kind,
            "revision": event.revision_number,
            "text": _unaddressed(event.text),
        }
        for event in ChangeEvent.objects.filter(change=change).select_related("actor")
    ]


def _unaddressed(text: str) -> str:
    """Words of PostHog name people by their e-mail address; the part that names them is left out."""
    return _ADDRESS.sub("…@", text)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)

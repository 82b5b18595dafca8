"""Writing down what is proposed: an immutable revision with its item and its digests."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from warehouse_admin.accounts.models import User
from warehouse_admin.changes import anchoring, checked, crediting, impacts, keys, linting
from warehouse_admin.changes.actions import Facts, Subject, action_of
from warehouse_admin.changes.live import readers_of
from warehouse_admin.changes.models import ChangeRequest, Item, Look, Revision
from warehouse_admin.changes.remote_check import Answer
from warehouse_admin.changes.votes import ONE_REVIEWER
from warehouse_admin.core.digests import json_digest

_TOLD = {
    False: ("name", "query", "sync_frequency", "is_materialized"),
    True: ("name", "format", "url_pattern", "columns"),
}
"""What the trail keeps of the former state by actions without fields: of views, and of tables."""


def add_revision(
    change: ChangeRequest,
    editor: User,
    base: Facts,
    proposal: Facts,
    *,
    asked: Answer | None = None,
    suggesters: Iterable[User] = (),
) -> Revision:
    """The next numbered snapshot of a locked change, with its dependents as the mirror knows them now.

    `asked` is what PostHog said to its text, if it was asked. Its threads follow their lines, and those whose
    suggestions it holds are credited with it.
    """
    action = action_of(change.action)
    last = change.revisions.order_by("-number").values_list("number", flat=True).first() or 0
    kept = {name: base[name] for name in action.kept if name in base}
    dependents = _dependents(change)
    item = Item(
        action=change.action,
        saved_query=change.saved_query,
        table=change.table,
        object_name=change.object_name,
        base=kept,
        proposal=proposal,
        dependents=dependents,
    )
    began = time.perf_counter()
    item.impact = impacts.compute(change, item)
    impact_ms = round((time.perf_counter() - began) * 1000)
    item.revision = revision = Revision.objects.create(
        change=change,
        number=last + 1,
        editor=editor,
        digest=json_digest(shown_to_reviewers(item, change.connection.slug)),
        meaning_digest=action.meaning(kept, proposal),
        requirements=ONE_REVIEWER,
    )
    item.save(force_insert=True)
    revision.item = item
    check(change, revision, asked, impact_ms=impact_ms)
    crediting.credit(revision, suggesters)
    anchoring.follow(change, revision)
    keys.wipe(change, "a newer revision", but=proposal)
    if change.revision_number != revision.number:
        change.revision_number = revision.number
        change.save(update_fields=["revision_number"])
    return revision


def check(change: ChangeRequest, revision: Revision, asked: Answer | None, *, impact_ms: int | None = None) -> None:
    """Look at a revision and keep what was found; of a draft once more when it is handed to the reviewers."""
    item = revision.item
    subject = Subject(change.connection, change.object_name, item.base, change.about, item.dependents)
    proposed = checked.Proposed(
        action_of(item.action), subject, item.proposal, change.author, revision.number, item.impact, impact_ms
    )
    revision.checks = Look.objects.create(revision=revision, found=checked.look(proposed, asked)).found


def told(revision: Revision) -> dict[str, Any]:
    """What the audit trail keeps of a revision."""
    action = action_of(revision.item.action)
    names = [*action.fields, "name"] if action.fields else [*_TOLD[action.of_tables]]
    before = {name: revision.base.get(name) for name in names if name in revision.base}
    after = {"revision": revision.number, "digest": revision.digest, "action": str(action.name), **revision.proposal}
    if revision.checks:
        after["checks_digest"] = json_digest(revision.checks)
    return {"before": before, "after": after | linting.told(revision, linting.report(revision.change, revision))}


def unseen_dependents(change: ChangeRequest, revision: Revision) -> list[str]:
    """Views that select from it now and did not when the revision was written."""
    return sorted(set(_dependents(change)) - set(revision.item.dependents))


def _dependents(change: ChangeRequest) -> list[str]:
    return [view.name for view in readers_of(change.about)]


def shown_to_reviewers(item: Item, connection: str) -> dict[str, Any]:
    """Exactly what the digest of a revision is of."""
    base = {name: value for name, value in item.base.items() if name not in ("fetched_at", "latest_history_id")}
    shown = {
        "action": item.action,
        "object": str(item.about.posthog_id) if item.about else item.object_name,
        "base": base,
        "proposal": item.proposal,
        "dependents": item.dependents,
    }
    if item.impact is not None:
        shown["impact"] = item.impact
    return {"connection": connection, "items": [shown]}

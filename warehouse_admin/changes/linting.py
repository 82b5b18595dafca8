"""What lint finds in a proposal: shown, kept on record with each revision, and in the way of a review where it weighs
so much. It is no part of the digest that votes are for: the text is, and levels, exemptions and the health of sources
are looked up whenever they are shown."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes import votes
from warehouse_admin.changes.actions import Action, Facts, Mirrored, action_of
from warehouse_admin.changes.errors import LintForbids
from warehouse_admin.changes.models import ChangeRequest, Revision
from warehouse_admin.core.errors import UserError
from warehouse_admin.lineage.lint.links import page_of_rule
from warehouse_admin.lineage.lint.report import Finding, Report, differs, look, told_of
from warehouse_admin.lineage.lint.serializers import ReportRow
from warehouse_admin.mirror.models import SavedQuery

MOST_TOLD = 50
_ON_RECORD = tuple(f"change.{did}" for did in ("created", "submitted", "revised", "rebased", "remote_replaced"))


def report(change: ChangeRequest, revision: Revision) -> Report:
    """What lint finds in a revision, as things are now; nothing for an action without SQL."""
    action = action_of(revision.item.action)
    if not action.has_sql:
        return Report()
    return _look(change.connection, change.about, revision.proposal, votes.hands(change, revision))


def writers(change: ChangeRequest, *others: User) -> set[int]:
    """The people by whose own word no finding is exempt: the author, the co-authors and these."""
    return {change.author_id, *(one.pk for one in votes.co_authors(change)), *(one.pk for one in others)}


def refuse(
    action: Action, connection: Connection, about: Mirrored | None, proposal: Facts, writing: Collection[int]
) -> None:
    """Raise where a proposal that goes to reviewers breaks a rule that weighs as an error, unless it is exempt."""
    if action.has_sql:
        blocking = _look(connection, about, proposal, writing).blocking
        if blocking:
            raise LintForbids([_in_words(one) for one in blocking], _links(blocking))


def refuse_found(change: ChangeRequest, found: Report) -> None:
    """The same of a draft as it stands, where no form is at fault; a rollback is never held up."""
    if found.blocking and change.rolls_back_id is None:
        why = _in_words(found.blocking[0])
        more = len(found.blocking) - 1
        told = f"{why} And {more} more: see its checks." if more else why
        raise UserError(told, blockers=[{"text": why, "kind": "fix", "who": change.author.display_name}])


def told(revision: Revision, found: Report) -> dict[str, Any]:
    """What the trail keeps of the findings of a revision; nothing for an action without SQL."""
    if not action_of(revision.item.action).has_sql:
        return {}
    kept = told_of(found)
    kept["findings"] = kept["findings"][:MOST_TOLD]
    return {"revision": revision.number, "lint": kept}


def on_record(change: ChangeRequest, revision: Revision) -> AuditEntry | None:
    """The newest entry of the trail that kept what was found in this revision."""
    entries = AuditEntry.objects.filter(object_type="change", object_id=str(change.pk), action__in=_ON_RECORD)
    for entry in entries.order_by("-sequence")[:20]:
        kept = entry.after or {}
        if kept.get("revision") == revision.number and "lint" in kept:
            return entry
    return None


@dataclass(frozen=True)
class Since:
    """What differs from the findings that the trail has of a revision, in sentences; `entry` None: it has none."""

    entry: AuditEntry | None = None
    appeared: list[str] = field(default_factory=list)
    disappeared: list[str] = field(default_factory=list)


def since(change: ChangeRequest, revision: Revision, found: Report) -> Since:
    """What levels, exemptions and the health of sources made of the findings since they were put on record."""
    entry = on_record(change, revision)
    if entry is None or found.problem:
        return Since(entry)
    kept = (entry.after or {})["lint"]
    if kept.get("problem") or len(kept["findings"]) >= MOST_TOLD:
        return Since(entry)
    return Since(entry, *differs(kept, found))


def as_dict(change: ChangeRequest, revision: Revision) -> dict[str, Any]:
    """For the API."""
    found = report(change, revision)
    moved = since(change, revision, found)
    return {**ReportRow(found).data, "appeared": moved.appeared, "disappeared": moved.disappeared}


def _look(connection: Connection, about: Mirrored | None, proposal: Facts, writing: Collection[int]) -> Report:
    view = about if isinstance(about, SavedQuery) else None
    name = view.name if view else str(proposal.get("name") or "")
    return look(connection, proposal["query"], view=view, name=name, writers=writing)


def _in_words(one: Finding) -> str:
    own = " The exemption does not count: whoever granted it wrote this." if one.own else ""
    told = f"Line {one.line}, column {one.column}: {one.message}"
    return f"{told} The rule “{one.rule.title}” stands in the way of a review; mend it, or ask for an exemption.{own}"


def _links(found: list[Finding]) -> list[tuple[str, str]]:
    return list({one.rule.id: (one.rule.title, page_of_rule(one.rule.id)) for one in found}.values())

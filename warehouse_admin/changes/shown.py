"""What a change proposes, for people and scripts: its words, its fields or texts, its request and what follows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from warehouse_admin.changes import moves, selectors
from warehouse_admin.changes.actions import Action, Consequences, Facts, Row, Subject, action_of
from warehouse_admin.changes.models import ChangeRequest, Revision
from warehouse_admin.changes.rebase import left_out_so_far
from warehouse_admin.mutations import services as mutations
from warehouse_admin.mutations.sent import flat

HELD = ("name", "query", "latest_history_id", "sync_frequency", "is_materialized", "fetched_at")
HELD_OF_PLACE = ("description", "folder_id", "folder_name")
HELD_OF_TABLES = ("format", "url_pattern", "columns")


@dataclass(frozen=True)
class Shown:
    """`base_text` and `proposal_text` are for actions that write SQL, and for SQL that goes away."""

    title: str
    action: Action
    rows: list[Row]
    base_text: str
    proposal_text: str
    consequences: Consequences
    request: dict[str, Any]

    @property
    def body(self) -> list[tuple[str, str]]:
        """The fields of the request, SQL aside, which is shown as a diff."""
        fields = {name: value for name, value in self.request["body"].items() if name != "query"}
        return [(name, _short(value)) for name, value in flat(fields)]


def shown(change: ChangeRequest, revision: Revision, dependents: list[str]) -> Shown:
    """One revision of a change, with the views that select from its object now."""
    base, proposal = revision.base, revision.proposal
    subject = Subject(change.connection, change.object_name, base, change.about, dependents)
    return show(action_of(change.action), subject, proposal)


def cautions(change: ChangeRequest, revision: Revision) -> list[str]:
    """What about an open change deserves a second look; it may parse the SQL."""
    if change.is_closed:
        return []
    subject = Subject(change.connection, change.object_name, revision.base, change.about)
    return [
        *_left_out(change, revision),
        *_namesakes(change),
        *_undone_besides(change, revision),
        *action_of(change.action).cautions(subject, revision.proposal),
    ]


def _namesakes(change: ChangeRequest) -> list[str]:
    makes = action_of(change.action).makes and change.about is None
    return selectors.namesakes(change.connection, change.object_name, besides=change) if makes else []


def _left_out(change: ChangeRequest, revision: Revision) -> list[str]:
    """What of the work of others this takes back again."""
    lines = left_out_so_far(change, revision)
    if not lines:
        return []
    amount = f"{lines.count} line{'s' if lines.count > 1 else ''}"
    return [f"It leaves out {amount} of what {lines.people} did in PostHog meanwhile; the timeline has each of them."]


def _undone_besides(change: ChangeRequest, revision: Revision) -> list[str]:
    """What came after the change that this rolls back, and goes with it; of an edit, the conflict shows it."""
    undone = change.rolls_back
    after = undone.mutation.after if undone is not None and undone.mutation is not None else None
    if undone is None or not after or change.saved_query is None or action_of(change.action).has_sql:
        return []
    moved = moves.told(change, after, revision.base)
    return [f"It takes back more than {undone} did. {moved}"] if moved else []


def show(action: Action, subject: Subject, proposal: Facts) -> Shown:
    """The same of a proposal that is not saved yet."""
    held = subject.base.get("query") or ""
    return Shown(
        title=action.title(subject.name, proposal),
        action=action,
        rows=action.rows(subject, proposal),
        base_text=held,
        proposal_text=proposal.get("query", "") if action.has_sql else held,
        consequences=action.consequences(subject, proposal),
        request=mutations.preview(
            connection=subject.connection,
            kind=action.kind,
            object_id=str(subject.about.posthog_id) if subject.about else "",
            object_name=subject.name,
            payload=action.payload(proposal),
            base=subject.base,
        ),
    )


def held_dict(base: Facts) -> dict[str, Any] | None:
    """What PostHog held, for the API; None where there was nothing yet."""
    if not base:
        return None
    more = HELD_OF_TABLES if "url_pattern" in base else tuple(name for name in HELD_OF_PLACE if name in base)
    return {name: base.get(name) for name in (*HELD, *more)}


def _short(value: Any) -> str:
    return "null" if value is None else str(value)[:200] or "(empty)"

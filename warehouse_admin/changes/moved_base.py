"""When PostHog's text moved without changing its meaning while a change was being applied: no person is needed."""

from __future__ import annotations

from typing import Any

from warehouse_admin.changes import attribution, texts
from warehouse_admin.changes.models import ChangeRequest, Revision
from warehouse_admin.changes.revisions import add_revision, told
from warehouse_admin.changes.transitions import current_revision, note, record
from warehouse_admin.core.merge import joined, merge
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mutations.models import Mutation

_FOLLOWED = ("base_refreshed", "token_moved")
MOST_TRIES = 3
"""How often in a row; then somebody is at it, and a person has to look."""


def follow(change: ChangeRequest, mutation: Mutation) -> bool:
    """Put a locked change, which its mutation found in conflict, onto the same text in another layout, votes and all.

    False where a person has to decide: the meaning differs, it is not certain that nothing was sent, or it goes on
    and on. A text of the same bytes only moved its token, and needs no revision.
    """
    if change.action != ChangeRequest.Action.EDIT_QUERY or change.saved_query is None:
        return False
    after, latest = mutation.after or {}, current_revision(change)
    held, found = latest.base.get("query") or "", after.get("query")
    if not isinstance(found, str) or mutation.remote.get("settled") or not texts.only_layout_differs(held, found):
        return False
    if found == latest.proposal["query"] or _tries(change) >= MOST_TRIES:
        return False
    if found == held:
        text = "Only PostHog's token had moved; the text is the same, so it is tried again."
        note(change, None, "token_moved", text)
        record(change, None, "token_moved", reason=text)
        return True
    _refresh(change, change.saved_query, latest, after)
    return True


def _refresh(change: ChangeRequest, view: SavedQuery, latest: Revision, after: dict[str, Any]) -> None:
    held, found, own = latest.base.get("query") or "", after["query"], latest.proposal["query"]
    both = _together(held, found, own)
    edits = attribution.told_edits(attribution.edits_since(view, latest.base, found))
    # Whoever wrote the proposal still is its editor: following the layout is nobody's edit.
    revision = add_revision(change, latest.editor, after, {"query": both or own})
    kept = "kept in it" if both else "replaced by this change's own"
    text = f"Only layout or comments changed in PostHog: {edits}. That is {kept}; the votes stay."
    note(change, None, "base_refreshed", text)
    record(change, None, "base_refreshed", reason=text, **told(revision))


def _together(base: str, remote: str, mine: str) -> str | None:
    """Their layout with our edit, where both fit without a question and mean what was approved."""
    pieces = [hunk.result for hunk in merge(base, remote, mine)]
    if None in pieces:
        return None
    made = joined(piece for piece in pieces if piece is not None)
    return made if texts.only_layout_differs(made, mine) else None


def _tries(change: ChangeRequest) -> int:
    """How often its base was refreshed since anything else happened to it."""
    tries = 0
    for kind in change.events.order_by("-at", "-pk").values_list("kind", flat=True):
        if kind not in (*_FOLLOWED, "apply_asked"):
            break
        tries += kind in _FOLLOWED
    return tries

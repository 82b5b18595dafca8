"""Whether a change is approved, judged anew from bare rows: who voted on what, who wrote it, who may vote now."""

from __future__ import annotations

from typing import Any

from tests.changes.machine.words import meaning
from warehouse_admin.accounts.models import User
from warehouse_admin.changes.models import ChangeRequest, CoAuthor, Item, Revision, Vote
from warehouse_admin.lineage.models import Edge
from warehouse_admin.mutations.models import Mutation

SEEN = {
    "create_view": (),
    "edit_query": ("query",),
    "rename": ("name",),
    "set_cadence": ("sync_frequency",),
    "materialize": ("is_materialized",),
    "unmaterialize": ("is_materialized",),
    "delete": ("name", "query"),
}
"""What of the live view each action replaces: an approval is given for that too."""
BREAKING = ("rename", "unmaterialize", "delete")
"""What others notice who read from the view: an approval is given for those whom it was shown to concern."""


def why_not_approved(mutation: Mutation) -> str:
    """Asked when a change is claimed; empty where somebody else, who may, approved exactly this."""
    _, pk, number, _ = mutation.idempotency_key.split(":")
    change = ChangeRequest.objects.get(pk=pk)
    if change.revision_number != int(number):
        return f"{number} is not the newest revision"
    items = {item.revision_id: item for item in Item.objects.filter(revision__change=change)}
    newest = Revision.objects.get(change=change, number=number)
    item = items[newest.pk]
    if (item.base, item.action) != (mutation.base, mutation.kind) or item.proposal != mutation.payload:
        return "it carries something else than its revision"
    wanted = meaning_of(item)
    same = {key for key, other in items.items() if meaning_of(other) == wanted}
    wrote = {change.author_id, *Revision.objects.filter(pk__in=same).values_list("editor_id", flat=True)}
    wrote |= set(CoAuthor.objects.filter(change=change).values_list("person_id", flat=True))
    may = set(User.objects.filter(is_active=True, groups__name="Reviewer").values_list("pk", flat=True))
    standing = list(Vote.objects.filter(change=change, voided_at=None))
    if any(vote.verdict == "request_changes" and vote.voter_id in may - wrote for vote in standing):
        return "somebody asks for changes"
    approved = [vote for vote in standing if vote.verdict == "approve" and vote.revision_id in same]
    if not any(vote.voter_id in may - wrote for vote in approved):
        return f"nobody who may approved it: {[(str(vote), vote.revision_id) for vote in standing]}"
    if unseen := _unseen_readers(item):
        return f"{unseen} read from it, and nobody who approved it was shown that"
    return ""


def _unseen_readers(item: Item) -> set[str]:
    """Views that the portal knows to read from what goes away, and that no reviewer was shown."""
    if item.action not in BREAKING:
        return set()
    edges = Edge.objects.filter(upstream_view=item.saved_query, downstream__deleted_at=None)
    return set(edges.values_list("downstream__name", flat=True)) - set(item.dependents)


def why_not_followed(change: ChangeRequest) -> str:
    """Asked when a change was put onto a base that is said to differ in layout only; empty where that is so."""
    newest = change.revision_number
    items = Item.objects.filter(revision__change=change, revision__number__in=(newest, newest - 1))
    before, after = items.order_by("revision__number")
    for side in ("base", "proposal"):
        held, found = getattr(before, side).get("query"), getattr(after, side).get("query")
        if meaning(held) != meaning(found):
            return f"the {side} of {change} r{newest} means something else: {held!r} became {found!r}"
    return ""


def meaning_of(item: Item) -> Any:
    """What an item does: to which part of the view, and with what; layout of SQL apart."""
    seen = {name: item.base.get(name) for name in SEEN[item.action]}
    if item.action == "materialize":
        seen["is_materialized"] = bool(seen["is_materialized"])
    proposal = dict(item.proposal)
    for side in (proposal, seen if item.action == "edit_query" else {}):
        if "query" in side:
            side["query"] = meaning(side["query"])
    return (item.action, str(item.saved_query_id), sorted(seen.items()), sorted(proposal.items()))

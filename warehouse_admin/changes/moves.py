"""What moved in PostHog under a proposal, and through whom, in words: of the fields that the proposal is about."""

from __future__ import annotations

from warehouse_admin.changes import attribution
from warehouse_admin.changes.actions import Facts, action_of
from warehouse_admin.changes.models import ChangeRequest

_MOST = 20
NOT_OURS = "That was not done through this portal, and by whom is not known here."


def told(change: ChangeRequest, base: Facts, now: Facts) -> str:
    """What PostHog holds otherwise by `now` than at `base`, and whose work that is; empty where nothing moved."""
    action = action_of(change.action)
    if action.relevant(base) == action.relevant(now):
        return ""
    sql_moved = action.relevant(base) != action.relevant({**base, "query": now.get("query")})
    return f"{action.moved(base, now)} {_edits(change, base, now) if sql_moved else _through(change, base, now)}"


def _edits(change: ChangeRequest, base: Facts, now: Facts) -> str:
    return attribution.sentences(attribution.edits_since(change.saved_query, base, now.get("query") or ""))


def _through(change: ChangeRequest, base: Facts, now: Facts) -> str:
    """The change that was applied here and made it so, or that none did."""
    relevant = action_of(change.action).relevant
    for other in _applied_since(change, base):
        before, after = (other.mutation.before or {}, other.mutation.after or {}) if other.mutation else ({}, {})
        if relevant(after) == relevant(now) and relevant(before) != relevant(after):
            return f"That was #{other.pk} by {other.author.display_name}, applied here."
    return NOT_OURS


def _applied_since(change: ChangeRequest, base: Facts) -> list[ChangeRequest]:
    """Changes of the same view that reached PostHog after `base` was read, newest first."""
    found = ChangeRequest.objects.filter(saved_query=change.saved_query, state=ChangeRequest.State.APPLIED)
    if since := attribution.fetched_at(base):
        found = found.filter(mutation__finished_at__gt=since)
    return list(found.select_related("mutation", "author").order_by("-mutation__finished_at")[:_MOST])

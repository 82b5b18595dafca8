"""What moved in PostHog under a proposal, and through whom, in words: of the fields that the proposal is about."""

from __future__ import annotations

from datetime import datetime

from warehouse_admin.changes import attribution
from warehouse_admin.changes.actions import Action, Facts, Mirrored, action_of
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.mirror.models import SavedQuery

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


def meanwhile(about: Mirrored, action: Action, seen: str, now: Facts) -> str:
    """The change applied here that made of what was `seen` (`Action.seen`) what is there now; empty where none did."""
    for other in _applied(about):
        before, after = _ends(other)
        if action.seen(before) == seen and action.seen(after) == action.seen(now):
            return _by(other)
    return ""


def _through(change: ChangeRequest, base: Facts, now: Facts) -> str:
    """The change that was applied here and made it so, or that none did."""
    relevant = action_of(change.action).relevant
    for other in _applied(change.about, since=attribution.fetched_at(base)):
        before, after = _ends(other)
        if relevant(after) == relevant(now) and relevant(before) != relevant(after):
            return _by(other)
    return NOT_OURS


def _by(change: ChangeRequest) -> str:
    return f"That was #{change.pk} by {change.author.display_name}, applied here."


def _ends(change: ChangeRequest) -> tuple[Facts, Facts]:
    """What PostHog held right before an applied change, and right after."""
    write = change.mutation
    return (write.before or {}, write.after or {}) if write else ({}, {})


def _applied(about: Mirrored | None, since: datetime | None = None) -> list[ChangeRequest]:
    """The last changes of a view or table that reached PostHog, newest first."""
    which = {"saved_query": about} if isinstance(about, SavedQuery) else {"table": about, "saved_query": None}
    found = ChangeRequest.objects.filter(**which, state=ChangeRequest.State.APPLIED)
    if since is not None:
        found = found.filter(mutation__finished_at__gt=since)
    return list(found.select_related("mutation", "author").order_by("-mutation__finished_at")[:_MOST])

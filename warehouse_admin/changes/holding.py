"""What the threads of a change hold back, where its connection's policy says that they do."""

from __future__ import annotations

from warehouse_admin.changes.models import ChangeRequest, Thread

WHO = "whoever opened them, the author or a reviewer, by resolving them"


def unresolved(change: ChangeRequest) -> int:
    """How many of its threads are not resolved; as a list or a page has read it, else as it is now."""
    known: int | None = getattr(change, "unresolved", None)
    return Thread.objects.filter(change=change, resolved_at=None).count() if known is None else known


def why_held(change: ChangeRequest) -> str:
    """Why its threads keep it from being applied, in a sentence; empty when they do not."""
    if not change.connection.threads_block:
        return ""
    number = unresolved(change)
    if not number:
        return ""
    one = number == 1
    return f"{number} thread{'' if one else 's'} about its lines {'is' if one else 'are'} not resolved yet."

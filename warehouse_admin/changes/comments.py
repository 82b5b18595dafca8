"""Talking about a change: whoever sees it may, a script of theirs too."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.roles import roles_of
from warehouse_admin.changes import policies, selectors
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.changes.review import clean_comment
from warehouse_admin.changes.transitions import lock, note, record
from warehouse_admin.core.errors import NotPermitted

TWICE_WITHIN = timedelta(minutes=1)


def comment(change: ChangeRequest, user: User, text: str) -> ChangeRequest:
    """Add a comment to the timeline, whatever the state; nothing else changes."""
    with transaction.atomic():
        change = lock(change)
        require_talk(user, change, action="change.commented")
        text = clean_comment(change, text, needed=True)
        if _just_said(change, user, text):
            return change  # the button was pressed twice
        note(change, user, "commented", text)
        record(change, user, "commented", reason=text, after={"revision": change.revision_number})
    return change


def require_talk(user: User, change: ChangeRequest, *, action: str) -> None:
    """Whoever has a role and sees the change may speak about it."""
    if not (user.is_active and roles_of(user) and selectors.visible_to(user).filter(pk=change.pk).exists()):
        told = "Only people who may see a change comment on it."
        raise NotPermitted(told, action=action, target=policies.target_of(change))


def _just_said(change: ChangeRequest, user: User, text: str) -> bool:
    """Whether the last thing that this person did here is the very same comment, a moment ago."""
    last = change.events.filter(actor=user).order_by("-pk").first()
    if last is None or last.at < timezone.now() - TWICE_WITHIN:
        return False
    return (last.kind, last.text) == ("commented", text)

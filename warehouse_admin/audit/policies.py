"""Who sees how much of the trail. Only roles count, which are groups; the superuser flag adds nothing."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group

from warehouse_admin.audit.targets import Target
from warehouse_admin.core.errors import NotPermitted

TRAIL = Target("audit", "", "audit trail")


def sees_all(user: Any) -> bool:
    """Whether the person may read everybody's entries."""
    return bool(
        user.is_active
        and Group.objects.filter(
            user=user.pk, permissions__content_type__app_label="audit", permissions__codename="view_all_entries"
        ).exists()
    )


def require_sees_all(user: Any, *, action: str) -> None:
    """Raise NotPermitted for people who see only their own entries."""
    if not sees_all(user):
        raise NotPermitted(
            "This needs the role Auditor or Administrator; ask an administrator for it.",
            action=action,
            target=TRAIL,
        )

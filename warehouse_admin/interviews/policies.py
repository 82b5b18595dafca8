"""Who may read interviews and who may change them. They are personal data, so not everybody with a role may."""

from __future__ import annotations

from typing import Any

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.roles import READ_INTERVIEWS, WRITE_INTERVIEWS
from warehouse_admin.audit.targets import Target
from warehouse_admin.interviews.models import Interview

ANY = Target("interview", "", "user interviews")


def target_of(interview: Interview) -> Target:
    """As the trail names it: nothing that was said, nobody who said it."""
    return Target("interview", str(interview.posthog_id), str(interview))


def require_read(user: Any) -> None:
    policies.require(user, READ_INTERVIEWS, action="interview.read", target=ANY)


def require_write(user: Any, action: str, target: Target = ANY) -> None:
    policies.require(user, WRITE_INTERVIEWS, action=action, target=target)


def may_write(user: Any) -> bool:
    """Whether to offer it."""
    return policies.allows(user, WRITE_INTERVIEWS)

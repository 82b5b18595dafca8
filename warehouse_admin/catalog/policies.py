"""Who may say who answers for what."""

from __future__ import annotations

from typing import Any

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.roles import DESCRIBE
from warehouse_admin.audit.targets import Target


def require_describe(user: Any, action: str, target: Target) -> None:
    policies.require(user, DESCRIBE, action=action, target=target)


def may_describe(user: Any) -> bool:
    """Whether to offer it."""
    return policies.allows(user, DESCRIBE)


def who_may() -> str:
    return policies.who_may(DESCRIBE)

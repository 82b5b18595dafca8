"""Who may say who answers for what, and what can be relied on."""

from __future__ import annotations

from typing import Any

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.roles import CERTIFY, DESCRIBE
from warehouse_admin.audit.targets import Target
from warehouse_admin.core import context
from warehouse_admin.core.errors import NotPermitted

SIGNED_IN_ONLY = "Trust needs a signed-in person: an API token cannot certify or deprecate."


def require_describe(user: Any, action: str, target: Target) -> None:
    policies.require(user, DESCRIBE, action=action, target=target)


def may_describe(user: Any) -> bool:
    """Whether to offer it."""
    return policies.allows(user, DESCRIBE)


def who_may() -> str:
    return policies.who_may(DESCRIBE)


def require_certify(user: Any, action: str, target: Target) -> None:
    policies.require(user, CERTIFY, action=action, target=target)
    if context.current().token_name:
        raise NotPermitted(SIGNED_IN_ONLY, action=action, target=target)


def may_certify(user: Any) -> bool:
    """Whether to offer it."""
    return policies.allows(user, CERTIFY) and not context.current().token_name


def who_certifies() -> str:
    return policies.who_may(CERTIFY)

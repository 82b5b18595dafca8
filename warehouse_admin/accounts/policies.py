"""Who may do what. Only roles count: neither the superuser flag nor a permission given to one person adds anything."""

from __future__ import annotations

from typing import Any

from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.roles import ROLE_PERMISSIONS, Role, roles_from_groups, roles_of
from warehouse_admin.core.errors import NotPermitted


def permissions_of(roles: frozenset[Role]) -> frozenset[str]:
    """Every permission that some roles give together."""
    return frozenset().union(*(ROLE_PERMISSIONS[role] for role in roles))


def allows(user: Any, permission: str) -> bool:
    """Whether to offer something to this person; what is really done goes through `require`."""
    return bool(user.is_authenticated and user.is_active and permission in permissions_of(roles_of(user)))


def require(user: User, permission: str, *, action: str, target: Any = None, told: str = "") -> None:
    """Raise NotPermitted unless the person, as stored now, is active and has a role with this permission.

    `told` is the refusal where others than the holders of such a role may do it too.
    """
    groups = User.objects.filter(pk=user.pk, is_active=True).values_list("groups__name", flat=True)
    if permission in permissions_of(roles_from_groups([name for name in groups if name])):
        return
    raise NotPermitted(told or _refusal(permission), action=action, target=target)


def who_may(permission: str) -> str:
    """Those whose roles give a permission, for a sentence: "Operators and administrators"."""
    *first, last = [f"{role.label.lower()}s" for role in _holders(permission)]
    return (f"{', '.join(first)} and {last}" if first else last).capitalize()


def _refusal(permission: str) -> str:
    holders = [role.label for role in _holders(permission)]
    return f"This needs the role {' or '.join(holders)}; ask an administrator for it."


def _holders(permission: str) -> list[Role]:
    return [role for role, given in ROLE_PERMISSIONS.items() if permission in given]

"""Who may come in at all; what a person may do is checked by the services."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from warehouse_admin.accounts.models import ApiToken
from warehouse_admin.accounts.roles import roles_of


class HasRole(BasePermission):
    """A person with at least one role; a read-only token only reads."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user.is_authenticated:
            return False
        if not roles_of(request.user):
            raise PermissionDenied("Your account has no role yet. Ask an administrator of this portal for one.")
        if isinstance(request.auth, ApiToken) and request.auth.read_only and request.method not in SAFE_METHODS:
            raise PermissionDenied("This token may only read. Use one that was made without read-only.")
        return True

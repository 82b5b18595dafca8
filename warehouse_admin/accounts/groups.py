"""Keeps the groups' permissions as the roles say."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.contrib.auth.models import Group, Permission

from warehouse_admin.accounts.roles import ROLE_PERMISSIONS


def give_permissions(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """After an app's permissions exist, give them to the roles' groups, so that `has_perm` agrees with the policies."""
    for role, permissions in ROLE_PERMISSIONS.items():
        codenames = [name.split(".")[1] for name in permissions if name.split(".")[0] == sender.label]
        if codenames:
            group, _ = Group.objects.using(using).get_or_create(name=role.label)
            group.permissions.add(
                *Permission.objects.using(using).filter(content_type__app_label=sender.label, codename__in=codenames)
            )

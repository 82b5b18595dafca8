"""Only roles count."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.roles import ROLE_PERMISSIONS, Role, give_role, roles_of, take_role
from warehouse_admin.core.errors import NotPermitted

EVERY = sorted(frozenset().union(*ROLE_PERMISSIONS.values()))


@pytest.mark.parametrize("role", list(Role))
def test_a_role_gives_its_permissions_and_nothing_more(person: Callable[..., User], role: Role) -> None:
    user = person("somebody", role)

    assert {permission for permission in EVERY if policies.allows(user, permission)} == ROLE_PERMISSIONS[role]
    for permission in EVERY:
        if permission in ROLE_PERMISSIONS[role]:
            policies.require(user, permission, action="test")
        else:
            with pytest.raises(NotPermitted, match="ask an administrator") as denial:
                policies.require(user, permission, action="test.this")
            assert denial.value.action == "test.this"


@pytest.mark.parametrize("role", list(Role))
def test_the_groups_hold_the_same_permissions(db: None, role: Role) -> None:
    held = Permission.objects.filter(group__name=role.label).values_list("content_type__app_label", "codename")

    assert Group.objects.filter(name=role.label).exists()
    assert {f"{app}.{codename}" for app, codename in held} == ROLE_PERMISSIONS[role]


def test_neither_superusers_nor_the_inactive_nor_strangers_may_anything(person: Callable[..., User]) -> None:
    superuser, gone = person("root"), person("gone", Role.ADMIN)
    superuser.is_superuser = superuser.is_staff = True
    superuser.save()
    User.objects.filter(pk=gone.pk).update(is_active=False)  # behind the back of the loaded object

    for permission in EVERY:
        assert not policies.allows(superuser, permission)
        assert not policies.allows(AnonymousUser(), permission)
        for user in (superuser, gone):
            with pytest.raises(NotPermitted):
                policies.require(user, permission, action="test")


def test_a_role_taken_away_elsewhere_no_longer_counts(author: User) -> None:
    assert policies.allows(author, "changes.propose_changerequest")
    take_role(User.objects.get(pk=author.pk), Role.EDITOR)

    with pytest.raises(NotPermitted):
        policies.require(author, "changes.propose_changerequest", action="test")


def test_several_roles_add_up(author: User) -> None:
    give_role(author, Role.AUDITOR)

    assert roles_of(author) == {Role.EDITOR, Role.AUDITOR}
    assert policies.allows(author, "audit.view_all_entries")
    assert policies.allows(author, "changes.propose_changerequest")

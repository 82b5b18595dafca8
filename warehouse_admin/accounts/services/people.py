"""People: added, given roles, deactivated."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.roles import MANAGE_PEOPLE, Role, forget, give_role, roles_of, take_role
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.targets import Target
from warehouse_admin.core.errors import InvalidInput, UserError

RESERVED_NAMES = frozenset({"system", "anonymous", "connection", "unknown"})
"""The audit trail says these where there is no person."""


def create_person(
    *,
    actor: User | None,
    username: str,
    email: str = "",
    full_name: str = "",
    roles: Iterable[Role] = (),
    password: str | None = None,
) -> tuple[User, str | None]:
    """A new person, and the password if it was generated: it is shown once. `actor` None is the system."""
    username, wanted = username.strip(), frozenset(Role(role) for role in roles)
    if actor is not None:
        policies.require(actor, MANAGE_PEOPLE, action="person.created", target=Target("user", "", username))
    generated = None if password else secrets.token_urlsafe(12)
    with transaction.atomic():
        user = User(username=username)
        _set_details(user, email=email, full_name=full_name)
        _validate(user, password)
        user.set_password(password or generated)
        user.save()
        for role in wanted:
            give_role(user, role)
        audit.record(actor=actor, action="person.created", target=target_of(user), after=_told(user))
    return user, generated


def update_person(
    *, actor: User | None, user: User, email: str, full_name: str, roles: Iterable[Role], is_active: bool
) -> User:
    """Change somebody's details, roles and whether they may sign in. Nobody does the last two to themselves."""
    if actor is not None:
        policies.require(actor, MANAGE_PEOPLE, action="person.updated", target=target_of(user))
    wanted = frozenset(Role(role) for role in roles)
    with transaction.atomic():
        _lock_administrators()
        user = User.objects.select_for_update().get(pk=user.pk)
        before, had = _told(user), roles_of(user)
        if actor is not None and actor.pk == user.pk and (wanted != had or is_active != user.is_active):
            raise UserError("Nobody changes their own roles or access; ask another administrator.")
        _keep_an_administrator(user, had, stays=is_active and Role.ADMIN in wanted)
        _set_details(user, email=email, full_name=full_name)
        user.is_active = is_active
        _validate(user, None)
        user.save()
        for role in wanted - had:
            give_role(user, role)
        for role in had - wanted:
            take_role(user, role)
        _record_update(actor, user, before, role_changed=wanted != had)
    return user


def reset_password(*, actor: User | None, user: User) -> str:
    """A new generated password for somebody, to be shown once; their sessions end."""
    if actor is not None:
        policies.require(actor, MANAGE_PEOPLE, action="person.password_reset", target=target_of(user))
    password = secrets.token_urlsafe(12)
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        audit.record(actor=actor, action="person.password_reset", target=target_of(user))
    return password


def target_of(user: User) -> Target:
    return Target("user", str(user.pk), user.get_username())


def _told(user: User) -> dict[str, Any]:
    forget(user)
    return {
        "username": user.username,
        "email": user.email,
        "name": user.get_full_name(),
        "roles": sorted(roles_of(user)),
        "is_active": user.is_active,
    }


def _record_update(actor: User | None, user: User, before: dict[str, Any], *, role_changed: bool) -> None:
    after = _told(user)
    if after != before:
        action = "person.role_changed" if role_changed else "person.updated"
        audit.record(actor=actor, action=action, target=target_of(user), before=before, after=after)


def _set_details(user: User, *, email: str, full_name: str) -> None:
    user.email = email.strip()
    user.first_name, _, user.last_name = full_name.strip().partition(" ")


def _validate(user: User, password: str | None) -> None:
    errors: dict[str, list[str]] = {}
    try:
        user.clean_fields(exclude=["password"])
    except ValidationError as error:
        errors |= error.message_dict
    if problem := name_problem(user):
        errors.setdefault("username", []).append(problem)
    if problem := _email_problem(user):
        errors["email"] = [problem]
    if password is not None:
        try:
            validate_password(password, user)
        except ValidationError as error:
            errors["password"] = list(error.messages)
    if errors:
        raise InvalidInput("The person was not saved: something cannot be used.", errors=errors)


def name_problem(user: User) -> str:
    """Why this user name cannot be given to this person, in a sentence; empty when it can."""
    if user.username.lower() in RESERVED_NAMES:
        return "This name means something else in the audit trail; choose another."
    if "@" in user.username and user.username.lower() != user.email.lower():
        return "A user name with an @ must be the person's own e-mail address."
    if User.objects.filter(username__iexact=user.username).exclude(pk=user.pk).exists():
        return "Somebody already has this user name."
    return ""


def _email_problem(user: User) -> str:
    if not user.email:
        return ""
    try:
        validate_email(user.email)
    except ValidationError:
        return "This is not an e-mail address."
    if User.objects.filter(email__iexact=user.email).exclude(pk=user.pk).exists():
        return "Somebody already has this e-mail address."
    return ""


def _lock_administrators() -> None:
    # Two administrators who demote each other at the same moment must not both succeed.
    list(Group.objects.select_for_update().filter(name=Role.ADMIN.label))


def _keep_an_administrator(user: User, had: frozenset[Role], *, stays: bool) -> None:
    if stays or Role.ADMIN not in had or not user.is_active:
        return
    others = User.objects.filter(is_active=True, groups__name=Role.ADMIN.label).exclude(pk=user.pk)
    if not others.exists():
        raise UserError("This is the last administrator; give the role to somebody else first.")

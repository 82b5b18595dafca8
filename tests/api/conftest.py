from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.api.caller import Caller
from warehouse_admin.accounts import tokens
from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.roles import Role


@pytest.fixture
def script_of() -> Callable[..., Caller]:
    """A script with a token of a person."""

    def make(user: User, *, read_only: bool = False, name: str = "nightly") -> Caller:
        _, text = tokens.create_token(user=user, name=name, read_only=read_only)
        return Caller(Client(), {"Authorization": f"Bearer {text}"})

    return make


@pytest.fixture
def browser_of() -> Callable[[User], Caller]:
    """The browser of a signed-in person, sending its CSRF token."""

    def make(user: User) -> Caller:
        client = Client(enforce_csrf_checks=True)
        client.force_login(user)
        client.cookies["portal_csrf"] = "c" * 32
        return Caller(client, {"X-CSRFToken": "c" * 32})

    return make


@pytest.fixture
def people(person: Callable[..., User]) -> dict[str, User]:
    """One person for each role, and one without any."""
    return {role.value: person(role.value, role) for role in Role} | {"outsider": person("outsider")}

"""People of the identity provider: let in without a role, linked to a known address only when it is verified."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.contrib.sessions.backends.db import SessionStore
from django.test import RequestFactory

from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.roles import roles_of
from warehouse_admin.audit.models import AuditEntry


def arrival(email: str, *, verified: bool, username: str = "nina") -> SocialLogin:
    return SocialLogin(
        user=User(username=username, email=email),
        account=SocialAccount(provider="oidc", uid="42"),
        email_addresses=[EmailAddress(email=email, verified=verified, primary=True)],
    )


@pytest.fixture
def request_of_stranger(db: None) -> Any:
    request = RequestFactory().get("/accounts/oidc/oidc/login/callback/")
    request.session = SessionStore()
    return request


def test_a_newcomer_gets_an_account_without_any_role(request_of_stranger: Any) -> None:
    get_adapter().save_user(request_of_stranger, arrival("nina@example.com", verified=True))

    user = User.objects.get(email="nina@example.com")
    assert roles_of(user) == frozenset() and not user.has_usable_password()
    entry = AuditEntry.objects.get(action="person.created")
    assert (entry.object_name, entry.actor_name, entry.after["roles"]) == (user.username, "system", [])


def test_a_newcomer_never_gets_a_name_that_means_something_in_the_trail(request_of_stranger: Any) -> None:
    get_adapter().save_user(request_of_stranger, arrival("system@example.com", verified=True, username="system"))

    assert User.objects.get(email="system@example.com").username != "system"


@pytest.mark.parametrize("verified", [True, False])
def test_a_known_address_is_linked_only_when_the_provider_verified_it(author: User, verified: bool) -> None:
    found = get_adapter().authenticate_by_email(arrival("Author@example.com", verified=verified))

    assert (found is not None) is verified
    if found is not None:
        assert found[0] == author

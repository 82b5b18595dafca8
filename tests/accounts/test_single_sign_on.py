"""People of the identity provider: let in without a role, linked to a known address only when it is verified."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client, RequestFactory

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


@pytest.fixture
def provider(settings: Any) -> None:
    app = {"provider_id": "oidc", "name": "SSO", "client_id": "c", "secret": "s"}
    app["settings"] = {"server_url": "https://sso.invalid"}  # type: ignore[assignment]
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}


def told() -> list[tuple[Any, ...]]:
    found = AuditEntry.objects.filter(action__startswith="person.identity_")
    return [(one.action, one.actor_name, one.object_name, one.before, one.after) for one in found]


def test_an_identity_that_is_linked_to_a_known_account_is_recorded(
    author: User, request_of_stranger: Any, provider: None
) -> None:
    arrival(author.email, verified=True).connect(request_of_stranger, author)

    linked = {"provider": "oidc", "identity": "42"}
    assert told() == [("person.identity_linked", "author", "author", None, linked)]


def test_an_identity_that_a_person_takes_away_is_recorded(
    author: User, client_of: Callable[[User], Client], provider: None
) -> None:
    account = SocialAccount.objects.create(user=author, provider="oidc", uid="42")

    client_of(author).post("/accounts/3rdparty/", {"account": account.pk})

    assert not SocialAccount.objects.exists()
    removed = {"provider": "oidc", "identity": "42"}
    assert told() == [("person.identity_removed", "author", "author", removed, None)]

"""API tokens: shown once, kept as a digest, gone when revoked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from warehouse_admin.accounts import tokens
from warehouse_admin.accounts.models import ApiToken, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.core.errors import InvalidInput, NotPermitted

ClientOf = Callable[[User], Client]


def test_a_token_opens_as_its_owner(author: User) -> None:
    token, text = tokens.create_token(user=author, name="nightly", actor=author)

    assert text.startswith("wa_")
    assert tokens.authenticate(f"Bearer {text}") == (author, token)
    assert tokens.authenticate(f"bearer  {text} ") == (author, token)
    entry = AuditEntry.objects.get(action="token.created")
    assert (entry.actor, entry.object_name) == (author, "nightly")


def test_the_text_is_nowhere_in_the_database(author: User) -> None:
    _, text = tokens.create_token(user=author, name="nightly", actor=author)

    with connection.cursor() as cursor:
        for table in (ApiToken._meta.db_table, AuditEntry._meta.db_table):
            cursor.execute(f"SELECT * FROM {table}")
            assert text not in str(cursor.fetchall())


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer wa_", "Bearer wa_nothing", "Basic wa_x", "Bearer phx_x", "\x00"]
)
def test_anything_else_opens_nothing(author: User, header: str) -> None:
    tokens.create_token(user=author, name="nightly")

    assert tokens.authenticate(header) is None


def test_a_revoked_an_expired_and_a_deactivated_persons_token_open_nothing(author: User) -> None:
    revoked, revoked_text = tokens.create_token(user=author, name="one")
    _, expiring_text = tokens.create_token(user=author, name="two", expires_days=2)
    _, text = tokens.create_token(user=author, name="three")

    tokens.revoke_token(actor=author, token_id=revoked.pk)
    assert tokens.authenticate(f"Bearer {revoked_text}") is None
    assert AuditEntry.objects.get(action="token.revoked").object_name == "one"

    with time_machine.travel(timezone.now() + timedelta(days=1, hours=23)):
        assert tokens.authenticate(f"Bearer {expiring_text}")
    with time_machine.travel(timezone.now() + timedelta(days=2, minutes=1)):
        assert tokens.authenticate(f"Bearer {expiring_text}") is None

    author.is_active = False
    author.save()
    assert tokens.authenticate(f"Bearer {text}") is None


def test_its_use_is_noted_at_most_once_a_minute(author: User) -> None:
    token, text = tokens.create_token(user=author, name="nightly")
    start = timezone.now().replace(microsecond=0)

    def used_at(seconds: int) -> float:
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            tokens.authenticate(f"Bearer {text}")
        token.refresh_from_db()
        return (token.last_used_at - start).total_seconds()

    assert used_at(0) == 0
    assert used_at(50) == 0
    assert used_at(61) == 61


def test_only_the_owner_and_administrators_revoke(author: User, reviewer: User, admin: User) -> None:
    token, text = tokens.create_token(user=author, name="nightly")

    with pytest.raises(NotPermitted):
        tokens.revoke_token(actor=reviewer, token_id=token.pk)
    assert tokens.authenticate(f"Bearer {text}")
    tokens.revoke_token(actor=admin, token_id=token.pk)
    assert tokens.authenticate(f"Bearer {text}") is None
    assert AuditEntry.objects.get(action="token.revoked").actor == admin


@pytest.mark.parametrize(
    ("name", "days"), [("", None), ("x" * 101, None), ("x", 0), ("x", 99_999), ("phx_abcdefgh12345678", None)]
)
def test_a_token_needs_a_name_and_a_sensible_expiry(author: User, name: str, days: int | None) -> None:
    with pytest.raises(InvalidInput):
        tokens.create_token(user=author, name=name, expires_days=days)


def test_the_settings_page_shows_a_new_token_once(author: User, client_of: ClientOf) -> None:
    client = client_of(author)
    page = client.post(reverse("accounts:token-create"), {"name": "nightly", "read_only": "on", "expires_days": "30"})
    text = page.context["new_token_text"]

    assert text in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert text not in client.get(reverse("accounts:settings")).content.decode()
    token = ApiToken.objects.get()
    assert (token.read_only, token.user) == (True, author)

    client.post(reverse("accounts:token-revoke", args=[token.pk]))
    assert tokens.authenticate(f"Bearer {text}") is None


def test_somebody_elses_token_cannot_be_revoked_from_the_page(
    author: User, reviewer: User, client_of: ClientOf
) -> None:
    token, _ = tokens.create_token(user=author, name="nightly")
    response = client_of(reviewer).post(reverse("accounts:token-revoke", args=[token.pk]))

    assert response.status_code == 403
    assert AuditEntry.objects.get(action="token.revoked").result == "denied"
    token.refresh_from_db()
    assert token.revoked_at is None

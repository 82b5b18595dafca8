"""Coming in and going out: by whom, refused to whom, and what the trail keeps of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.test import Client
from django.urls import reverse

from tests.conftest import PASSWORD
from warehouse_admin.accounts.models import User
from warehouse_admin.audit.models import AuditEntry

LOGIN = "/accounts/login/"


def sign_in(client: Client, login: str, password: str = PASSWORD, **more: Any) -> Any:
    return client.post(LOGIN, {"login": login, "password": password, **more})


def signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


@pytest.mark.parametrize("login", ["author", "author@example.com", "Author@Example.com"])
def test_a_user_name_or_an_email_opens_the_door(author: User, client: Client, login: str) -> None:
    response = sign_in(client, login)

    assert response.status_code == 302 and response["Location"] == "/"
    assert signed_in(client)
    entry = AuditEntry.objects.get(action="sign_in.ok")
    assert (entry.actor, entry.result, entry.object_name) == (author, "ok", "author")


def test_a_wrong_password_is_recorded_without_being_kept(author: User, client: Client) -> None:
    response = sign_in(client, "author", "not-my-pass-word-9")

    assert response.status_code == 200 and not signed_in(client)
    entry = AuditEntry.objects.get(action="sign_in.failed")
    assert (entry.actor_name, entry.result) == ("author", "failed")
    assert "not-my-pass-word-9" not in str(vars(entry))


def test_an_unknown_name_is_recorded_and_bounded(author: User, client: Client) -> None:
    sign_in(client, "nobody" * 40)

    entry = AuditEntry.objects.get(action="sign_in.failed")
    assert (entry.actor, entry.actor_name) == (None, "anonymous")
    assert len(entry.object_name) <= 150


def test_a_deactivated_person_stays_out(author: User, client: Client) -> None:
    author.is_active = False
    author.save()

    sign_in(client, "author")
    assert not signed_in(client)
    assert AuditEntry.objects.filter(action="sign_in.failed").exists()


def test_a_sign_out_is_recorded(author: User, client_of: Callable[[User], Client]) -> None:
    client = client_of(author)
    client.post("/accounts/logout/")

    assert not signed_in(client)
    assert AuditEntry.objects.get(action="sign_out.ok").actor == author


def test_guessing_is_slowed_down_and_recorded_once(author: User, client: Client, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,3/5m/key"}
    for _ in range(3):
        sign_in(client, "author", "wrong-password-1")
    refused = sign_in(client, "author")
    sign_in(client, "author")

    assert not signed_in(client)
    assert "Too many failed" in refused.content.decode()
    entry = AuditEntry.objects.get(action="sign_in.throttled")
    assert (entry.actor_name, entry.result) == ("author", "denied")
    assert AuditEntry.objects.filter(action="sign_in.failed").count() == 3


def test_nobody_signs_up(client: Client, db: None) -> None:
    form = {"username": "mallory", "email": "m@example.com", "password1": PASSWORD, "password2": PASSWORD}
    client.post("/accounts/signup/", form)

    assert not User.objects.filter(username="mallory").exists()


def test_the_demo_password_opens_nothing_outside_the_sandbox(author: User, client: Client, settings: Any) -> None:
    author.set_password(settings.SANDBOX_PASSWORD)
    author.save()
    settings.SANDBOX_MODE = False

    sign_in(client, "author", settings.SANDBOX_PASSWORD)
    assert not signed_in(client)


def test_a_foreign_next_is_not_followed(author: User, client: Client) -> None:
    response = sign_in(client, "author", next="https://evil.example/steal")

    assert response["Location"] == "/"


def test_a_stranger_is_sent_to_sign_in_and_comes_back(client: Client, db: None) -> None:
    response = client.get("/audit/?actor=ada&q=x")

    assert response.status_code == 302
    assert response["Location"] == "/accounts/login/?next=%2Faudit%2F%3Factor%3Dada%26q%3Dx"


def test_an_expired_session_sends_htmx_to_sign_in_and_back_to_its_page(client: Client, db: None) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/audit/?q=1"}
    response = client.get("/audit/", headers=headers)

    assert response["HX-Redirect"] == "/accounts/login/?next=%2Faudit%2F%3Fq%3D1"


def test_an_expired_session_sends_a_form_back_to_the_page_it_was_on(client: Client, db: None) -> None:
    response = client.post("/settings/tokens/", headers={"Referer": "http://testserver/settings/"})
    assert response["Location"] == "/accounts/login/?next=%2Fsettings%2F"

    foreign = client.post("/settings/tokens/", headers={"Referer": "https://evil.example/x"})
    assert foreign["Location"] == "/accounts/login/?next=%2F"


def test_without_a_role_there_is_only_the_settings_page(outsider: User, client_of: Callable[[User], Client]) -> None:
    client = client_of(outsider)
    refused = client.get("/audit/")

    assert refused.status_code == 403
    assert "no role yet" in refused.content.decode()
    assert client.get(reverse("accounts:settings")).status_code == 200


def test_people_cannot_claim_an_address(author: User, client_of: Callable[[User], Client]) -> None:
    response = client_of(author).post("/accounts/email/", {"action_add": "", "email": "boss@example.com"})

    assert response["Location"] == "/settings/"


def test_the_sign_in_page_offers_the_demo_people_only_in_the_sandbox(client: Client, db: None, settings: Any) -> None:
    assert ">ada<" in client.get(LOGIN).content.decode().replace("\n", "").replace(" ", "")

    settings.SANDBOX_MODE = False
    assert settings.SANDBOX_PASSWORD not in client.get(LOGIN).content.decode()


def test_a_person_who_changes_their_password_is_recorded(author: User, client: Client) -> None:
    sign_in(client, "author")
    new = {"password1": "another-pass-word-9", "password2": "another-pass-word-9"}
    client.post("/accounts/password/change/", {"oldpassword": "not-mine", **new})
    assert not AuditEntry.objects.filter(action="person.password_changed").exists()
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, **new})

    entry = AuditEntry.objects.get(action="person.password_changed")
    assert (entry.actor, entry.object_name, entry.before, entry.after) == (author, "author", None, None)


def test_what_happens_to_a_second_factor_is_recorded_and_a_wrong_code_too(
    author: User, client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    sign_in(client, "author")
    confirm = {"password": PASSWORD, "next": "/accounts/2fa/totp/activate/"}
    client.post("/accounts/reauthenticate/", confirm, follow=True)
    secret = client.session[totp.SECRET_SESSION_KEY]
    code = totp.format_hotp_value(totp.hotp_value(secret, next(totp.yield_hotp_counters_from_time())))
    for path in ("/accounts/2fa/totp/activate/", "/accounts/2fa/recovery-codes/generate/"):
        with django_capture_on_commit_callbacks(execute=True):
            client.post(path, {"code": code})
    client.post("/accounts/logout/")
    assert sign_in(client, "author")["Location"].startswith("/accounts/2fa/authenticate/")
    client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert not signed_in(client)

    told = AuditEntry.objects.filter(actor=author).order_by("sequence").values_list("action", "result", "after__kind")
    assert list(told) == [
        ("sign_in.ok", "ok", None),
        ("person.second_factor_added", "ok", "totp"),
        ("person.second_factor_added", "ok", "recovery_codes"),
        ("person.second_factor_reset", "ok", "recovery_codes"),
        ("sign_out.ok", "ok", None),
        ("sign_in.failed", "failed", None),
    ]
    assert secret not in str([vars(entry) for entry in AuditEntry.objects.all()])


def test_a_second_factor_that_is_taken_away_is_recorded(author: User, client: Client) -> None:
    sign_in(client, "author")
    totp.TOTP.activate(author, totp.generate_totp_secret())
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    client.post("/accounts/2fa/totp/deactivate/")

    entry = AuditEntry.objects.get(action="person.second_factor_removed")
    assert (entry.actor, entry.before) == (author, {"kind": "totp"})


def test_what_codes_are_made_from_is_encrypted_where_it_is_kept_and_still_opens_the_door(
    author: User, client: Client
) -> None:
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(author, secret)
    recovery = RecoveryCodes.activate(author)
    kept = {factor.type: str(factor.data) for factor in Authenticator.objects.all()}
    assert secret not in kept["totp"] and "gAAAA" in kept["totp"] and "gAAAA" in kept["recovery_codes"]

    code = totp.format_hotp_value(totp.hotp_value(secret, next(totp.yield_hotp_counters_from_time())))
    for shown in (code, recovery.generate_codes()[0]):
        sign_in(client, "author")
        client.post("/accounts/2fa/authenticate/", {"code": shown})
        assert signed_in(client)
        client.post("/accounts/logout/")

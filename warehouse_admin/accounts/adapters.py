"""Nobody signs up here: an administrator adds people, or the identity provider vouches for them."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest

from warehouse_admin.accounts import sign_in
from warehouse_admin.accounts.services import people
from warehouse_admin.audit import services as audit
from warehouse_admin.core.fields import cipher


class AccountAdapter(DefaultAccountAdapter):
    """Sign-in and sign-out only."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def clean_username(self, username: str, shallow: bool = False) -> str:
        if username.lower() in people.RESERVED_NAMES:
            raise self.validation_error("username_blacklisted")
        return super().clean_username(username, shallow=shallow)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError:
            sign_in.note_throttled(str(credentials.get("username") or credentials.get("email") or ""))
            raise

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        if not settings.SANDBOX_MODE and credentials.get("password") == settings.SANDBOX_PASSWORD:
            # Everybody knows the demo people's password: it must open nothing once real data is connected.
            credentials = {**credentials, "password": ""}
        return super().authenticate(request, **credentials)


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """People of the identity provider come in without a role; a known e-mail is linked only when it is verified."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return True

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> Any:
        if people.name_problem(sociallogin.user):
            sociallogin.user.username = ""  # one is made from the name or the address instead
        with transaction.atomic():
            user = super().save_user(request, sociallogin, form)
            audit.record(
                actor=None,
                action="person.created",
                target=people.target_of(user),
                reason="Came in by single sign-on.",
                after={"username": user.username, "email": user.email, "roles": []},
            )
        return user

    def can_authenticate_by_email(self, login: Any, email: str) -> bool:
        return any(address.verified and address.email.lower() == email.lower() for address in login.email_addresses)


class MFAAdapter(DefaultMFAAdapter):
    """What codes are made from is encrypted as API keys are: a copy of the database is no second factor."""

    def encrypt(self, text: str) -> str:
        return cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return cipher().decrypt(encrypted_text.encode()).decode()

"""Second factors from before they were encrypted still open the door, forwards and back."""

from __future__ import annotations

from importlib import import_module

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.apps import apps

from warehouse_admin.accounts.models import User

step = import_module("warehouse_admin.accounts.migrations.0007_encrypted_second_factors")


def plain(author: User) -> dict[str, Authenticator]:
    kept = {
        "totp": {"secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"},
        "recovery_codes": {"seed": "ab" * 40, "used_mask": 5, "migrated_codes": ["11111111", "22222222"]},
        "webauthn": {"name": "Master key"},
    }
    return {kind: Authenticator.objects.create(user=author, type=kind, data=data) for kind, data in kept.items()}


def test_what_is_kept_in_the_clear_is_encrypted_once_and_comes_back(author: User) -> None:
    before = plain(author)

    for _ in range(2):
        step.encrypt(apps, None)
    stored = {factor.type: factor for factor in Authenticator.objects.all()}
    text = str([factor.data for factor in stored.values()])
    assert not any(secret in text for secret in ("JBSWY3", "abab", "11111111", "22222222"))
    assert stored["webauthn"].data == before["webauthn"].data and stored["recovery_codes"].data["used_mask"] == 5
    secret = before["totp"].data["secret"]
    code = totp.format_hotp_value(totp.hotp_value(secret, next(totp.yield_hotp_counters_from_time())))
    assert totp.TOTP(stored["totp"]).validate_code(code)

    for _ in range(2):
        step.decrypt(apps, None)
    assert {factor.type: factor.data for factor in Authenticator.objects.all()} == {
        kind: factor.data for kind, factor in before.items()
    }

"""Encrypt what the codes of second factors are made from; until now allauth kept it in the clear."""

from collections.abc import Callable
from typing import Any

from cryptography.fernet import InvalidToken
from django.db import migrations

from warehouse_admin.core.fields import cipher

SECRETS = ("secret", "seed")  # of an app that shows codes, and of recovery codes


def encrypt(apps: Any, schema_editor: Any) -> None:
    _replace(apps, lambda text: text if _opened(text) is not None else cipher().encrypt(text.encode()).decode())


def decrypt(apps: Any, schema_editor: Any) -> None:
    _replace(apps, lambda text: text if (opened := _opened(text)) is None else opened)


def _replace(apps: Any, other: Callable[[str], str]) -> None:
    for factor in apps.get_model("mfa", "Authenticator").objects.filter(type__in=["totp", "recovery_codes"]):
        found = {name: other(factor.data[name]) for name in SECRETS if name in factor.data}
        if "migrated_codes" in factor.data:
            found["migrated_codes"] = [other(code) for code in factor.data["migrated_codes"]]
        factor.data |= found
        factor.save(update_fields=["data"])


def _opened(text: str) -> str | None:
    """What is encrypted in it; None where it is in the clear."""
    try:
        return cipher().decrypt(text.encode()).decode()
    except InvalidToken:
        return None


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_threads_block"), ("mfa", "0003_authenticator_type_uniq")]

    operations = [migrations.RunPython(encrypt, decrypt)]

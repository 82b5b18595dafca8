"""People's own PostHog keys: tested when saved, never shown again."""

from __future__ import annotations

from django.db import transaction

from warehouse_admin.accounts.models import Connection, PersonalKey, User
from warehouse_admin.accounts.services import connections, probes
from warehouse_admin.accounts.services.clients import client_with
from warehouse_admin.audit import services as audit
from warehouse_admin.core.errors import InvalidInput, Missing, UserError
from warehouse_admin.posthog import errors, reads

WRITE_SCOPE = "warehouse_view:write"


def save_personal_key(*, user: User, connection: Connection, api_key: str) -> PersonalKey:
    """Store a person's key for one connection once PostHog accepted it; call it outside transactions."""
    email = _tested(connection, api_key.strip())
    with transaction.atomic():
        tested = {"api_key": api_key.strip(), "remote_email": email[:254], "key_refused_at": None}
        row, _ = PersonalKey.objects.update_or_create(user=user, connection=connection, defaults=tested)
        audit.record(
            actor=user,
            action="personal_key.saved",
            target=connections.target_of(connection),
            connection=connection.slug,
            after={"remote_email": email},
        )
    return row


def remove_personal_key(*, user: User, connection: Connection) -> None:
    """Forget a person's key."""
    with transaction.atomic():
        removed, _ = PersonalKey.objects.filter(user=user, connection=connection).delete()
        if not removed:
            raise Missing("You have stored no key for this connection.")
        audit.record(
            actor=user,
            action="personal_key.removed",
            target=connections.target_of(connection),
            connection=connection.slug,
        )


def _tested(connection: Connection, api_key: str) -> str:
    """The e-mail of the key's owner in PostHog, empty when it may not tell; InvalidInput when the key is no good."""
    try:
        client = client_with(connection, api_key, purpose="interactive")
    except UserError as error:
        raise _unusable("The key is empty or contains characters that no key has; copy it again.") from error
    try:
        if not reads.current_key(client).grants(WRITE_SCOPE):
            raise _unusable(f"This key may not change views: add the scope {WRITE_SCOPE} to it in PostHog.")
        reads.list_saved_queries(client)
    except errors.PostHogError as error:
        raise _unusable(probes.explain(error, connection.host, connection.project_id)) from error
    try:
        return reads.current_user(client).email or ""
    except errors.PostHogError:
        return ""  # without the scope user:read the key is as good, only nameless
    finally:
        client.close()


def _unusable(sentence: str) -> InvalidInput:
    return InvalidInput("The key was not saved.", errors={"api_key": [sentence]})

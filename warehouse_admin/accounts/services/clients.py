"""Lines to PostHog: whose key, under which budget, and what the server was found to offer."""

from __future__ import annotations

from typing import Literal

from django.conf import settings
from django.db import transaction

from warehouse_admin.accounts.budget import SharedBudget
from warehouse_admin.accounts.models import Connection, PersonalKey, User
from warehouse_admin.core.errors import UserError
from warehouse_admin.posthog import capabilities
from warehouse_admin.posthog.capabilities import Capability
from warehouse_admin.posthog.client import Client
from warehouse_admin.posthog.errors import PostHogError

Purpose = Literal["interactive", "background"]

INTERACTIVE_READ_TIMEOUT = 10.0
BACKGROUND_READ_TIMEOUT = 30.0


def client_for(connection: Connection, *, purpose: Purpose, read_timeout: float | None = None) -> Client:
    """A client with the connection's own key; `read_timeout` in seconds. Raises UserError when it cannot be used."""
    return client_with(connection, connection.api_key, purpose=purpose, read_timeout=read_timeout)


def writer_for(connection: Connection, *, author: User | None) -> tuple[Client, str]:
    """The client for a write and whose key it has: "connection", or the author's user name."""
    policy = Connection.KeyPolicy(connection.key_policy)
    if policy != Connection.KeyPolicy.SERVICE:
        own = PersonalKey.objects.filter(connection=connection, user=author).first() if author else None
        if own and author:
            return client_with(connection, own.api_key, purpose="interactive"), author.get_username()
        if policy == Connection.KeyPolicy.AUTHOR_REQUIRED:
            name = author.get_username() if author else "the author"
            raise UserError(
                f"{connection.name} only accepts writes with the author's own PostHog key, and {name} has stored none: "
                "add it on the settings page."
            )
    return client_for(connection, purpose="interactive", read_timeout=BACKGROUND_READ_TIMEOUT), "connection"


def client_with(connection: Connection, key: str, *, purpose: Purpose, read_timeout: float | None = None) -> Client:
    """A client with any key for a connection, spending that key's budget."""
    default = INTERACTIVE_READ_TIMEOUT if purpose == "interactive" else BACKGROUND_READ_TIMEOUT
    try:
        return Client(
            connection.host,
            key,
            connection.project_id,
            path_prefix=connection.path_prefix,  # type: ignore[arg-type]
            budget=SharedBudget(connection, key=key),
            purpose=purpose,
            read_timeout=read_timeout or default,
            ca_bundle=settings.POSTHOG_CA_BUNDLE or None,
            proxies={"https": settings.POSTHOG_PROXY} if settings.POSTHOG_PROXY else None,
        )
    except ValueError as error:
        raise UserError(f"Connection {connection.slug} cannot be used. {error}") from error


def capability(connection: Connection, action: str) -> Capability:
    """Whether the connection's key may do `action` there, as far as is known."""
    known = capabilities.from_dict(connection.capabilities or {})
    return known.get(action, Capability("unknown", "It was not tried yet."))


def learn(connection: Connection, action: str, error: PostHogError | None) -> None:
    """Remember what an answer taught; cheap when it taught nothing new."""
    known = capabilities.from_dict(connection.capabilities or {})
    learned = capabilities.remember(known, action, error)
    if learned == known:
        return
    with transaction.atomic():
        row = Connection.objects.select_for_update().get(pk=connection.pk)
        row.capabilities = capabilities.to_dict(
            capabilities.remember(capabilities.from_dict(row.capabilities or {}), action, error)
        )
        row.save(update_fields=["capabilities"])
    connection.capabilities = row.capabilities

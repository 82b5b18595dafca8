"""Lines to PostHog: whose key, under which budget, and what the server was found to offer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from django.conf import settings
from django.db import transaction

from warehouse_admin.accounts.budget import SharedBudget
from warehouse_admin.accounts.endpoint_use import UseRecord
from warehouse_admin.accounts.models import Connection, PersonalKey, User
from warehouse_admin.accounts.selectors import CONNECTION_UNREAD
from warehouse_admin.accounts.services import refusals
from warehouse_admin.core.errors import UserError
from warehouse_admin.posthog import capabilities
from warehouse_admin.posthog.capabilities import Capability
from warehouse_admin.posthog.client import Client
from warehouse_admin.posthog.errors import PostHogError

Purpose = Literal["interactive", "background"]
OwnKeys = Mapping[tuple[int, int], PersonalKey]
"""By connection and person."""

INTERACTIVE_READ_TIMEOUT = 10.0
BACKGROUND_READ_TIMEOUT = 30.0


def client_for(connection: Connection, *, purpose: Purpose, read_timeout: float | None = None) -> Client:
    """A client with the connection's own key; `read_timeout` in seconds. Raises UserError when it cannot be used."""
    refusals.require_accepted(connection)
    return _client_of(connection, purpose=purpose, read_timeout=read_timeout)


def client_to_check(connection: Connection) -> Client:
    """The same for finding out whether PostHog accepts the key: it asks although the key was refused before."""
    return _client_of(connection, purpose="interactive")


def writer_for(connection: Connection, *, author: User | None) -> tuple[Client, str]:
    """The client for a write and whose key it has: "connection", or the author's user name."""
    if own := _own_key(connection, author):
        refusals.require_accepted(own)
        return _client_of(own, purpose="interactive"), own.user.get_username()
    if connection.key_policy == Connection.KeyPolicy.AUTHOR_REQUIRED:
        raise UserError(_missing_key(connection, author))
    return client_for(connection, purpose="interactive", read_timeout=BACKGROUND_READ_TIMEOUT), "connection"


def why_no_writes(connection: Connection, *, author: User | None, known: OwnKeys | None = None) -> str:
    """Why no write for this author can go out: their own key is due and missing, or PostHog refuses the key.

    A list gives what `own_keys` has read for all its rows.
    """
    own = _own_key(connection, author, known)
    if own is None and connection.key_policy == Connection.KeyPolicy.AUTHOR_REQUIRED:
        return _missing_key(connection, author)
    return refusals.why_refused(own or connection)


def _missing_key(connection: Connection, author: User | None) -> str:
    name = author.display_name if author else "the author"
    return (
        f"{connection.name} only accepts writes with the author's own PostHog key, and {name} has stored none: "
        "add it on the settings page."
    )


def own_keys(people: Iterable[int]) -> OwnKeys:
    """The own keys of these people (by primary key) on any connection, unread, in one query."""
    rows = PersonalKey.objects.filter(user__in=set(people)).select_related("connection", "user")
    rows = rows.defer("api_key", *CONNECTION_UNREAD)
    return {(row.connection_id, row.user_id): row for row in rows}


def _own_key(connection: Connection, author: User | None, known: OwnKeys | None = None) -> PersonalKey | None:
    """The author's own key, where there is one and the connection's policy has it used."""
    if author is None or connection.key_policy == Connection.KeyPolicy.SERVICE:
        return None
    if known is not None:
        return known.get((connection.pk, author.pk))
    stored = PersonalKey.objects.filter(connection=connection, user=author)
    return stored.select_related("connection", "user").first()


def _client_of(holder: refusals.Holder, *, purpose: Purpose, read_timeout: float | None = None) -> Client:
    """A client with a stored key, which makes a note of it should PostHog refuse the key."""
    connection = holder if isinstance(holder, Connection) else holder.connection
    key = holder.api_key

    def note_refusal() -> None:
        refusals.note(holder, key=key)

    return client_with(
        connection,
        key,
        purpose=purpose,
        read_timeout=read_timeout,
        on_refused_key=note_refusal,
        record=UseRecord(connection, "" if isinstance(holder, Connection) else holder.user.get_username()),
    )


def client_with(
    connection: Connection,
    key: str,
    *,
    purpose: Purpose,
    read_timeout: float | None = None,
    on_refused_key: Callable[[], None] | None = None,
    record: UseRecord | None = None,
) -> Client:
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
            on_refused_key=on_refused_key,
            record=record,
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

"""Connections: created, changed and checked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import MANAGE_CONNECTIONS
from warehouse_admin.accounts.services import probes, refusals
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.targets import Target
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.posthog import capabilities
from warehouse_admin.posthog.transport import validate_host

OPTIONS = (
    "is_active",
    "apply_policy",
    "key_policy",
    "budget_per_minute",
    "budget_per_hour",
    "sync_every_minutes",
    "vanish_limit_percent",
    "guard_count",
    "guard_percent",
    "guard_second_person",
    "threads_block",
)
_TOLD = ("slug", "name", "host", "project_id", *OPTIONS)
DEFAULT_SLUG = "default"
RECHECK_AFTER = timedelta(days=1)
"""What was refused once may be allowed by now, and nobody tells us."""
RECHECK_BAD_AFTER = timedelta(hours=1)


def save_connection(
    *,
    actor: User | None,
    connection: Connection | None = None,
    slug: str,
    name: str,
    host: str,
    project_id: str,
    api_key: str = "",
    **options: Any,
) -> Connection:
    """Create or change a connection without asking PostHog; an empty key keeps the old. `actor` None: the system."""
    action = "connection.updated" if connection else "connection.created"
    target = target_of(connection) if connection else Target("connection", "", slug)
    if actor is not None:
        policies.require(actor, MANAGE_CONNECTIONS, action=action, target=target)
    with transaction.atomic():
        row = _locked(connection)
        before, old_key, old_host = (_told(row), row.api_key, row.host) if row.pk else (None, "", "")
        row.slug, row.name, row.project_id = slug.strip(), name.strip() or slug.strip(), str(project_id).strip()
        row.host = host.strip()
        for option in OPTIONS:
            if option in options:
                setattr(row, option, options[option])
        row.api_key = api_key.strip() or old_key
        _validate(row, key_kept=bool(old_key and not api_key.strip()), old_host=old_host)
        if before is None or before["host"] != row.host or before["project_id"] != row.project_id or api_key.strip():
            _forget_findings(row)
        changed_key = row.api_key != old_key
        if changed_key or row.host != old_host:
            row.key_refused_at = None
        row.save()
        audit.record(
            actor=actor,
            action=action,
            target=target_of(row),
            connection=row.slug,
            before=before,
            after={**_told(row), "api_key_changed": changed_key},
        )
    return row


def set_active(connection: Connection, *, actor: User, active: bool) -> Connection:
    """Pause the syncs of a connection or let them go on; asking for what is already so changes nothing."""
    target = target_of(connection)
    policies.require(actor, MANAGE_CONNECTIONS, action="connection.updated", target=target)
    with transaction.atomic():
        row = Connection.objects.select_for_update().get(pk=connection.pk)
        if row.is_active != active:
            row.is_active = active
            row.save(update_fields=["is_active"])
            audit.record(
                actor=actor,
                action="connection.updated",
                target=target,
                connection=row.slug,
                before={"is_active": not active},
                after={"is_active": active},
            )
    return row


def check_connection(connection: Connection, *, actor: User | None = None) -> Connection:
    """Ask PostHog what the key can do, and store it. Trouble is stored in words as `check_error`, never raised.

    This asks even with a key that PostHog refuses; one that it accepts again is used again.
    """
    if actor is not None:
        policies.require(actor, MANAGE_CONNECTIONS, action="connection.checked", target=target_of(connection))
    found = probes.probe(connection)
    with transaction.atomic():
        row = Connection.objects.select_for_update().get(pk=connection.pk)
        row.checked_at, row.check_error = timezone.now(), found.problem
        if found.path_prefix:
            row.path_prefix = found.path_prefix
        if found.generation:
            row.generation = found.generation
        if found.capabilities:
            row.capabilities = capabilities.to_dict(found.capabilities)
        row.save(update_fields=["checked_at", "check_error", "path_prefix", "generation", "capabilities"])
        if found.key_accepted:
            refusals.forget(row, key=connection.api_key)
        if actor is not None:
            audit.record(
                actor=actor,
                action="connection.checked",
                target=target_of(row),
                connection=row.slug,
                result="failed" if found.problem else "ok",
                reason=found.problem,
            )
    return row


def check_is_due(connection: Connection) -> bool:
    """Whether what a check found is old by now. Never before the first one: a new connection is checked otherwise."""
    told = [moment for moment in (connection.checked_at, connection.key_refused_at) if moment is not None]
    is_bad = bool(connection.check_error or connection.key_refused_at)
    return bool(told) and max(told) < timezone.now() - (RECHECK_BAD_AFTER if is_bad else RECHECK_AFTER)


def ensure_connection_from_settings() -> Connection | None:
    """The connection that the environment names, created if absent and then checked; None in sandbox mode."""
    if not settings.POSTHOG_HOST:
        return None
    same_project = Q(host=validate_host(settings.POSTHOG_HOST), project_id=settings.POSTHOG_PROJECT_ID)
    existing = Connection.objects.filter(Q(slug=DEFAULT_SLUG) | same_project).first()
    if existing:
        return existing
    made = save_connection(
        actor=None,
        slug=DEFAULT_SLUG,
        name="PostHog",
        host=settings.POSTHOG_HOST,
        project_id=settings.POSTHOG_PROJECT_ID,
        api_key=settings.POSTHOG_API_KEY,
        budget_per_minute=settings.POSTHOG_BUDGET_PER_MINUTE,
        budget_per_hour=settings.POSTHOG_BUDGET_PER_HOUR,
    )
    return check_connection(made)


def target_of(connection: Connection) -> Target:
    return Target("connection", connection.slug, connection.name)


def _locked(connection: Connection | None) -> Connection:
    return Connection.objects.select_for_update().get(pk=connection.pk) if connection else Connection()


def _told(row: Connection) -> dict[str, Any]:
    """What the trail and the forms may know of a connection: everything but the key."""
    return {name: getattr(row, name) for name in _TOLD}


def _forget_findings(row: Connection) -> None:
    row.path_prefix, row.generation, row.capabilities = "projects", "", {}
    row.checked_at, row.check_error = None, ""


def _validate(row: Connection, *, key_kept: bool, old_host: str) -> None:
    errors: dict[str, list[str]] = {}
    try:
        row.host = validate_host(row.host)
    except ValueError as error:
        errors["host"] = [str(error)]
    if not (row.project_id.isascii() and row.project_id.isdigit()):
        errors["project_id"] = ["The project id is the number in PostHog's address, as in /project/12345."]
    same = Connection.objects.filter(host=row.host, project_id=row.project_id).exclude(pk=row.pk).first()
    if same is not None and not errors:
        errors["project_id"] = [f"The connection {same.name} ({same.slug}) mirrors this project: change that one."]
    if key_problem := _key_problem(row.api_key):
        errors["api_key"] = [key_problem]
    elif key_kept and old_host != row.host:
        # The stored key was given for the old host; a new one might be anybody's.
        errors["api_key"] = ["Enter the key again: a stored key is never sent to another host."]
    try:
        row.full_clean(exclude=["api_key", "host", "project_id"])
    except ValidationError as error:
        errors |= error.message_dict
    for name, least, most in (("sync_every_minutes", 1, 1440), ("vanish_limit_percent", 1, 100)):
        value = getattr(row, name)
        if name not in errors and not least <= value <= most:
            errors[name] = [f"Give a number from {least} to {most}."]
    if errors:
        raise InvalidInput("The connection was not saved: something in it cannot be used.", errors=errors)


def _key_problem(key: str) -> str:
    if not key:
        return "Enter a personal API key of PostHog (it starts with phx_)."
    if not key.isascii() or not key.isprintable() or " " in key or len(key) > 500:
        return "The key contains characters that no key has; copy it again."
    return ""

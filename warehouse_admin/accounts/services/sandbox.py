"""The demo people and the demo connection of sandbox mode."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role
from warehouse_admin.accounts.services.connections import check_connection, save_connection
from warehouse_admin.accounts.services.people import create_person

SLUG = "sandbox"

# (user name, role, full name)
PEOPLE = [
    ("ada", Role.ADMIN, "Ada Lindqvist"),
    ("erin", Role.EDITOR, "Erin Castellano"),
    ("remy", Role.REVIEWER, "Remy Okafor"),
    ("olga", Role.OPERATOR, "Olga Petrenko"),
    ("audra", Role.AUDITOR, "Audra Whitfield"),
    ("vic", Role.VIEWER, "Vic Tanaka"),
]


def ensure_sandbox(*, host: str, key: str, project_id: str) -> Connection:
    """Make the demo people and the connection to the sandbox where they are missing; follow the sandbox's address."""
    for name, role, full_name in PEOPLE:
        _ensure_person(name, role, full_name)
    connection = Connection.objects.filter(slug=SLUG).first()
    if connection and (connection.host, connection.api_key, connection.project_id) == (host, key, str(project_id)):
        return connection
    saved = save_connection(
        actor=None,
        connection=connection,
        slug=SLUG,
        name=connection.name if connection else "Sandbox",
        host=host,
        project_id=str(project_id),
        api_key=key,
        **({} if connection else _budget()),
    )
    return check_connection(saved)


def sandbox_people() -> list[dict[str, str]]:
    """Who can sign in to the sandbox, for its sign-in page; empty outside sandbox mode."""
    if not settings.SANDBOX_MODE:
        return []
    return [
        {"username": name, "role": role.label, "name": full_name, "password": settings.SANDBOX_PASSWORD}
        for name, role, full_name in PEOPLE
    ]


def _ensure_person(name: str, role: Role, full_name: str) -> None:
    if User.objects.filter(username=name).exists():
        return
    with transaction.atomic():
        create_person(
            actor=None,
            username=name,
            email=f"{name}@example.com",
            full_name=full_name,
            roles=[role],
            password=settings.SANDBOX_PASSWORD,
        )


def _budget() -> dict[str, int]:
    return {
        "budget_per_minute": settings.POSTHOG_BUDGET_PER_MINUTE,
        "budget_per_hour": settings.POSTHOG_BUDGET_PER_HOUR,
    }

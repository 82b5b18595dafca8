"""`python manage.py connect SLUG --host H --project-id N --key-env VAR`: create or update a connection."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings

from warehouse_admin.accounts import services
from warehouse_admin.accounts.models import Connection
from warehouse_admin.management.base import PortalCommand


class Command(PortalCommand):
    help = "Create or update a PostHog connection, and check it. The key is read from an environment variable."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="short name, used in URLs and filters")
        parser.add_argument("--host", required=True, help="for example https://eu.posthog.com")
        parser.add_argument("--project-id", required=True, help="the number in PostHog's address")
        parser.add_argument("--key-env", required=True, metavar="VAR", help="environment variable that holds the key")
        parser.add_argument("--name", default="", help="how people see it; the slug if absent")

    def run(self, *, slug: str, host: str, project_id: str, key_env: str, name: str, **options: Any) -> dict[str, Any]:
        key = os.environ.get(key_env, "")
        if not key.strip():
            self.misuse(f"The environment variable {key_env} holds no key.")
        existing = Connection.objects.filter(slug=slug).first()
        saved = services.save_connection(
            actor=None,
            connection=existing,
            slug=slug,
            name=name or (existing.name if existing else slug),
            host=host,
            project_id=project_id,
            api_key=key,
            **({} if existing else _budget()),
        )
        done = "updated" if existing else "created"
        checked = services.check_connection(saved)
        if checked.check_error:
            self.fail(f"Connection {slug} was {done}, but the check failed. {checked.check_error}", connection=slug)
        self.say(f"Connection {slug} {done}: {saved.host}, project {saved.project_id}; the key works.")
        return {"connection": slug, "created": existing is None, "generation": checked.generation or None}


def _budget() -> dict[str, int]:
    return {
        "budget_per_minute": settings.POSTHOG_BUDGET_PER_MINUTE,
        "budget_per_hour": settings.POSTHOG_BUDGET_PER_HOUR,
    }

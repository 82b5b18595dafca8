"""`python manage.py create_user NAME --role ROLE`: add a person."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from warehouse_admin.accounts import services
from warehouse_admin.accounts.roles import Role
from warehouse_admin.management.base import PortalCommand


class Command(PortalCommand):
    help = "Add a person; prints a generated password if none is given."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="user name")
        parser.add_argument("--role", action="append", required=True, choices=Role.values, dest="roles")
        parser.add_argument("--email", default="")
        parser.add_argument("--full-name", default="")
        parser.add_argument("--password-env", metavar="VAR", help="environment variable that holds the password")

    def run(
        self, *, name: str, roles: list[str], email: str, full_name: str, password_env: str | None, **options: Any
    ) -> dict[str, Any]:
        password = os.environ.get(password_env, "") if password_env else None
        if password_env and not password:
            self.misuse(f"The environment variable {password_env} holds no password.")
        user, generated = services.create_person(
            actor=None,
            username=name,
            email=email,
            full_name=full_name,
            roles=[Role(role) for role in roles],
            password=password,
        )
        self.say(f"Added {user.username} ({', '.join(sorted(set(roles)))}).")
        if generated:
            self.say(f"Password, shown only now: {generated}")
        told = {"username": user.username, "roles": sorted(set(roles))}
        return {**told, "password": generated} if generated else told

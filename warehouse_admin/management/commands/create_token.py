"""`python manage.py create_token NAME`: print a new API token once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from warehouse_admin.accounts import tokens
from warehouse_admin.accounts.models import User
from warehouse_admin.management.base import PortalCommand


class Command(PortalCommand):
    help = "Make an API token that acts as the named person, and print it once."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="user name of the person the token acts as")
        parser.add_argument("--read-only", action="store_true", help="the token may only read")
        parser.add_argument("--expires", type=int, metavar="DAYS", help="days until it expires; never if absent")
        parser.add_argument("--label", default="command line", help="what the token is called in lists")

    def run(self, *, name: str, read_only: bool, expires: int | None, label: str, **options: Any) -> dict[str, Any]:
        user = User.objects.filter(username=name, is_active=True).first()
        if user is None:
            self.fail(f"There is no active person {name}.")
        token, text = tokens.create_token(user=user, name=label, read_only=read_only, expires_days=expires)
        self.say(text)
        return {"token": text, "username": user.username, "read_only": read_only, "expires_at": token.expires_at}

"""`python manage.py check_connection [SLUG]`: what can the key do?"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from warehouse_admin.accounts import services
from warehouse_admin.accounts.models import Connection
from warehouse_admin.management.base import PortalCommand
from warehouse_admin.posthog import capabilities

MARKS = {"yes": "yes", "no": "NO ", "unknown": "?  "}


class Command(PortalCommand):
    help = "Ask PostHog what each connection's key can and cannot do."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", nargs="?", help="one connection; all of them if absent")

    def run(self, *, slug: str | None = None, **options: Any) -> dict[str, Any]:
        found = list(Connection.objects.filter(slug=slug) if slug else Connection.objects.all())
        if not found:
            self.fail(
                f"There is no connection {slug}." if slug else "There is no connection yet; add one with connect."
            )
        reports = [self._report(services.check_connection(connection)) for connection in found]
        bad = [report for report in reports if not report["ok"]]
        if bad:
            self.fail("\n".join(f"{report['connection']}: {report['error']}" for report in bad), connections=reports)
        return {"connections": reports}

    def _report(self, connection: Connection) -> dict[str, Any]:
        generation = connection.generation or "unknown"
        self.say(f"{connection.slug}: {connection.host}, project {connection.project_id}, generation {generation}")
        known = capabilities.from_dict(connection.capabilities)
        for action, capability in known.items():
            self.say(f"  {MARKS[capability.state]}  {action}{': ' if capability.reason else ''}{capability.reason}")
        if connection.check_error:
            self.say(f"  {connection.check_error}")
        return {
            "connection": connection.slug,
            "ok": not connection.check_error,
            "error": connection.check_error,
            "generation": connection.generation or None,
            "capabilities": capabilities.to_dict(known),
        }

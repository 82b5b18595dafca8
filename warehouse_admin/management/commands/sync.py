"""`python manage.py sync [--connection SLUG] [--full]`: bring the mirror up to date, in the foreground."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from warehouse_admin.accounts.errors import KeyRefused
from warehouse_admin.accounts.models import Connection
from warehouse_admin.management.base import PortalCommand
from warehouse_admin.mirror import progress, services
from warehouse_admin.mirror.errors import SyncRunning
from warehouse_admin.mirror.models import SyncRun

ASK_AGAIN_AFTER = 1.0
"""Seconds between two looks at whether the sync under way has ended."""


class Command(PortalCommand):
    help = "Run one sync of a connection (of every active one if none is named), waiting for one under way."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--connection", metavar="SLUG", help="the connection; every active one if absent")
        parser.add_argument("--full", action="store_true", help="read every view again, not only what changed")

    def run(self, *, connection: str | None = None, full: bool = False, **options: Any) -> dict[str, Any]:
        if connection:
            found = list(Connection.objects.filter(slug=connection))
            missing = f"There is no connection {connection}."
        else:
            found = list(Connection.objects.filter(is_active=True))
            missing = "There is no active connection; add one with connect."
        if not found:
            self.fail(missing)
        kind = SyncRun.Kind.FULL if full else SyncRun.Kind.INCREMENTAL
        reports = [self._sync_or_refusal(one, kind) for one in found]
        result = {"syncs": reports, **(reports[0] if len(reports) == 1 else {})}
        bad = [report for report in reports if report["state"] != SyncRun.State.SUCCEEDED]
        if bad:
            result.pop("error", None)
            words = (f"{report['connection']}: {report['error'] or report['state']}" for report in bad)
            self.fail("\n".join(words), **result)
        return result

    def _sync_or_refusal(self, connection: Connection, kind: str) -> dict[str, Any]:
        """A report on one connection; a key that PostHog refuses keeps no other connection from its sync."""
        try:
            return self._report(self._sync(connection, kind))
        except KeyRefused as refusal:
            self.say(f"{connection.slug}: not started")
            return {
                "connection": connection.slug,
                "id": None,
                "kind": kind,
                "state": SyncRun.State.FAILED,
                "counts": {},
                "error": refusal.message,
            }

    def _sync(self, connection: Connection, kind: str) -> SyncRun:
        told = False
        while True:
            try:
                sync = services.start_sync(connection=connection, kind=kind, queue=False)
            except SyncRunning as running:
                if not told:
                    self.say(f"{connection.slug}: waiting for the sync under way ({running.sync.pk})")
                    told = True
                time.sleep(ASK_AGAIN_AFTER)
                continue
            self.say(f"{connection.slug}: syncing")
            services.run_sync(sync.pk)
            sync.refresh_from_db()
            return sync

    def _report(self, sync: SyncRun) -> dict[str, Any]:
        counts = progress.numbers(sync)
        words = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items())
        self.say(f"{sync.connection.slug}: {sync.get_state_display().lower()}{f' ({words})' if words else ''}")
        for note in progress.notes(sync):
            self.say(f"  {note}")
        return {
            "connection": sync.connection.slug,
            "id": str(sync.pk),
            "kind": sync.kind,
            "state": sync.state,
            "counts": counts,
            "error": sync.error,
        }

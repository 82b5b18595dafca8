"""`python manage.py archive_audit --before DATE --to FILE`: move the oldest entries of the trail into a signed file."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from django.utils.dateparse import parse_date

from warehouse_admin.audit import pruning
from warehouse_admin.management.base import PortalCommand


class Command(PortalCommand):
    help = (
        "Write the entries of the audit trail before a day to a signed file, then take them out of the database. "
        "Keep the file: nothing else has them. The chain is verified from the entry after them on."
    )

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--before", required=True, metavar="DATE", help="the first day that stays, like 2026-01-31")
        parser.add_argument("--to", required=True, type=Path, metavar="FILE", dest="path", help="a new file")

    def run(self, *, before: str, path: Path, **options: Any) -> dict[str, Any]:
        archive = pruning.archive_and_prune(before=self._moment(before), path=path)
        self.say(
            f"Entries {archive.from_sequence} to {archive.to_sequence} are in {path} and no longer in the database. "
            f"Check the file with verify_audit --segment {path}."
        )
        return {"from": archive.from_sequence, "to": archive.to_sequence, "sha256": archive.file_sha256}

    def _moment(self, day: str) -> datetime:
        try:
            found = parse_date(day)
        except ValueError:  # well formed, but no such day
            found = None
        if found is None:
            self.misuse("--before takes a day like 2026-01-31.")
        return datetime.combine(found, time.min, UTC)

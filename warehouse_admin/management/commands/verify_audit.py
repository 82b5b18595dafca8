"""`python manage.py verify_audit [--from N]`: is the audit trail what it was?"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from warehouse_admin.audit import services
from warehouse_admin.management.base import PortalCommand


class Command(PortalCommand):
    help = "Check the chain of the audit trail, and name the first bad row."

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("--from", type=int, default=1, dest="start", metavar="N", help="first entry to check")

    def run(self, *, start: int, **options: Any) -> dict[str, Any]:
        if start < 1:
            self.misuse("--from takes the number of an entry, 1 or more.")
        found = services.verify(from_sequence=start)
        told = {"from": found.from_sequence, "verified_to": found.to_sequence}
        if found.bad_sequence is not None:
            self.fail(f"{found.problem} First bad row: {found.bad_sequence}.", bad_row=found.bad_sequence, **told)
        self.say(f"The trail is whole from entry {found.from_sequence} to entry {found.to_sequence}.")
        return told

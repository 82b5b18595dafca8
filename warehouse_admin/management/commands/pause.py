"""`python manage.py pause VIEW … --user NAME --reason WHY [--until WHEN]`: pause schedules."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from warehouse_admin.management.campaigns import CampaignCommand


class Command(CampaignCommand):
    help = "Pause the schedules of views in one campaign, and verify each of them."
    action = "pause"

    def add_options(self, parser: ArgumentParser) -> None:
        super().add_options(parser)
        parser.add_argument("--until", metavar="WHEN", help="wake them up then, like 2026-01-31T08:00Z (UTC if unsaid)")

    def more(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"until": self._moment(options["until"])}

    def _moment(self, text: str | None) -> datetime | None:
        if not text:
            return None
        try:
            found = parse_datetime(text)
        except ValueError:
            found = None
        if found is None:
            self.misuse(f"{text} is no date and time; write it like 2026-01-31T08:00Z.")
        return found if timezone.is_aware(found) else timezone.make_aware(found)

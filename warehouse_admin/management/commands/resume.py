"""`python manage.py resume VIEW … --user NAME --reason WHY`: resume schedules, with an outcome for each."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from warehouse_admin.management.campaigns import CampaignCommand
from warehouse_admin.schedules.methods import methods_for


class Command(CampaignCommand):
    help = "Resume the schedules of views in one campaign, and verify each of them."
    action = "resume"

    def add_options(self, parser: ArgumentParser) -> None:
        super().add_options(parser)
        ways = [method.name for method in methods_for(self.action)]
        parser.add_argument("--method", choices=ways, default="", help="how; some servers offer only the second")
        parser.add_argument("--cadence", default="", help="for views whose last cadence is not known")

    def more(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"method": options["method"], "cadence": options["cadence"]}

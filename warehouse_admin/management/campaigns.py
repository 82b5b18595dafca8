"""What the commands that act on schedules have in common: who, which views, and the report."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from typing import Any

from warehouse_admin.accounts.models import User
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.management.base import PortalCommand
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.schedules import records, services
from warehouse_admin.schedules.models import Campaign, CampaignItem
from warehouse_admin.schedules.plan import STOP_PERCENT, Plan

ASK_AGAIN_AFTER = 1.0
"""Seconds between two looks at a campaign that another worker has, or that waits."""


class CampaignCommand(PortalCommand):
    """Starts a campaign, sees it through to its end, and reports every view; 0 only if all did as hoped."""

    action: str

    def add_options(self, parser: ArgumentParser) -> None:
        parser.add_argument("views", nargs="*", metavar="VIEW", help="names or ids; `-` reads them from standard input")
        parser.add_argument("--connection", metavar="SLUG", help="of which connection the names are")
        parser.add_argument("--user", required=True, metavar="NAME", help="in whose name; must be an operator")
        parser.add_argument("--reason", required=True, help="why; kept in the audit trail")
        parser.add_argument("--confirm-count", type=int, metavar="N", help="the number of views, where so many need it")
        parser.add_argument("--canary", type=int, default=0, metavar="N", help="verify the first N before the rest")
        parser.add_argument("--per-minute", type=int, metavar="N", help="send at most N views a minute")
        parser.add_argument(
            "--stop-percent", type=int, default=STOP_PERCENT, metavar="P", help="stop when more than P %% fail again"
        )
        parser.add_argument("--no-wait", action="store_true", help="leave the work to the worker")

    def more(self, options: dict[str, Any]) -> dict[str, Any]:
        """Further arguments of the campaign."""
        return {}

    def run(self, **options: Any) -> dict[str, Any]:
        campaign = self._start(options)
        if not options["no_wait"]:
            self._see_through(campaign)
        return self._report(campaign, waited=not options["no_wait"])

    def _see_through(self, campaign: Campaign) -> None:
        """Until it has ended or only a person can let it go on; a worker may have been faster than this command."""
        told = ""
        while True:
            services.run_campaign(campaign.pk)
            campaign.refresh_from_db()
            if not campaign.is_open or _waits_for_a_person(campaign):
                return
            if (now := _progress(campaign)) != told:
                self.say(now)
                told = now
            time.sleep(ASK_AGAIN_AFTER)

    def _start(self, options: dict[str, Any]) -> Campaign:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            self.misuse(f"There is no person {options['user']}.")
        plan = Plan(
            canary_size=options["canary"], per_minute=options["per_minute"], stop_percent=options["stop_percent"]
        )
        try:
            return services.start_campaign(
                user=user,
                action=self.action,
                saved_queries=self._views(options["views"], options["connection"] or ""),
                reason=options["reason"],
                confirm_count=options["confirm_count"],
                plan=plan,
                **self.more(options),
            )
        except InvalidInput as error:
            said = [f"{field}: {text}" for field, texts in error.errors.items() for text in texts]
            self.misuse("\n".join([error.message, *said]), errors=error.errors)

    def _views(self, given: list[str], connection: str) -> list[SavedQuery | str]:
        if given == ["-"]:
            given = sys.stdin.read().split()
        if not given:
            self.misuse("Name at least one view.")
        rows = SavedQuery.objects.present().of(connection).filter(name__in=given).defer("query", "columns")
        by_name: dict[str, list[SavedQuery]] = {}
        for row in rows:
            by_name.setdefault(row.name, []).append(row)
        if unclear := [name for name, found in by_name.items() if len(found) > 1]:
            self.misuse(f"Several connections have {', '.join(unclear)}: name one with --connection.")
        return [by_name[name][0] if name in by_name else name for name in given]

    def _report(self, campaign: Campaign, *, waited: bool) -> dict[str, Any]:
        campaign.refresh_from_db()
        counts = records.counts_of(campaign)
        items = list(records.items_of(campaign))
        for item in items:
            self.say(f"{item.saved_query.name}: {item.outcome}. {item.told}".rstrip())
        words = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
        self.say(f"Campaign {campaign.pk}: {campaign.state} ({words}).")
        if campaign.is_open and campaign.rests_on:
            self.say(f"It waits for {campaign.rests_on}.")
        result = {
            "id": str(campaign.pk),
            "state": campaign.state,
            "counts": counts,
            "items": [
                {
                    "saved_query": str(item.saved_query.posthog_id),
                    "name": item.saved_query.name,
                    "outcome": item.outcome,
                }
                for item in items
            ],
        }
        bad = [item for item in items if item.outcome not in (*CampaignItem.FINE, "queued", "sent")]
        if waited and (why := _waits_for_a_person(campaign)):
            self.fail(f"Campaign {campaign.pk} {why}.", **result)
        if bad or campaign.state in (Campaign.State.STOPPED, Campaign.State.FAILED):
            self.fail(campaign.error or f"{len(bad)} views did not do as hoped.", **result)
        return result


def _waits_for_a_person(campaign: Campaign) -> str:
    """What it cannot go on without, in words; empty while it goes on by itself, however late."""
    if campaign.is_waiting_for_second:
        return "waits for a second person to confirm it; nothing was sent yet"
    rests = not campaign.claim or campaign.silence
    if campaign.is_open and campaign.paused_at and not campaign.stop_requested and rests:
        return "is paused; nothing more is sent until somebody continues it"
    return ""


def _progress(campaign: Campaign) -> str:
    counts = records.counts_of(campaign)
    total = sum(counts.values())
    done = total - counts.get(CampaignItem.Outcome.QUEUED, 0) - counts.get(CampaignItem.Outcome.SENT, 0)
    waits = f"; waits for {campaign.rests_on}" if campaign.rests_on else ""
    return f"{done} of {total} settled{waits}"

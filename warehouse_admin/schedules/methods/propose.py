"""Another cadence for many views: one change request for each, which others review; nothing is sent from here."""

from __future__ import annotations

from warehouse_admin.accounts.roles import PROPOSE
from warehouse_admin.core.errors import UserError
from warehouse_admin.mirror import hooks
from warehouse_admin.schedules.items import settle
from warehouse_admin.schedules.methods.base import Method, Outcome, Verdict, ruled_out
from warehouse_admin.schedules.models import Campaign, CampaignItem

NOT_OFFERED = "Changes cannot be proposed here."


class ProposeCadence(Method):
    name = Campaign.Method.PROPOSE
    action = Campaign.Action.CADENCE
    capability = "write"
    permission = PROPOSE
    label = "A change request for each view"
    calls_each = 1
    sends = False

    def settled_already(self, campaign: Campaign, item: CampaignItem) -> Verdict | None:
        if found := ruled_out(item.saved_query):
            return found
        if item.saved_query.is_materialized is False:
            return Outcome.NOT_NEEDED, "It is not materialized, so it has no cadence."
        return None

    def act(self, campaign: Campaign, item: CampaignItem) -> None:
        """Open the change; asked again after a crash, the same change is found."""
        try:
            number = self._propose(campaign, item)
        except UserError as refusal:
            said = "; ".join(text for texts in refusal.errors.values() for text in texts)
            settle(campaign, item, Outcome.FAILED, said or refusal.message)
            return
        CampaignItem.objects.filter(pk=item.pk).update(change_number=number)
        item.change_number = number
        settle(campaign, item, Outcome.PROPOSED, f"Change #{number} was opened and waits for a review.")

    def _propose(self, campaign: Campaign, item: CampaignItem) -> int:
        for propose in hooks.cadence_changes:
            return propose(
                campaign.started_by,
                item.saved_query,
                campaign.cadence,
                campaign.reason,
                f"campaign:{campaign.pk.hex}:{item.pk}",
            )
        raise UserError(NOT_OFFERED)

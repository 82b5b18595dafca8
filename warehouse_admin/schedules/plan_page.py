"""The plan of a campaign as its page shows it: what speaks against a view first, whatever the order of sending."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from warehouse_admin.accounts.models import User
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.schedules import offers
from warehouse_admin.schedules.models import Campaign
from warehouse_admin.schedules.preview import Planned, preview


@dataclass(frozen=True)
class Section:
    """Some views of a plan under one heading, with a tick for all of them."""

    against: bool
    plans: list[Planned]

    @property
    def left_out(self) -> bool:
        """Whether some of them are not ticked."""
        return not all(plan.ticked for plan in self.plans)


def sections_of(planned: Sequence[Planned]) -> list[Section]:
    """Those with something against them, then the rest; each in the order of sending, and none that is empty."""
    against = [plan for plan in planned if plan.remark or plan.broken]
    rest = [plan for plan in planned if not (plan.remark or plan.broken)]
    return [section for section in (Section(True, against), Section(False, rest)) if section.plans]


def planned_alone(view: SavedQuery, action: str, user: User) -> Planned | None:
    """One view as a plan of its own would show it; None for what no campaign does."""
    if action not in Campaign.Action.values or view.deleted_at:
        return None
    method = offers.resume_way(view, user).name if action == Campaign.Action.RESUME else ""
    planned = preview([str(view.posthog_id)], action=action, method=method, user=user)["planned"]
    return planned[0] if planned else None

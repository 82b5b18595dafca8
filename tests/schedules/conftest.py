"""Campaigns against a sandbox of any generation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from warehouse_admin.accounts.models import User
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.schedules import services
from warehouse_admin.schedules.models import Campaign

SUSPENDED = ["int_account_health", "int_marketing_touches", "int_sessions"]
HEALTHY = "stg_fx_rates"
PAUSED = "mart_support_sla"
YEAR = datetime.now(UTC).year + 2
"""Of dates to come, within those that are taken."""
MANAGED = "stripe.charge_revenue_view"


@pytest.fixture
def views() -> Callable[..., list[SavedQuery]]:
    def get(*names: str) -> list[SavedQuery]:
        found = {view.name: view for view in SavedQuery.objects.present().filter(name__in=names)}
        return [found[name] for name in names]

    return get


@pytest.fixture
def start(operator: User, views: Callable[..., list[SavedQuery]]) -> Callable[..., Campaign]:
    """Start a campaign over named views, without working on it."""

    def begin(*names: str, reason: str = "fixed the cause", **more: object) -> Campaign:
        return services.start_resume(user=operator, saved_queries=views(*names), reason=reason, **more)

    return begin


@pytest.fixture
def outcomes() -> Callable[[Campaign], dict[str, str]]:
    def get(resume: Campaign) -> dict[str, str]:
        return dict(resume.items.values_list("saved_query__name", "outcome"))

    return get


def work(campaign: Campaign) -> Campaign:
    """Let a worker at it, as often as it wants to be taken up again at once."""
    services.run_campaign(campaign.pk)
    campaign.refresh_from_db()
    return campaign


@pytest.fixture
def begin(operator: User, views: Callable[..., list[SavedQuery]]) -> Callable[..., Campaign]:
    """Start a campaign of any action over named views, without working on it."""

    def make(action: str, *names: str, reason: str = "because", **more: object) -> Campaign:
        return services.start_campaign(user=operator, action=action, saved_queries=views(*names), reason=reason, **more)

    return make

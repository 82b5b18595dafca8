"""Going back to the schema before plans and holds loses nothing that it could have told, and sends nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection as database
from django.db.migrations.executor import MigrationExecutor

from tests.mirror.builders import make_view
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.schedules.models import Campaign, CampaignItem

BEFORE = [("schedules", "0002_campaigns")]


@pytest.fixture
def back(transactional_db: None) -> Iterator[Any]:
    """Go back when asked; the database is brought up to date again afterwards."""
    newest = MigrationExecutor(database).loader.graph.leaf_nodes()

    def go() -> Any:
        MigrationExecutor(database).migrate(BEFORE)
        return MigrationExecutor(database).loader.project_state(BEFORE).apps

    yield go
    MigrationExecutor(database).migrate(newest)


def test_resumes_by_people_stay_and_what_is_open_is_stopped(back: Any, connection: Connection, operator: User) -> None:
    def campaign(**fields: Any) -> uuid.UUID:
        made = Campaign.objects.create(connection=connection, reason="because", **fields)
        view = make_view(connection, f"v{made.pk}")
        CampaignItem.objects.create(campaign=made, saved_query=view, position=1, is_open=made.is_open)
        return made.pk

    done = campaign(started_by=operator, state="succeeded")
    under_way = campaign(started_by=operator, state="running")
    campaign(started_by=None, method="restore_cadence", state="succeeded")  # the system woke a pause
    campaign(started_by=None, state="succeeded")
    campaign(started_by=operator, action="pause", method="never", state="queued")

    old = back()

    found = old.get_model("schedules", "Campaign").objects.order_by("created_at").values_list("pk", "state")
    assert list(found) == [(done, "succeeded"), (under_way, "stopped")]
    assert not old.get_model("schedules", "CampaignItem").objects.filter(is_open=True).exists()

"""Who may start a campaign, over which views, and what has to be confirmed."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from django.utils import timezone

from tests.schedules.conftest import HEALTHY, SUSPENDED
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.core.errors import InvalidInput, NotPermitted
from warehouse_admin.lineage.models import Edge
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.schedules import services
from warehouse_admin.schedules.errors import AlreadyInCampaign, NotOffered
from warehouse_admin.schedules.models import Campaign
from warehouse_admin.schedules.selectors import schedules_of

pytestmark = pytest.mark.django_db
Start = Callable[..., Campaign]
Views = Callable[..., list[SavedQuery]]


def test_it_records_who_asked_and_why_before_anything_is_sent(
    synced: Connection, start: Start, sandbox: SandboxServer
) -> None:
    resume = start(*SUSPENDED, reason="  the source is back  ")

    entry = AuditEntry.objects.get(action="schedules.resume")
    assert (entry.result, entry.object_type, entry.object_id) == ("asked", "resume", str(resume.pk))
    assert (entry.reason, entry.request_id, entry.actor_name) == ("the source is back", resume.request_id, "operator")
    assert resume.state == "queued"
    assert sandbox.world.requests_to("resume_schedules") == []


def test_sources_are_sent_before_what_reads_them(synced: Connection, start: Start, views: Views) -> None:
    first, second, third = views(*SUSPENDED)
    Edge.objects.update_or_create(
        downstream=first, name=third.name, defaults={"connection": synced, "upstream_view": third}
    )
    Edge.objects.update_or_create(
        downstream=third, name=second.name, defaults={"connection": synced, "upstream_view": second}
    )

    resume = start(*SUSPENDED)

    assert [item.saved_query for item in resume.items.all()] == [second, third, first]


def test_the_order_also_holds_through_views_that_were_not_chosen(
    synced: Connection, start: Start, views: Views
) -> None:
    first, second, between = views("int_account_health", "int_sessions", HEALTHY)
    Edge.objects.filter(downstream__in=[first, second, between]).delete()
    for down, up in ((first, between), (between, second)):
        Edge.objects.create(downstream=down, name=up.name, connection=synced, upstream_view=up)

    resume = start("int_account_health", "int_sessions")

    assert [item.saved_query for item in resume.items.all()] == [second, first]


@pytest.mark.parametrize("role", ["author", "reviewer", "auditor", "viewer", "outsider"])
def test_only_operators_may(synced: Connection, role: str, request: pytest.FixtureRequest, views: Views) -> None:
    user: User = request.getfixturevalue(role)

    with pytest.raises(NotPermitted):
        services.start_resume(user=user, saved_queries=views(*SUSPENDED), reason="because")

    assert not Campaign.objects.exists()


def test_a_reason_is_required(synced: Connection, start: Start) -> None:
    with pytest.raises(InvalidInput) as refusal:
        start(*SUSPENDED, reason="  ")

    assert "reason" in refusal.value.errors


@pytest.mark.parametrize("bad", ["not-a-uuid", str(uuid.UUID(int=7)), "1'; DROP TABLE x", ""])
def test_foreign_and_malformed_ids_are_named(synced: Connection, operator: User, views: Views, bad: str) -> None:
    ids = [view.posthog_id for view in views(*SUSPENDED)]

    with pytest.raises(InvalidInput) as refusal:
        services.start_resume(user=operator, saved_queries=[*ids, bad], reason="because")

    assert bad in refusal.value.errors["saved_queries"][0]
    assert not Campaign.objects.exists()


def test_deleted_views_and_an_empty_choice_are_refused(synced: Connection, operator: User, views: Views) -> None:
    gone = views(HEALTHY)[0]
    SavedQuery.objects.filter(pk=gone.pk).update(deleted_at=gone.synced_at)

    with pytest.raises(InvalidInput, match=HEALTHY):
        services.start_resume(user=operator, saved_queries=[str(gone.posthog_id)], reason="because")
    with pytest.raises(InvalidInput, match="at least one"):
        services.start_resume(user=operator, saved_queries=[], reason="because")


def test_views_of_two_connections_are_refused(synced: Connection, operator: User, views: Views) -> None:
    other = Connection.objects.create(slug="other", name="Other", host="http://127.0.0.1:9", project_id="1")
    foreign = SavedQuery.objects.create(connection=other, posthog_id=uuid.uuid4(), name="elsewhere")

    with pytest.raises(InvalidInput, match="demo, other"):
        services.start_resume(user=operator, saved_queries=[*views(HEALTHY), foreign], reason="because")


def test_a_view_belongs_to_one_open_campaign_at_a_time(synced: Connection, start: Start) -> None:
    start(*SUSPENDED)

    with pytest.raises(AlreadyInCampaign, match="int_sessions"):
        start("int_sessions", HEALTHY)

    assert Campaign.objects.count() == 1


def test_many_schedules_at_once_need_the_number_typed(synced: Connection, operator: User) -> None:
    most = list(schedules_of(synced)[:30])

    with pytest.raises(InvalidInput) as refusal:
        services.start_resume(user=operator, saved_queries=most, reason="because")
    with pytest.raises(InvalidInput):
        services.start_resume(user=operator, saved_queries=most, reason="because", confirm_count=29)
    resume = services.start_resume(user=operator, saved_queries=most, reason="because", confirm_count=30)

    assert "30" in refusal.value.errors["confirm_count"][0]
    assert resume.items.count() == 30


@pytest.mark.parametrize("name", ["A", "B"])
def test_servers_that_refuse_keys_are_said_so_before_starting(
    generation: Callable[[str], Connection], start: Start, sandbox: SandboxServer, name: str
) -> None:
    generation(name)

    with pytest.raises(NotOffered, match="only a person signed in to PostHog"):
        start(*SUSPENDED)

    assert not Campaign.objects.exists()
    assert sandbox.world.requests_to("resume_schedules") == []


def test_nothing_is_started_with_a_refused_key(synced: Connection, operator: User, views: Views) -> None:
    Connection.objects.update(key_refused_at=timezone.now())

    with pytest.raises(NotOffered, match="Nothing was started. PostHog refuses the API key of Demo"):
        services.start_resume(user=operator, saved_queries=views(*SUSPENDED), reason="why")
    with pytest.raises(NotOffered, match="PostHog refuses the API key of Demo"):
        services.run_now(user=operator, saved_query=views(HEALTHY)[0], reason="why")

    assert not Campaign.objects.exists() and not Mutation.objects.exists()

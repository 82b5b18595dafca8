"""One view's run is started or cancelled once, and the trail shows its end."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from tests.schedules.conftest import HEALTHY, MANAGED, PAUSED
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.core.errors import InvalidInput, NotPermitted
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.schedules import services
from warehouse_admin.schedules.errors import NothingToDo, NotOffered
from warehouse_admin.schedules.models import Campaign

pytestmark = pytest.mark.django_db
ViewNamed = Callable[[str], SavedQuery]
ClientOf = Callable[[User], Client]


def test_a_run_is_asked_for_once_however_often_the_button_is_pressed(
    operator: User, view_named: ViewNamed, sandbox: SandboxServer
) -> None:
    view = view_named(HEALTHY)
    first = services.run_now(user=operator, saved_query=view, reason="late data")
    again = services.run_now(user=operator, saved_query=view, reason="late data")
    assert first == again

    services.send_single(first.pk)
    services.send_single(first.pk)

    assert len(sandbox.world.requests_to("/run", "POST")) == 1
    assert SavedQuery.objects.get(pk=view.pk).status == "Running"
    results = AuditEntry.objects.filter(action="saved_query.run").order_by("sequence").values_list("result", "reason")
    assert list(results) == [("asked", "late data"), ("ok", "late data")]
    assert services.run_now(user=operator, saved_query=view, reason="again") != first


def test_cancelling_works_where_the_server_offers_it(
    generation: Callable[[str], Connection], operator: User, sandbox: SandboxServer
) -> None:
    connection = generation("C")
    sandbox.world.run_outside(HEALTHY)
    view = SavedQuery.objects.get(connection=connection, name=HEALTHY)

    services.send_single(services.cancel_run(user=operator, saved_query=view, reason="runaway").pk)

    assert sandbox.world.view(HEALTHY).status == "Cancelled"
    assert Mutation.objects.get().state == "happened"


@pytest.mark.parametrize(("name", "act"), [("D", services.cancel_run), ("B", services.run_now)])
def test_what_the_server_refuses_to_keys_is_said_before(
    generation: Callable[[str], Connection], operator: User, name: str, act: Callable[..., Mutation]
) -> None:
    view = SavedQuery.objects.get(connection=generation(name), name=HEALTHY)

    with pytest.raises(NotOffered, match="only a person signed in to PostHog"):
        act(user=operator, saved_query=view, reason="because")

    assert not Mutation.objects.exists()


def test_a_view_without_a_table_has_no_runs(operator: User, view_named: ViewNamed) -> None:
    view = view_named(HEALTHY)
    view.is_materialized = False

    with pytest.raises(NothingToDo, match="not materialized"):
        services.run_now(user=operator, saved_query=view, reason="because")


@pytest.mark.parametrize("verb", ["run", "pause", "resume"])
def test_what_posthog_manages_is_refused_in_one_sentence_before_anything_is_asked(
    synced: Connection, operator: User, client_of: ClientOf, view_named: ViewNamed, verb: str
) -> None:
    path, client = f"/saved-queries/{view_named(MANAGED).posthog_id}/", client_of(operator)
    page = client.get(f"{path}{verb}/").content.decode()

    words = "PostHog manages this view and its schedule; the portal sends nothing for it."
    assert verb != "run" or words in client.get(path).content.decode()
    assert f'<button class="btn btn-primary" disabled title="{words}">' in page


def test_a_managed_view_is_not_run_by_whoever_asks_all_the_same(
    synced: Connection, operator: User, client_of: ClientOf, view_named: ViewNamed, sandbox: SandboxServer
) -> None:
    view, client = view_named(MANAGED), client_of(operator)

    by_page = client.post(f"/saved-queries/{view.posthog_id}/run/", {"reason": "late data"})
    by_program = client.post(
        f"/api/v1/saved-queries/{view.posthog_id}/run/", {"reason": "late data"}, content_type="application/json"
    )
    with pytest.raises(NotOffered, match="manages this view and its schedule"):
        services.run_now(user=operator, saved_query=view, reason="late data")

    assert (by_page.status_code, by_program.status_code) == (409, 409)
    assert "manages this view and its schedule" in by_program.json()["detail"]
    assert not Mutation.objects.exists() and not sandbox.world.requests_to("/run", "POST")


def test_a_reason_is_required(operator: User, view_named: ViewNamed) -> None:
    with pytest.raises(InvalidInput):
        services.run_now(user=operator, saved_query=view_named(HEALTHY), reason=" ")


def test_other_roles_may_not(author: User, view_named: ViewNamed) -> None:
    with pytest.raises(NotPermitted):
        services.run_now(user=author, saved_query=view_named(HEALTHY), reason="because")


def test_the_page_asks_why_and_sends(
    operator: User,
    author: User,
    view_named: ViewNamed,
    client_of: Callable[[User], Client],
    sandbox: SandboxServer,
    django_capture_on_commit_callbacks: Callable[..., object],
) -> None:
    path = f"/saved-queries/{view_named(HEALTHY).posthog_id}/run/"
    client = client_of(operator)
    assert client.get(path).status_code == 200
    assert client.post(path, {"reason": ""}).status_code == 422

    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(path, {"reason": "late data"})

    assert answer.status_code == 302
    assert len(sandbox.world.requests_to("/run", "POST")) == 1
    assert client_of(author).post(path, {"reason": "me too"}).status_code == 403
    assert AuditEntry.objects.filter(action="saved_query.run", result="denied", actor=author).count() == 1


@pytest.mark.parametrize("verb", ["run", "cancel", "pause", "resume"])
def test_who_may_not_reads_so_before_writing_a_reason(
    synced: Connection, viewer: User, client_of: Callable[[User], Client], view_named: ViewNamed, verb: str
) -> None:
    page, client = f"/saved-queries/{view_named(HEALTHY).posthog_id}/{verb}/", client_of(viewer)

    shown = client.get(page).content.decode()

    assert re.search(r'<button class="btn btn-primary" disabled title="[^"]*administrators do this', shown)
    assert client.post(page, {"reason": "x"}).status_code == 403


def test_alone_a_view_whose_cadence_is_not_known_is_not_resumed_without_one(
    synced: Connection, operator: User, client_of: Callable[[User], Client], view_named: ViewNamed
) -> None:
    page, client = f"/saved-queries/{view_named(PAUSED).posthog_id}/resume/", client_of(operator)

    refused = client.post(page, {"reason": "it is wanted again"})

    assert (refused.status_code, Campaign.objects.count()) == (422, 0)
    assert "it is wanted again" in refused.content.decode()
    assert client.post(page, {"reason": "it is wanted again", "cadence": "6hour"}).status_code == 302
    assert Campaign.objects.get().cadence == "6hour"

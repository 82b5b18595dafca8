"""Everything that happened is told once, in one class, with the author that somebody really named."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from tests.activity.conftest import EDITED, VIEWS_ONLY, news, sync
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.activity import presenters, services
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import Observation, RemoteActivity, SavedQuery
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db
ANA = "ana@harborgoods.example"
ViewNamed = Callable[[str], SavedQuery]
EditHere = Callable[..., Mutation]


def test_what_was_there_before_us_is_history(known: Connection) -> None:
    assert ActivityEntry.objects.exists()
    assert news() == []
    managed = ActivityEntry.objects.get(object_name="stripe.charge_revenue_view", kind="created")
    assert (managed.source, managed.author) == ("system", "")
    assert managed.occurred_at == managed.saved_query.remote_created_at
    assert not RemoteActivity.objects.filter(entry=None).exists()
    assert not Observation.objects.filter(entry=None).exists()


@pytest.mark.parametrize("name", ["C", "D"])
def test_an_edit_by_somebody_else_is_outside_with_its_author(
    generation: Callable[..., Connection], sandbox: SandboxServer, name: str
) -> None:
    connection = generation(name)
    old = sandbox.world.view(EDITED).sql
    sandbox.world.edit_outside(EDITED, "SELECT 1 AS one")

    sync(connection)

    [entry] = news()
    assert (entry.source, entry.kind, entry.author) == ("outside", "edited", ANA)
    assert (entry.before, entry.after) == ({"query": old}, {"query": "SELECT 1 AS one"})
    assert entry.remote_activity is not None
    assert entry.observation is not None
    assert presenters.sentence(entry) == f"{ANA} edited {EDITED} outside the portal"


@pytest.mark.parametrize("name", ["A", "B", "D"])
def test_without_the_log_nobody_is_named(
    generation: Callable[..., Connection], sandbox: SandboxServer, name: str
) -> None:
    connection = generation(name, VIEWS_ONLY)
    sandbox.world.edit_outside(EDITED, "SELECT 1 AS one")

    sync(connection)

    [entry] = [entry for entry in news() if entry.kind == "edited"]
    assert (entry.source, entry.author) == ("unknown", "")
    assert entry.after == {"query": "SELECT 1 AS one"}
    assert "PostHog does not say who" in presenters.sentence(entry)


def test_our_own_edit_is_ours_though_posthog_names_the_owner_of_the_key(
    known: Connection, view_named: ViewNamed, edit_here: EditHere, operator: User
) -> None:
    mutation = edit_here(view_named(EDITED), "SELECT 2 AS two")

    sync(known)

    [entry] = ActivityEntry.objects.filter(mutation=mutation)
    assert (entry.source, entry.author, entry.needs_review) == ("portal", operator.username, False)
    assert presenters.change_number(entry) == 7
    assert entry.remote_activity is not None
    assert entry.remote_activity.user_email.startswith("portal@")
    assert news() == []
    assert ActivityEntry.objects.filter(after__query="SELECT 2 AS two").count() == 1


def test_an_edit_whose_answer_was_lost_is_ours_as_well(
    known: Connection, view_named: ViewNamed, edit_here: EditHere, sandbox: SandboxServer
) -> None:
    sandbox.world.faults.add(Fault("drop_after", "PATCH"))
    mutation = edit_here(view_named(EDITED), "SELECT 2 AS two")
    assert mutation.state == "unconfirmed"

    sync(known)

    assert [entry.mutation for entry in ActivityEntry.objects.filter(after__query="SELECT 2 AS two")] == [mutation]
    assert news() == []


def test_the_same_text_saved_again_by_another_is_outside(
    known: Connection, view_named: ViewNamed, edit_here: EditHere, sandbox: SandboxServer
) -> None:
    view = view_named(EDITED)
    edit_here(view, "SELECT 2 AS two")
    sandbox.world.edit_outside(EDITED, view.query or "")
    sandbox.world.edit_outside(EDITED, "SELECT 2 AS two", by="ben")

    sync(known)

    assert [(entry.source, entry.author.split("@")[0]) for entry in news()] == [("outside", "ana"), ("outside", "ben")]
    assert ActivityEntry.objects.filter(source="portal").count() == 1


def test_two_edits_between_syncs_both_appear(known: Connection, sandbox: SandboxServer) -> None:
    sandbox.world.edit_outside(EDITED, "SELECT 1 AS one", by="ana")
    sandbox.world.edit_outside(EDITED, "SELECT 2 AS two", by="ben")

    sync(known)

    first, second = news()
    assert [first.after, second.after] == [{"query": "SELECT 1 AS one"}, {"query": "SELECT 2 AS two"}]
    assert (first.observation, second.observation is not None) == (None, True)
    assert [first.author.split("@")[0], second.author.split("@")[0]] == ["ana", "ben"]


def test_a_log_entry_that_comes_late_names_the_author(known: Connection, sandbox: SandboxServer) -> None:
    sandbox.world.edit_outside(EDITED, "SELECT 1 AS one")
    SavedQuery.objects.filter(name=EDITED).update(needs_detail=True)
    late = sandbox.world.log.pop()
    sync(known)
    [entry] = news()
    assert (entry.source, entry.author) == ("unknown", "")

    sandbox.world.log.append(late)
    sync(known)

    [same] = news()
    assert same.pk == entry.pk
    assert (same.source, same.author) == ("outside", ANA)


def test_renames_and_deletions_that_posthog_keeps_silent_about_are_seen(
    generation: Callable[..., Connection], sandbox: SandboxServer
) -> None:
    connection = generation("B")
    sandbox.world.rename_outside(EDITED, "stg_rates")
    sandbox.world.delete_outside("mart_support_sla")

    sync(connection)

    found = {entry.kind: entry for entry in news()}
    assert (found["renamed"].source, found["renamed"].after) == ("unknown", {"name": "stg_rates"})
    assert (found["deleted"].source, found["deleted"].object_name) == ("unknown", "mart_support_sla")
    assert found["deleted"].before["query"]


def test_a_logged_deletion_has_its_author(known: Connection, sandbox: SandboxServer) -> None:
    sandbox.world.delete_outside("mart_support_sla")

    sync(known)

    entries = [entry for entry in news() if entry.object_name == "mart_support_sla"]
    assert [(entry.kind, entry.source, entry.author) for entry in entries] == [("deleted", "outside", ANA)]


def test_a_new_view_is_told_once(known: Connection, sandbox: SandboxServer) -> None:
    sandbox.world.create_outside("fresh", "SELECT 1 AS one", by="chiara")

    sync(known)

    [entry] = news()
    assert (entry.kind, entry.source, entry.author) == ("created", "outside", "chiara@harborgoods.example")


def test_a_suspension_comes_from_posthog_and_waits_for_a_person(known: Connection, sandbox: SandboxServer) -> None:
    sandbox.world.suspend(EDITED)

    sync(known)

    [entry] = news()
    assert (entry.kind, entry.source, entry.author) == ("suspended", "system", "")
    assert presenters.sentence(entry) == f"PostHog itself suspended {EDITED}"


def test_a_cadence_change_is_told_once(known: Connection, sandbox: SandboxServer) -> None:
    sandbox.world.set_cadence_outside(EDITED, "7day")

    sync(known)

    [entry] = news()
    assert (entry.kind, entry.source, entry.author) == ("cadence_changed", "outside", ANA)
    assert entry.remote_activity is not None
    assert entry.observation is not None


def test_taking_in_again_changes_nothing(known: Connection, sandbox: SandboxServer) -> None:
    sandbox.world.edit_outside(EDITED, "SELECT 1 AS one")
    sync(known)
    before = list(ActivityEntry.objects.order_by("pk").values())

    assert services.ingest(known) == 0

    assert list(ActivityEntry.objects.order_by("pk").values()) == before


def test_small_batches_tell_the_same(
    synced: Connection, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from warehouse_admin.activity import ingest

    monkeypatch.setattr(ingest, "BATCH", 7)
    services.ingest(synced)
    sandbox.world.edit_outside(EDITED, "SELECT 1 AS one")
    sync(synced)

    assert [(entry.source, entry.author) for entry in news()] == [("outside", ANA)]


def test_the_inbox_fills_when_a_sync_ends(
    connection: Connection, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        mirror.start_sync(connection=connection, kind="full")

    assert ActivityEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_tell_everything_once(synced: Connection, sandbox: SandboxServer) -> None:
    for name in (EDITED, "stg_persons"):
        sandbox.world.edit_outside(name, "SELECT 1 AS one")
    run = mirror.start_sync(connection=synced, kind="incremental", queue=False)
    mirror.run_sync(run.pk)
    ActivityEntry.objects.all().delete()

    def take_in(_: int) -> None:
        try:
            services.ingest(synced)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(take_in, range(4)))

    assert not Observation.objects.filter(entry=None).exists()
    assert not RemoteActivity.objects.filter(entry=None).exists()
    assert sorted(entry.object_name for entry in news()) == [EDITED, "stg_persons"]
    assert all(entry.observation is not None and entry.remote_activity is not None for entry in news())

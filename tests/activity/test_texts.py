"""Every SQL text that a view had in our time is one of its versions, with whose it was, whichever log tells of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.activity.conftest import EDITED, news, sync
from tests.mirror.logs import PROJECT_LOG, allow_everything, refuse
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.activity import services
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import Observation, SavedQuery, SavedQueryVersion, SyncRun
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db

ViewNamed = Callable[[str], SavedQuery]
EditHere = Callable[..., Mutation]
ANA, BEN = "ana@harborgoods.example", "ben@harborgoods.example"
ONE, TWO, THREE = (f"SELECT {number} AS one" for number in (1, 2, 3))


@pytest.fixture(params=["project's log", "views' logs"])
def log(request: pytest.FixtureRequest, sandbox: SandboxServer) -> str:
    """Which of PostHog's logs may be read."""
    if request.param != "project's log":
        refuse(sandbox, PROJECT_LOG)
    return str(request.param)


def told(view: SavedQuery) -> list[tuple[int, str, str, str]]:
    """The versions but the first, oldest first; they are numbered without gaps and end with the view's text."""
    view.refresh_from_db()
    versions = list(view.versions.order_by("number"))
    assert [version.number for version in versions] == list(range(1, len(versions) + 1))
    assert versions[-1].query == view.query
    assert versions[0].origin == "first_seen"
    return [(version.number, version.query, version.origin, version.author_name) for version in versions[1:]]


@pytest.mark.parametrize("name", "ABCD")
def test_two_edits_between_syncs_are_two_versions_and_two_entries_with_their_authors(
    log: str, generation: Callable[..., Connection], sandbox: SandboxServer, view_named: ViewNamed, name: str
) -> None:
    connection = generation(name)
    sandbox.world.edit_outside(EDITED, ONE, by="ana")
    sandbox.world.edit_outside(EDITED, TWO, by="ben")

    sync(connection)
    sync(connection)

    assert told(view_named(EDITED)) == [(2, ONE, "outside", ANA), (3, TWO, "outside", BEN)]
    entries = [(one.source, one.kind, one.author, one.after) for one in news() if one.object_name == EDITED]
    assert entries == [("outside", "edited", ANA, {"query": ONE}), ("outside", "edited", BEN, {"query": TWO})]
    assert Observation.objects.filter(kind="edited").count() == 1


def test_an_edit_that_was_put_back_is_in_the_history_all_the_same(
    log: str, known: Connection, sandbox: SandboxServer, view_named: ViewNamed
) -> None:
    view = view_named(EDITED)
    sandbox.world.edit_outside(EDITED, ONE, by="ana")
    sandbox.world.edit_outside(EDITED, view.query or "", by="ben")

    sync(known)

    assert told(view) == [(2, ONE, "outside", ANA), (3, view.query, "outside", BEN)]
    assert [entry.author for entry in news()] == [ANA, BEN]


def test_an_edit_whose_putting_back_is_not_told_yet_does_not_become_the_present_text(
    known: Connection, sandbox: SandboxServer, view_named: ViewNamed
) -> None:
    view = view_named(EDITED)
    sandbox.world.edit_outside(EDITED, ONE, by="ana")
    sandbox.world.edit_outside(EDITED, view.query or "", by="ben")
    late = sandbox.world.log.pop()
    sync(known)
    assert told(view) == [(2, ONE, "outside", ANA), (3, view.query, "outside", "")]

    sandbox.world.log.append(late)
    sync(known)

    assert told(view) == [(2, ONE, "outside", ANA), (3, view.query, "outside", BEN)]


def test_a_text_that_is_told_late_takes_its_place_among_the_others(
    known: Connection, sandbox: SandboxServer, view_named: ViewNamed
) -> None:
    view = view_named(EDITED)
    sandbox.world.edit_outside(EDITED, ONE, by="ana")
    sandbox.world.edit_outside(EDITED, TWO, by="ben")
    late = [sandbox.world.log.pop(), sandbox.world.log.pop()]
    sync(known)
    assert told(view) == [(2, TWO, "outside", "")]

    sandbox.world.log.extend(reversed(late))
    sync(known)

    assert told(view) == [(2, ONE, "outside", ANA), (3, TWO, "outside", BEN)]


def test_our_own_text_that_somebody_replaced_at_once_is_a_version_of_ours(
    log: str, known: Connection, sandbox: SandboxServer, view_named: ViewNamed, edit_here: EditHere, operator: User
) -> None:
    view = view_named(EDITED)
    edit_here(view, TWO)
    sandbox.world.edit_outside(EDITED, THREE, by="ben")

    sync(known)

    assert told(view) == [(2, TWO, "portal", operator.username), (3, THREE, "outside", BEN)]
    assert view.versions.get(number=2).change_number == 7
    assert [entry.author for entry in news()] == [BEN]


def test_our_own_text_that_a_sync_saw_first_is_a_version_of_ours(
    log: str, known: Connection, view_named: ViewNamed, edit_here: EditHere, operator: User
) -> None:
    view = view_named(EDITED)
    edit_here(view, TWO)

    sync(known)

    assert told(view) == [(2, TWO, "portal", operator.username)]
    assert view.versions.get(number=2).change_number == 7


def test_all_texts_of_a_view_made_between_syncs_are_versions(
    log: str, known: Connection, sandbox: SandboxServer, view_named: ViewNamed
) -> None:
    sandbox.world.create_outside("fresh", ONE, by="ana")
    sandbox.world.edit_outside("fresh", TWO, by="ben")

    sync(known)

    versions = view_named("fresh").versions.order_by("number")
    assert list(versions.values_list("query", "origin", "author_name")) == [
        (ONE, "outside", ANA),
        (TWO, "first_seen", ""),
    ]


def test_the_last_text_of_a_view_edited_and_deleted_between_syncs_is_kept(
    log: str, known: Connection, sandbox: SandboxServer, view_named: ViewNamed
) -> None:
    view = view_named("mart_support_sla")
    sandbox.world.edit_outside(view.name, ONE, by="ana")
    sandbox.world.edit_outside(view.name, TWO, by="ben")
    sandbox.world.delete_outside(view.name, by="ben")

    sync(known)

    assert told(view) == [(2, ONE, "outside", ANA), (3, TWO, "outside", BEN)]
    assert view.deleted_at is not None


def test_a_view_that_was_gone_before_it_was_read_keeps_the_text_that_the_log_tells(
    log: str, known: Connection, sandbox: SandboxServer
) -> None:
    made = sandbox.world.create_outside("fleeting", ONE, by="ana")
    sandbox.world.faults.add(Fault("status_500", path_regex=f"/{made.id}/?$"))
    sync(known)
    sandbox.world.delete_outside("fleeting")

    sync(known)

    gone = SavedQuery.objects.get(posthog_id=made.id)
    assert gone.deleted_at is not None
    assert (gone.query, [version.query for version in gone.versions.all()]) == (ONE, [ONE])


def test_texts_from_before_the_first_sync_are_no_versions(
    log: str, connection: Connection, sandbox: SandboxServer
) -> None:
    sandbox.world.edit_outside(EDITED, ONE)
    sandbox.world.edit_outside(EDITED, TWO)
    sync(connection)
    sandbox.world.edit_outside(EDITED, "SELECT 3 AS three")
    sync(connection)

    assert told(SavedQuery.objects.get(name=EDITED)) == [(2, "SELECT 3 AS three", "outside", ANA)]


def test_a_text_of_which_only_a_sync_that_failed_was_told_waits_until_the_view_is_read(
    known: Connection, sandbox: SandboxServer, view_named: ViewNamed
) -> None:
    view = view_named(EDITED)
    sandbox.world.edit_outside(EDITED, ONE, by="ana")
    sandbox.world.edit_outside(EDITED, TWO, by="ben")
    sandbox.world.faults.add(Fault("status_500", path_regex=r"/warehouse_saved_queries/[0-9a-f-]{36}/?$"))
    sandbox.world.faults.add(Fault("status_500", path_regex=r"/warehouse_tables/?$"))
    failed = mirror.start_sync(connection=known)
    mirror.run_sync(failed.pk)
    services.ingest(known)
    assert SyncRun.objects.get(pk=failed.pk).state == "failed"
    assert (len(news()), told(view)) == (2, [])

    sync(known)

    assert told(view) == [(2, ONE, "outside", ANA), (3, TWO, "outside", BEN)]


def test_edits_back_and_forth_are_never_doubled(
    log: str, known: Connection, sandbox: SandboxServer, view_named: ViewNamed
) -> None:
    view = view_named(EDITED)
    for sql, by in ((ONE, "ana"), (TWO, "ben"), (ONE, "ben"), (TWO, "ana")):
        sandbox.world.edit_outside(EDITED, sql, by=by)
        mirror.read_live(view)
    before = list(view.versions.values_list("number", "query"))

    sync(known)
    services.ingest(known)

    assert list(view.versions.values_list("number", "query")) == before
    assert [author for *_, author in told(view)] == [ANA, BEN, BEN, ANA]


def test_a_log_that_can_be_read_again_changes_neither_versions_nor_the_inbox(
    generation: Callable[..., Connection], sandbox: SandboxServer, view_named: ViewNamed
) -> None:
    connection = generation("B")
    refuse(sandbox, PROJECT_LOG)
    sandbox.world.edit_outside(EDITED, ONE, by="ana")
    sandbox.world.edit_outside(EDITED, TWO, by="ben")
    sync(connection)
    before = (list(SavedQueryVersion.objects.order_by("pk").values()), [entry.pk for entry in news()])

    allow_everything(sandbox, connection)
    sync(connection)

    assert (list(SavedQueryVersion.objects.order_by("pk").values()), [entry.pk for entry in news()]) == before

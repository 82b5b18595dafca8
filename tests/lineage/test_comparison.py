"""PostHog's own lineage beside the parsed one: asked for by a person, kept with its time, differences explained."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.urls import reverse

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.core.errors import NotPermitted, UserError
from warehouse_admin.lineage import comparison
from warehouse_admin.lineage import services as lineage
from warehouse_admin.lineage.models import Edge, Reading
from warehouse_admin.mirror import remote_lineage
from warehouse_admin.mirror.models import RemoteLineage, SavedQuery
from warehouse_admin.sandbox.faults import Fault

MIDDLE = "int_orders_enriched"


@pytest.fixture
def warehouse(generation: Callable[[str], Connection]) -> Callable[[str], SavedQuery]:
    """A view with neighbours on both sides, on a server of a generation, mirrored and parsed."""

    def make(name: str) -> SavedQuery:
        connection = generation(name)
        lineage.refresh(connection)
        return SavedQuery.objects.present().get(name=MIDDLE)

    return make


def sides(view: SavedQuery) -> tuple[comparison.Side, comparison.Side]:
    found = comparison.of(view)
    assert found is not None
    return found.sides[0], found.sides[1]


def test_both_agree_where_nothing_was_changed(warehouse, author):
    view = warehouse("C")

    remote_lineage.compare(saved_query=view, user=author)

    up, down = sides(view)
    assert up.is_same and down.is_same
    assert up.here == up.there == up.agreed == up.counted > 0
    assert down.here == down.there == down.agreed == down.counted > 0
    entry = AuditEntry.objects.get(action="saved_query.compare_lineage")
    assert (entry.result, entry.object_name) == ("ok", MIDDLE)


@pytest.mark.parametrize("name", ["A", "B", "D"])
def test_a_server_that_tells_no_key_is_not_asked_and_the_page_says_why(name, warehouse, author, client_of, sandbox):
    view = warehouse(name)
    before = len(sandbox.world.requests)

    with pytest.raises(UserError, match="does not let API keys"):
        remote_lineage.compare(saved_query=view, user=author)

    assert len(sandbox.world.requests) == before
    page = client_of(author).get(reverse("mirror:view-detail", args=[view.posthog_id]), {"tab": "lineage"})
    assert "only a person signed in to PostHog can" in page.content.decode()
    answer = client_of(author).post(f"/api/v1/saved-queries/{view.posthog_id}/lineage/comparison/")
    assert answer.status_code == 409


def test_what_only_posthog_knows_is_explained(warehouse, author, sandbox):
    view = warehouse("C")
    sandbox.world.create_outside("reads_it_newly", f"SELECT * FROM {MIDDLE}", by="ben")  # after the sync
    edge = Edge.objects.filter(downstream=view).first()
    edge.delete()
    Reading.objects.update(complete=True)  # whatever a busy machine had no time for

    remote_lineage.compare(saved_query=view, user=author)

    up, down = sides(view)
    assert [(one.known, one.node.name) for one in up.differences] == [("there", edge.name)]
    assert "does not name it" in up.differences[0].reason
    assert [one.known for one in down.differences] == ["there"]
    assert "newer than the last sync" in down.differences[0].reason


def test_what_only_the_sql_tells_is_explained(warehouse, author, sandbox):
    view = warehouse("C")
    sandbox.world.view(MIDDLE).lineage_dropped = True
    view.is_materialized = False
    view.save()

    remote_lineage.compare(saved_query=view, user=author)

    up, _ = sides(view)
    assert up.there == 0 and len(up.differences) == up.here > 0
    assert {one.known for one in up.differences} == {"here"}
    assert "forgets that when a materialization is undone" in up.differences[0].reason


def test_no_answer_keeps_what_was_known(warehouse, author, client_of, sandbox):
    view = warehouse("C")
    remote_lineage.compare(saved_query=view, user=author)
    known = RemoteLineage.objects.get()
    sandbox.world.faults.add(Fault("drop_before", None, "/ancestors/", times=None))

    answer = client_of(author).post(reverse("mirror:view-compare", args=[view.posthog_id]), follow=True)

    assert "Not compared." in answer.content.decode()
    again = RemoteLineage.objects.get()
    assert (again.asked_at, again.upstream) == (known.asked_at, known.upstream)
    assert AuditEntry.objects.filter(action="saved_query.compare_lineage", result="failed").exists()


def test_a_part_is_kept_and_said_to_be_one(warehouse, author, sandbox):
    view = warehouse("C")
    sandbox.world.faults.add(Fault("drop_before", None, "/dependencies/", times=None))

    told = remote_lineage.compare(saved_query=view, user=author)

    assert told.upstream and told.upstream_count is None
    assert "no answer" in told.error


def test_who_may_not_refresh_may_not_ask(warehouse, outsider):
    view = warehouse("C")
    with pytest.raises(NotPermitted):
        remote_lineage.compare(saved_query=view, user=outsider)
    assert not RemoteLineage.objects.exists()


def test_the_page_and_the_api_show_the_same(warehouse, author, client_of, sandbox, django_assert_max_num_queries):
    view = warehouse("C")
    client, address = client_of(author), f"/api/v1/saved-queries/{view.posthog_id}/lineage/comparison/"
    assert client.get(address).status_code == 404
    sandbox.world.create_outside("reads_it_newly", f"SELECT * FROM {MIDDLE}", by="ben")

    told = client.post(address).json()

    assert [side["direction"] for side in told["sides"]] == ["upstream", "downstream"]
    assert told["sides"][1]["differences"][0]["known"] == "there"
    assert client.get(address).json() == told
    page_address = reverse("mirror:view-detail", args=[view.posthog_id]) + "?tab=lineage"
    client.get(page_address)
    with django_assert_max_num_queries(40):
        page = client.get(page_address).content.decode()
    assert "Only there" in page and "newer than the last sync" in page


def test_a_refusal_at_the_moment_of_asking_is_remembered(warehouse, author, sandbox):
    view = warehouse("C")
    sandbox.world.set_generation("D")  # the server was renewed, and nobody has checked since

    with pytest.raises(UserError, match="does not let API keys"):
        remote_lineage.compare(saved_query=view, user=author)

    view.connection.refresh_from_db()
    assert accounts.capability(view.connection, "ancestors").cause == "unsupported"
    assert remote_lineage.why_not(view.connection)

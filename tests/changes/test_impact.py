"""What a change breaks is told before anybody approves it, is part of what they approve, and is looked at again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from tests.changes.pages import url, words
from tests.mirror.builders import make_view
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes import selectors, services
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.lineage import services as lineage
from warehouse_admin.mirror.models import SavedQuery

pytestmark = pytest.mark.django_db


@pytest.fixture
def first(view: SavedQuery) -> SavedQuery:
    """Six views downstream, each of which uses something else."""
    column = view.columns[0]["name"]
    other = view.columns[1]["name"]
    for name, sql in {
        "uses_it": f"SELECT {column} AS x FROM {view.name}",
        "filters_by_it": f"SELECT {other} FROM {view.name} WHERE {column} IS NOT NULL",
        "takes_all": f"SELECT * FROM {view.name}",
        "reads_the_taker": f"SELECT {column} FROM takes_all",
        "uses_another": f"SELECT {other} FROM {view.name}",
        "counts": f"SELECT count() AS n FROM {view.name}",
    }.items():
        make_view(view.connection, name, sql)
    lineage.refresh(view.connection)
    return view


@pytest.fixture
def renaming(first: SavedQuery) -> str:
    """SQL that gives the first column of the view another name."""
    names = [column["name"] for column in first.columns]
    kept = ", ".join(f"{name} AS renamed" if name == names[0] else name for name in names)
    return f"SELECT {kept} FROM ({first.query})"


EXPECTED = {
    "uses_it": "breaking",
    "filters_by_it": "breaking",
    "reads_the_taker": "breaking",
    "takes_all": "risky",
    "uses_another": "safe",
    "counts": "safe",
}


def test_the_editor_sees_before_submitting_which_of_six_views_break_and_why(
    first: SavedQuery, renaming: str, author: User, client_of: Callable[[User], Client]
) -> None:
    column = first.columns[0]["name"]
    page = client_of(author)

    told = words(page.post(reverse("changes:view-impact", args=[first.posthog_id]), {"query": renaming}))

    assert told.startswith("Impact Breaks")
    assert f"{column} becomes renamed Renamed" in told
    assert told.count("Breaks") == 4  # of all together, and three views
    assert f"“{column}” is not there any more." in told
    assert "takes_all" in told and "Its own result loses" in told
    assert not AuditEntry.objects.filter(action__startswith="change.").exists()


def test_the_page_to_edit_has_it_without_a_script(
    first: SavedQuery, author: User, client_of: Callable[[User], Client]
) -> None:
    told = words(client_of(author).get(reverse("changes:propose", args=[first.posthog_id])))

    assert "Impact Safe" in told
    assert "uses_it Safe" in told


def test_a_text_that_does_not_parse_is_said_to_be_so(
    first: SavedQuery, author: User, client_of: Callable[[User], Client]
) -> None:
    answer = client_of(author).post(reverse("changes:view-impact", args=[first.posthog_id]), {"query": "SELECT ("})

    assert "Line 1 has to be mended before this can be told." in words(answer)
    assert "not graded" in words(answer)


def test_those_who_may_not_propose_are_refused(
    first: SavedQuery, viewer: User, client_of: Callable[[User], Client]
) -> None:
    address = reverse("changes:view-impact", args=[first.posthog_id])

    assert client_of(viewer).post(address, {"query": "SELECT 1 AS x"}).status_code == 403
    assert AuditEntry.objects.filter(result="denied", actor_name=viewer.username).exists()


def test_reviewers_and_scripts_see_the_same(
    first: SavedQuery,
    renaming: str,
    proposed: Callable[..., ChangeRequest],
    reviewer: User,
    client_of: Callable[[User], Client],
) -> None:
    change, page = proposed(renaming), client_of(reviewer)

    told = page.get(f"/api/v1/changes/{change.pk}/").json()["impact"]

    assert {one["name"]: one["grade"] for one in told["dependents"]} == EXPECTED
    assert told["grade"] == "breaking"
    assert told["counts"] == {"breaking": 3, "cannot_tell": 0, "risky": 1, "safe": 2}
    assert told["columns"] == [
        {"name": first.columns[0]["name"], "change": "renamed", "before": first.columns[0]["name"], "after": "renamed"}
    ]
    assert page.get("/api/v1/changes/").json()["results"][0]["impact"] == told
    assert "reads_the_taker" in words(page.get(url("detail", change)))


def test_a_change_that_breaks_nothing_says_so(
    first: SavedQuery, proposed: Callable[..., ChangeRequest], reviewer: User, client_of: Callable[[User], Client]
) -> None:
    change = proposed(f"SELECT * FROM ({first.query}) WHERE 1 = 1")

    told = words(client_of(reviewer).get(url("detail", change)))

    assert "Impact Safe Its columns stay as they are." in told


def test_a_vote_is_for_the_impact_that_was_shown(
    first: SavedQuery, renaming: str, proposed: Callable[..., ChangeRequest], connection: Connection
) -> None:
    one = selectors.revision(proposed(renaming))
    make_view(connection, "one_more", "SELECT count() AS n FROM takes_all")
    lineage.refresh(connection)

    other = selectors.revision(proposed(renaming))

    assert (one.item.dependents, one.proposal) == (other.item.dependents, other.proposal)
    assert one.digest != other.digest
    assert one.meaning_digest == other.meaning_digest


def test_what_would_break_by_now_goes_back_to_review(
    first: SavedQuery,
    renaming: str,
    proposed: Callable[..., ChangeRequest],
    reviewer: User,
    committed: Callable,
    connection: Connection,
) -> None:
    change = proposed(renaming)
    column = first.columns[0]["name"]
    late = make_view(connection, "late", f"SELECT {column} FROM takes_all")
    lineage.refresh(connection)

    with committed():
        services.approve(change, reviewer)

    change.refresh_from_db()
    assert (change.state, change.revision_number) == (ChangeRequest.State.IN_REVIEW, 2)
    assert change.problem == "late would break by now, or might, which no reviewer has seen."
    assert AuditEntry.objects.filter(action="change.dependents_appeared", result="ok").count() == 1
    assert not AuditEntry.objects.filter(action__startswith="mutation.").exists()
    SavedQuery.objects.filter(pk=late.pk).update(query="SELECT 1 AS x", query_hash="x")
    with committed():
        services.approve(change, reviewer)
    change.refresh_from_db()
    assert change.state == ChangeRequest.State.APPLIED


def test_deleting_and_renaming_break_all_that_read_it(first: SavedQuery, author: User) -> None:
    for action, fields in (("delete", {}), ("rename", {"name": "int_margins"}), ("set_cadence", {})):
        if action == "set_cadence":
            fields = {"sync_frequency": "12hour"}
        change = services.create(author=author, action=action, saved_query=first, reason="because", **fields)
        told = selectors.revision(change).item.impact
        grades = {one["grade"] for one in told["dependents"]}
        assert grades == ({"safe"} if action == "set_cadence" else {"breaking"}), action

"""What the pages of a change tell is so: the request, the name, what is lost, what is left out."""

from __future__ import annotations

import pytest

from tests.changes.pages import shown, url
from tests.changes.test_rebase import THEIRS, based, conflicting
from warehouse_admin.changes import services
from warehouse_admin.changes.actions import action_of
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.sandbox.faults import Fault

__all__ = ["based", "conflicting"]  # fixtures
Action = ChangeRequest.Action
TOKEN = "with the token that PostHog shows right before"


def read(answer) -> str:
    return " ".join(shown(answer).split())


@pytest.fixture
def making(connection, author) -> ChangeRequest:
    """A view that is proposed and not made yet."""
    return services.create(
        author=author,
        action=Action.CREATE_VIEW,
        connection=connection,
        name="told_new",
        query="SELECT 1 AS one",
        reason="because",
        submit=True,
    )


def test_only_an_edit_is_said_to_be_sent_with_a_token(client_of, reviewer, making, proposed):
    judge = client_of(reviewer)
    assert TOKEN not in read(judge.get(url("detail", making)))
    assert TOKEN in read(judge.get(url("detail", proposed())))


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda world: None, "The name told_new is free in PostHog."),
        (lambda world: world.create_outside("told_new", "SELECT 2 AS two"), "PostHog has a view told_new by now"),
        (lambda world: world.faults.add(Fault("status_500", "GET", times=9)), "Not checked"),
    ],
)
def test_the_live_check_of_a_new_view_looks_for_its_name(prepare, said, client_of, reviewer, making, sandbox):
    prepare(sandbox.world)
    assert said in read(client_of(reviewer).get(url("detail-base", making)))


@pytest.mark.parametrize("materialized", [True, False])
def test_rows_of_a_table_are_lost_only_where_there_is_a_table(materialized, generation, carried_out):
    generation("D")
    view = SavedQuery.objects.present().filter(is_materialized=materialized, managed_viewset_kind="").first()
    change = carried_out("edit_query", saved_query=view, query=f"{view.query}\n-- again")
    assert ("its table" in " ".join(services.inverse(change).lost)) is materialized


def test_a_paused_view_is_said_to_run_again_when_its_materialization_comes_back(generation, carried_out):
    generation("D")
    view = SavedQuery.objects.present().filter(is_materialized=True, sync_frequency="24hour").first()
    carried_out("set_cadence", saved_query=view, sync_frequency="never")
    change = carried_out("unmaterialize", saved_query=view)
    assert "Its pause" in " ".join(services.inverse(change).lost)


@pytest.mark.parametrize(("name", "breaks"), [("B", True), ("D", False)])
def test_undoing_a_new_view_says_what_breaks_where_posthog_does_not_ask(name, breaks, generation, carried_out):
    made = {"name": "told_made", "query": "SELECT 1 AS one", "connection": generation(name)}
    lost = services.inverse(carried_out("create_view", **made)).lost
    assert bool(lost) is breaks


def test_people_are_called_by_the_name_the_pages_show(author, reviewer, proposed, client_of):
    author.first_name, author.last_name = "Erin", "Castellano"
    author.save()
    change = proposed()
    services.revise(change, author, query="SELECT 3 AS three", revision=1)
    stale = client_of(reviewer).post(url("approve", change), {"revision": 1})
    assert "Erin Castellano saved r2 meanwhile" in read(stale)
    assert "Only the author, Erin Castellano" in read(client_of(reviewer).get(url("rebase", change)))


def test_a_refusal_is_told_once(client_of, author, proposed):
    change = proposed()
    services.withdraw(change, author, "")
    answer = client_of(author).get(url("revise", change))
    assert answer.status_code == 409
    assert read(answer).count("cannot be edited") == 1


@pytest.mark.parametrize("name", ["apply", "reopen", "withdraw", "submit", "rollback", "carry-over", "unschedule"])
def test_nobody_is_asked_to_confirm_what_cannot_be_done_any_more(name, client_of, author, reviewer, proposed):
    change = proposed()
    services.reject(change, reviewer, "no")
    answer = client_of(author).get(url(name, change))
    if name == "reopen":
        assert (answer.status_code, "Open again" in read(answer)) == (200, True)
    else:
        assert (answer.status_code, "cannot be" in read(answer)) == (409, True)


def test_a_rejected_change_is_not_said_to_be_closed_for_good(client_of, author, reviewer, proposed):
    change = proposed()
    asked = read(client_of(reviewer).get(url("reject", change)))
    assert "for good" not in asked and "only its author can open it again" in asked

    services.reject(change, reviewer, "not like this")
    services.reopen(change, author)
    change.refresh_from_db()
    assert change.state == ChangeRequest.State.DRAFT


def test_what_cannot_be_seen_in_a_line_that_is_left_out_is_said(client_of, author, conflicting):
    change = conflicting(theirs=f"{THEIRS}-- a note\u202eeton\n")
    page = read(client_of(author).get(url("rebase", change)))
    left_out = page.split("dropped-lines")[1].split("</ul>")[0]
    assert "a note⟨U+202E⟩eton" in left_out


def test_a_new_view_is_not_said_to_be_written_against_anything(client_of, reviewer, making):
    page = read(client_of(reviewer).get(url("detail", making)))
    assert "There is no such view yet" in page and "Written against" not in page


def test_before_it_is_applied_a_new_view_is_said_to_be_looked_up_by_its_name(
    client_of, operator, connection, approve, making
):
    connection.apply_policy = "manual"
    connection.save()
    approve(making)
    assert "The name is looked up in PostHog first" in read(client_of(operator).get(url("apply", making)))


def test_a_deleted_view_is_not_said_to_be_held_by_posthog(client_of, author, connection, sandbox, carried_out):
    leaf = sandbox.world.create_outside("told_leaf", "SELECT 1 AS one")
    view = SavedQuery.objects.create(connection=connection, posthog_id=leaf.id, name=leaf.name)
    page = read(client_of(author).get(url("detail", carried_out("delete", saved_query=view))))
    assert "PostHog has deleted the view." in page
    assert "not read again" not in page


@pytest.mark.parametrize(("cadence", "title"), [("never", "Pause {}"), ("1hour", "Run {} every hour")])
def test_a_cadence_of_never_is_called_a_pause(cadence, title, generation, author):
    generation("C")
    view = SavedQuery.objects.present().get(name="mart_revenue_daily")
    change = services.create(
        author=author, action="set_cadence", saved_query=view, sync_frequency=cadence, reason="because", submit=True
    )
    assert action_of(change.action).title(view.name, change.revisions.get().proposal) == title.format(view.name)


@pytest.mark.parametrize(
    ("of", "remedy"),
    [("A", "Have somebody do that in PostHog"), ("B", "Have somebody materialize"), ("C", "Propose to")],
)
def test_where_no_key_may_materialize_nobody_is_sent_to_propose_it(of, remedy, generation, client_of, author):
    generation(of)
    view = SavedQuery.objects.present().get(name="mart_sales_pipeline")
    page = read(client_of(author).get(f"/saved-queries/{view.posthog_id}/propose/set_cadence/"))
    assert remedy in page
    assert ("Propose that instead" in page, "Propose to materialize it first" in page) == (False, of == "C")


def test_a_closed_change_offers_neither_co_authors_nor_a_way_out(client_of, author, applied, sandbox, remote):
    editor = client_of(author)
    answer = editor.get(url("co-authors", applied))
    assert answer.status_code == 409 and "it is applied already" in read(answer)
    sandbox.world.delete_outside(remote.name)
    told = read(editor.get(url("detail-base", applied)))
    assert "no longer exists" in told and "See what can be done" not in told


def test_a_change_that_posthog_accepted_is_not_said_to_have_no_answer(
    client_of, author, proposed, approved, sandbox, remote
):
    change = proposed()
    sandbox.world.faults.add(Fault("status_500", "GET", rf"{remote.id}/$", times=2, after=1))
    approved(change=change)
    assert change.__class__.objects.get(pk=change.pk).state == "unconfirmed"

    page = read(client_of(author).get(url("detail", change)))

    assert "PostHog accepted it, but could not be read again." in page and "no answer" not in page

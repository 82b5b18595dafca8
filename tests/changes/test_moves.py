"""What moved in PostHog under a proposal: which field, and by which change or outside; the same wherever it is told."""

from __future__ import annotations

import pytest

from tests.changes.conftest import NEW_SQL
from tests.changes.pages import hidden, url, words
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes import moves, services
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.mirror.models import SavedQuery

State = ChangeRequest.State
TABLE = "int_order_margins"


@pytest.fixture
def propose(view, author):
    def make(action: str, **fields: str) -> ChangeRequest:
        view.refresh_from_db()
        return services.create(author=author, action=action, saved_query=view, reason="because", submit=True, **fields)

    return make


def told_everywhere(change: ChangeRequest, said: str, client) -> None:
    """Blocker and refusal over REST, banner, readiness and question on pages, timeline, and the audit trail."""
    one = client.get(f"/api/v1/changes/{change.pk}/").json()
    assert said in one["problem"]
    [blocker] = one["blockers"]
    assert said in blocker["text"] and blocker["text"].endswith("Rebase it.")
    assert said in [event["text"] for event in one["timeline"] if event["kind"] == "needs_rebase"][0]
    refused = client.post(f"/api/v1/changes/{change.pk}/submit/", {}, "application/json")
    assert refused.status_code == 409 and said in refused.json()["detail"]
    page = words(client.get(url("detail", change)))
    assert page.count(said) >= 3
    assert "another text" not in page and "Somebody" not in page
    assert said in words(client.get(url("rebase", change)))
    assert said in AuditEntry.objects.get(action="change.needs_rebase").reason


def test_a_rename_that_met_another_of_ours_names_the_change_its_author_and_both_names(
    propose, approve, client_of, author
):
    mine, theirs = propose("rename", name="mine"), propose("rename", name="theirs")
    assert approve(theirs).state == State.APPLIED

    mine = approve(mine)

    assert mine.state == State.NEEDS_REBASE
    said = f"PostHog calls it theirs by now, no longer {TABLE}. That was #{theirs.pk} by author, applied here."
    told_everywhere(mine, said, client_of(author))


def test_a_rename_by_others_says_the_name_and_guesses_nobody(propose, approve, client_of, author, sandbox, remote):
    mine = propose("rename", name="mine")
    sandbox.world.rename_outside(remote.name, "theirs")

    mine = approve(mine)

    said = f"PostHog calls it theirs by now, no longer {TABLE}. {moves.NOT_OURS}"
    told_everywhere(mine, said, client_of(author))


def test_a_cadence_that_met_another_of_ours_names_both_cadences(propose, approve, client_of, author, view):
    mine = propose("set_cadence", sync_frequency="12hour")
    theirs = propose("set_cadence", sync_frequency="7day")
    former = mine.revisions.get().base["sync_frequency"]
    assert former == "6hour"
    assert approve(theirs).state == State.APPLIED

    mine = approve(mine)

    said = f"Its cadence in PostHog is every 7 d by now, no longer every 6 h. That was #{theirs.pk} by author"
    told_everywhere(mine, said, client_of(author))


def test_a_deletion_of_what_was_renamed_or_edited_says_which(propose, approve, client_of, author, sandbox, remote):
    renamed = propose("delete")
    theirs = propose("rename", name="theirs")
    assert approve(theirs).state == State.APPLIED

    renamed = approve(renamed)

    assert f"PostHog calls it theirs by now, no longer {TABLE}. That was #{theirs.pk}" in renamed.problem
    edited = propose("delete")
    sandbox.world.edit_outside("theirs", NEW_SQL)
    edited = approve(edited)
    assert "PostHog holds another text by now. ana@" in edited.problem
    assert "Nothing was sent." in edited.problem


def test_an_edit_that_met_another_of_ours_names_it(view, author, approve, client_of, proposed):
    mine, theirs = proposed("SELECT 3 AS three"), proposed()
    assert approve(theirs).state == State.APPLIED

    mine = approve(mine)

    assert mine.state == State.NEEDS_REBASE
    assert "PostHog holds another text by now. author changed it with change #" in mine.problem
    assert f"#{theirs.pk}" in mine.problem


def test_a_form_that_was_overtaken_by_a_change_of_ours_names_it(edit_url, author, approve, client_of, proposed):
    editor = client_of(author)
    page = editor.get(edit_url)
    theirs = approve(proposed())
    sent = {kept: hidden(page, kept) for kept in ("base", "nonce")} | {
        "reason": "because",
        "query": "SELECT 3 AS three",
    }

    refused = editor.post(edit_url, sent)

    assert refused.status_code == 409 and "SELECT 3 AS three" in words(refused)
    assert f"while you were writing. That was #{theirs.pk} by author, applied here. Your text is kept" in words(refused)


def test_the_live_check_says_what_moved_before_anything_is_applied(propose, client_of, author, sandbox, remote):
    mine = propose("rename", name="mine")
    sandbox.world.rename_outside(remote.name, "theirs")

    told = words(client_of(author).get(url("detail-base", mine)))

    assert f"PostHog calls it theirs by now, no longer {TABLE}." in told
    assert SavedQuery.objects.get(pk=mine.saved_query_id).name == "theirs"

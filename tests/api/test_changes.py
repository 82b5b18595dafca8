"""Change requests over REST."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from tests.api.caller import is_problem
from warehouse_admin.accounts.models import Connection
from warehouse_admin.accounts.roles import Role
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.sandbox.faults import Fault

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "SELECT 1 AS rate -- 💶\r\n"
FIELDS = {
    "number",
    "action",
    "state",
    "author",
    "reason",
    "revision",
    "base",
    "proposal",
    "diff",
    "votes",
    "blockers",
    "impact",
    "mutation",
    "timeline",
}


@pytest.fixture
def view(view_named):
    return view_named("stg_fx_rates")


@pytest.fixture
def script(view, author, script_of):
    return script_of(author)


@pytest.fixture
def colleague(reviewer, browser_of):
    return browser_of(reviewer)


@pytest.fixture
def propose(view, script):
    def post(**more):
        body = {"action": "edit_query", "saved_query": str(view.posthog_id), "query": NEW, "reason": "why"}
        return script.post("changes/", {**body, "submit": True, **more})

    return post


@pytest.fixture
def number(propose):
    return propose().json()["number"]


def test_a_proposal_is_201_with_its_number_and_everything_about_it(propose, view):
    response = propose()

    assert response.status_code == 201
    body = response.json()
    assert set(body) >= FIELDS
    assert (body["state"], body["author"], body["reason"], body["revision"]) == ("in_review", "author", "why", 1)
    assert body["proposal"]["query"] == NEW
    assert (body["base"]["query"], body["saved_query"]) == (view.query, str(view.posthog_id))
    assert body["diff"]["unified"] and body["mutation"] is None
    assert body["blockers"][0]["text"]
    assert AuditEntry.objects.filter(action="change.created", object_id=str(body["number"])).exists()


def test_without_submit_it_is_a_draft_that_needs_no_reason_yet(propose, script):
    body = propose(submit=False, reason="").json()

    assert body["state"] == "draft"
    problem = is_problem(script.post(f"changes/{body['number']}/submit/"), 400)
    assert problem["errors"]["reason"]


def test_bad_sql_is_400_under_query_with_its_position(propose):
    problem = is_problem(propose(query="SELECT a\nFROM"), 400)

    assert "line 2" in problem["errors"]["query"][0].lower()
    assert not ChangeRequest.objects.exists()


UNUSABLE = [
    ({"query": ""}, "query"),
    ({"query": "SELECT '\x00'"}, "query"),
    ({"query": None}, "query"),
    ({"query": ["SELECT 1"]}, "query"),
    ({"reason": ""}, "reason"),
    ({"reason": "x" * 6_000}, "reason"),
    ({"submit": "perhaps"}, "submit"),
    ({"saved_query": None}, "saved_query"),
    ({"saved_query": ["x"]}, "saved_query"),
]


def test_each_field_that_cannot_be_used_is_named(propose):
    for change, field in UNUSABLE:
        assert is_problem(propose(**change), 400)["errors"][field], change
    assert not ChangeRequest.objects.exists()


@pytest.mark.parametrize("name", ["wa_customers_daily", "phi_scores_daily"])
def test_a_view_whose_name_begins_like_a_key_can_be_proposed_and_named_in_reason_and_trail(script, name):
    body = {"action": "create_view", "name": name, "query": NEW, "reason": f"{name} is wanted", "submit": True}
    answer = script.post("changes/", body)

    assert answer.status_code == 201
    entry = AuditEntry.objects.get(action="change.created")
    assert (entry.object_name, entry.reason) == (name, f"{name} is wanted")


@pytest.mark.parametrize("fields", [{"action": "create_view", "query": NEW}, {"action": "rename"}])
@pytest.mark.parametrize("submit", [True, False])
def test_an_api_key_is_refused_as_a_name_and_kept_nowhere(script, view, fields, submit):
    key = "wa_Qd3xP0bV9kTzR5mWj7Ls1nYc8HgFa2uE6iOo4qXt4Pz"
    about = {} if "query" in fields else {"saved_query": str(view.posthog_id)}
    problem = is_problem(script.post("changes/", {**fields, **about, "name": key, "submit": submit}), 400)

    assert "API key" in problem["errors"]["name"][0] and key not in str(problem)
    assert not ChangeRequest.objects.exists()
    assert key not in str(list(AuditEntry.objects.values()))


def test_each_missing_field_is_named(view, script):
    body = {"action": "edit_query", "saved_query": str(view.posthog_id), "query": NEW}
    for field in body:
        rest = {name: value for name, value in body.items() if name != field}
        assert is_problem(script.post("changes/", rest), 400)["errors"][field]


def test_an_action_that_is_not_offered_is_400_and_the_offered_are_named(view, script):
    problem = is_problem(script.post("changes/", {"action": "drop", "saved_query": str(view.posthog_id)}), 400)
    assert "edit_query" in problem["errors"]["action"][0]


def test_what_needs_no_review_is_400_and_says_where_it_is_done(view, script):
    problem = is_problem(script.post("changes/", {"action": "run", "saved_query": str(view.posthog_id)}), 400)
    assert "saved-queries/" in problem["errors"]["action"][0]


def test_an_unknown_or_malformed_view_is_404(propose):
    for key in (str(uuid.uuid4()), "nonsense", "0", "' OR 1=1"):
        assert is_problem(propose(saved_query=key), 404)["errors"]["saved_query"]
    assert not ChangeRequest.objects.exists()


def test_the_text_that_posthog_holds_already_is_no_change(propose, view):
    assert is_problem(propose(query=view.query), 400)["errors"]["query"]


def test_a_managed_view_or_a_tombstone_is_409_with_blockers(propose, view):
    SavedQuery.objects.filter(pk=view.pk).update(deleted_at=timezone.now())

    assert is_problem(propose(), 409)["blockers"][0]["text"]


def test_when_posthog_cannot_be_read_nothing_is_made(propose, sandbox):
    sandbox.stop()

    is_problem(propose(), 503)
    assert not ChangeRequest.objects.exists()


def test_a_text_of_two_megabytes_goes_through_byte_for_byte(propose, script):
    text = "SELECT 1 AS rate -- " + "é💶\r\n-- " * 250_000
    assert len(text.encode()) > 2_000_000
    text = text.encode()[:2_000_000].decode(errors="ignore")

    response = propose(query=text)
    assert response.status_code == 201, response.content[:500]
    assert script.get(f"changes/{response.json()['number']}/").json()["proposal"]["query"] == text


def test_a_draft_is_its_authors_business(propose, script, colleague):
    number = propose(submit=False).json()["number"]

    assert script.get(f"changes/{number}/").status_code == 200
    is_problem(colleague.get(f"changes/{number}/"), 404)
    assert colleague.get("changes/").json()["count"] == 0


def test_the_last_needed_approval_applies_at_once(number, colleague, script, sandbox, view):
    body = colleague.post(f"changes/{number}/approve/", {"comment": "fine"}).json()

    assert (body["state"], body["mutation"]["state"]) == ("applied", "happened")
    assert sandbox.world.view("stg_fx_rates").query["query"] == NEW
    assert script.get(f"saved-queries/{view.posthog_id}/versions/").json()["results"][0]["change"] == number
    assert [event["kind"] for event in body["timeline"]][:3] == ["created", "submitted", "approved"]


def test_under_the_manual_policy_an_operator_applies(number, colleague, script, script_of, operator, sandbox):
    Connection.objects.update(apply_policy="manual")
    body = colleague.post(f"changes/{number}/approve/").json()
    assert body["state"] == "approved"
    assert body["blockers"][0]["who"] == "an operator"

    is_problem(script.post(f"changes/{number}/apply/"), 403)
    assert script_of(operator).post(f"changes/{number}/apply/").json()["state"] == "applied"


def test_while_posthog_is_away_nothing_is_proposed_and_the_same_call_goes_through_later(view, script, sandbox):
    sandbox.world.faults.add(Fault("status_503_html", method="GET", path_regex="warehouse_saved_queries", times=None))
    body = {"action": "edit_query", "saved_query": str(view.posthog_id), "query": NEW, "reason": "why", "submit": True}
    is_problem(script.key("k1").post("changes/", body), 503)
    assert not ChangeRequest.objects.exists()

    sandbox.world.faults.clear()
    assert script.key("k1").post("changes/", body).json()["state"] == "in_review"


def test_an_operator_gives_it_a_time(number, colleague, script, script_of, operator):
    Connection.objects.update(apply_policy="manual")
    operators = script_of(operator)
    at = "2030-01-01T10:00:00+02:00"
    assert is_problem(operators.post(f"changes/{number}/schedule/", {"at": at}), 409)["blockers"]
    colleague.post(f"changes/{number}/approve/")

    for unusable in ("", "soon", at, "2020-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00"):
        assert is_problem(operators.post(f"changes/{number}/schedule/", {"at": unusable}), 400)["errors"]["at"]
    at = (timezone.now() + timedelta(hours=5)).replace(microsecond=0)
    is_problem(script.post(f"changes/{number}/schedule/", {"at": at.isoformat()}), 403)
    body = operators.post(f"changes/{number}/schedule/", {"at": at.isoformat()}).json()

    assert body["state"] == "scheduled"
    assert datetime.fromisoformat(body["scheduled_for"]) == at
    assert f"{at:%H:%M}" in body["blockers"][0]["text"]
    assert AuditEntry.objects.filter(action="change.scheduled", actor=operator, object_id=str(number)).exists()

    body = operators.post(f"changes/{number}/schedule/", {"at": None}).json()
    assert (body["state"], body["scheduled_for"]) == ("approved", None)
    assert is_problem(operators.post(f"changes/{number}/schedule/", {"at": None}), 409)["blockers"]
    assert AuditEntry.objects.filter(action="change.unscheduled", actor=operator, object_id=str(number)).exists()


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ADMIN])
def test_a_token_never_decides(role, number, person, script_of):
    somebody = person("somebody", role)
    script = script_of(somebody)
    for vote in ("approve", "request-changes", "reject", "dismiss"):
        assert "token" in is_problem(script.post(f"changes/{number}/{vote}/", {"comment": "x"}), 403)["detail"]

    assert ChangeRequest.objects.get().state == "in_review"
    denied = AuditEntry.objects.filter(result="denied", actor=somebody)
    assert set(denied.values_list("action", flat=True)) == {
        "change.approved",
        "change.changes_requested",
        "change.rejected",
        "change.objection_dismissed",
    }


def test_nobody_votes_on_their_own_change(number, author, browser_of):
    is_problem(browser_of(author).post(f"changes/{number}/approve/"), 403)

    entry = AuditEntry.objects.latest("sequence")
    assert (entry.actor, entry.action, entry.result) == (author, "change.approved", "denied")


def test_a_vote_may_be_bound_to_what_was_shown(number, colleague, script):
    shown = script.get(f"changes/{number}/").json()
    script.post(f"changes/{number}/revise/", {"query": "SELECT 2 AS rate", "revision": 1})

    is_problem(colleague.post(f"changes/{number}/approve/", {"revision": 1}), 409)
    is_problem(colleague.post(f"changes/{number}/approve/", {"digest": shown["digest"]}), 409)
    assert colleague.post(f"changes/{number}/approve/", {"revision": 2}).json()["state"] == "applied"


def test_changes_can_be_asked_for_and_made(number, colleague, script):
    assert "comment" in is_problem(colleague.post(f"changes/{number}/request-changes/"), 400)["errors"]
    asked = colleague.post(f"changes/{number}/request-changes/", {"comment": "round it"}).json()
    assert (asked["state"], asked["votes"][0]["comment"]) == ("changes_requested", "round it")

    revised = script.post(f"changes/{number}/revise/", {"query": "SELECT 3 AS rate", "revision": 1}).json()
    assert (revised["state"], revised["revision"]) == ("in_review", 2)
    assert revised["votes"][0]["counts"] is True, "it stands until its author votes again"
    assert "has not looked at r2 yet" in revised["blockers"][0]["text"]
    assert colleague.post(f"changes/{number}/approve/").json()["state"] == "applied"


def test_an_old_revision_is_409(number, script):
    script.post(f"changes/{number}/revise/", {"query": "SELECT 2 AS rate", "revision": 1})

    is_problem(script.post(f"changes/{number}/revise/", {"query": "SELECT 3 AS rate", "revision": 1}), 409)
    assert "revision" in is_problem(script.post(f"changes/{number}/revise/", {"query": "SELECT 3"}), 400)["errors"]


def test_a_rejection_and_a_withdrawal_end_it(propose, colleague, script):
    first, second = propose().json()["number"], propose().json()["number"]

    assert colleague.post(f"changes/{first}/reject/", {"comment": "no"}).json()["state"] == "rejected"
    assert script.post(f"changes/{second}/withdraw/").json()["state"] == "withdrawn"
    problem = is_problem(colleague.post(f"changes/{second}/approve/"), 409)
    assert problem["blockers"][0]["text"]


def test_a_conflict_shows_base_remote_and_proposal_until_it_is_rebased(number, colleague, script, sandbox, view):
    sandbox.world.edit_outside("stg_fx_rates", "SELECT 5 AS rate")

    colleague.post(f"changes/{number}/approve/")
    body = script.get(f"changes/{number}/").json()
    assert body["state"] == "needs_rebase"
    assert body["base"]["query"] == view.query
    assert body["remote"]["query"] == "SELECT 5 AS rate"
    assert body["proposal"]["query"] == NEW
    assert [part["kind"] for part in body["merge"]] == ["conflict"]
    assert (body["merge"][0]["remote"], body["merge"][0]["mine"]) == ("SELECT 5 AS rate", NEW)

    rebased = script.post(f"changes/{number}/rebase/", {"query": "SELECT 6 AS rate"}).json()
    assert (rebased["state"], rebased["base"]["query"]) == ("in_review", "SELECT 5 AS rate")
    assert colleague.post(f"changes/{number}/approve/").json()["state"] == "applied"
    assert sandbox.world.view("stg_fx_rates").query["query"] == "SELECT 6 AS rate"


@pytest.mark.parametrize("body", [{"query": "SELECT 6 AS rate"}, {"replace_remote": True}])
def test_lines_of_others_are_dropped_only_as_agreed_once_a_script_says_that_it_wants_to_be_asked(
    body, number, colleague, script, sandbox, view
):
    sandbox.world.edit_outside("stg_fx_rates", "SELECT 5 AS rate")
    colleague.post(f"changes/{number}/approve/")

    for agreed in ("", "0" * 64):
        problem = is_problem(script.post(f"changes/{number}/rebase/", body | {"agreed": agreed}), 409)
        assert [(line["number"], line["text"]) for line in problem["drops"]["added"]] == [(1, "SELECT 5 AS rate")]
        assert problem["drops"]["added"][0]["by"]
        assert problem["drops"]["removed"] == []
    assert script.get(f"changes/{number}/").json()["state"] == "needs_rebase"

    done = script.post(f"changes/{number}/rebase/", body | {"agreed": problem["drops"]["digest"]}).json()
    assert (done["state"], done["base"]["query"]) == ("in_review", "SELECT 5 AS rate")
    kind = "change.remote_replaced" if "replace_remote" in body else "change.rebased"
    [line] = AuditEntry.objects.get(action=kind).after["drops"]
    assert line["text"] == "SELECT 5 AS rate"


def test_a_conflict_is_settled_in_place_of_what_posthog_holds_only_when_that_is_said(
    number, colleague, script, sandbox, view
):
    sandbox.world.edit_outside("stg_fx_rates", "SELECT 5 AS rate")
    colleague.post(f"changes/{number}/approve/")

    assert script.post(f"changes/{number}/rebase/", {}).status_code == 400
    both = {"query": "SELECT 6 AS rate", "replace_remote": True}
    assert script.post(f"changes/{number}/rebase/", both).status_code == 400
    body = script.post(f"changes/{number}/rebase/", {"replace_remote": True}).json()

    assert (body["state"], body["proposal"]["query"], body["merge"]) == ("in_review", NEW, None)
    assert (body["timeline"][-1]["kind"], body["base"]["query"]) == ("remote_replaced", "SELECT 5 AS rate")
    assert "Overwrites what" in AuditEntry.objects.get(action="change.remote_replaced").reason


def test_a_rollback_answers_with_the_new_change(number, colleague, script, view):
    assert is_problem(script.post(f"changes/{number}/rollback/"), 409)["blockers"]
    colleague.post(f"changes/{number}/approve/")

    response = script.post(f"changes/{number}/rollback/", {"reason": "it broke"})
    assert response.status_code == 201
    body = response.json()
    assert (body["state"], body["rolls_back"], body["proposal"]["query"]) == ("in_review", number, view.query)
    assert script.get(f"changes/{number}/").json()["rolled_back_by"] == [body["number"]]


def test_the_list_is_filtered_by_state_author_and_view(propose, script, number, view):
    propose(submit=False)

    assert script.get("changes/", {"state": "in_review"}).json()["count"] == 1
    assert script.get("changes/", {"state": ["in_review", "draft"], "author": "author"}).json()["count"] == 2
    assert script.get("changes/", {"saved_query": str(view.posthog_id)}).json()["count"] == 2
    assert script.get("changes/", {"saved_query": str(uuid.uuid4())}).json()["count"] == 0
    row = script.get("changes/").json()["results"][-1]
    assert (row["number"], row["state"], row["saved_query"]) == (number, "in_review", str(view.posthog_id))


def test_a_row_of_the_list_tells_what_the_change_itself_tells(propose, script, colleague, number, view):
    propose(query="SELECT 3 AS three", submit=False)
    colleague.post(f"changes/{number}/request-changes/", {"comment": "Name it"})

    rows = script.get("changes/").json()["results"]

    assert len(rows) == 2
    for row in rows:
        itself = script.get(f"changes/{row['number']}/").json()
        assert row["cautions"] is row["lint"] is None, "what takes parsing is left to the change itself"
        assert row | {"cautions": itself["cautions"], "lint": itself["lint"]} == itself
    assert {vote["verdict"] for vote in rows[-1]["votes"]} == {"request_changes"}


def test_a_list_leaves_the_comparison_of_long_texts_to_the_change_itself(propose, script):
    long = propose(query="SELECT '" + "a" * 100_001 + "' AS letters").json()["number"]

    [row] = [row for row in script.get("changes/").json()["results"] if row["number"] == long]

    assert row["diff"] is None and len(row["proposal"]["query"]) > 100_000
    assert "letters" in script.get(f"changes/{long}/").json()["diff"]["unified"]


def test_the_same_key_makes_one_change(propose, script, view):
    body = {"action": "edit_query", "saved_query": str(view.posthog_id), "query": NEW, "reason": "r", "submit": True}
    first, again = (script.key("one").post("changes/", body) for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert ChangeRequest.objects.count() == 1


def test_tokens_comment_and_ask_again_and_name_co_authors(number, script, colleague, person, script_of):
    person("second", Role.EDITOR)
    colleague.post(f"changes/{number}/request-changes/", {"comment": "round it"})

    assert script.post(f"changes/{number}/comment/", {"comment": "will do"}).json()["timeline"][-1]["text"] == "will do"
    assert is_problem(script.post(f"changes/{number}/comment/", {}), 400)["errors"]["comment"]
    assert script.post(f"changes/{number}/re-request/").json()["state"] == "in_review"
    assert is_problem(script.post(f"changes/{number}/re-request/"), 409)["blockers"]
    assert script.post(f"changes/{number}/co-authors/", {"add": ["second"]}).json()["co_authors"] == ["second"]
    assert "add" in is_problem(script.post(f"changes/{number}/co-authors/", {"add": ["nobody"]}), 400)["errors"]
    assert "add" in is_problem(script.post(f"changes/{number}/co-authors/", {}), 400)["errors"]
    assert script.post(f"changes/{number}/co-authors/", {"remove": ["second"]}).json()["co_authors"] == []


def test_an_objection_is_lifted_in_the_browser_session(number, colleague, browser_of, admin):
    colleague.post(f"changes/{number}/request-changes/", {"comment": "round it"})
    boss = browser_of(admin)

    assert is_problem(boss.post(f"changes/{number}/dismiss/", {"voter": "reviewer"}), 400)["errors"]["comment"]
    assert "voter" in is_problem(boss.post(f"changes/{number}/dismiss/", {"voter": "nobody"}), 400)["errors"]
    body = boss.post(f"changes/{number}/dismiss/", {"voter": "reviewer", "comment": "rounded"}).json()

    assert (body["state"], body["votes"][0]["counts"]) == ("in_review", False)
    assert body["badge"] == {"state": "in_review", "word": "In review", "title": ""}
    assert body["requirements"] == [
        {"label": "One reviewer", "role": "reviewer", "count": 1, "approvals": 0, "people": []}
    ]


def test_a_withdrawn_change_is_opened_again(number, script, colleague):
    assert is_problem(script.post(f"changes/{number}/reopen/"), 409)["blockers"]
    script.post(f"changes/{number}/withdraw/")

    assert script.post(f"changes/{number}/reopen/").json()["state"] == "draft"
    is_problem(colleague.get(f"changes/{number}/"), 404)

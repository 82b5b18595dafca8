"""Lint and formatting over REST: all that the pages do."""

from __future__ import annotations

import pytest

from tests.api.caller import is_problem
from warehouse_admin.accounts import services as accounts
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.lineage.lint.models import LintExemption

pytestmark = pytest.mark.django_db

STAR = "SELECT * FROM stg_app_orders"


@pytest.fixture
def view(view_named, synced):
    accounts.check_connection(synced)
    return view_named("stg_fx_rates")


def test_rules_are_listed_with_what_they_weigh_where(view, people, script_of, browser_of):
    script = script_of(people["viewer"])
    rules = {rule["id"]: rule for rule in script.get("lint/rules/").json()}
    assert rules["select-star"]["levels"] == [
        {"connection": "demo", "level": "warning", "reason": None, "set_by": None}
    ]
    assert rules["select-star"]["url"] == "/lint/select-star/"
    is_problem(script.get("lint/rules/nonsense/"), 404)
    is_problem(script.post("lint/rules/select-star/level/", {"level": "error", "reason": "r"}), 403)
    boss = browser_of(people["admin"])
    assert (
        "level" in is_problem(boss.post("lint/rules/select-star/level/", {"level": "x", "reason": "r"}), 400)["errors"]
    )

    told = boss.post("lint/rules/select-star/level/", {"level": "error", "reason": "our way"}).json()

    assert told["levels"] == [{"connection": "demo", "level": "error", "reason": "our way", "set_by": "admin"}]
    kept = AuditEntry.objects.get(action="lint.level_set", result="ok")
    assert kept.after == {"rule": "select-star", "level": "error"}


def test_a_text_is_looked_at_for_a_view_and_for_one_that_is_not_made_yet(view, people, script_of):
    script = script_of(people["editor"])
    present = script.get(f"saved-queries/{view.posthog_id}/lint/").json()
    assert (present["findings"], present["problem"]) == ([], "")
    assert "select-star" in present["passed"]

    told = script.post(f"saved-queries/{view.posthog_id}/lint/", {"query": STAR}).json()

    [finding] = told["findings"]
    assert (finding["rule"], finding["level"], finding["line"], finding["column"], finding["offset"]) == (
        "select-star", "warning", 1, 8, 7,
    )  # fmt: skip
    assert (finding["blocks"], finding["exemption"], told["counts"]["warning"]) == (False, None, 1)
    new = script.post("saved-queries/new/lint/", {"query": "SELECT 1 AS one", "name": "MyView"}).json()
    assert [one["rule"] for one in new["findings"]] == ["naming"]
    broken = script.post("saved-queries/new/lint/", {"query": "SELECT 1 AS", "name": "x"}).json()
    assert "does not parse" in broken["problem"]


def test_an_exemption_is_granted_by_a_person_listed_shown_and_taken_back(view, people, script_of, browser_of):
    body = {"saved_query": str(view.posthog_id), "rule": "select-star", "reason": "a copy", "until": "2999-01-01"}
    judge = browser_of(people["reviewer"])
    is_problem(browser_of(people["editor"]).post("lint/exemptions/", body), 403)
    is_problem(script_of(people["reviewer"]).post("lint/exemptions/", body), 403)
    assert "until" in is_problem(judge.post("lint/exemptions/", body), 400)["errors"]
    is_problem(judge.post("lint/exemptions/", {**body, "until": None, "saved_query": "x"}), 404)
    is_problem(judge.post("lint/exemptions/", {"rule": "select-star", "reason": "r"}), 400)

    granted = judge.post("lint/exemptions/", {**body, "until": None})

    assert granted.status_code == 201
    row = granted.json()
    assert (row["name"], row["state"], row["granted_by"]) == ("stg_fx_rates", "standing", "reviewer")
    script = script_of(people["viewer"])
    told = script_of(people["editor"]).post(f"saved-queries/{view.posthog_id}/lint/", {"query": STAR}).json()
    assert told["findings"][0]["exemption"] == {
        "id": row["id"], "by": "reviewer", "reason": "a copy", "until": None, "counts": True,
    }  # fmt: skip
    found = script.get("lint/exemptions/", {"state": "standing", "saved_query": str(view.posthog_id)}).json()
    assert [one["id"] for one in found["results"]] == [row["id"]]
    assert script.get("lint/exemptions/", {"state": "ended"}).json()["count"] == 0
    is_problem(script.get("lint/exemptions/", {"state": "odd"}), 400)
    is_problem(judge.post(f"lint/exemptions/{row['id']}/revoke/", {}), 400)
    gone = judge.post(f"lint/exemptions/{row['id']}/revoke/", {"reason": "no more"}).json()
    assert (gone["state"], gone["revoked_by"], gone["revoked_reason"]) == ("revoked", "reviewer", "no more")
    is_problem(judge.post(f"lint/exemptions/{row['id']}/revoke/", {"reason": "again"}), 409)


def test_an_exemption_may_be_for_a_name(view, people, browser_of):
    body = {"connection": "demo", "name": "to_be", "rule": "naming", "reason": "theirs"}

    row = browser_of(people["admin"]).post("lint/exemptions/", body).json()

    assert (row["saved_query"], row["name"]) == (None, "to_be")
    assert LintExemption.objects.get().saved_query is None


def test_a_proposal_is_refused_with_the_place_and_a_change_tells_its_checks(view, people, script_of):
    script = script_of(people["editor"])
    body = {"action": "edit_query", "saved_query": str(view.posthog_id), "reason": "r", "submit": True}
    refused = is_problem(script.post("changes/", {**body, "query": "SELECT 1 AS a, 2 AS a"}), 400)
    assert refused["errors"]["query"][0].startswith("Line 1, column 16: The view has a column a already.")
    draft = script.post("changes/", {**body, "query": "SELECT 1 AS a, 2 AS a", "submit": False}).json()
    assert draft["lint"]["findings"][0]["blocks"] is True
    assert is_problem(script.post(f"changes/{draft['number']}/submit/", {}), 409)["blockers"]

    change = script.post("changes/", {**body, "query": STAR}).json()

    assert [one["rule"] for one in change["lint"]["findings"]] == ["select-star"]
    assert (change["lint"]["appeared"], change["lint"]["disappeared"]) == ([], [])
    assert script.get("changes/").json()["results"][0]["lint"] is None


def test_a_preview_tells_what_lint_finds(view, people, script_of):
    told = script_of(people["editor"]).post(f"saved-queries/{view.posthog_id}/preview/", {"query": STAR}).json()

    assert [one["rule"] for one in told["notes"]] == ["preview-without-limit"]
    assert [one["rule"] for one in told["lint"]["findings"]] == ["select-star"]


def test_a_text_is_formatted_or_refused(db, people, script_of):
    script = script_of(people["viewer"], read_only=False)

    assert script.post("format/", {"query": "select a,b from t"}).json() == {
        "query": "SELECT a, b FROM t", "changed": True,
    }  # fmt: skip
    assert "syntax error" in is_problem(script.post("format/", {"query": "select a from"}), 400)["errors"]["query"][0]

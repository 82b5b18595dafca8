"""What a key promises, what answers teach, and what people are told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from warehouse_admin.posthog import errors
from warehouse_admin.posthog.capabilities import ACTIONS, Capability, from_dict, from_key, learn, remember, to_dict
from warehouse_admin.posthog.types import KeyInfo


def key(*scopes: str, teams: list[int] | None = None) -> KeyInfo:
    return KeyInfo.parse({"id": "k", "scopes": list(scopes), "scoped_teams": teams})


# The table of what each server generation offers to a key with every scope, by action.
OFFERED = {
    "list": "yyyy",
    "detail": "yyyy",
    "write": "yyyy",
    "activity": "yyyy",
    "jobs": "yyyy",
    "validate": "yyyy",
    "preview": "yyyy",
    "tables": "yyyy",
    "tables_write": "yyyy",
    "run": "nnyy",
    "materialize": "nnyy",
    "revert_materialization": "nnyy",
    "resume_schedules": "nnyy",
    "run_history": "nnyy",
    "resume": "nnny",
    "cancel": "nnyn",
    "ancestors": "nnyn",
    "descendants": "nnyn",
    "dependencies": "nnyn",
    "refresh_schema": "nnny",
    "update_schema": "nnnn",
    "folders": "nnyy",
    "activity_log": "yyuu",
    "interviews": "uuuu",
}


@pytest.mark.parametrize("action", OFFERED)
def test_generations_offer_different_actions(action: str):
    states = [from_key(key("*"), generation)[action] for generation in "ABCD"]

    assert "".join(found.state[0] for found in states) == OFFERED[action]
    assert all(found.cause == "unsupported" for found in states if found.state == "no")
    assert all(bool(found.reason) == (found.state != "yes") for found in states)


def test_every_action_is_answered_for():
    assert set(from_key(key(), None)) == set(from_key(key("*"), "D")) == set(ACTIONS)


@pytest.mark.parametrize(
    ("action", "scope"),
    [
        ("list", "warehouse_view:read"),
        ("write", "warehouse_view:write"),
        ("tables_write", "warehouse_table:write"),
        ("activity", "activity_log:read"),
        ("validate", "query:read"),
        ("user", "user:read"),
    ],
)
def test_a_lacking_scope_is_named_with_the_remedy(action: str, scope: str):
    lacking = from_key(key("dashboard:write"), "B")[action]

    assert (lacking.state, lacking.cause) == ("no", "scope")
    assert f"add the scope {scope}" in lacking.reason
    assert from_key(key(scope), "B")[action].state == "yes"


def test_write_implies_read_and_not_the_other_way_round():
    assert from_key(key("warehouse_view:write"), "B")["list"].state == "yes"
    assert from_key(key("warehouse_view:read"), "B")["write"].state == "no"


@pytest.mark.parametrize(
    ("generation", "scope"),
    [("A", "user_interview_DO_NOT_USE:read"), ("B", "user_interview_DO_NOT_USE:read"), ("D", "user_interview:read")],
)
def test_interviews_changed_their_scope(generation: str, scope: str):
    lacking = from_key(key(), generation)["interviews"]

    assert f"the scope {scope} " in lacking.reason
    assert from_key(key(scope), generation)["interviews"].state == "unknown"


def test_an_unknown_server_leaves_its_differences_unknown():
    found = from_key(key("*"), None)

    assert (found["list"].state, found["run"].state, found["cancel"].state) == ("yes", "unknown", "unknown")


@pytest.mark.parametrize("project", [7, "7"])
def test_a_key_for_other_projects_may_do_nothing_here(project: Any):
    elsewhere, here = from_key(key("*", teams=[8]), "D", project), from_key(key("*", teams=[7, 8]), "D", project)

    assert (elsewhere["list"].state, elsewhere["list"].cause, elsewhere["user"].state) == ("no", "project", "yes")
    assert (here["list"].state, here["projects"].state) == ("yes", "no")


@pytest.mark.parametrize(
    ("error", "state", "cause", "said"),
    [
        (None, "yes", "", ""),
        (errors.ActionNotForKeys("…"), "no", "unsupported", "does not let API keys cancel a run"),
        (errors.MissingScope("…", scope="warehouse_view:write"), "no", "scope", "add the scope warehouse_view:write"),
        (errors.ProjectRestricted("…"), "no", "project", "other projects"),
        (errors.AccessDenied("You don't have access to the project."), "no", "access", "access to the project"),
        (errors.AccessDenied("You do not have editor access to this resource."), "unknown", "access", "one object"),
        (errors.InvalidKey("…"), "no", "access", "does not accept"),
        (errors.NotFound("Endpoint not found."), "no", "unsupported", "too old"),
        (errors.NotFound("Not found."), "yes", "", ""),
        (errors.NotFound("Project not found."), "unknown", "", "does not tell"),
        (errors.Conflict("…"), "yes", "", ""),
        (errors.Refused("Cannot cancel", status=400), "yes", "", ""),
        (errors.Refused("Pay", status=402), "no", "plan", "paid plan"),
        (errors.RateLimited("…"), "unknown", "", "does not tell"),
        (errors.ServerError("…"), "unknown", "", "does not tell"),
        (errors.Unreachable("…"), "unknown", "", "does not tell"),
        (errors.BadAnswer("…"), "unknown", "", "does not tell"),
    ],
)
def test_answers_teach(error: errors.PostHogError | None, state: str, cause: str, said: str):
    learned = learn("cancel", error)

    assert (learned.state, learned.cause) == (state, cause)
    assert said in learned.reason


def test_what_is_known_is_kept_until_an_answer_says_otherwise():
    known = from_key(key("*"), "D")

    assert remember(known, "run", errors.Unreachable("…")) == known
    assert remember(known, "run", errors.ActionNotForKeys("…"))["run"].state == "no"
    assert remember(known, "cancel", None)["cancel"] == Capability("yes")
    assert known["cancel"].state == "no"
    assert remember({}, "run", errors.Unreachable("…"))["run"].state == "unknown"


def test_they_are_stored_as_plain_json():
    known = from_key(key("warehouse_view:read"), "B")

    assert from_dict(json.loads(json.dumps(to_dict(known)))) == known
    assert from_dict({"list": {"state": "maybe"}, "gone": {}, "run": None}) == {"list": Capability("unknown")}

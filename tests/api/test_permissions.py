"""Who may call what: one table of call, body and the roles that get through."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from tests.api.caller import Caller, is_problem
from warehouse_admin.accounts import services as accounts
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes import services as changes
from warehouse_admin.mirror.models import SyncRun

ROLES = ("viewer", "editor", "reviewer", "operator", "auditor", "admin")
EVERYBODY = set(ROLES)
PROPOSERS = {"editor", "reviewer", "operator", "admin"}
REVIEWERS_OF_ACTIVITY = {"reviewer", "operator", "auditor", "admin"}
OPERATORS = {"operator", "admin"}
SYNCERS = {"editor", "operator", "admin"}
EDIT = {"action": "edit_query", "query": "SELECT 9 AS rate", "reason": "r", "submit": True}
WHY = {"reason": "r"}

READS = [
    "saved-queries/",
    "saved-queries/{view}/",
    "saved-queries/{view}/versions/",
    "saved-queries/{view}/blame/",
    "saved-queries/{view}/runs/",
    "saved-queries/{view}/activity/",
    "saved-queries/{view}/lineage/",
    "tables/",
    "changes/",
    "changes/{change}/",
    "changes/{change}/threads/",
    "changes/{change}/threads/{thread}/",
    "schedules/resumes/",
    "schedules/pauses/",
    "activity/",
    "activity/{entry}/",
    "audit/",
    "folders/",
    "sync/",
    "sync/{sync}/",
]
# call, body, roles that may, status for them, the action that a denial is recorded under
WRITES: list[tuple[str, dict[str, Any], set[str], int, str]] = [
    ("changes/", {**EDIT, "saved_query": "{view}"}, PROPOSERS, 201, "change.created"),
    ("changes/{change}/approve/", {}, {"reviewer"}, 200, "change.approved"),
    ("changes/{change}/request-changes/", {"comment": "x"}, {"reviewer"}, 200, "change.changes_requested"),
    ("changes/{change}/reject/", {"comment": "x"}, {"reviewer", "admin"}, 200, "change.rejected"),
    ("changes/{change}/withdraw/", {"comment": "x"}, {"admin"}, 200, "change.withdrawn"),
    ("changes/{change}/revise/", {"query": "SELECT 8 AS rate", "revision": 1}, set(), 200, "change.revised"),
    ("changes/{change}/rebase/", {"query": "SELECT 8 AS rate"}, set(), 200, "change.rebased"),
    ("changes/{change}/threads/{thread}/resolve/", {}, {"reviewer"}, 200, "change.thread_resolved"),
    (
        "changes/{change}/suggestions/accept/",
        {"suggestions": ["{thread}"], "revision": 1},
        set(),
        200,
        "change.suggestions_accepted",
    ),
    ("changes/{draft}/submit/", {}, set(), 200, "change.submitted"),
    ("changes/{change}/apply/", {}, {"operator"}, 409, "change.apply_asked"),
    ("changes/{change}/rollback/", WHY, PROPOSERS, 409, "change.rolled_back"),
    ("saved-queries/{view}/refresh/", {}, PROPOSERS, 200, "saved_query.refresh"),
    ("saved-queries/{view}/lineage/comparison/", {}, PROPOSERS, 409, "saved_query.compare_lineage"),
    ("saved-queries/{view}/run/", WHY, OPERATORS, 202, "saved_query.run"),
    ("saved-queries/{view}/cancel/", WHY, OPERATORS, 409, "saved_query.cancel"),
    ("schedules/resume/", {**WHY, "saved_queries": ["{view}"]}, OPERATORS, 202, "schedules.resume"),
    ("schedules/pauses/{view}/wake/", WHY, OPERATORS, 404, "schedules.resume"),
    ("schedules/pauses/{view}/date/", {"until": None}, OPERATORS, 404, "schedules.change_wake_up"),
    ("activity/{entry}/review/", {"verdict": "accepted"}, REVIEWERS_OF_ACTIVITY, 200, "activity.reviewed"),
    ("sync/", {}, SYNCERS, 202, "sync.started"),
    ("sync/{sync}/stop/", {}, SYNCERS, 409, "sync.stopped"),
]


@pytest.fixture
def names(synced, author, view_named) -> dict[str, str]:
    """What stands for the braces in the table."""
    accounts.check_connection(synced)
    view = view_named("stg_fx_rates")
    change = changes.create(author=author, saved_query=view, query="SELECT 7 AS rate", reason="r", submit=True)
    draft = changes.create(author=author, saved_query=view, query="SELECT 6 AS rate", reason="r", submit=False)
    where = {"revision": 1, "side": "proposal", "place": (1, 1)}
    thread = changes.open_thread(change, author, changes.Said("why?"), **where)
    entry = ActivityEntry.objects.create(
        connection=synced, saved_query=view, source="outside", kind="edited", occurred_at=timezone.now()
    )
    return {
        "view": str(view.posthog_id),
        "change": str(change.pk),
        "draft": str(draft.pk),
        "thread": str(thread.pk),
        "entry": str(entry.pk),
        "sync": str(SyncRun.objects.latest("created_at").pk),
    }


def filled(body: Any, names: dict[str, str]) -> Any:
    if isinstance(body, dict):
        return {key: filled(value, names) for key, value in body.items()}
    if isinstance(body, list):
        return [filled(value, names) for value in body]
    return body.format(**names) if isinstance(body, str) else body


@pytest.mark.django_db
def test_every_role_reads_everything_and_people_without_one_nothing(names, people, browser_of):
    for role in ROLES:
        browser = browser_of(people[role])
        for path in READS:
            assert browser.get(path.format(**names)).status_code == 200, (role, path)
    nobody = browser_of(people["outsider"])
    for path in READS:
        is_problem(nobody.get(path.format(**names)), 403)


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "body", "may", "status", "action"), WRITES, ids=[row[0] for row in WRITES])
def test_only_the_right_roles_get_through_and_every_denial_is_recorded(
    path, body, may, status, action, names, people, browser_of
):
    address, sent = path.format(**names), filled(body, names)
    refused: list[str] = []
    for role in (*ROLES, "outsider"):
        if role not in may:
            hidden = "{draft}" in path and role not in ("admin", "outsider")  # a draft is its author's business
            answer = browser_of(people[role]).post(address, sent)
            is_problem(answer, 404 if hidden else 403)
            refused += [] if hidden else [role]
    denied = AuditEntry.objects.filter(result="denied")
    assert [entry.actor_name for entry in denied.order_by("sequence")] == refused
    assert set(denied.exclude(actor_name="outsider").values_list("action", flat=True)) <= {action}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "body", "role", "status"),
    [(path, body, role, status) for path, body, may, status, _ in WRITES for role in sorted(may)],
)
def test_the_right_roles_get_through(path, body, role, status, names, people, browser_of):
    response = browser_of(people[role]).post(path.format(**names), filled(body, names))

    assert response.status_code == status, response.content
    assert not AuditEntry.objects.filter(result="denied").exists()


@pytest.mark.django_db
def test_the_superuser_flag_gives_nothing(names, people, browser_of):
    people["viewer"].is_superuser = people["viewer"].is_staff = True
    people["viewer"].save()
    browser: Caller = browser_of(people["viewer"])

    is_problem(browser.post("sync/"), 403)
    is_problem(browser.post(f"changes/{names['change']}/approve/"), 403)

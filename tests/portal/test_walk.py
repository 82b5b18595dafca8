"""Every method and path of PostHog's two reference pages, walked through the portal's front door on every server.

Where a server offers one, the request reaches it and its effect is seen; where it does not, nothing is sent, and who
asked is told so.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from tests.api.caller import BASE, Caller
from tests.changes.tables import ACCESS, KEYS, NEW, OWN, SECRET, kept_keys, leaks_in_database, planted_in, the
from tests.interviews.conftest import PEOPLE, kept_files, recordings_folder, sent_file
from warehouse_admin.accounts.models import Connection, EndpointUse, User
from warehouse_admin.accounts.roles import Role
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.interviews.models import Interview, Write
from warehouse_admin.lineage import services as lineage
from warehouse_admin.mirror.models import Run, SavedQuery
from warehouse_admin.posthog import endpoints
from warehouse_admin.sandbox.faults import Fault
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.sandbox.world import World

__all__ = ["recordings_folder"]
EVERYWHERE = "ABCD"
LEAF, TABLE = "mart_refunds_disputes", "int_order_margins"
SUSPENDED = "int_sessions"


@dataclass
class Front:
    """The portal as people and scripts meet it, and the server behind."""

    sandbox: SandboxServer
    connection: Connection
    people: dict[str, User]
    committed: Callable[[], AbstractContextManager[Any]]

    @property
    def world(self) -> World:
        return self.sandbox.world

    def browser(self, role: str) -> Client:
        client = Client()
        client.force_login(self.people[role])
        return client

    def script(self, role: str) -> Caller:
        return Caller(self.browser(role))

    def post(self, role: str, path: str, body: dict[str, Any] | None = None) -> Any:
        with self.committed():
            return self.script(role).post(path, body)

    def sync(self) -> Any:
        """Started by a person; everything that follows it is done."""
        answer = self.post("admin", "sync/", {"kind": "incremental"})
        assert answer.status_code == 202, answer.content
        done = self.script("admin").get(f"sync/{answer.json()['id']}/").json()
        assert done["state"] == "succeeded", done
        return answer

    def view(self, name: str) -> SavedQuery:
        return SavedQuery.objects.present().get(name=name)

    def change(self, action: str, **fields: Any) -> Any:
        """Proposed by a script, approved in a browser, applied: the change as it ended, or the refusal at the door."""
        made = self.script("editor").post("changes/", {"action": action, "reason": "walk", "submit": True, **fields})
        if made.status_code != 201:
            return made
        number = made.json()["number"]
        approved = self.post("reviewer", f"changes/{number}/approve/")
        assert approved.status_code == 200, approved.content
        ended = self.script("editor").get(f"changes/{number}/")
        assert ended.json()["state"] == "applied", ended.json()["problem"]
        return ended

    def of_view(self, action: str, name: str = LEAF, **fields: Any) -> Any:
        return self.change(action, saved_query=str(self.view(name).posthog_id), **fields)


Walk = Callable[[Front], Any]


@dataclass(frozen=True)
class Step:
    """One endpoint; `walk` gives the answer that the person got, None where nobody is answered."""

    key: str
    walk: Walk
    offered: str = EVERYWHERE


def read_list(front: Front) -> Any:
    front.sync()
    assert front.script("viewer").get("saved-queries/").json()["count"] > 20
    return front.browser("viewer").get(reverse("mirror:view-list"))


def read_one(front: Front) -> Any:
    return front.post("editor", f"saved-queries/{front.view(LEAF).posthog_id}/refresh/")


def create(front: Front) -> Any:
    ended = front.change("create_view", name="walk_made", query="SELECT 1 AS one")
    assert front.world.view("walk_made").sql == "SELECT 1 AS one"
    return ended


def edit(front: Front) -> Any:
    ended = front.of_view("edit_query", query="SELECT 2 AS two")
    assert front.world.view(LEAF).sql == "SELECT 2 AS two"
    return ended


def delete(front: Front) -> Any:
    view = front.view(LEAF)
    ended = front.of_view("delete")
    assert front.world.views[str(view.posthog_id)].deleted
    return ended


def activity(front: Front) -> Any:
    """The log of one view is asked for where the project's is refused."""
    front.world.faults.add(Fault("refuse", "GET", "/activity_log/", times=None))
    front.world.edit_outside(LEAF, "SELECT 3 AS three", by="ben")
    return front.sync()


def compare(front: Front) -> Any:
    answer = front.post("editor", f"saved-queries/{front.view(TABLE).posthog_id}/lineage/comparison/")
    if answer.status_code == 200:
        assert [side["told"] for side in answer.json()["sides"]] == [True, True]
    return answer


def cancel(front: Front) -> Any:
    front.world.run_outside(TABLE)
    front.sync()
    return front.post("operator", f"saved-queries/{front.view(TABLE).posthog_id}/cancel/", {"reason": "stuck"})


def run(front: Front) -> Any:
    return front.post("operator", f"saved-queries/{front.view(TABLE).posthog_id}/run/", {"reason": "late data"})


def materialize(front: Front) -> Any:
    plain = SavedQuery.objects.present().filter(is_materialized=False, managed_viewset_kind="").order_by("name")
    view = plain.exclude(origin="managed_viewset").first()
    ended = front.of_view("materialize", view.name)
    if ended.status_code == 200:
        assert front.world.view(view.name).is_materialized
    return ended


def revert(front: Front) -> Any:
    ended = front.of_view("unmaterialize", TABLE)
    if ended.status_code == 200:
        assert not front.world.view(TABLE).is_materialized
    return ended


def run_history(front: Front) -> Any:
    """Asked for where the feed of runs is refused; what it tells is the same history."""
    front.world.faults.add(Fault("refuse", "GET", "/data_modeling_jobs/", times=None, status=404))
    before = Run.objects.filter(saved_query__name=TABLE).count()
    front.world.run_outside(TABLE, finish=True)
    front.sync()
    if front.connection.generation in "CD":
        assert Run.objects.filter(saved_query__name=TABLE).count() > before
    return None


def resume(front: Front) -> Any:
    ids = [str(front.view(SUSPENDED).posthog_id)]
    return front.post("operator", "schedules/resume/", {"saved_queries": ids, "reason": "mended"})


def table_list(front: Front) -> Any:
    front.sync()
    return front.browser("viewer").get(reverse("mirror:table-list"))


def table_create(front: Front) -> Any:
    ended = front.change("create_table", **NEW, credential={"access_key": ACCESS, "access_secret": SECRET})
    assert [table.name for table in front.world.tables.values()].count(NEW["name"]) == 1
    return ended


def table_one(front: Front) -> Any:
    return front.change("update_table", table=str(the(OWN).posthog_id), name="finance_rates")


def interview_list(front: Front) -> Any:
    front.sync()
    assert front.script("editor").get("interviews/").json()["count"] == 3
    return front.browser("editor").get(reverse("interviews:list"))


def interview_create(front: Front) -> Any:
    with front.committed():
        answer = front.browser("editor").post(
            f"{BASE}interviews/", {"audio": sent_file(), "interviewee_emails": PEOPLE}
        )
    assert Write.objects.get().mutation.state == "happened"
    return answer


def _one_interview(front: Front) -> str:
    front.sync()
    return str(Interview.objects.order_by("remote_created_at").first().posthog_id)


def interview_edit(front: Front) -> Any:
    key = _one_interview(front)
    with front.committed():
        answer = front.browser("editor").patch(f"{BASE}interviews/{key}/", {"summary": "Short."}, "application/json")
    assert front.world.interviews[key].summary == "Short."
    return answer


def interview_delete(front: Front) -> Any:
    key = _one_interview(front)
    body = {"reason": "asked for", "confirm": key}
    with front.committed():
        answer = front.browser("editor").delete(f"{BASE}interviews/{key}/", body, "application/json")
    assert key not in front.world.interviews
    return answer


VIEWS, TABLES, INTERVIEWS = endpoints.VIEWS, endpoints.TABLES, endpoints.INTERVIEWS
STEPS = [
    Step(f"GET {VIEWS}", read_list),
    Step(f"POST {VIEWS}", create),
    Step(f"GET {VIEWS}:id/", read_one),
    Step(f"PATCH {VIEWS}:id/", edit),
    Step(f"DELETE {VIEWS}:id/", delete),
    Step(f"GET {VIEWS}:id/activity/", activity),
    Step(f"POST {VIEWS}:id/ancestors/", compare, "C"),
    Step(f"POST {VIEWS}:id/descendants/", compare, "C"),
    Step(f"GET {VIEWS}:id/dependencies/", compare, "C"),
    Step(f"POST {VIEWS}:id/cancel/", cancel, "C"),
    Step(f"POST {VIEWS}:id/materialize/", materialize, "CD"),
    Step(f"POST {VIEWS}:id/revert_materialization/", revert, "CD"),
    Step(f"POST {VIEWS}:id/run/", run, "CD"),
    Step(f"GET {VIEWS}:id/run_history/", run_history, "CD"),
    Step(f"POST {VIEWS}resume_schedules/", resume, "CD"),
    Step(f"GET {TABLES}", table_list),
    Step(f"POST {TABLES}", table_create),
    Step(f"GET {TABLES}:id/", table_one),
    Step(f"GET {INTERVIEWS}", interview_list),
    Step(f"POST {INTERVIEWS}", interview_create),
    Step(f"GET {INTERVIEWS}:id/", interview_edit),
    Step(f"PATCH {INTERVIEWS}:id/", interview_edit),
    Step(f"DELETE {INTERVIEWS}:id/", interview_delete),
]


@pytest.fixture
def front(
    sandbox: SandboxServer,
    generation: Callable[[str], Connection],
    person: Callable[..., User],
    django_capture_on_commit_callbacks: Any,
) -> Callable[[str], Front]:
    def make(name: str) -> Front:
        connection = generation(name)
        people = {role.value: person(role.value, role) for role in Role}
        return Front(sandbox, connection, people, lambda: django_capture_on_commit_callbacks(execute=True))

    return make


def test_the_walk_leaves_nothing_out():
    assert {step.key for step in STEPS} == {one.key for one in endpoints.documented()}


@pytest.mark.parametrize("name", EVERYWHERE)
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.key.replace(" ", "-"))
def test_every_documented_endpoint_is_walked_or_its_refusal_shown(step: Step, name: str, front) -> None:
    door = front(name)
    before = len(door.world.requests)

    answer = step.walk(door)

    asked = {found.key for one in door.world.requests[before:] if (found := endpoints.matching(one.method, one.path))}
    told = door.script("admin").get(f"connections/{door.connection.slug}/coverage/").json()["endpoints"]
    row = next(row for row in told if f"{row['method']} {row['path']}" == step.key)
    if name in step.offered:
        assert step.key in asked
        assert answer is None or answer.status_code < 400, answer.content
        assert (row["last_use"]["result"], row["last_use"]["told"]) == ("ok", "")
        assert row["offered"]["state"] == "yes"
        return
    assert step.key not in asked
    assert (row["offered"]["state"], row["offered"]["cause"]) == ("no", "unsupported")
    assert "does not let API keys" in row["offered"]["reason"]
    assert row["last_use"] is None
    if answer is not None:
        assert answer.status_code == 409
        assert "does not let API keys" in answer.json()["detail"]


@pytest.mark.parametrize("name", EVERYWHERE)
def test_both_slow_creations_survive_a_lost_answer_once_and_leave_no_secret(name: str, front, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    door = front(name)
    door.sync()
    for part in ("warehouse_tables", "user_interviews"):
        door.world.faults.add(Fault("drop_after", "POST", part))
    made = (
        door.script("editor")
        .post(
            "changes/",
            {
                "action": "create_table",
                **NEW,
                "credential": {"access_key": ACCESS, "access_secret": SECRET},
                "reason": "budget",
                "submit": True,
            },
        )
        .json()
    )
    door.post("reviewer", f"changes/{made['number']}/approve/")
    with door.committed():
        door.browser("editor").post(f"{BASE}interviews/", {"audio": sent_file(), "interviewee_emails": PEOPLE})
    assert door.script("editor").get(f"changes/{made['number']}/").json()["state"] == "unconfirmed"
    assert Write.objects.get().mutation.state == "unconfirmed"

    for _ in range(2):  # whoever runs it twice settles nothing twice
        with door.committed():
            call_command("reconcile")
    door.sync()

    tables = [table for table in door.world.tables.values() if table.name == NEW["name"]]
    interviews = [one for one in door.world.interviews.values() if one.interviewee_emails == PEOPLE]
    assert (len(tables), len(interviews)) == (1, 1)
    assert len(door.world.requests_to("warehouse_tables", "POST")) == 1
    assert len(door.world.requests_to("user_interviews", "POST")) == 1
    assert door.script("editor").get(f"changes/{made['number']}/").json()["state"] == "applied"
    assert Write.objects.get().mutation.state == "happened"
    assert (kept_keys(), kept_files()) == ([], [])

    assert leaks_in_database() == []
    assert planted_in(caplog.text) == []
    shown = _everything_shown(door, made["number"])
    assert planted_in(shown) == [] and door.sandbox.key not in shown
    assert "".join(planted_in(repr(KEYS))) == ""
    door.connection.refresh_from_db()
    assert door.connection.api_key not in caplog.text


def _everything_shown(door: Front, number: int) -> str:
    """Pages, answers of the API and exports that tell of the change, of tables, or of the trail."""
    admin, auditor = door.browser("admin"), door.browser("auditor")
    table = the(NEW["name"])
    slug = door.connection.slug
    pages = [
        reverse("changes:detail", args=[number]),
        reverse("changes:list"),
        reverse("mirror:table-detail", args=[table.posthog_id]),
        reverse("changes:new-table") + f"?from={table.posthog_id}",
        reverse("accounts:connection-edit", args=[slug]),
        reverse("accounts:connection-coverage", args=[slug]),
        reverse("activity:list"),
        "/api/v1/changes/",
        f"/api/v1/changes/{number}/",
        f"/api/v1/tables/{table.posthog_id}/",
        f"/api/v1/connections/{slug}/coverage/",
        "/api/v1/activity/",
        "/metrics",
    ]
    parts = [_text(admin.get(page)) for page in pages]
    parts += [_text(auditor.get(page)) for page in ("/audit/", "/api/v1/audit/?limit=200")]
    parts += [_text(auditor.get(f"/api/v1/audit/{entry}/")) for entry in _sequences()]
    parts.append(_text(admin.get(f"/api/v1/changes/{number}/evidence/")))
    with door.committed():
        asked = auditor.post("/api/v1/audit/exports/", {"format": "jsonl"}, content_type="application/json")
    assert asked.status_code == 202, asked.content
    listed = auditor.get("/api/v1/audit/exports/").json()["results"][0]
    parts.append(_text(auditor.get(listed["file"])))
    parts.append(json.dumps(list(EndpointUse.objects.values("endpoint", "told", "own_key_of"))))
    return "\n".join(parts)


def _sequences() -> list[int]:
    rows = AuditEntry.objects.filter(action__in=("table.create_table", "change.created", "change.applied"))
    return list(rows.values_list("sequence", flat=True))


def _text(answer: Any) -> str:
    assert answer.status_code == 200, (answer.status_code, getattr(answer, "content", b"")[:300])
    data = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return data.decode("utf-8", "replace")


def test_a_table_page_leads_to_a_new_one_like_it(front) -> None:
    door = front("D")
    lineage.refresh(door.connection)
    own = the(OWN)
    client = door.browser("editor")
    page = client.get(reverse("mirror:table-detail", args=[own.posthog_id])).content.decode()
    address = f"{reverse('changes:new-table')}?from={own.posthog_id}"
    assert address in page.replace("&amp;", "&")
    form = client.get(address).content.decode()
    assert own.url_pattern in form

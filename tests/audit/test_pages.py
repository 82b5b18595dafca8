"""The audit pages: who sees which rows, filters, paging, one entry, the check."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from warehouse_admin.accounts.models import User
from warehouse_admin.audit import searching, selectors, services
from warehouse_admin.audit.models import AuditEntry, Verification
from warehouse_admin.audit.targets import Target
from warehouse_admin.core import context

ClientOf = Callable[[User], Client]
VIEW_ID = "0190aaaa-0000-7000-8000-000000000001"


def fill(user: User, count: int, **extra: Any) -> None:
    for number in range(count):
        services.record(actor=user, action="test.done", target=Target("saved_query", "", f"view_{number}"), **extra)


def sequences(response: Any) -> list[int]:
    return [entry.sequence for entry in response.context["window"].entries]


def test_an_auditor_sees_everybody_and_the_author_only_themselves(
    author: User, reviewer: User, auditor: User, client_of: ClientOf
) -> None:
    fill(author, 2)
    fill(reviewer, 3)

    seen = client_of(auditor).get(reverse("audit:list"))
    assert {entry.actor_name for entry in seen.context["window"].entries} >= {"author", "reviewer"}
    own = client_of(author).get(reverse("audit:list"))
    assert {entry.actor_name for entry in own.context["window"].entries} == {"author"}
    hidden = AuditEntry.objects.exclude(actor=author).count()
    assert f"{hidden} entries of other people are not shown to you" in own.content.decode()


def test_the_superuser_flag_opens_nothing(author: User, viewer: User, client_of: ClientOf) -> None:
    fill(author, 2)
    viewer.is_superuser = True
    viewer.save()

    seen = client_of(viewer).get(reverse("audit:list"))
    assert {entry.actor_name for entry in seen.context["window"].entries} == {"viewer"}


def test_somebody_elses_entry_is_not_found(author: User, viewer: User, client_of: ClientOf) -> None:
    fill(author, 1)
    entry = AuditEntry.objects.filter(actor=author).latest("sequence")

    assert client_of(viewer).get(reverse("audit:detail", args=[entry.sequence])).status_code == 404
    assert client_of(author).get(reverse("audit:detail", args=[entry.sequence])).status_code == 200
    assert client_of(author).get(reverse("audit:detail", args=[10**30])).status_code == 404


def test_filters_narrow_the_list(author: User, reviewer: User, auditor: User, client_of: ClientOf) -> None:
    services.record(
        actor=author, action="change.submitted", target=Target("saved_query", VIEW_ID, "orders"), reason="Fix the join"
    )
    services.record(actor=reviewer, action="change.approved", target=Target("saved_query", VIEW_ID, "orders"))
    services.record_denied(actor=reviewer, action="schedules.resume", reason="No.")
    client = client_of(auditor)

    def found(**params: str) -> set[str]:
        response = client.get(reverse("audit:list"), params)
        return {entry.action for entry in response.context["window"].entries}

    assert found(object=VIEW_ID) == {"change.submitted", "change.approved"}
    assert found(object="orders", actor="author") == {"change.submitted"}
    assert found(action="change.") == {"change.submitted", "change.approved"}
    assert found(action="change.approved") == {"change.approved"}
    assert found(result="denied") == {"schedules.resume"}
    assert found(q="the JOIN") == {"change.submitted"}
    assert found(since="2999-01-01") == set()
    assert found(until="2001-01-01") == set()
    assert found(since="2001-01-01", until="2999-01-01", actor="reviewer") == {"change.approved", "schedules.resume"}


def test_all_rows_of_one_request_are_found(author: User, auditor: User, client_of: ClientOf) -> None:
    with context.use(context.RequestContext(request_id="one-click-1")):
        fill(author, 2)
    fill(author, 1)

    response = client_of(auditor).get(reverse("audit:list"), {"request_id": "one-click-1"})
    assert len(response.context["window"].entries) == 2


@pytest.mark.parametrize(
    "params",
    [
        {"since": "yesterday"},
        {"until": "2026-02-31"},
        {"since": "0001-01-01T00:00:00+14:00"},
        {"until": "9999-12-31T23:59:59-14:00"},
        {"result": "fine"},
    ],
)
def test_a_filter_that_cannot_be_used_says_so(auditor: User, client_of: ClientOf, params: dict[str, str]) -> None:
    response = client_of(auditor).get(reverse("audit:list"), params)

    assert response.status_code == 200
    assert response.context["problems"]


def test_hostile_parameters_do_no_harm(auditor: User, client_of: ClientOf) -> None:
    params = {"page": "before-" + "9" * 40, "object": "a\x00b", "q": "<script>alert(1)</script>", "actor": "'--"}
    response = client_of(auditor).get(reverse("audit:list"), params)

    assert response.status_code == 200
    assert "<script>alert" not in response.content.decode()


def test_paging_by_sequence_reaches_every_entry_once(author: User, client_of: ClientOf) -> None:
    fill(author, 120)
    client, seen, params = client_of(author), [], {}
    expected = list(AuditEntry.objects.filter(actor=author).order_by("-sequence").values_list("sequence", flat=True))
    for _ in range(10):
        response = client.get(reverse("audit:list"), params)
        seen += sequences(response)
        older = response.context["window"].older
        if not older:
            break
        params = {"page": older}

    assert seen == expected
    newer = response.context["window"].newer
    back = client.get(reverse("audit:list"), {"page": newer})
    assert sequences(back) == expected[len(expected) - len(sequences(response)) - 50 :][:50]


@pytest.mark.parametrize("rows", [10, 60])
def test_the_list_costs_the_same_whatever_its_length(
    auditor: User, client_of: ClientOf, django_assert_max_num_queries: Any, rows: int
) -> None:
    fill(auditor, rows)
    client = client_of(auditor)
    client.get(reverse("audit:list"))

    with django_assert_max_num_queries(12):
        assert client.get(reverse("audit:list")).status_code == 200


def test_htmx_gets_the_table_alone(auditor: User, client_of: ClientOf) -> None:
    response = client_of(auditor).get(reverse("audit:list"), headers={"HX-Request": "true"})

    assert response.content.decode().strip().startswith("<section")


def test_an_entry_shows_what_changed_and_what_came_back(author: User, client_of: ClientOf) -> None:
    entry = services.record(
        actor=author,
        action="saved_query.edit_query",
        target=Target("saved_query", VIEW_ID, "<b>orders</b>"),
        before={"query": "SELECT 1\nFROM a", "sync_frequency": "1hour"},
        after={"query": "SELECT 2\nFROM a", "sync_frequency": "1hour"},
        remote={"method": "PATCH", "status": 200},
        reason="<script>x</script>",
    )
    page = client_of(author).get(reverse("audit:detail", args=[entry.sequence])).content.decode()

    assert "PATCH" in page and "SELECT" in page and "diff" in page
    assert "<script>x" not in page and "<b>orders" not in page
    assert entry.hash in page


def test_an_auditor_verifies_and_the_page_tells_the_result(author: User, auditor: User, client_of: ClientOf) -> None:
    fill(author, 3)
    response = client_of(auditor).post(reverse("audit:verify"), follow=True)

    assert "The trail is whole" in response.content.decode()
    assert Verification.objects.latest().bad_sequence is None
    entry = AuditEntry.objects.get(action="audit.verified")
    assert (entry.actor, entry.result) == (auditor, "ok")


def test_others_may_not_verify_and_the_attempt_is_recorded(author: User, client_of: ClientOf) -> None:
    response = client_of(author).post(reverse("audit:verify"))

    assert response.status_code == 403
    assert not Verification.objects.exists()
    entry = AuditEntry.objects.get(action="audit.verified")
    assert (entry.actor, entry.result) == (author, "denied")


def test_more_filters_narrow_the_list(author: User, auditor: User, client_of: ClientOf) -> None:
    with context.use(context.RequestContext(ip="192.0.2.7", token_name="nightly")):
        services.record(
            actor=author, action="change.submitted", target=Target("change", "41", "orders"), connection="eu"
        )
    services.record(actor=None, action="sync.finished", connection="us")
    client = client_of(auditor)

    def found(**params: str) -> set[str]:
        response = client.get(reverse("audit:list"), params)
        assert response.context["problems"] == []
        return {entry.action for entry in response.context["window"].entries}

    assert found(ip="192.0.2.7") == found(token="nightly") == found(kind="token") == {"change.submitted"}
    assert found(object="41") == found(connection="eu") == {"change.submitted"}
    assert found(kind="system", action="sync.") == found(connection="us") == {"sync.finished"}
    assert found(ip="192.0.2.8") == found(connection="us", kind="token") == set()
    assert client.get(reverse("audit:list"), {"kind": "robot"}).context["problems"]


def test_what_is_seldom_is_found_far_from_the_end(
    author: User, auditor: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.record(actor=author, action="change.submitted", reason="100%_sure", connection="eu")
    fill(author, 12)
    monkeypatch.setattr(searching, "NEAR", 5)
    client = client_of(auditor)

    def found(**params: str) -> list[str]:
        return [entry.action for entry in client.get(reverse("audit:list"), params).context["window"].entries]

    assert found(connection="eu", actor="author") == ["change.submitted"]
    assert found(q="100%_SURE") == found(q="%_s") == ["change.submitted"]
    assert found(q="100%_", result="denied") == found(q="100__sure") == []
    assert found(action="test.", actor="author") == ["test.done"] * 12
    first = AuditEntry.objects.get(action="change.submitted").sequence
    assert found(page=f"after-{first - 1}", connection="eu", actor="author") == ["change.submitted"]


def test_a_trail_that_one_walk_covers_is_not_read_twice(
    author: User, auditor: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(author, 5)
    client = client_of(auditor)
    client.get(reverse("audit:list"), {"q": "no such word"})

    def walks(near: int) -> int:
        monkeypatch.setattr(searching, "NEAR", near)
        with CaptureQueriesContext(connection) as asked:
            assert sequences(client.get(reverse("audit:list"), {"q": "no such word"})) == []
        return sum('"audit_auditentry"."prev_hash"' in query["sql"] for query in asked.captured_queries)

    length = AuditEntry.objects.latest("sequence").sequence
    assert (walks(length), walks(length - 1)) == (1, 2)


def test_the_walk_begins_where_the_newest_entry_with_each_value_stands(author: User) -> None:
    seldom = services.record(actor=author, action="change.submitted", connection="eu")
    fill(author, 12)
    everything = selectors.entries_for(author, sees_all=True)

    def top(**params: str) -> int:
        return selectors.search(everything, params).top

    assert top(connection="eu") == top(connection="eu", actor="author") == top(action="change.submitted")
    assert top(connection="eu") == seldom.sequence
    assert top() == top(actor="author") == top(action="test.") == seldom.sequence + 12
    assert (top(connection="nowhere", actor="author"), top(kind="robot")) == (0, seldom.sequence + 12)


def test_a_row_tells_what_was_sent_and_opens_in_place(author: User, auditor: User, client_of: ClientOf) -> None:
    remote = {"method": "PATCH", "path": "/x/", "status": 409, "duration_ms": 1234}
    entry = services.record(
        actor=author, action="saved_query.rename", before={"n": "a"}, after={"n": "b"}, remote=remote
    )
    client = client_of(auditor)

    page = client.get(reverse("audit:list")).content.decode()
    assert "PATCH 409" in page and "1234 ms" in page
    inside = client.get(reverse("audit:detail", args=[entry.sequence]), headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in inside and "All rows of this request" in inside and "Copy as JSON" in inside


def test_what_there_is_to_choose_from_is_read_from_the_index(
    author: User, reviewer: User, auditor: User, client_of: ClientOf
) -> None:
    fill(author, 3)
    fill(reviewer, 2, connection="eu")
    context_ = client_of(auditor).get(reverse("audit:list")).context

    assert context_["known"]["actors"] == sorted({"author", "reviewer", "auditor"} & set(context_["known"]["actors"]))
    assert {"author", "reviewer"} <= set(context_["known"]["actors"])
    assert context_["known"]["connections"] == ["eu"]
    assert ("test.done", "test.done") in context_["actions"]


@pytest.mark.parametrize("page", ["", "before-2"])
def test_any_filters_together_cost_no_more(
    author: User, auditor: User, client_of: ClientOf, django_assert_max_num_queries: Any, page: str
) -> None:
    fill(author, 3)
    services.verify()
    client = client_of(auditor)
    client.get(reverse("audit:list"))
    asked = {"action": "test.", "actor": "author", "since": "2001-01-01", "until": "2999-01-01", "q": "x", "page": page}

    with django_assert_max_num_queries(12):
        assert client.get(reverse("audit:list"), asked).status_code == 200


def test_what_ended_before_it_is_asked_for_is_not_looked_for(
    auditor: User, author: User, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selectors, "_SLACK", 0)
    with time_machine.travel("2026-01-01T12:00:00Z", tick=False):
        fill(author, 2, connection="old")
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        fill(author, 2, connection="main")
    client = client_of(auditor)

    with CaptureQueriesContext(connection) as asked:
        nothing = client.get("/audit/?connection=old&since=2026-02-01")

    assert sequences(nothing) == []
    walks = [query["sql"] for query in asked.captured_queries if '"audit_auditentry"."prev_hash"' in query["sql"]]
    assert walks == []
    assert len(sequences(client.get("/audit/?connection=old&since=2025-12-01"))) == 2


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ({"actor": "-author"}, ["view_0 reviewer"]),
        ({"actor": "-author,-reviewer"}, []),
        ({"actor": "-reviewer", "object": "view_1"}, ["view_1 author"]),
        ({"action": "-test.", "q": "because"}, []),
        ({"action": "-test.other"}, ["view_0 reviewer", "view_1 author", "view_0 author"]),
        ({"object": "-view_0"}, ["view_1 author"]),
        ({"result": "-ok", "q": "because"}, []),
        ({"result": "-denied,-failed", "actor": "reviewer"}, ["view_0 reviewer"]),
        ({"q": "-view_0"}, []),
    ],
    ids=str,
)
def test_a_minus_leaves_out_what_a_filter_names(
    author: User, reviewer: User, auditor: User, client_of: ClientOf, query: dict[str, str], left: list[str]
) -> None:
    fill(author, 2, reason="because")
    fill(reviewer, 1, reason="because")
    client = client_of(auditor)

    page = client.get(reverse("audit:list"), query)
    told = client.get("/api/v1/audit/", {"search" if name == "q" else name: value for name, value in query.items()})

    shown = [entry for entry in page.context["window"].entries if entry.action == "test.done"]
    assert [f"{entry.object_name} {entry.actor_name}" for entry in shown] == left
    rows = [row for row in told.json()["results"] if row["action"] == "test.done"]
    assert [f"{row['object']['name']} {row['actor']}" for row in rows] == left


def test_what_is_left_out_is_said_and_can_be_shown_again(author: User, auditor: User, client_of: ClientOf) -> None:
    fill(author, 1)
    client = client_of(auditor)

    page = client.get(reverse("audit:list"), {"actor": "-author,-olga", "result": "ok", "page": "before-9"})

    text = page.content.decode()
    assert "Without actor" in text and 'href="?result=ok"' in text
    wrong = client.get(reverse("audit:list"), {"result": "-fine"}).content.decode()
    assert "There is no result “fine”" in wrong


def test_a_live_list_asks_for_itself_on_its_newest_page_alone(author: User, auditor: User, client_of: ClientOf) -> None:
    fill(author, 1)
    client, polls = client_of(auditor), 'hx-get="/audit/?actor=author&amp;live=1" hx-trigger="every 5s"'

    live = client.get(reverse("audit:list"), {"actor": "author", "live": "1"}).content.decode()

    assert polls in live and 'href="?actor=author"' in live
    assert "every 5s" not in client.get(reverse("audit:list"), {"actor": "author"}).content.decode()
    assert "every 5s" not in client.get(reverse("audit:list"), {"live": "1", "page": "before-9"}).content.decode()
    fill(author, 1)
    fragment = client.get(reverse("audit:list"), {"actor": "author", "live": "1"}, headers={"HX-Request": "true"})
    assert polls in fragment.content.decode() and "view_0" in fragment.content.decode()

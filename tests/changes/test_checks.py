"""What was checked of a revision is kept with it, shown to its reviewers, and part of the evidence."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from tests.changes.conftest import NEW_SQL
from tests.changes.test_evidence import download, files_of, told_by
from tests.mirror.builders import make_view
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes import checked, services
from warehouse_admin.changes.models import ChangeRequest, Look, Revision
from warehouse_admin.core.digests import json_digest
from warehouse_admin.lineage import services as lineage
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.posthog import errors, queries
from warehouse_admin.posthog.queries import Remark

pytestmark = pytest.mark.django_db
Propose = Callable[..., ChangeRequest]
ClientOf = Callable[[User], Client]


def kept(change: ChangeRequest) -> dict[str, dict[str, Any]]:
    revision = Revision.objects.filter(change=change).latest("number")
    return {} if revision.checks is None else {one["name"]: one for one in revision.checks["checks"]}


@pytest.fixture(autouse=True)
def answers(connection: Connection) -> None:
    """PostHog is known to check texts, and was asked about none."""
    cache.clear()
    accounts.learn(connection, "validate", None)


@pytest.fixture
def proposed(author: User, view: SavedQuery) -> Propose:
    def propose(query: str = NEW_SQL, submit: bool = True, **more: Any) -> ChangeRequest:
        return services.create(author=author, saved_query=view, query=query, reason="Why not", submit=submit, **more)

    return propose


def test_all_that_is_looked_at_is_kept_when_it_is_handed_in(proposed: Propose) -> None:
    change = proposed()
    found = kept(change)

    assert list(found) == ["offered", "key", "base", "syntax", "posthog", "cautions", "consequences", "impact"]
    assert {found[name]["result"] for name in ("key", "base", "syntax", "posthog")} == {"pass"}
    assert found["posthog"]["answer"] == [] and found["posthog"]["took_ms"] >= 0
    assert found["syntax"]["took_ms"] is not None and found["impact"]["took_ms"] is not None
    revision = Revision.objects.get(change=change)
    assert revision.checks["took_ms"] >= found["posthog"]["took_ms"]
    entry = AuditEntry.objects.get(action="change.created", object_id=str(change.pk))
    assert entry.after["checks_digest"] == json_digest(revision.checks)


def test_a_draft_is_not_asked_about_until_it_is_handed_in(
    proposed: Propose, author: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    check = queries.check
    monkeypatch.setattr(queries, "check", lambda client, sql, **more: asked.append(sql) or check(client, sql, **more))
    change = proposed(submit=False)
    assert kept(change)["posthog"]["result"] == "not_looked" and asked == []

    services.submit(change, author)

    assert kept(change)["posthog"]["result"] == "pass" and asked == [NEW_SQL]
    entry = AuditEntry.objects.get(action="change.submitted", object_id=str(change.pk))
    digest = json_digest(Revision.objects.get(change=change).checks)
    assert entry.after == {"revision": 1, "checks_digest": digest, "lint": {"findings": []}}


def test_what_posthog_says_is_kept_word_for_word(proposed: Propose, monkeypatch: pytest.MonkeyPatch) -> None:
    said = [Remark("Unable to resolve field: one", 0), Remark("Slow", None, is_error=False)]
    monkeypatch.setattr(queries, "check", lambda *_, **__: said)
    found = kept(proposed())["posthog"]

    assert found["result"] == "fail"
    assert found["answer"] == [
        {"level": "error", "message": "PostHog: Unable to resolve field: one", "line": 1},
        {"level": "warning", "message": "PostHog: Slow", "line": 1},
    ]


def test_posthog_out_of_reach_stops_nobody_and_is_no_pass(proposed: Propose, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any, **__: Any) -> None:
        raise errors.Unreachable("no answer")

    monkeypatch.setattr(queries, "check", gone)
    change = proposed()

    assert change.state == ChangeRequest.State.IN_REVIEW
    assert kept(change)["posthog"]["result"] == "not_looked" and kept(change)["posthog"]["text"]


def test_a_server_that_is_not_known_to_check_texts_is_not_asked(
    proposed: Propose, author: User, view: SavedQuery, client_of: ClientOf
) -> None:
    Connection.objects.update(capabilities={})
    view.refresh_from_db()
    first = kept(proposed())["posthog"]
    assert (first["result"], first["answer"]) == ("not_looked", None)

    typed = "SELECT 2 AS two FROM stg_app_orders"  # an editor has asked about this one
    client_of(author).post(f"{reverse('changes:validate')}?connection={view.connection.slug}", {"query": typed})
    assert kept(proposed(typed))["posthog"]["result"] == "pass"


def test_an_edit_under_review_is_checked_anew(proposed: Propose, author: User) -> None:
    change = proposed()
    services.revise(change, author, "SELECT 2 AS two FROM stg_app_orders", 1)

    assert [Revision.objects.get(change=change, number=number).checks["at"] for number in (1, 2)]
    assert kept(change)["posthog"]["result"] == "pass"


def test_what_breaks_downstream_is_told_with_the_views(proposed: Propose, view: SavedQuery) -> None:
    first = view.columns[0]["name"]
    make_view(view.connection, "uses_it", f"SELECT {first} AS x FROM {view.name}")
    lineage.refresh(view.connection)
    found = kept(proposed("SELECT 1 AS nothing"))["impact"]

    assert found["result"] == "fail" and found["text"] == "Would break: 1 view."
    assert found["details"] == [f"uses_it: “{first}” is not there any more."]


def test_no_key_gets_into_what_is_kept_and_it_is_bounded(proposed: Propose, monkeypatch: pytest.MonkeyPatch) -> None:
    key = "phx_0123456789abcdefghij"
    said = [Remark(f"Bad key {key} {'x' * 5_000}", 0)] * 300
    monkeypatch.setattr(queries, "check", lambda *_, **__: said)
    change = proposed()

    text = json.dumps(Revision.objects.get(change=change).checks)
    assert key not in text and len(text) < 100_000
    assert "and 250 more" in text


def test_reviewers_see_it_and_scripts_too(proposed: Propose, reviewer: User, client_of: ClientOf) -> None:
    change = proposed()
    page = client_of(reviewer).get(reverse("changes:detail", args=[change.pk])).content.decode()
    told = client_of(reviewer).get(f"/api/v1/changes/{change.pk}/").json()["checks"]

    assert "<h2>Checks</h2>" in page and "PostHog was asked, and finds nothing wrong." in page
    assert told == Revision.objects.get(change=change).checks | {"at": told["at"]}


def test_old_revisions_say_that_nothing_was_kept(
    proposed: Propose, reviewer: User, auditor: User, client_of: ClientOf
) -> None:
    change = proposed()
    Look.objects.filter(revision__change=change).delete()
    page = client_of(reviewer).get(reverse("changes:detail", args=[change.pk])).content.decode()

    assert checked.NOTHING_KEPT in page
    assert client_of(reviewer).get(f"/api/v1/changes/{change.pk}/").json()["checks"] is None
    content = download(client_of(auditor), change)
    assert told_by(content)["revisions"][0]["checked"] is None
    assert b"Nothing was kept of what was checked" in files_of(content)["evidence.html"]


def test_it_is_part_of_the_evidence(proposed: Propose, auditor: User, client_of: ClientOf) -> None:
    change = proposed()
    content = download(client_of(auditor), change)
    checks = Revision.objects.get(change=change).checks

    [revision] = told_by(content)["revisions"]
    assert revision["checked"] == checks
    assert b"PostHog was asked, and finds nothing wrong." in files_of(content)["evidence.html"]
    [entry] = [one for one in told_by(content)["entries"] if one["action"] == "change.created"]
    assert entry["after"]["checks_digest"] == json_digest(revision["checked"])


def test_the_database_lets_nobody_change_what_was_found(proposed: Propose) -> None:
    change = proposed()
    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
        Look.objects.filter(revision__change=change).update(found={})
    assert kept(change)

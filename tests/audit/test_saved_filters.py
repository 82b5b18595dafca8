"""Filters of the log under a name: kept, shared with those who read the trail, renamed, removed; pages and REST."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from warehouse_admin.accounts.models import User
from warehouse_admin.audit import saved_filters, services, shelf
from warehouse_admin.audit.models import AuditEntry, Export, SavedFilter

ClientOf = Callable[[User], Client]
REST = "/api/v1/audit/filters/"


def saved(client: Client, name: str, query: str, **more: str) -> SavedFilter:
    answer = client.post(reverse("audit:filters"), {"name": name, "query": query, **more})
    assert answer.status_code == 302, answer.content.decode()
    return SavedFilter.objects.get(name=name)


def test_filters_are_kept_as_the_address_has_them_and_nothing_else_of_it(auditor: User, client_of: ClientOf) -> None:
    client = client_of(auditor)
    form = client.get(reverse("audit:filters"), {"result": "denied", "since": "7d", "page": "before-9", "x": "1"})
    assert "result = denied" in form.content.decode()

    answer = client.post(
        reverse("audit:filters"), {"name": " Denied  this week ", "query": "since=7d&result=denied&page=before-9&x=1"}
    )
    assert answer["Location"] == "/audit/?result=denied&since=7d"
    page = client.get(answer["Location"]).content.decode()
    assert 'href="/audit/?result=denied&amp;since=7d"' in page and "Denied this week" in page
    entry = AuditEntry.objects.get(action="audit.filter_saved")
    assert (entry.actor, entry.object_name, entry.before) == (auditor, "Denied this week", None)
    assert entry.after == {"name": "Denied this week", "query": "result=denied&since=7d", "shared": False}


def test_a_shared_one_is_for_those_who_read_the_whole_trail(
    auditor: User, admin: User, author: User, client_of: ClientOf
) -> None:
    saved(client_of(auditor), "Refusals", "result=denied", shared="on")
    saved(client_of(auditor), "Mine alone", "result=failed")

    assert "Refusals" in client_of(admin).get(reverse("audit:list")).content.decode()
    assert "Mine alone" not in client_of(admin).get(reverse("audit:filters")).content.decode()
    assert "Refusals" not in client_of(author).get(reverse("audit:filters")).content.decode()


def test_only_those_who_read_it_share(author: User, client_of: ClientOf) -> None:
    client = client_of(author)
    answer = client.post(reverse("audit:filters"), {"name": "For you", "query": "result=ok", "shared": "on"})

    assert answer.status_code == 403 and not SavedFilter.objects.exists()
    assert AuditEntry.objects.filter(action="audit.filter_shared", result="denied", actor=author).exists()
    assert saved(client, "For me", "result=ok").owner == author


def test_it_is_renamed_shared_and_removed_by_its_owner_alone(auditor: User, admin: User, client_of: ClientOf) -> None:
    mine, theirs = client_of(auditor), client_of(admin)
    kept = saved(mine, "Refusals", "result=denied")
    change, remove = reverse("audit:filter-change", args=[kept.pk]), reverse("audit:filter-remove", args=[kept.pk])

    assert theirs.post(change, {"name": "Taken"}).status_code == 404
    assert theirs.post(remove).status_code == 404
    assert mine.post(change, {"name": "All refusals", "shared": "on"}).status_code == 302
    kept.refresh_from_db()
    assert (kept.name, kept.query, kept.is_shared) == ("All refusals", "result=denied", True)
    entry = AuditEntry.objects.filter(action="audit.filter_saved").latest("sequence")
    assert (entry.before["name"], entry.after["name"]) == ("Refusals", "All refusals")

    assert mine.post(remove).status_code == 302
    assert not SavedFilter.objects.exists()
    assert AuditEntry.objects.get(action="audit.filter_removed").before["query"] == "result=denied"


def test_a_name_given_twice_is_refused_and_one_saved_twice_replaces(auditor: User, client_of: ClientOf) -> None:
    client = client_of(auditor)
    saved(client, "One", "result=denied")
    other = saved(client, "Two", "result=failed")
    saved(client, "One", "result=ok")

    assert SavedFilter.objects.get(name="One").query == "result=ok" and SavedFilter.objects.count() == 2
    answer = client.post(reverse("audit:filter-change", args=[other.pk]), {"name": "One"})
    assert answer.status_code == 422 and "You have another one of this name" in answer.content.decode()


@pytest.mark.parametrize(
    ("name", "query", "told"),
    [
        ("", "result=ok", "Give it a name"),
        ("x" * 81, "result=ok", "at most 80 characters"),
        ("\u200b", "result=ok", "Give it a name"),
        ("Key", "q=phx_abcdefgh12345678", "looks like an API key"),
        ("phx_abcdefgh12345678", "result=ok", "looks like an API key"),
        ("Long", "q=" + "%C3%A9" * 299, "too long to keep"),
    ],
)
def test_what_cannot_be_kept_is_said_and_what_was_typed_stays(
    name: str, query: str, told: str, auditor: User, client_of: ClientOf
) -> None:
    answer = client_of(auditor).post(reverse("audit:filters"), {"name": name, "query": query, "shared": "on"})

    page = answer.content.decode()
    assert answer.status_code == 422 and told in page and "checked" in page
    assert not SavedFilter.objects.exists()


def test_there_is_an_end_to_it(auditor: User, monkeypatch: pytest.MonkeyPatch, client_of: ClientOf) -> None:
    monkeypatch.setattr(shelf, "MOST", 1)
    client = client_of(auditor)
    saved(client, "One", "result=denied")
    answer = client.post(reverse("audit:filters"), {"name": "Two", "query": "result=ok"})

    assert answer.status_code == 422 and "remove one first" in answer.content.decode()


def test_nothing_is_kept_that_the_trail_cannot_tell_of(auditor: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**told: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(services, "record", broken)
    with pytest.raises(OSError, match="no room"):
        saved_filters.save(user=auditor, name="Refusals", query="result=denied")
    assert not SavedFilter.objects.exists()


def test_rest_does_the_same(auditor: User, admin: User, author: User, client_of: ClientOf) -> None:
    mine, theirs = client_of(auditor), client_of(admin)
    body = {"name": "Refusals", "query": "?result=denied&page=9", "shared": True}
    made = mine.post(REST, body, content_type="application/json", headers={"Idempotency-Key": "one"})
    again = mine.post(REST, body, content_type="application/json", headers={"Idempotency-Key": "one"})

    assert made.status_code == 201 and made.json() == again.json()
    assert made.json() == {
        "id": made.json()["id"],
        "name": "Refusals",
        "query": "result=denied",
        "shared": True,
        "owner": "auditor",
    }
    assert [row["name"] for row in theirs.get(REST).json()["results"]] == ["Refusals"]
    assert client_of(author).get(REST).json()["results"] == []
    one = f"{REST}{made.json()['id']}/"
    assert theirs.patch(one, {"name": "Mine"}, content_type="application/json").status_code == 404
    assert mine.patch(one, {"shared": False}, content_type="application/json").json()["shared"] is False
    assert theirs.get(REST).json()["results"] == []
    refused = client_of(author).post(REST, body, content_type="application/json")
    assert refused.status_code == 403
    assert mine.post(REST, {**body, "name": " "}, content_type="application/json").status_code == 400
    assert mine.delete(f"{REST}{2**70}/").status_code == 404
    assert mine.delete(one).status_code == 204 and not SavedFilter.objects.exists()


def test_days_are_counted_back_from_the_day_it_is_looked_at(auditor: User, client_of: ClientOf) -> None:
    with time_machine.travel("2026-03-01T09:00Z", tick=False):
        services.record(actor=auditor, action="test.old")
    with time_machine.travel("2026-03-08T09:00Z", tick=False):
        services.record(actor=auditor, action="test.new")
        client = client_of(auditor)

        def found(since: str) -> set[str]:
            window = client.get(reverse("audit:list"), {"since": since}).context["window"]
            return {entry.action for entry in window.entries if entry.action.startswith("test.")}

        assert found("7d") == {"test.new"}
        assert found("8d") == {"test.new", "test.old"}
        page = client.get(reverse("audit:list"), {"since": "7d"}).content.decode()
        assert '<option value="7d" selected>7 days</option>' in page and 'value="2026-03-02"' in page
        client.post(reverse("audit:exports"), {"format": "csv", "since": "7d"})
    assert Export.objects.get().filters == {"since": "2026-03-02"}
